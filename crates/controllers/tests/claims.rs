//! Claims whose pool is gone, whose writes are lost, or which only we believe in, and nodes that
//! are not what was promised; against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{DeleteOptions, NODES, WriteOptions};
use common::{CLAIMS, Fault, POOLS, Rig, set_status};
use controllers::CloudError;
use model::Timestamp;
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

fn is(object: &Value, r#type: &str) -> bool {
    condition(object, r#type).is_some_and(|(status, _)| status == "True")
}

fn text(object: &Value, pointer: &str) -> String {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn time(object: &Value, field: &str) -> Timestamp {
    let text = text(object, &format!("/metadata/{field}"));
    text.parse().expect("a time")
}

/// One claim.
fn claim(rig: &Rig) -> Value {
    let mut claims = rig.list(CLAIMS);
    assert_eq!(claims.len(), 1);
    claims.remove(0)
}

fn node(rig: &Rig) -> Value {
    let mut nodes = rig.list(NODES);
    assert_eq!(nodes.len(), 1);
    nodes.remove(0)
}

fn name(object: &Value) -> String {
    text(object, "/metadata/name")
}

fn modify(rig: &Rig, resource: apiserver::Resource<'_>, name: &str, patch: &Value) {
    let lay = |object: &mut Value| common::merge(object, patch);
    rig.server
        .modify(resource, "", name, &WriteOptions::default(), lay)
        .expect("a change");
}

fn delete(rig: &Rig, resource: apiserver::Resource<'_>, name: &str) {
    rig.server
        .delete(resource, "", name, &DeleteOptions::default())
        .expect("a deletion");
}

/// A claim that somebody has written by hand.
fn by_hand(name: &str, patch: &Value) -> Value {
    let mut claim = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": name},
        "spec": {"requirements": [{"key": "kubernetes.io/arch", "operator": "In",
                "values": ["amd64"]}],
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass",
                "name": "default"}}});
    common::merge(&mut claim, patch);
    claim
}

/// A pool whose nodes stay.
fn rig() -> Rig {
    let rig = Rig::new();
    let still = json!({"spec": {"disruption": {"budgets": [{"nodes": "0"}]}}});
    modify(&rig, POOLS, "default", &still);
    rig
}

/// One complete node.
async fn settled() -> Rig {
    let mut rig = rig();
    rig.start();
    rig.scale_up("x", 1);
    rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    rig.until(MINUTE, "the node is complete", |rig| {
        is(&claim(rig), "Ready")
    })
    .await;
    rig
}

/// LC-02: claims of other providers are left alone.
#[tokio::test(start_paused = true)]
async fn a_claim_of_another_provider_is_left_alone() {
    let mut rig = rig();
    rig.start();
    let foreign = json!({"spec": {"nodeClassRef": {"group": "example.com", "kind": "Other"}}});
    let foreign = by_hand("foreign", &foreign);
    rig.server.create(CLAIMS, "", foreign).expect("a claim");
    let before = claim(&rig);
    rig.clock.sleep(30 * MINUTE).await;
    assert_eq!(claim(&rig), before);
    assert_eq!(rig.cloud.launched(), 0);
    rig.server
        .create(CLAIMS, "", by_hand("ours", &json!({})))
        .expect("a claim");
    rig.until(MINUTE, "ours is launched", |rig| rig.cloud.launched() == 1)
        .await;
}

/// LC-07: a launch that could not be written down is not made twice.
#[tokio::test(start_paused = true)]
async fn a_launch_that_was_not_written_down_is_found_again() {
    let launch = |write: &String| write.contains("/nodeclaims/") && write.ends_with("/status");
    let writes = settled().await.wire.writes();
    let first = writes.iter().position(launch).expect("the launch");
    for fault in [Fault::LostRequest, Fault::LostAnswer] {
        let mut rig = rig();
        rig.wire.plan(first, fault);
        rig.start();
        rig.scale_up("x", 1);
        rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
            .await;
        assert_eq!(rig.wire.writes()[first], writes[first], "{fault:?}");
        assert_eq!((rig.list(CLAIMS).len(), rig.cloud.launched()), (1, 1));
        assert_eq!(text(&claim(&rig), "/status/providerID"), "test://i-1");
    }
}

/// A claim that is launched, and whose pool is deleted then.
async fn without_pool(rig: &mut Rig) {
    rig.start();
    rig.scale_up("x", 1);
    rig.until(MINUTE, "a launch", |rig| {
        rig.list(CLAIMS).iter().any(|claim| is(claim, "Launched"))
    })
    .await;
    delete(rig, POOLS, "default");
}

