//! Nodes of pools with a fixed number of nodes that are replaced one for one.

use ::disruption::budget::budgets;
use api::DisruptionReason;
use controllers::CloudError;
use scheduling::{TaintLabels, template_plan};

use super::*;
use common::POOLS;

const GATE: [&str; 2] = ["--feature-gates", "StaticCapacity=true"];

async fn with_nodes(replicas: usize, budget: &str, limit: Option<&str>) -> Stage {
    let mut stage = Stage::new();
    let mut pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool",
        "metadata": {"name": "fixed"},
        "spec": {"replicas": replicas, "disruption": {"budgets": [{"nodes": budget}]},
            "template": {"spec": {"requirements": [], "nodeClassRef":
                {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}}}}});
    if let Some(limit) = limit {
        pool["spec"]["limits"] = json!({"nodes": limit});
    }
    stage.rig.server.create(POOLS, "", pool).expect("a pool");
    stage.start(&GATE);
    stage
        .until(3 * MINUTE, "all nodes are complete", |stage| {
            (1..=replicas).all(|number| stage.is_complete(&format!("node-{number}")))
        })
        .await;
    stage
}

/// A node of the pool goes, and another one of the pool comes first.
fn renew(snapshot: &Snapshot, node: &str) -> Command {
    let state = snapshot.pool("fixed").expect("the pool");
    let name = format!("for-{node}");
    let labels = TaintLabels::FromTaints;
    let planned = template_plan(state, &snapshot.vocabulary, labels, (name, 0));
    Command {
        reason: Reason::Drifted,
        candidates: vec![candidate(snapshot, node)],
        replacements: vec![planned],
        moves: Vec::new(),
        price_before: catalog::Price::default(),
        price_after: catalog::Price::default(),
        verdict: Verdict::default(),
    }
}

/// Renews the first nodes of the pool, as many at once as budgets allow.
fn renew_first(count: usize) -> impl Fn(&Snapshot, Timestamp) -> Vec<Command> {
    move |snapshot, now| {
        let left = budgets(snapshot, now)["fixed"].left(DisruptionReason::Drifted);
        let first = (1..=count).map(|number| format!("node-{number}"));
        let there = first.filter(|name| {
            let node = snapshot.node(name);
            node.is_some_and(|node| node.is_initialized() && !node.is_marked())
        });
        let now = there.take(usize::try_from(left).expect("a number"));
        now.map(|name| renew(snapshot, &name)).collect()
    }
}

fn active(stage: &Stage) -> usize {
    let claims = stage.rig.list(CLAIMS);
    let active = claims
        .iter()
        .filter(|claim| claim["metadata"]["deletionTimestamp"].is_null());
    active.count()
}

/// SD-01, BU-14, CO-41: as many at once as the budget says, and no more while these are in flight;
/// the pool's own loop makes none beside them.
#[tokio::test(start_paused = true)]
async fn drifted_nodes_are_renewed_within_the_budget() {
    let stage = with_nodes(5, "2", None).await;
    let failure = || CloudError::Other("not now".to_owned());
    stage
        .rig
        .cloud
        .fail(std::iter::repeat_with(failure).take(8));
    stage.always(renew_first(5));
    stage
        .until(10 * SECOND, "two are in flight", |stage| {
            stage.claims().len() == 7
        })
        .await;
    for _ in 0..10 {
        assert_eq!(stage.tainted().len(), 2);
        assert_eq!(stage.claims().len(), 7);
        stage.rig.clock.sleep(SECOND).await;
    }
    stage
        .until(10 * MINUTE, "all are renewed", |stage| {
            assert!(stage.tainted().len() <= 2, "{:?}", stage.tainted());
            (1..=5).all(|number| stage.is_gone(&format!("node-{number}")))
        })
        .await;
    stage.rig.clock.sleep(3 * MINUTE).await;
    assert_eq!((active(&stage), stage.rig.cloud.launched()), (5, 10));
}

/// SD-04: a limit of one node more than there are lets one be renewed at a time.
#[tokio::test(start_paused = true)]
async fn a_limit_bounds_how_many_are_renewed_at_once() {
    let stage = with_nodes(3, "100%", Some("4")).await;
    stage.always(renew_first(3));
    stage
        .until(10 * MINUTE, "all are renewed", |stage| {
            assert!(stage.claims().len() <= 4, "{:?}", stage.claims());
            (1..=3).all(|number| stage.is_gone(&format!("node-{number}")))
        })
        .await;
    assert_eq!((active(&stage), stage.rig.cloud.launched()), (3, 6));
}

/// SD-04, Q13: a pool at its limit renews nothing, and nothing stays set aside for it.
#[tokio::test(start_paused = true)]
async fn a_pool_at_its_limit_renews_nothing() {
    let stage = with_nodes(3, "100%", Some("3")).await;
    stage.order(renew_first(3));
    stage.rig.clock.sleep(MINUTE).await;
    assert_eq!((stage.claims().len(), stage.tainted().len()), (3, 0));
    let options = apiserver::WriteOptions::default();
    let changed = stage
        .rig
        .server
        .modify(POOLS, "", "fixed", &options, |pool| {
            pool["spec"]["limits"] = json!({"nodes": "6"});
        });
    changed.expect("a change");
    stage.order(renew_first(3));
    stage
        .until(5 * MINUTE, "all are renewed", |stage| {
            (1..=3).all(|number| stage.is_gone(&format!("node-{number}")))
        })
        .await;
    assert_eq!(active(&stage), 3);
}

/// A replacement that fails leaves the pool with as many nodes as before.
#[tokio::test(start_paused = true)]
async fn a_pool_keeps_its_size_when_a_replacement_fails() {
    let stage = with_nodes(2, "100%", None).await;
    let before = stage.claims();
    stage.order(renew_first(1));
    stage
        .until(10 * SECOND, "a replacement", |stage| {
            stage.claims().len() == 3
        })
        .await;
    let new = stage
        .claims()
        .into_iter()
        .find(|name| !before.contains(name));
    stage.delete_claim(&new.expect("the replacement"));
    stage
        .until(2 * MINUTE, "the pool is as it was", |stage| {
            stage.claims() == before && stage.is_free("node-1")
        })
        .await;
    stage.rig.clock.sleep(2 * MINUTE).await;
    assert_eq!(stage.claims(), before);
}
