//! The conditions `Drifted` and `Consolidatable`, against an API server, in virtual time.
//!
//! Nothing is disrupted here: the budgets of all pools are zero.

mod common;

use std::time::Duration;

use apiserver::WriteOptions;
use common::{CLAIMS, CLASSES, POOLS, Rig, set_status};
use controllers::CloudError;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const SOON: Duration = Duration::from_secs(5);

/// Status and reason of a condition.
fn condition(object: &Value, r#type: &str) -> Option<(String, String)> {
    let conditions = object["status"]["conditions"].as_array()?;
    let held = conditions.iter().find(|held| held["type"] == r#type)?;
    let text = |field: &str| held[field].as_str().unwrap_or_default().to_owned();
    Some((text("status"), text("reason")))
}

/// Why the claim of a pool has drifted, if it has.
fn drift(rig: &Rig, pool: &str) -> Option<String> {
    let (status, reason) = condition(&claim(rig, pool), "Drifted")?;
    assert_eq!(status, "True");
    Some(reason)
}

fn is_consolidatable(rig: &Rig, pool: &str) -> bool {
    condition(&claim(rig, pool), "Consolidatable").is_some_and(|(status, _)| status == "True")
}

/// The claim of a pool.
fn claim(rig: &Rig, pool: &str) -> Value {
    let mut claims = rig.list(CLAIMS);
    claims.retain(|claim| claim["metadata"]["labels"]["karpenter.sh/nodepool"] == *pool);
    assert_eq!(claims.len(), 1, "of {pool}");
    claims.remove(0)
}

fn change_pool(rig: &Rig, name: &str, patch: &Value) {
    let options = WriteOptions::default();
    let lay = |pool: &mut Value| common::merge(pool, patch);
    rig.server
        .modify(POOLS, "", name, &options, lay)
        .expect("a change");
}

fn change_class(rig: &Rig, patch: &Value) {
    let lay = |class: &mut Value| common::merge(class, patch);
    rig.server
        .modify(CLASSES, "", "default", &WriteOptions::default(), lay)
        .expect("a change");
}

fn change_claim(rig: &Rig, pool: &str, patch: &Value) {
    let name = claim(rig, pool)["metadata"]["name"].clone();
    let name = name.as_str().expect("a name");
    let lay = |claim: &mut Value| common::merge(claim, patch);
    rig.server
        .modify(CLAIMS, "", name, &WriteOptions::default(), lay)
        .expect("a change");
}

/// A complete node of each of the pools `default` and `other`.
async fn settled() -> Rig {
    let mut rig = Rig::new();
    let still = json!({"spec": {"disruption": {"budgets": [{"nodes": "0"}]}}});
    change_pool(&rig, "default", &still);
    let mut other = rig.list(POOLS).remove(0);
    other["metadata"] = json!({"name": "other"});
    rig.server.create(POOLS, "", other).expect("a pool");
    rig.start();
    for pool in ["default", "other"] {
        let selector = json!({"spec": {"nodeSelector": {"karpenter.sh/nodepool": pool}}});
        rig.pod(&format!("on-{pool}"), &selector);
    }
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.until(MINUTE, "both nodes are complete", |rig| {
        let claims = rig.list(CLAIMS);
        let ready = |claim: &Value| condition(claim, "Ready").is_some_and(|(is, _)| is == "True");
        claims.len() == 2 && claims.iter().all(ready)
    })
    .await;
    rig
}

/// DF-01, CO-06: what the provider says is shown within five minutes, and each condition goes when
/// it does not hold any more.
#[tokio::test(start_paused = true)]
async fn both_conditions_come_and_go() {
    let rig = settled().await;
    rig.until(MINUTE, "quiet", |rig| is_consolidatable(rig, "default"))
        .await;
    assert_eq!(drift(&rig, "default"), None);
    rig.cloud.drift(Some(Ok("ImageDrift")));
    rig.until(5 * MINUTE + SOON, "drifted", |rig| {
        drift(rig, "default").as_deref() == Some("ImageDrift")
    })
    .await;
    assert!(is_consolidatable(&rig, "default"));
    let never = json!({"spec": {"disruption": {"consolidateAfter": "Never"}}});
    change_pool(&rig, "default", &never);
    rig.until(SOON, "a change of the pool counts at once", |rig| {
        !is_consolidatable(rig, "default")
    })
    .await;
    assert!(drift(&rig, "default").is_some());
    rig.cloud.drift(None);
    rig.until(5 * MINUTE + SOON, "not drifted", |rig| {
        drift(rig, "default").is_none()
    })
    .await;
    assert_eq!(condition(&claim(&rig, "default"), "Consolidatable"), None);
}

/// A condition that goes is one write.
#[tokio::test(start_paused = true)]
async fn a_condition_that_goes_costs_one_write() {
    let rig = settled().await;
    rig.until(MINUTE, "quiet", |rig| is_consolidatable(rig, "default"))
        .await;
    rig.clock.sleep(MINUTE).await;
    let before = rig.wire.writes().len();
    let never = json!({"spec": {"disruption": {"consolidateAfter": "Never"}}});
    change_pool(&rig, "default", &never);
    rig.until(SOON, "not any more", |rig| {
        !is_consolidatable(rig, "default")
    })
    .await;
    rig.clock.sleep(MINUTE).await;
    let mut writes = rig.wire.writes().split_off(before);
    writes.retain(|write| write.contains("/nodeclaims/"));
    assert_eq!(writes.len(), 1, "{writes:?}");
}

/// The cloud is asked about each claim once in five minutes, and when the node class has changed;
/// not whenever the claim is written to.
#[tokio::test(start_paused = true)]
async fn the_cloud_is_not_asked_more_than_it_must() {
    let rig = settled().await;
    let writes = rig.wire.writes().len();
    assert!(writes > 20, "claims were written to {writes} times");
    let before = rig.cloud.drift_asked();
    assert!(
        (2..=4).contains(&before),
        "asked {before} times for two claims"
    );
    rig.clock.sleep(60 * MINUTE).await;
    let asked = rig.cloud.drift_asked() - before;
    assert!((22..=26).contains(&asked), "asked {asked} times in an hour");
    let asked = rig.cloud.drift_asked();
    let note = json!({"metadata": {"annotations": {"example.com/note": "1"}}});
    change_claim(&rig, "default", &note);
    rig.clock.sleep(SOON).await;
    assert_eq!(rig.cloud.drift_asked(), asked);
    set_status(&rig.server, CLASSES, "default", "seen", json!("1"));
    change_class(&rig, &note);
    rig.until(SOON, "asked for both claims", |rig| {
        rig.cloud.drift_asked() == asked + 2
    })
    .await;
}

/// A provider that sees a change of the node class later than the loop still answers by the class
/// as it was; it is asked once more before the five minutes are over.
#[tokio::test(start_paused = true)]
async fn the_first_answer_after_a_change_of_the_node_class_is_asked_for_again() {
    let rig = settled().await;
    rig.clock.sleep(MINUTE).await;
    let asked = rig.cloud.drift_asked();
    let note = json!({"metadata": {"annotations": {"example.com/note": "1"}}});
    change_class(&rig, &note);
    rig.until(SOON, "asked for both claims", |rig| {
        rig.cloud.drift_asked() == asked + 2
    })
    .await;
    rig.cloud.drift(Some(Ok("AMIDrift")));
    rig.until(3 * SOON, "drifted", |rig| drift(rig, "default").is_some())
        .await;
    rig.clock.sleep(MINUTE).await;
    assert_eq!(rig.cloud.drift_asked(), asked + 4);
}

/// An answer that does not come changes nothing, and holds nothing else up.
#[tokio::test(start_paused = true)]
async fn without_an_answer_the_condition_stays() {
    let rig = settled().await;
    rig.cloud.drift(Some(Ok("ImageDrift")));
    rig.until(5 * MINUTE + SOON, "drifted", |rig| {
        drift(rig, "default").is_some()
    })
    .await;
    for error in [
        CloudError::Other("no answer".to_owned()),
        CloudError::NotFound("not there".to_owned()),
    ] {
        let before = rig.cloud.drift_asked();
        rig.cloud.drift(Some(Err(error.clone())));
        rig.clock.sleep(10 * MINUTE).await;
        assert!(rig.cloud.drift_asked() > before, "{error}");
        assert_eq!(drift(&rig, "default").as_deref(), Some("ImageDrift"));
    }
    assert!(is_consolidatable(&rig, "default"));
    let never = json!({"spec": {"disruption": {"consolidateAfter": "Never"}}});
    change_pool(&rig, "default", &never);
    rig.until(SOON, "the other condition is kept", |rig| {
        !is_consolidatable(rig, "default")
    })
    .await;
    rig.cloud.drift(None);
    rig.until(20 * MINUTE, "not drifted", |rig| {
        drift(rig, "default").is_none()
    })
    .await;
}

/// DF-06, DF-08, DF-11: a changed template shows at once, on claims of its pool alone, and comes
/// before what the provider says.
#[tokio::test(start_paused = true)]
async fn a_changed_template_marks_the_claims_of_its_pool() {
    let rig = settled().await;
    let labels = |value: Value| json!({"spec": {"template": {"metadata": {"labels": {"example.com/team": value}}}}});
    change_pool(&rig, "other", &labels(json!("a")));
    rig.until(SOON, "drifted", |rig| {
        drift(rig, "other").as_deref() == Some("NodePoolDrifted")
    })
    .await;
    rig.cloud.drift(Some(Ok("ImageDrift")));
    rig.until(5 * MINUTE + SOON, "the provider's word", |rig| {
        drift(rig, "default").as_deref() == Some("ImageDrift")
    })
    .await;
    assert_eq!(drift(&rig, "other").as_deref(), Some("NodePoolDrifted"));
    rig.cloud.drift(None);
    let options = WriteOptions::default();
    rig.server
        .modify(POOLS, "", "other", &options, |pool| {
            pool["spec"]["template"]["metadata"] = json!({});
        })
        .expect("a change");
    rig.until(5 * MINUTE + SOON, "as it was", |rig| {
        drift(rig, "other").is_none() && drift(rig, "default").is_none()
    })
    .await;
}

/// DF-07, DF-10: requirements that a node does not meet show at once, and others do not.
#[tokio::test(start_paused = true)]
async fn changed_requirements_mark_claims_that_do_not_meet_them() {
    let rig = settled().await;
    rig.cloud.drift(Some(Ok("ImageDrift")));
    let arch = claim(&rig, "other")["metadata"]["labels"]["kubernetes.io/arch"].clone();
    let another = if arch == "amd64" { "arm64" } else { "amd64" };
    let require = |values: Value| {
        json!({"spec": {"template": {"spec": {"requirements":
            [{"key": "kubernetes.io/arch", "operator": "In", "values": values}]}}}})
    };
    change_pool(&rig, "default", &require(json!(["amd64", "arm64"])));
    change_pool(&rig, "other", &require(json!([another])));
    rig.until(SOON, "drifted", |rig| {
        drift(rig, "other").as_deref() == Some("RequirementsDrifted")
    })
    .await;
    rig.until(5 * MINUTE + SOON, "the provider's word", |rig| {
        drift(rig, "default").as_deref() == Some("ImageDrift")
    })
    .await;
}

/// DF-03: without their pool claims are not looked at.
#[tokio::test(start_paused = true)]
async fn claims_without_pool_do_not_drift() {
    let rig = settled().await;
    rig.server
        .delete(POOLS, "", "other", &apiserver::DeleteOptions::default())
        .expect("a deletion");
    rig.cloud.drift(Some(Ok("ImageDrift")));
    rig.until(5 * MINUTE + SOON, "drifted", |rig| {
        drift(rig, "default").is_some()
    })
    .await;
    rig.clock.sleep(10 * MINUTE).await;
    assert_eq!(drift(&rig, "other"), None);
}

/// DF-04: what is not sold any more has drifted, once it is an hour old; a look lasts for half an
/// hour; a list that can't be read says nothing.
#[tokio::test(start_paused = true)]
async fn a_machine_that_is_not_sold_any_more_drifts_after_an_hour() {
    let rig = settled().await;
    let key = "node.kubernetes.io/instance-type";
    let ty = claim(&rig, "default")["metadata"]["labels"][key].clone();
    let ty = ty.as_str().expect("a type").to_owned();
    rig.cloud.hide(&["default"]);
    rig.clock.sleep(70 * MINUTE).await;
    rig.cloud.sell_out(&ty);
    rig.clock.sleep(10 * MINUTE).await;
    assert_eq!(drift(&rig, "default"), None, "it can't be known");
    assert_eq!(drift(&rig, "other"), None, "it was looked at not long ago");
    rig.cloud.hide(&[]);
    for pool in ["default", "other"] {
        rig.until(31 * MINUTE, "drifted", |rig| {
            drift(rig, pool).as_deref() == Some("InstanceTypeNotFound")
        })
        .await;
    }
}

/// The same for a claim that is young.
#[tokio::test(start_paused = true)]
async fn a_young_machine_is_not_looked_for_among_what_is_sold() {
    let rig = settled().await;
    let key = "node.kubernetes.io/instance-type";
    let ty = claim(&rig, "default")["metadata"]["labels"][key].clone();
    rig.cloud.sell_out(ty.as_str().expect("a type"));
    rig.clock.sleep(55 * MINUTE).await;
    assert_eq!(drift(&rig, "default"), None);
    rig.until(10 * MINUTE, "drifted", |rig| {
        drift(rig, "default").as_deref() == Some("InstanceTypeNotFound")
    })
    .await;
}

/// NP-05: hashes of an older algorithm are replaced, except on claims that have drifted; the pool
/// says so last.
#[tokio::test(start_paused = true)]
async fn hashes_of_an_older_algorithm_are_replaced() {
    let mut rig = settled().await;
    rig.crash().await;
    let old = |hash: &str| {
        json!({"metadata": {"annotations": {
            "karpenter.sh/nodepool-hash": hash, "karpenter.sh/nodepool-hash-version": "v2"}}})
    };
    for (pool, hash) in [("default", "1"), ("other", "0")] {
        change_pool(&rig, pool, &old("1"));
        change_claim(&rig, pool, &old(hash));
    }
    let drifted = claim(&rig, "other");
    let mut conditions = drifted["status"]["conditions"].clone();
    let condition = json!({"type": "Drifted", "status": "True", "reason": "NodePoolDrifted",
        "message": "NodePoolDrifted", "lastTransitionTime": "2026-01-01T00:00:30Z"});
    conditions.as_array_mut().expect("a list").push(condition);
    let name = drifted["metadata"]["name"].as_str().expect("a name");
    set_status(&rig.server, CLAIMS, name, "conditions", conditions);
    let written = rig.wire.writes().len();
    rig.start();
    let hash = |object: &Value| {
        let annotations = &object["metadata"]["annotations"];
        let text = |key: &str| annotations[key].as_str().unwrap_or_default().to_owned();
        (
            text("karpenter.sh/nodepool-hash"),
            text("karpenter.sh/nodepool-hash-version"),
        )
    };
    rig.until(MINUTE, "the pools say so", |rig| {
        rig.list(POOLS).iter().all(|pool| hash(pool).1 == "v3")
    })
    .await;
    let new = hash(&rig.list(POOLS)[0]);
    assert_eq!(hash(&claim(&rig, "default")), new);
    assert_eq!(
        hash(&claim(&rig, "other")),
        ("0".to_owned(), "v3".to_owned())
    );
    rig.clock.sleep(10 * MINUTE).await;
    assert_eq!(drift(&rig, "default"), None);
    assert_eq!(drift(&rig, "other").as_deref(), Some("NodePoolDrifted"));
    let conditions = claim(&rig, "other")["status"]["conditions"].to_string();
    assert!(
        conditions.contains("2026-01-01T00:00:30Z"),
        "it never went: {conditions}"
    );
    let writes = rig.wire.writes().split_off(written);
    let first = |text: &str| writes.iter().position(|write| write.contains(text));
    assert!(first("/nodeclaims/") < first("/nodepools/"), "{writes:?}");
}