/// LC-28: a node joins although its pool is gone.
#[tokio::test(start_paused = true)]
async fn a_node_registers_without_its_pool() {
    let mut rig = rig();
    without_pool(&mut rig).await;
    assert!(!is(&claim(&rig), "Registered"));
    rig.until(MINUTE, "ready", |rig| is(&claim(rig), "Ready"))
        .await;
    let labels = &node(&rig)["metadata"]["labels"];
    assert_eq!(labels["karpenter.sh/registered"], "true");
    assert_eq!(rig.list(POOLS), Vec::<Value>::new());
}

/// LV-09: a claim whose node never joins is given up although its pool is gone.
#[tokio::test(start_paused = true)]
async fn a_claim_is_given_up_without_its_pool() {
    let mut rig = rig();
    rig.cloud.silence();
    without_pool(&mut rig).await;
    rig.clock.sleep(14 * MINUTE).await;
    assert_eq!(rig.list(CLAIMS).len(), 1);
    rig.until(3 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    assert_eq!(rig.list(POOLS), Vec::<Value>::new());
    rig.clock.sleep(5 * MINUTE).await;
    assert_eq!(rig.cloud.launched(), 1, "there is no pool for another one");
}

/// FI-05: a claim and its node are held until the cloud says that the instance is gone.
#[tokio::test(start_paused = true)]
async fn a_claim_whose_instance_cannot_be_ended_is_held() {
    let rig = settled().await;
    let failures = (0..12).map(|_| CloudError::Other("no answer".to_owned()));
    rig.cloud.fail_ends(failures);
    let first = name(&claim(&rig));
    delete(&rig, CLAIMS, &first);
    rig.clock.sleep(Duration::from_secs(20)).await;
    let mut claims = rig.list(CLAIMS);
    claims.retain(|claim| name(claim) == first);
    let held = claims.pop().expect("the claim is held");
    let finalizers = &held["metadata"]["finalizers"];
    assert_eq!(*finalizers, json!(["karpenter.sh/termination"]));
    assert_eq!(condition(&held, "InstanceTerminating"), None);
    let ends = |rig: &Rig| {
        let machines = rig.cloud.machines();
        !machines
            .iter()
            .any(|machine| machine.instance.claim_name == first)
    };
    assert!(!ends(&rig));
    rig.until(5 * MINUTE, "it has gone", |rig| {
        ends(rig) && !rig.list(CLAIMS).iter().any(|claim| name(claim) == first)
    })
    .await;
}

/// FI-09: amounts that we would write in another way stay as they are, and hold nothing up.
#[tokio::test(start_paused = true)]
async fn amounts_in_another_spelling_are_left_as_they_are() {
    let mut rig = rig();
    rig.start();
    let requests = json!({"cpu": "1000m", "memory": "1048576Ki"});
    let claim = by_hand("a", &json!({"spec": {"resources": {"requests": requests}}}));
    rig.server.create(CLAIMS, "", claim).expect("a claim");
    rig.until(MINUTE, "ready", |rig| is(&self::claim(rig), "Ready"))
        .await;
    assert_eq!(self::claim(&rig)["spec"]["resources"]["requests"], requests);
    delete(&rig, CLAIMS, "a");
    rig.until(2 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
}

/// EX-04: the claim's age counts, not that of its node.
#[tokio::test(start_paused = true)]
async fn a_claim_expires_by_its_own_age() {
    let mut rig = rig();
    let expiry = json!({"spec": {"template": {"spec": {"expireAfter": "10m"}}}});
    modify(&rig, POOLS, "default", &expiry);
    rig.start();
    rig.scale_up("x", 1);
    rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    let (old, young) = (claim(&rig), node(&rig));
    let created = time(&old, "creationTimestamp");
    let younger = time(&young, "creationTimestamp").since(created);
    assert!(younger >= Duration::from_secs(10), "{younger:?}");
    rig.until(11 * MINUTE, "it expires", |rig| {
        let claims = rig.list(CLAIMS);
        let first = claims.iter().find(|claim| name(claim) == name(&old));
        first.is_none_or(|claim| !claim["metadata"]["deletionTimestamp"].is_null())
    })
    .await;
    let age = rig.clock.now().since(created);
    assert!(age < 10 * MINUTE + SOON && age >= 10 * MINUTE, "{age:?}");
}

/// HY-01.
#[tokio::test(start_paused = true)]
async fn the_label_of_the_node_class_is_put_back() {
    let rig = settled().await;
    let key = "karpenter.kwok.sh/kwoknodeclass";
    for (resource, name) in [(CLAIMS, name(&claim(&rig))), (NODES, name(&node(&rig)))] {
        let options = WriteOptions::default();
        let without = |object: &mut Value| {
            let labels = object["metadata"]["labels"].as_object_mut();
            labels.expect("labels").remove(key).expect("the label");
        };
        rig.server
            .modify(resource, "", &name, &options, without)
            .expect("a change");
        rig.until(SOON, "it is back", |rig| {
            rig.list(resource)[0]["metadata"]["labels"][key] == "default"
        })
        .await;
    }
}

fn is_consistent(rig: &Rig) -> Option<bool> {
    let (status, reason) = condition(&claim(rig), "ConsistentStateFound")?;
    assert_eq!(status == "False", reason == "ConsistencyCheckFailed");
    Some(status == "True")
}

/// Gives the node a share of its memory.
fn shrink(rig: &Rig, percent: i64) {
    let (node, claim) = (node(rig), claim(rig));
    let promised: model::Quantity = text(&claim, "/status/capacity/memory")
        .parse()
        .expect("an amount");
    let mut capacity = node["status"]["capacity"].clone();
    capacity["memory"] = json!(promised.fraction(percent, 100).to_string());
    set_status(&rig.server, NODES, &name(&node), "capacity", capacity);
}

/// CN-01, CN-02, CN-03: a node is compared with its claim every ten minutes.
#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_what_was_promised_is_told() {
    let rig = settled().await;
    rig.until(SOON, "compared", |rig| is_consistent(rig) == Some(true))
        .await;
    shrink(&rig, 50);
    rig.clock.sleep(9 * MINUTE).await;
    assert_eq!(is_consistent(&rig), Some(true), "not yet");
    rig.until(2 * MINUTE, "it is told", |rig| {
        let reasons = rig.event_reasons();
        is_consistent(rig) == Some(false)
            && reasons
                .iter()
                .any(|reason| reason == "FailedConsistencyCheck")
    })
    .await;
    shrink(&rig, 95);
    rig.clock.sleep(9 * MINUTE).await;
    assert_eq!(is_consistent(&rig), Some(false), "not yet");
    rig.until(2 * MINUTE, "mended", |rig| is_consistent(rig) == Some(true))
        .await;
}

/// A node that can't be found when it is time is compared as soon as it can.
#[tokio::test(start_paused = true)]
async fn a_comparison_that_could_not_be_made_is_made_up_for() {
    let rig = settled().await;
    rig.until(SOON, "compared", |rig| is_consistent(rig) == Some(true))
        .await;
    rig.clock.sleep(5 * MINUTE).await;
    let real = node(&rig);
    let id = real["spec"]["providerID"].clone();
    let double = json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "double"}, "spec": {"providerID": id}});
    shrink(&rig, 50);
    rig.server.create(NODES, "", double).expect("a node");
    rig.clock.sleep(8 * MINUTE).await;
    assert_eq!(is_consistent(&rig), Some(true), "which one is it?");
    delete(&rig, NODES, "double");
    rig.until(SOON, "compared", |rig| is_consistent(rig) == Some(false))
        .await;
}

