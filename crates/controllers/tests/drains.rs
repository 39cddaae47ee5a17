//! How nodes go: what holds a drain, and what is left over when parts vanish.

mod common;

use std::time::Duration;

use apiserver::{DeleteOptions, NODES, PDBS, PODS};
use common::{CLAIMS, POOLS, Rig};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);

/// One node with three pods.
async fn settled(patch: Value) -> Rig {
    let mut rig = Rig::new();
    rig.start();
    for number in 0..3 {
        rig.pod(&format!("p-{number}"), &patch);
    }
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.until(MINUTE, "the node is complete", |rig| {
        let nodes = rig.list(NODES);
        nodes.len() == 1 && nodes[0]["metadata"]["labels"]["karpenter.sh/initialized"] == "true"
    })
    .await;
    rig
}

fn labelled() -> Value {
    json!({"metadata": {"labels": {"app": "x"}}})
}

fn delete_node(rig: &Rig) -> String {
    let name = rig.list(NODES)[0]["metadata"]["name"]
        .as_str()
        .expect("a name")
        .to_owned();
    rig.server
        .delete(NODES, "", &name, &DeleteOptions::default())
        .expect("a deletion");
    name
}

fn is_there(rig: &Rig, node: &str) -> bool {
    rig.list(NODES)
        .iter()
        .any(|held| held["metadata"]["name"] == node)
}

/// NT-01: a node that somebody deletes is drained and ended, and its claim goes too.
#[tokio::test(start_paused = true)]
async fn a_node_deleted_by_hand_is_drained_and_ended() {
    let rig = settled(labelled()).await;
    let node = delete_node(&rig);
    rig.until(2 * MINUTE, "the node is gone", |rig| !is_there(rig, &node))
        .await;
    rig.until(MINUTE, "its claim and instance are gone", |rig| {
        rig.list(CLAIMS).is_empty() && rig.cloud.alive() == 0
    })
    .await;
    let reasons = rig.event_reasons();
    assert!(
        reasons.iter().any(|reason| reason == "Evicted"),
        "{reasons:?}"
    );
}

/// NT-09, EQ-03: a budget holds a drain until it allows it.
#[tokio::test(start_paused = true)]
async fn a_budget_holds_a_drain_until_it_allows_it() {
    let rig = settled(labelled()).await;
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "x", "namespace": "default"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "x"}}}});
    rig.server
        .create(PDBS, "default", budget)
        .expect("a budget");
    let node = delete_node(&rig);
    rig.clock.sleep(10 * MINUTE).await;
    assert!(is_there(&rig, &node));
    assert!(
        rig.list(PODS)
            .iter()
            .all(|pod| pod["metadata"]["deletionTimestamp"].is_null())
    );
    let reasons = rig.event_reasons();
    assert!(
        reasons.iter().any(|reason| reason == "FailedDraining"),
        "{reasons:?}"
    );
    rig.server
        .delete(PDBS, "default", "x", &DeleteOptions::default())
        .expect("a deletion");
    rig.until(2 * MINUTE, "the node is gone", |rig| !is_there(rig, &node))
        .await;
}

/// do-not-disrupt holds a drain until the deadline, and no longer.
#[tokio::test(start_paused = true)]
async fn a_protected_pod_holds_a_drain_until_the_deadline() {
    let mut rig = Rig::new();
    let options = apiserver::WriteOptions::default();
    rig.server
        .modify(POOLS, "", "default", &options, |pool| {
            pool["spec"]["template"]["spec"]["terminationGracePeriod"] = json!("10m");
        })
        .expect("a change");
    rig.start();
    rig.pod(
        "p",
        &json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
        "spec": {"terminationGracePeriodSeconds": 60}}),
    );
    rig.until(2 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    rig.until(MINUTE, "registered", |rig| {
        rig.list(NODES)[0]["metadata"]["labels"]["karpenter.sh/registered"] == "true"
    })
    .await;
    let node = delete_node(&rig);
    rig.clock.sleep(8 * MINUTE).await;
    assert!(is_there(&rig, &node));
    rig.until(3 * MINUTE, "the node is gone", |rig| !is_there(rig, &node))
        .await;
    assert!(
        rig.event_reasons()
            .iter()
            .any(|reason| reason == "Disrupted")
    );
}

