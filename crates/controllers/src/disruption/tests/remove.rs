//! Nodes that are removed, and what is asked before.

use apiserver::WriteOptions;
use common::POOLS;
use runtime::metrics::names;

use super::*;

fn remove(reason: Reason, nodes: &[&str], snapshot: &Snapshot, now: Timestamp) -> Command {
    let mut command = command(snapshot, now, reason, nodes);
    command.replacements.clear();
    command
}

fn protect(stage: &Stage, app: &str) {
    let pods = stage.rig.list(PODS);
    let pod = pods
        .iter()
        .find(|pod| pod["metadata"]["labels"]["app"] == *app)
        .expect("a pod");
    let name = pod["metadata"]["name"].as_str().expect("a name");
    let change = |pod: &mut Value| {
        pod["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] = json!("true");
    };
    let options = WriteOptions::default();
    let changed = stage
        .rig
        .server
        .modify(PODS, "default", name, &options, change);
    changed.expect("a change");
}

fn goes(stage: &Stage, node: &str) -> bool {
    let claim = stage.claim_of(node);
    claim.is_none_or(|claim| !claim["metadata"]["deletionTimestamp"].is_null())
}

/// QU-04: a command that only removes waits for nothing. VA-01: a graceful one has waited 15 s
/// before.
#[tokio::test(start_paused = true)]
async fn a_removal_waits_for_nothing_but_the_second_look() {
    for (reason, least, most) in [
        (Reason::Drifted, Duration::ZERO, 5 * SECOND),
        (Reason::Underutilized, 15 * SECOND, 20 * SECOND),
    ] {
        let stage = Stage::with(&["a"]).await;
        let began = stage.rig.clock.now();
        stage.order(move |snapshot, now| vec![remove(reason, &["node-1"], snapshot, now)]);
        stage
            .until(MINUTE, "the node goes", |stage| goes(stage, "node-1"))
            .await;
        let took = stage.rig.clock.now().since(began);
        assert!(took >= least && took <= most, "{reason}: {took:?}");
    }
}

/// IN-06: decisions are counted once, with their labels.
#[tokio::test(start_paused = true)]
async fn removals_are_counted_by_what_they_are() {
    for (nodes, kind) in [
        (&["node-1"][..], "single"),
        (&["node-1", "node-2"], "multi"),
    ] {
        let stage = Stage::with(&["a", "b"]).await;
        stage.order(move |snapshot, now| vec![remove(Reason::Underutilized, nodes, snapshot, now)]);
        stage
            .until(MINUTE, "the nodes go", |stage| {
                nodes.iter().all(|node| goes(stage, node))
            })
            .await;
        stage.rig.clock.sleep(SECOND).await;
        let labels = ["delete", "underutilized", kind];
        assert_eq!(stage.metric(&names::DISRUPTION_DECISIONS, &labels), 1);
        let actions = &names::LEGACY_DEPROVISIONING_ACTIONS;
        assert_eq!(stage.metric(actions, &["delete", "success"]), 1);
        let text = stage.rig.metrics.to_text();
        let line = format!(
            "reason=\"underutilized\",nodepool=\"default\",capacity_type=\"{}\",\
             consolidation_policy=\"when_empty_or_underutilized\",termination_mode=\"graceful\"}} {}",
            "spot",
            nodes.len()
        );
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}

/// VA-02: of several nodes those go that still may, and a protected pod keeps its own.
#[tokio::test(start_paused = true)]
async fn a_removal_goes_on_without_nodes_that_have_to_stay() {
    let stage = Stage::with(&["a", "b"]).await;
    let both = &["node-1", "node-2"];
    stage.order(|snapshot, now| vec![remove(Reason::Underutilized, both, snapshot, now)]);
    stage.rig.clock.sleep(5 * SECOND).await;
    // During the wait for the second look.
    protect(&stage, "b");
    stage
        .until(MINUTE, "the other node goes", |stage| goes(stage, "node-1"))
        .await;
    stage
        .until(5 * SECOND, "the node is free", |stage| {
            stage.is_free("node-2")
        })
        .await;
    let pods = stage.rig.list(PODS);
    let mut protected = pods
        .iter()
        .filter(|pod| pod["metadata"]["labels"]["app"] == "b");
    assert!(protected.all(|pod| pod["metadata"]["deletionTimestamp"].is_null()));
}

/// VA-02: a command whose only node has to stay is taken back.
#[tokio::test(start_paused = true)]
async fn a_removal_without_any_node_left_is_taken_back() {
    let stage = Stage::with(&["a"]).await;
    protect(&stage, "a");
    stage.order(|snapshot, now| vec![remove(Reason::Underutilized, &["node-1"], snapshot, now)]);
    stage
        .until(MINUTE, "the failure is counted", |stage| {
            let labels = ["delete", "underutilized", "single"];
            stage.metric(&names::DISRUPTION_QUEUE_FAILURES, &labels) == 1
        })
        .await;
    stage
        .until(5 * SECOND, "the node is free", |stage| {
            stage.is_free("node-1")
        })
        .await;
    assert!(stage.has_event("DisruptionBlocked"));
    let labels = ["delete", "underutilized", "single"];
    assert_eq!(stage.metric(&names::DISRUPTION_DECISIONS, &labels), 0);
}

/// MN-05, SN-04, VA-06: commands are judged together at the second look, and one that fails keeps
/// no other from being performed. What failed is counted.
#[tokio::test(start_paused = true)]
async fn a_command_that_fails_its_second_look_holds_no_other_up() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.rig.scale_down();
    // Quiet for long enough: the product is to say that they are empty.
    stage.rig.clock.sleep(2 * MINUTE).await;
    stage.order(|snapshot, now| {
        let one = |node: &str| remove(Reason::Empty, &[node], snapshot, now);
        vec![one("node-1"), one("node-2")]
    });
    stage.rig.clock.sleep(5 * SECOND).await;
    stage.keep_up("a");
    stage
        .until(MINUTE, "one node goes", |stage| goes(stage, "node-2"))
        .await;
    assert!(stage.is_free("node-1"), "the first one took pods");
    let failed = &names::DISRUPTION_FAILED_VALIDATIONS;
    assert_eq!(stage.metric(failed, &["empty"]), 1);
}

/// Q16: somebody deletes the first node's claim while the command is in flight.
#[tokio::test(start_paused = true)]
async fn a_command_goes_on_when_one_of_its_nodes_goes_by_itself() {
    let stage = Stage::with(&["a", "b"]).await;
    let both = &["node-1", "node-2"];
    stage.order(|snapshot, now| vec![command(snapshot, now, Reason::Drifted, both)]);
    stage
        .until(10 * SECOND, "both are marked", |stage| {
            stage.tainted().len() == 2
        })
        .await;
    let first = stage.claim_of("node-1").expect("the claim");
    stage.delete_claim(first["metadata"]["name"].as_str().expect("a name"));
    stage
        .until(4 * MINUTE, "both are gone", |stage| {
            stage.keep_up("a");
            stage.keep_up("b");
            stage.is_gone("node-1") && stage.is_gone("node-2")
        })
        .await;
    let actions = &names::LEGACY_DEPROVISIONING_ACTIONS;
    assert_eq!(stage.metric(actions, &["replace", "success"]), 1);
    let text = stage.rig.metrics.to_text();
    let mut lines = text.lines();
    let counted = lines.find(|line| line.starts_with("karpenter_nodeclaims_disrupted_total"));
    assert!(
        counted.is_some_and(|line| line.ends_with(" 1")),
        "{counted:?}"
    );
}

/// BU-09: a budget that allows nothing keeps nodes only as long as it does; the pool is told
/// (BU-03).
#[tokio::test(start_paused = true)]
async fn a_budget_that_opens_lets_nodes_go() {
    let mut rig = Rig::new();
    let allow = |rig: &Rig, nodes: &str| {
        let options = WriteOptions::default();
        let changed = rig.server.modify(POOLS, "", "default", &options, |pool| {
            pool["spec"]["disruption"]["budgets"] = json!([{"nodes": nodes}]);
        });
        changed.expect("a change");
    };
    allow(&rig, "0");
    rig.start();
    rig.scale_up("a", 3);
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.scale_down();
    rig.clock.sleep(5 * MINUTE).await;
    assert_eq!(rig.list(NODES).len(), 1);
    assert!(
        rig.event_reasons()
            .iter()
            .any(|reason| reason == "DisruptionBlocked")
    );
    let eligible = &names::DISRUPTION_ELIGIBLE_NODES;
    assert_eq!(rig.metrics.value(eligible, &["empty"]), Some(1.0));
    let allowed = &names::NODEPOOLS_ALLOWED_DISRUPTIONS;
    assert_eq!(rig.metrics.value(allowed, &["default", "Empty"]), Some(0.0));
    allow(&rig, "1");
    rig.until(2 * MINUTE, "the node is gone", Rig::is_bare)
        .await;
}

/// A cluster in which nothing happens is not looked at, written or read.
#[tokio::test(start_paused = true)]
async fn a_look_at_a_cluster_that_has_not_changed_costs_nothing() {
    let mut stage = Stage::new();
    stage.orders.restless = false;
    stage.start(&[]);
    stage.keep_up("a");
    stage
        .until(3 * MINUTE, "the node is complete", |stage| {
            stage.is_complete("node-1")
        })
        .await;
    stage.rig.clock.sleep(5 * MINUTE).await;
    let (looks, writes) = (stage.looks(), stage.rig.wire.writes().len());
    let objects =
        |stage: &Stage| stage.rig.wire.reads("/nodes/") + stage.rig.wire.reads("/nodeclaims/");
    let reads = objects(&stage);
    stage.rig.clock.sleep(20 * MINUTE).await;
    let again = stage.looks() - looks;
    // Every five minutes, whatever happens.
    assert!((1..=5).contains(&again), "{again} looks in 20 minutes");
    let told: Vec<String> = stage.rig.wire.writes().split_off(writes);
    assert_eq!(told, Vec::<String>::new());
    assert_eq!(objects(&stage), reads);
}