/// GC-05: a claim that is gone before any watch could say so is found out by the first write, and
/// its pods get another.
#[tokio::test(start_paused = true)]
async fn a_claim_that_only_we_believe_in_is_let_go() {
    let mut rig = rig();
    rig.start();
    rig.clock.sleep(SOON).await;
    rig.crash().await;
    rig.wire.blind("/nodeclaims");
    rig.start();
    rig.wire.aim("PATCH", "/nodeclaims/", Fault::LostRequest);
    rig.scale_up("x", 1);
    rig.until(MINUTE, "a claim", |rig| !rig.list(CLAIMS).is_empty())
        .await;
    let first = claim(&rig);
    assert_eq!(first["metadata"]["finalizers"], Value::Null);
    delete(&rig, CLAIMS, &name(&first));
    assert_eq!(rig.list(CLAIMS), Vec::<Value>::new());
    rig.until(Duration::from_secs(15), "another claim", |rig| {
        !rig.list(CLAIMS).is_empty()
    })
    .await;
    rig.until(MINUTE, "the pod runs", Rig::all_running).await;
    assert_eq!((rig.list(CLAIMS).len(), rig.cloud.launched()), (1, 1));
}

/// GC-05: a claim without machine, whatever it waits for, holds up neither new nodes nor the end of
/// others, and is not let go.
#[tokio::test(start_paused = true)]
async fn a_claim_without_machine_holds_nothing_up() {
    let mut rig = Rig::new();
    rig.cloud.stall("slow");
    rig.start();
    let labels = json!({"metadata": {"labels": {"karpenter.sh/nodepool": "slow"}}});
    rig.server
        .create(CLAIMS, "", by_hand("slow", &labels))
        .expect("a claim");
    rig.clock.sleep(20 * MINUTE).await;
    rig.scale_up("x", 1);
    rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    rig.scale_down();
    rig.until(5 * MINUTE, "its node is gone", |rig| {
        rig.list(NODES).is_empty() && rig.list(CLAIMS).len() == 1
    })
    .await;
    assert_eq!(name(&claim(&rig)), "slow");
    assert_eq!(text(&claim(&rig), "/status/providerID"), "");
}
