//! What the provisioner tells, and when it makes claims, against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{DeleteOptions, EVENTS, NODES, PODS};
use common::{CLAIMS, Fault, POOLS, Rig};
use runtime::metrics::names;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const SECONDS_20: Duration = Duration::from_secs(20);

/// Messages of all events with this reason about this object, with how often each was said.
fn events(rig: &Rig, reason: &str, about: &str) -> Vec<(String, u64)> {
    let events = rig
        .list(EVENTS)
        .into_iter()
        .filter(|event| event["reason"] == *reason && event["involvedObject"]["name"] == *about);
    let said = |event: Value| {
        let message = event["message"].as_str().unwrap_or_default().to_owned();
        (message, event["count"].as_u64().unwrap_or(1))
    };
    events.map(said).collect()
}

fn has_failed(rig: &Rig, pod: &str) -> bool {
    !events(rig, "FailedScheduling", pod).is_empty()
}

fn unschedulable(rig: &Rig) -> Option<f64> {
    let metric = &names::SCHEDULER_UNSCHEDULABLE_PODS;
    rig.metrics.value(metric, &["provisioner"])
}

/// Lays a patch over the pool.
fn change_pool(rig: &Rig, patch: &Value) {
    let options = apiserver::WriteOptions::default();
    rig.server
        .modify(POOLS, "", "default", &options, |pool| {
            common::merge(pool, patch);
        })
        .expect("a change");
}

fn delete(rig: &Rig, resource: apiserver::Resource<'_>, namespace: &str, name: &str) {
    rig.server
        .delete(resource, namespace, name, &DeleteOptions::now())
        .expect("a deletion");
}

/// SCH-7: a pod that asks for what cannot be is rejected, and its owner is told.
#[tokio::test(start_paused = true)]
async fn a_pod_that_selects_by_hostname_is_rejected() {
    let mut rig = Rig::new();
    rig.start();
    let selector = json!({"spec": {"nodeSelector": {"kubernetes.io/hostname": "a"}}});
    rig.pod("wrong", &selector);
    rig.until(SECONDS_20, "an event", |rig| has_failed(rig, "wrong"))
        .await;
    rig.clock.sleep(MINUTE).await;
    assert_eq!(
        rig.metrics.value(&names::SCHEDULER_IGNORED_PODS, &[]),
        Some(1.0)
    );
    let said = events(&rig, "FailedScheduling", "wrong");
    assert_eq!(
        (said.len(), said[0].1),
        (1, 1),
        "once in five minutes: {said:?}"
    );
    rig.clock.sleep(5 * MINUTE).await;
    assert_eq!(
        events(&rig, "FailedScheduling", "wrong")[0].1,
        2,
        "and again"
    );
    assert_eq!(rig.list(CLAIMS).len(), 0);
}

