//! Commands that are taken back.

use common::Fault;
use runtime::metrics::names;

use super::*;

const FAILED: [&str; 3] = ["replace", "drifted", ""];

fn replace_first(snapshot: &Snapshot, now: Timestamp) -> Vec<Command> {
    vec![command(snapshot, now, Reason::Drifted, &["node-1"])]
}

/// The replacement of `node-1`, once there is one.
async fn replacement(stage: &Stage) -> String {
    let old = stage.claim_of("node-1").expect("the claim");
    let old = old["metadata"]["name"].as_str().expect("a name").to_owned();
    let new = |stage: &Stage| stage.claims().into_iter().find(|name| *name != old);
    stage
        .until(10 * SECOND, "a replacement", |stage| new(stage).is_some())
        .await;
    new(stage).expect("the replacement")
}

/// DR-12, QU-05: a replacement that somebody deletes. What was marked is free again at once, and
/// nothing but the failure is counted.
#[tokio::test(start_paused = true)]
async fn a_node_stays_when_its_replacement_goes() {
    let stage = Stage::with(&["a"]).await;
    stage.order(replace_first);
    let new = replacement(&stage).await;
    stage.delete_claim(&new);
    stage
        .until(30 * SECOND, "the node is free", |stage| {
            stage.metric(&names::DISRUPTION_QUEUE_FAILURES, &FAILED) == 1 && stage.is_free("node-1")
        })
        .await;
    stage
        .until(2 * MINUTE, "the replacement is gone", |stage| {
            stage.claims().len() == 1
        })
        .await;
    let actions = &names::LEGACY_DEPROVISIONING_ACTIONS;
    assert_eq!(stage.metric(actions, &["replace", "failure"]), 1);
    assert_eq!(stage.metric(actions, &["replace", "success"]), 0);
    stage.order(|snapshot, _| {
        let node = snapshot.node("node-1").expect("the node");
        assert!(!node.is_marked(), "it takes pods again");
        assert!(node.resting_until.is_some(), "and rests");
        Vec::new()
    });
    stage.rig.clock.sleep(MINUTE).await;
    assert!(stage.rig.all_running());
    assert!(stage.is_free("node-1"));
    assert_eq!(stage.rig.cloud.alive(), 1);
}

/// QU-06: after ten minutes without a complete replacement the node stays. The replacement is given
/// up as well: nothing runs on it and nobody counts on it.
#[tokio::test(start_paused = true)]
async fn a_node_stays_when_its_replacement_is_late() {
    let stage = Stage::with(&["a"]).await;
    let began = stage.rig.clock.now();
    stage.order(replace_first);
    let new = replacement(&stage).await;
    stage.rig.cloud.silence();
    stage
        .until(12 * MINUTE, "the node is free", |stage| {
            stage.is_free("node-1")
        })
        .await;
    let took = stage.rig.clock.now().since(began);
    assert!(took > 10 * MINUTE && took < 11 * MINUTE, "{took:?}");
    assert_eq!(stage.metric(&names::DISRUPTION_QUEUE_FAILURES, &FAILED), 1);
    stage
        .until(2 * MINUTE, "the replacement is given up", |stage| {
            !stage.claims().contains(&new)
        })
        .await;
    assert_eq!(stage.claims().len(), 1);
}

/// IN-02: a replacement that can't be created. The node is kept and free again.
#[tokio::test(start_paused = true)]
async fn a_node_stays_when_its_replacement_cannot_be_created() {
    let stage = Stage::with(&["a"]).await;
    for _ in 0..5 {
        stage
            .rig
            .wire
            .aim("POST", "/nodeclaims", Fault::LostRequest);
    }
    stage.order(replace_first);
    stage
        .until(30 * SECOND, "the failure is counted", |stage| {
            stage.metric(&names::DISRUPTION_QUEUE_FAILURES, &FAILED) == 1
        })
        .await;
    stage
        .until(5 * SECOND, "the node is free", |stage| {
            stage.is_free("node-1")
        })
        .await;
    assert_eq!((stage.claims().len(), stage.rig.cloud.launched()), (1, 1));
    assert_eq!(stage.metric(&names::DISRUPTION_DECISIONS, &FAILED), 0);
    // Nothing is spoken for any more: the next one works.
    stage.order(replace_first);
    stage
        .until(3 * MINUTE, "the node is gone", |stage| {
            stage.keep_up("a");
            stage.is_gone("node-1")
        })
        .await;
    assert_eq!(stage.rig.cloud.launched(), 2);
}

