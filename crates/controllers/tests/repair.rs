//! Broken nodes are replaced, against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{NODES, PDBS};
use common::{CLAIMS, POOLS, Rig};
use model::Timestamp;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const GATE: [&str; 2] = ["--feature-gates", "NodeRepair=true,StaticCapacity=true"];

fn is_initialized(node: &Value) -> bool {
    node["metadata"]["labels"]["karpenter.sh/initialized"] == "true"
}

/// `count` nodes that no pods run on and nobody wants to remove: of a pool of fixed size, or of
/// claims without any pool.
async fn nodes(count: usize, pool: Option<&str>) -> Rig {
    let mut rig = Rig::new();
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    if let Some(pool) = pool {
        let pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
            "metadata": {"name": pool},
            "spec": {"replicas": count, "template": {"spec":
                {"requirements": [], "nodeClassRef": class}}}});
        rig.server.create(POOLS, "", pool).expect("a pool");
    } else {
        for number in 0..count {
            let claim = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
                "metadata": {"name": format!("alone-{number}")},
                "spec": {"requirements": [], "nodeClassRef": class}});
            rig.server.create(CLAIMS, "", claim).expect("a claim");
        }
    }
    rig.start_with(&GATE);
    rig.until(3 * MINUTE, "the nodes are complete", |rig| {
        let nodes = rig.list(NODES);
        nodes.len() == count && nodes.iter().all(is_initialized)
    })
    .await;
    rig
}

fn claim_of(rig: &Rig, node: &str) -> Value {
    let claims = rig.list(CLAIMS);
    let of = |claim: &&Value| claim["status"]["nodeName"] == *node;
    claims.iter().find(of).expect("its claim").clone()
}

fn is_going(rig: &Rig, node: &str) -> bool {
    let nodes = rig.list(NODES);
    let node = nodes.iter().find(|held| held["metadata"]["name"] == *node);
    node.is_none_or(|node| !node["metadata"]["deletionTimestamp"].is_null())
}

fn going(rig: &Rig) -> usize {
    let nodes = rig.names(NODES);
    nodes.iter().filter(|node| is_going(rig, node)).count()
}

/// The value of the series that begins so.
fn counted(rig: &Rig, begin: &str) -> Option<f64> {
    let text = rig.metrics.to_text();
    let line = text.lines().find(|line| line.starts_with(begin))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// NH-01, NH-05, NH-07: neither budgets nor any protection of node and pods holds up a repair, and
/// a kubelet that does not answer does not either.
#[tokio::test(start_paused = true)]
async fn a_broken_node_goes_whatever_protects_it() {
    let mut rig = Rig::new();
    rig.change_pool(|pool| {
        pool["spec"]["disruption"]["budgets"] = json!([{"nodes": "0"}]);
        let template = &mut pool["spec"]["template"];
        template["spec"]["terminationGracePeriod"] = json!("5h");
        template["metadata"]["annotations"] = json!({"karpenter.sh/do-not-disrupt": "true"});
    });
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "x", "namespace": "default"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "x"}}}});
    rig.server
        .create(PDBS, "default", budget)
        .expect("a budget");
    rig.start_with(&GATE);
    rig.scale_up("x", 2);
    rig.pod(
        "protected",
        &json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}}),
    );
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.until(MINUTE, "the node is complete", |rig| {
        rig.list(NODES).iter().all(is_initialized)
    })
    .await;
    let node = rig.names(NODES).remove(0);
    rig.set_condition(&node, "Ready", "Unknown");
    rig.clock.sleep(29 * MINUTE).await;
    assert!(!is_going(&rig, &node));
    rig.until(2 * MINUTE, "it goes", |rig| is_going(rig, &node))
        .await;
    let deadline = &claim_of(&rig, &node)["metadata"]["annotations"]["karpenter.sh/nodeclaim-termination-timestamp"];
    let deadline: Timestamp = deadline.as_str().expect("a time").parse().expect("a time");
    assert!(deadline <= rig.clock.now());
    rig.until(3 * MINUTE, "node and instance are gone", Rig::is_bare)
        .await;
    for line in [
        "karpenter_nodeclaims_disrupted_total{reason=\"unhealthy\",nodepool=\"default\",",
        "karpenter_nodeclaims_unhealthy_disrupted_total{condition=\"ready\",nodepool=\"default\",",
    ] {
        assert_eq!(counted(&rig, line), Some(1.0), "{line}");
    }
    let moved = "karpenter_pods_disruption_initiated_total{reason=\"unhealthy\",";
    assert_eq!(counted(&rig, moved), Some(3.0));
}