/// SCH-11: who opted out knows.
#[tokio::test(start_paused = true)]
async fn a_pod_that_opted_out_is_left_alone_silently() {
    let mut rig = Rig::new();
    rig.start();
    let away = json!({"spec": {"affinity": {"nodeAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}]}]}}}}});
    rig.pod("away", &away);
    rig.clock.sleep(MINUTE).await;
    assert_eq!(
        rig.metrics.value(&names::SCHEDULER_IGNORED_PODS, &[]),
        Some(1.0)
    );
    assert!(!has_failed(&rig, "away"));
    assert_eq!(rig.list(CLAIMS).len(), 0);
}

/// SCH-12, SCH-13, SCH-233: without a usable pool the pod is not placed; that is a decision.
#[tokio::test(start_paused = true)]
async fn without_a_usable_pool_the_decision_is_a_failure() {
    let make_unready: fn(&Rig) = |rig| {
        let missing = json!({"spec": {"template": {"spec": {"nodeClassRef": {"name": "none"}}}}});
        change_pool(rig, &missing);
    };
    let remove: fn(&Rig) = |rig| delete(rig, POOLS, "", "default");
    for (case, spoil) in [("not ready", make_unready), ("gone", remove)] {
        let mut rig = Rig::new();
        rig.start();
        rig.clock.sleep(Duration::from_secs(5)).await;
        spoil(&rig);
        rig.clock.sleep(Duration::from_secs(5)).await;
        rig.scale_up("inflate", 1);
        rig.until(SECONDS_20, case, |rig| has_failed(rig, "inflate-0"))
            .await;
        rig.clock.sleep(MINUTE).await;
        assert_eq!(rig.list(CLAIMS).len(), 0, "{case}");
        assert_eq!(unschedulable(&rig), Some(1.0), "{case}");
        let decided = rig.metrics.value(&names::PODS_DECISION_SECONDS, &[]);
        assert_eq!(
            decided,
            Some(1.0),
            "{case}: once, however often it is tried"
        );
        let labels = ["inflate-0", "default"];
        for (metric, shown) in [
            (&names::PODS_UNBOUND_SECONDS, true),
            (&names::PODS_UNDECIDED_SECONDS, false),
            (&names::PODS_PROVISIONING_UNBOUND_SECONDS, false),
        ] {
            let value = rig.metrics.value(metric, &labels);
            assert_eq!(value.is_some(), shown, "{case}: {}", metric.name);
        }
        let zones = rig.metrics.value(
            &names::SCHEDULER_PENDING_BY_ZONE,
            &["provisioner", "flexible"],
        );
        assert_eq!(zones, Some(1.0), "{case}");
        rig.scale_down();
        rig.until(MINUTE, "nothing is left to place", |rig| {
            unschedulable(rig) == Some(0.0)
        })
        .await;
    }
}

/// SCH-147, SCH-148: a pool that admits nothing says so once, and so does each pod.
#[tokio::test(start_paused = true)]
async fn a_pool_whose_requirements_admit_nothing_is_told_of() {
    let mut rig = Rig::new();
    let impossible = json!([{"key": "kubernetes.io/arch", "operator": "In", "values": ["none"]}]);
    change_pool(
        &rig,
        &json!({"spec": {"template": {"spec": {"requirements": impossible}}}}),
    );
    rig.start();
    rig.scale_up("inflate", 3);
    for number in 0..3 {
        let name = format!("inflate-{number}");
        rig.until(SECONDS_20, "an event", |rig| has_failed(rig, &name))
            .await;
        let said = events(&rig, "FailedScheduling", &name);
        let text = "nodepool requirements filtered out all available instance types";
        assert!(said[0].0.contains(text), "{said:?}");
        assert!(
            said[0]
                .0
                .starts_with("Failed to schedule pod, nodepool/default: ")
        );
    }
    rig.clock.sleep(Duration::from_secs(30)).await;
    let text = "NodePool requirements filtered out all compatible available instance types";
    let said = events(&rig, "NoCompatibleInstanceTypes", "default");
    assert_eq!(said, [(text.to_owned(), 1)], "once in a minute");
    assert_eq!(unschedulable(&rig), Some(3.0));
    // Many values are demanded where there is one.
    let few = json!([{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "none"],
        "minValues": 2}]);
    change_pool(
        &rig,
        &json!({"spec": {"template": {"spec": {"requirements": few}}}}),
    );
    let suffixed = format!("{text} due to minValues incompatibility");
    rig.until(2 * MINUTE, "an event", |rig| {
        let said = events(rig, "NoCompatibleInstanceTypes", "default");
        said.iter().any(|(message, _)| *message == suffixed)
    })
    .await;
}

/// SCH-87: a node that is on its way takes the next pod too.
#[tokio::test(start_paused = true)]
async fn a_second_pod_goes_to_the_node_that_is_on_its_way() {
    let mut rig = Rig::new();
    rig.start();
    let small = json!({"spec": {"containers": [{"name": "main", "image": "pause",
        "resources": {"requests": {"cpu": "10m"}}}]}});
    rig.pod("first", &small);
    rig.until(MINUTE, "a launch", |rig| rig.cloud.launched() == 1)
        .await;
    rig.pod("second", &small);
    rig.until(MINUTE, "it is told where", |rig| {
        !events(rig, "Nominated", "second").is_empty()
    })
    .await;
    let claim = rig.list(CLAIMS)[0]["metadata"]["name"].clone();
    let claim = claim.as_str().expect("a name");
    let on = format!("Pod should schedule on: nodeclaim/{claim}");
    assert_eq!(events(&rig, "Nominated", "first"), [(on.clone(), 1)]);
    let said = events(&rig, "Nominated", "second");
    assert!(said[0].0.starts_with(&on), "{said:?}");
    rig.clock.sleep(2 * MINUTE).await;
    assert_eq!((rig.list(CLAIMS).len(), rig.cloud.launched()), (1, 1));
}

/// SCH-91: nothing is expected of a node that is gone.
#[tokio::test(start_paused = true)]
async fn a_pod_after_the_end_of_the_only_node_gets_another() {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("first", 1);
    rig.until(2 * MINUTE, "it runs", Rig::all_running).await;
    rig.scale_down();
    rig.until(5 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    rig.scale_up("second", 1);
    rig.until(2 * MINUTE, "it runs", Rig::all_running).await;
    assert_eq!((rig.list(NODES).len(), rig.cloud.launched()), (1, 2));
}

/// SCH-103: a pod that has a place is not given a second one, nor is the pod that replaces it.
#[tokio::test(start_paused = true)]
async fn a_pod_that_is_never_bound_gets_one_node() {
    let mut rig = Rig::new();
    rig.cloud.silence();
    rig.start();
    rig.scale_up("inflate", 1);
    rig.until(MINUTE, "a launch", |rig| rig.cloud.launched() == 1)
        .await;
    rig.clock.sleep(2 * MINUTE).await;
    rig.scale_down();
    rig.clock.sleep(Duration::from_secs(5)).await;
    rig.scale_up("inflate", 1);
    rig.clock.sleep(2 * MINUTE).await;
    assert_eq!((rig.list(CLAIMS).len(), rig.cloud.launched()), (1, 1));
}

/// SCH-149: pods of a node that goes and pods without a place are planned together, ahead of time.
#[tokio::test(start_paused = true)]
async fn pods_of_a_node_that_goes_and_pending_pods_are_placed_in_one_pass() {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("old", 2);
    rig.until(2 * MINUTE, "they run", Rig::all_running).await;
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "all", "namespace": "default"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "old"}}}});
    let budgets = apiserver::Resource::new("policy", "v1", "poddisruptionbudgets");
    rig.server
        .create(budgets, "default", budget)
        .expect("a budget");
    let before: Vec<Value> = rig.list(CLAIMS);
    for claim in &before {
        let name = claim["metadata"]["name"].as_str().expect("a name");
        let options = DeleteOptions::default();
        rig.server
            .delete(CLAIMS, "", name, &options)
            .expect("a deletion");
    }
    rig.scale_up("new", 1);
    let is_new = |claim: &Value| {
        let uid = &claim["metadata"]["uid"];
        before.iter().all(|old| old["metadata"]["uid"] != *uid)
    };
    rig.until(MINUTE, "there are other claims", |rig| {
        rig.list(CLAIMS).iter().any(is_new)
    })
    .await;
    let cpu = |claim: &Value| -> i64 {
        let amount = claim["spec"]["resources"]["requests"]["cpu"].as_str();
        let amount: model::Quantity = amount.expect("an amount").parse().expect("an amount");
        amount.units_floor()
    };
    let claims = rig.list(CLAIMS);
    let total = claims
        .iter()
        .filter(|claim| is_new(claim))
        .map(cpu)
        .sum::<i64>();
    assert_eq!(
        total, 3,
        "for the pending pod and for the two that have to move"
    );
    rig.clock.sleep(2 * MINUTE).await;
    assert!(rig.all_running());
    assert_eq!(rig.list(PODS).len(), 3, "the budget holds the drain");
}