/// VA-02: a pod that must not be disturbed comes while the replacement is awaited. It came in spite
/// of the taint, as a pod that tolerates it may.
#[tokio::test(start_paused = true)]
async fn a_protected_pod_that_comes_late_keeps_its_node() {
    let stage = Stage::with(&["a"]).await;
    stage.order(replace_first);
    replacement(&stage).await;
    let pods = stage.rig.list(PODS);
    let name = pods[0]["metadata"]["name"].as_str().expect("a name");
    let options = apiserver::WriteOptions::default();
    let protect = |pod: &mut Value| {
        pod["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] = json!("true");
    };
    stage
        .rig
        .server
        .modify(PODS, "default", name, &options, protect)
        .expect("a change");
    stage
        .until(2 * MINUTE, "the command is taken back", |stage| {
            stage.metric(
                &names::LEGACY_DEPROVISIONING_ACTIONS,
                &["replace", "failure"],
            ) == 1
        })
        .await;
    stage
        .until(5 * SECOND, "the node is free", |stage| {
            stage.is_free("node-1")
        })
        .await;
    let pods = stage.rig.list(PODS);
    assert!(
        pods.iter()
            .all(|pod| pod["metadata"]["deletionTimestamp"].is_null())
    );
    assert!(
        stage.is_complete("node-2"),
        "a replacement that has joined is a node like any other"
    );
    assert!(stage.has_event("DisruptionBlocked"));
}

/// Q19: a deletion whose answer is lost is repeated, and counts once.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_repeated_counts_once() {
    for fault in [Fault::LostAnswer, Fault::LostRequest] {
        let stage = Stage::with(&["a"]).await;
        for _ in 0..2 {
            stage.rig.wire.aim("DELETE", "/nodeclaims", fault);
        }
        stage.order(replace_first);
        stage
            .until(3 * MINUTE, "the node is gone", |stage| {
                stage.keep_up("a");
                stage.is_gone("node-1")
            })
            .await;
        let text = stage.rig.metrics.to_text();
        let mut lines = text.lines();
        let counted = lines.find(|line| line.starts_with("karpenter_nodeclaims_disrupted_total"));
        assert!(
            counted.is_some_and(|line| line.ends_with(" 1")),
            "{counted:?}"
        );
        let actions = &names::LEGACY_DEPROVISIONING_ACTIONS;
        assert_eq!(
            stage.metric(actions, &["replace", "success"]),
            1,
            "{fault:?}"
        );
        assert_eq!(
            stage.metric(actions, &["replace", "failure"]),
            0,
            "{fault:?}"
        );
    }
}

/// The snapshot as it would be if its pools had no limits.
fn unlimited(snapshot: &Snapshot) -> Snapshot {
    let mut snapshot = snapshot.clone();
    let pools = snapshot.pools.iter().map(|state| {
        let mut state = cluster::PoolState::clone(state);
        Arc::make_mut(&mut state.pool).spec.limits.clear();
        Arc::new(state)
    });
    snapshot.pools = pools.collect();
    snapshot
}

/// What was decided before the pool was given a limit. Neither of the replacements alone would
/// break it, since the nodes that go do not count any more; both together would.
#[tokio::test(start_paused = true)]
async fn replacements_that_break_a_limit_together_are_not_created() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.rig.change_pool(|pool| {
        pool["spec"]["limits"] = json!({"nodes": "1"});
    });
    stage.rig.clock.sleep(5 * SECOND).await;
    stage.order(|snapshot, now| {
        let snapshot = unlimited(snapshot);
        let of = |node| command(&snapshot, now, Reason::Drifted, &[node]);
        let (mut both, other) = (of("node-1"), of("node-2"));
        both.candidates.extend(other.candidates);
        both.replacements.extend(other.replacements);
        assert_eq!(both.replacements.len(), 2);
        vec![both]
    });
    stage
        .until(30 * SECOND, "the command is taken back", |stage| {
            let failures = stage.metric(&names::DISRUPTION_QUEUE_FAILURES, &FAILED);
            failures == 2 && stage.is_free("node-1") && stage.is_free("node-2")
        })
        .await;
    assert_eq!(stage.claims().len(), 2);
    assert_eq!(stage.rig.cloud.launched(), 2, "nothing came for them");
    assert!(stage.rig.all_running());
}