/// NH-02, NH-03: other conditions mean nothing, and a node that recovers stays.
#[tokio::test(start_paused = true)]
async fn a_node_that_recovers_in_time_stays() {
    let rig = nodes(3, Some("fixed")).await;
    let node = rig.names(NODES).remove(0);
    rig.set_condition(&node, "NetworkReady", "False");
    rig.set_condition(&node, "DiskReady", "Unknown");
    rig.clock.sleep(60 * MINUTE).await;
    assert_eq!(going(&rig), 0);
    rig.set_condition(&node, "DiskReady", "False");
    rig.clock.sleep(9 * MINUTE).await;
    rig.set_condition(&node, "DiskReady", "True");
    rig.clock.sleep(60 * MINUTE).await;
    assert_eq!((going(&rig), rig.cloud.launched()), (0, 3));
}

/// NH-09: one of three is a fifth, rounded up; the pool gets another node.
#[tokio::test(start_paused = true)]
async fn one_of_three_is_repaired_and_replaced() {
    let rig = nodes(3, Some("fixed")).await;
    let node = rig.names(NODES).remove(0);
    rig.set_condition(&node, "DiskReady", "False");
    rig.clock.sleep(9 * MINUTE).await;
    assert_eq!(going(&rig), 0);
    rig.until(3 * MINUTE, "another node has come", |rig| {
        let names = rig.names(NODES);
        names.len() == 3 && !names.contains(&node)
    })
    .await;
    assert_eq!(rig.cloud.launched(), 4);
}

/// NH-08: three of ten is too many, in a pool and in a cluster without any. Once one of them is
/// well the two others are repaired.
#[tokio::test(start_paused = true)]
async fn repairs_wait_while_more_than_a_fifth_is_broken() {
    let kinds = ["Node", "NodeClaim", "NodePool"];
    for (pool, kinds) in [(Some("fixed"), &kinds[..]), (None, &kinds[..2])] {
        let rig = nodes(10, pool).await;
        let broken: Vec<String> = rig.names(NODES).into_iter().take(3).collect();
        for node in &broken {
            rig.set_condition(node, "DiskReady", "False");
        }
        rig.clock.sleep(30 * MINUTE).await;
        assert_eq!(going(&rig), 0, "{pool:?}");
        let mut told = rig.told("NodeRepairBlocked");
        told.dedup();
        assert_eq!(told, kinds);
        rig.set_condition(&broken[0], "DiskReady", "True");
        rig.until(6 * MINUTE, "two are repaired", |rig| {
            broken[1..].iter().all(|node| is_going(rig, node))
        })
        .await;
        assert!(!is_going(&rig, &broken[0]));
    }
}

/// What happens without the gate is nothing.
#[tokio::test(start_paused = true)]
async fn nothing_is_repaired_without_the_gate() {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("x", 1);
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    let node = rig.names(NODES).remove(0);
    rig.set_condition(&node, "DiskReady", "False");
    rig.clock.sleep(120 * MINUTE).await;
    assert!(!is_going(&rig, &node));
}

/// NH-06: a drain that waits for its grace period is forced once the node has been broken for too
/// long.
#[tokio::test(start_paused = true)]
async fn a_drain_that_waits_is_forced_by_a_repair() {
    let mut rig = Rig::new();
    rig.change_pool(|pool| {
        pool["spec"]["template"]["spec"]["terminationGracePeriod"] = json!("5h");
    });
    rig.start_with(&GATE);
    rig.pod(
        "protected",
        &json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}}),
    );
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.until(MINUTE, "the node is complete", |rig| {
        rig.list(NODES).iter().all(is_initialized)
    })
    .await;
    let node = rig.names(NODES).remove(0);
    rig.delete(NODES, &node);
    rig.set_condition(&node, "DiskReady", "False");
    rig.clock.sleep(9 * MINUTE).await;
    assert!(rig.find_pod("protected").is_some(), "its drain waits");
    rig.until(3 * MINUTE, "node and instance are gone", Rig::is_bare)
        .await;
    assert_eq!(rig.told("Disrupted"), ["Pod"]);
}