/// SCH-145: a claim says by which state of its pool it was planned, though the pool has changed
/// when it is created at last.
#[tokio::test(start_paused = true)]
async fn a_claim_keeps_the_hash_of_the_pool_that_it_was_planned_for() {
    let hash = |rig: &Rig| {
        let pool = rig.list(POOLS).remove(0);
        serde_json::from_value::<api::NodePool>(pool)
            .expect("a pool")
            .hash()
    };
    let mut rig = Rig::new();
    rig.start();
    for _ in 0..3 {
        rig.wire.aim("POST", "/nodeclaims", Fault::LostRequest);
    }
    rig.scale_up("web", 1);
    rig.until(MINUTE, "a creation is tried", |rig| {
        let writes = rig.wire.writes();
        writes.iter().any(|write| write.ends_with("/nodeclaims"))
    })
    .await;
    assert_eq!(rig.list(CLAIMS), Vec::<Value>::new());
    let before = hash(&rig);
    let labels = json!({"spec": {"template": {"metadata": {"labels": {"new": "label"}}}}});
    change_pool(&rig, &labels);
    rig.until(MINUTE, "a claim", |rig| !rig.list(CLAIMS).is_empty())
        .await;
    assert_ne!(hash(&rig), before);
    let claim = rig.list(CLAIMS)[0]["metadata"].clone();
    assert_eq!(claim["annotations"]["karpenter.sh/nodepool-hash"], before);
    assert_eq!(claim["labels"]["new"], Value::Null);
}