/// GC-01, NT-12: a node whose instance is gone goes, without waiting for pods that can't answer.
#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_lost_instance_is_collected() {
    let rig = settled(labelled()).await;
    let claim = rig.list(CLAIMS)[0]["metadata"]["name"].clone();
    rig.cloud.lose_everything();
    rig.until(5 * MINUTE, "the claim is collected", |rig| {
        rig.list(CLAIMS)
            .iter()
            .all(|held| held["metadata"]["name"] != claim)
    })
    .await;
}

/// An instance whose claim nobody knows is ended.
#[tokio::test(start_paused = true)]
async fn an_instance_without_claim_is_ended() {
    let mut rig = Rig::new();
    rig.cloud.stray("test://stray");
    rig.start();
    rig.until(5 * MINUTE, "the instance is ended", |rig| {
        rig.cloud.alive() == 0
    })
    .await;
}

/// EX-01: an expired node goes whatever budgets say, and its pods get another one.
#[tokio::test(start_paused = true)]
async fn an_expired_node_is_replaced() {
    let mut rig = Rig::new();
    let options = apiserver::WriteOptions::default();
    rig.server
        .modify(POOLS, "", "default", &options, |pool| {
            pool["spec"]["template"]["spec"]["expireAfter"] = json!("30m");
            pool["spec"]["disruption"]["budgets"] = json!([{"nodes": "0"}]);
        })
        .expect("a change");
    rig.start();
    rig.scale_up("x", 3);
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.until(35 * MINUTE, "it expires", |rig| rig.list(PODS).len() < 3)
        .await;
    rig.until(5 * MINUTE, "the first node is gone", |rig| {
        !is_there(rig, "node-1")
    })
    .await;
}

/// Nodes that a disruption was begun on by a process that is no more are cleaned up.
#[tokio::test(start_paused = true)]
async fn traces_of_an_abandoned_disruption_are_removed() {
    let rig = settled(labelled()).await;
    let options = apiserver::WriteOptions::default();
    let name = rig.list(NODES)[0]["metadata"]["name"]
        .as_str()
        .expect("a name")
        .to_owned();
    rig.server
        .modify(NODES, "", &name, &options, |node| {
            node["spec"]["taints"] =
                json!([{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]);
        })
        .expect("a change");
    rig.until(MINUTE, "the taint is lifted", |rig| {
        rig.list(NODES)[0]["spec"]["taints"]
            .as_array()
            .is_none_or(Vec::is_empty)
    })
    .await;
    assert_eq!(rig.list(PODS).len(), 3);
}

/// EM-11: a pod that comes before the second look keeps its node.
#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_in_time_keeps_an_empty_node() {
    let rig = settled(labelled()).await;
    rig.scale_down();
    rig.clock.sleep(Duration::from_secs(35)).await;
    rig.pod("late", &json!({}));
    rig.until(MINUTE, "the pod runs", Rig::all_running).await;
    rig.clock.sleep(10 * MINUTE).await;
    assert_eq!((rig.list(NODES).len(), rig.cloud.launched()), (1, 1));
}

/// BU-03: a budget of zero keeps empty nodes, and the pool says so.
#[tokio::test(start_paused = true)]
async fn a_budget_of_zero_keeps_empty_nodes() {
    let rig = settled(labelled()).await;
    let options = apiserver::WriteOptions::default();
    rig.server
        .modify(POOLS, "", "default", &options, |pool| {
            pool["spec"]["disruption"]["budgets"] = json!([{"nodes": "0"}]);
        })
        .expect("a change");
    rig.scale_down();
    rig.clock.sleep(10 * MINUTE).await;
    assert_eq!(rig.list(NODES).len(), 1);
    assert!(
        rig.event_reasons()
            .iter()
            .any(|reason| reason == "DisruptionBlocked")
    );
}