/// SCH-146: how long a drain may take is what the pool says, or else what the provider does.
#[tokio::test(start_paused = true)]
async fn the_grace_period_is_the_pools_or_else_the_providers() {
    for (of_pool, of_provider, expected) in [
        (Some("1h"), Some("5m"), Some("1h")),
        (Some("1h"), None, Some("1h")),
        (None, Some("5m"), Some("5m")),
        (None, None, None),
    ] {
        let mut rig = Rig::new();
        if let Some(period) = of_provider {
            rig.cloud.grant(period);
        }
        let spec = json!({"terminationGracePeriod": of_pool});
        change_pool(&rig, &json!({"spec": {"template": {"spec": spec}}}));
        let mut fixed = rig.list(POOLS).remove(0);
        fixed["metadata"] = json!({"name": "fixed"});
        fixed["spec"]["replicas"] = json!(1);
        fixed["spec"]["template"]["spec"]["taints"] = json!([{"key": "k", "effect": "NoSchedule"}]);
        rig.server.create(POOLS, "", fixed).expect("a pool");
        rig.start_with(&["--feature-gates", "StaticCapacity=true"]);
        rig.scale_up("web", 1);
        rig.until(MINUTE, "a claim of each pool", |rig| {
            rig.list(CLAIMS).len() == 2
        })
        .await;
        for claim in rig.list(CLAIMS) {
            let found = claim["spec"]["terminationGracePeriod"].as_str();
            assert_eq!(found, expected, "{of_pool:?} {of_provider:?}: {claim}");
        }
    }
}

/// SCH-234, SCH-238, SCH-258: what pods went through and what runs, as dashboards show it.
#[tokio::test(start_paused = true)]
async fn waiting_running_and_cost_are_measured() {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("inflate", 3);
    rig.until(MINUTE, "a launch", |rig| rig.cloud.launched() > 0)
        .await;
    rig.clock.sleep(Duration::from_secs(6)).await;
    let pod = ["inflate-0", "default"];
    for metric in [
        &names::PODS_UNSTARTED_SECONDS,
        &names::PODS_UNBOUND_SECONDS,
        &names::PODS_PROVISIONING_UNBOUND_SECONDS,
        &names::PODS_PROVISIONING_UNSTARTED_SECONDS,
    ] {
        assert!(rig.metrics.value(metric, &pod).is_some(), "{}", metric.name);
    }
    rig.until(2 * MINUTE, "all run", Rig::all_running).await;
    rig.clock.sleep(Duration::from_secs(10)).await;
    for metric in [
        &names::PODS_BOUND_SECONDS,
        &names::PODS_STARTUP_SECONDS,
        &names::PODS_PROVISIONING_BOUND_SECONDS,
        &names::PODS_PROVISIONING_STARTUP_SECONDS,
        &names::PODS_DECISION_SECONDS,
    ] {
        assert_eq!(rig.metrics.value(metric, &[]), Some(3.0), "{}", metric.name);
    }
    let text = rig.metrics.to_text();
    let of = |metric: &str| -> Vec<&str> {
        let lines = text.lines();
        lines
            .filter(|line| line.starts_with(&format!("{metric}{{")))
            .collect()
    };
    for gone in [
        "unstarted",
        "unbound",
        "provisioning_unstarted",
        "provisioning_unbound",
    ] {
        let gauge = format!("karpenter_pods_{gone}_time_seconds");
        assert_eq!(of(&gauge), [] as [&str; 0]);
    }
    let states = of("karpenter_pods_state");
    assert_eq!(states.len(), 3, "{states:?}");
    for state in states {
        for label in [
            "scheduled=\"true\"",
            "nodepool=\"default\"",
            "phase=\"Running\"",
            "ready=\"true\"",
            "managed=\"true\"",
        ] {
            assert!(state.contains(label), "{label} in {state}");
        }
        assert!(
            !state.contains("zone=\"\"") && !state.contains("instance_type=\"\""),
            "{state}"
        );
    }
    let cost = rig.metrics.value(&names::NODEPOOLS_COST, &["default"]);
    assert!(cost.is_some_and(|cost| cost > 0.0), "{cost:?}");
    rig.scale_down();
    rig.until(5 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    rig.clock.sleep(Duration::from_secs(10)).await;
    assert_eq!(
        rig.metrics.value(&names::NODEPOOLS_COST, &["default"]),
        None
    );
    assert!(!rig.metrics.to_text().contains("karpenter_pods_state{"));
}
