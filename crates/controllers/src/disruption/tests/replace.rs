//! Nodes that are replaced.

use controllers::CloudError;
use runtime::metrics::names;

use super::*;

fn drifted(nodes: &'static [&'static str]) -> impl Fn(&Snapshot, Timestamp) -> Vec<Command> {
    move |snapshot, now| vec![command(snapshot, now, Reason::Drifted, nodes)]
}

/// Failures that keep a launch waiting for about a minute.
fn slow(stage: &Stage) {
    let failure = || CloudError::Other("not now".to_owned());
    stage
        .rig
        .cloud
        .fail(std::iter::repeat_with(failure).take(6));
}

/// DR-03, QU-01, QU-02: taint and condition first, then the replacement, and only when that is
/// complete the deletion. Events and metrics of it (IN-06).
#[tokio::test(start_paused = true)]
async fn a_node_goes_when_its_replacement_is_complete_and_not_before() {
    let stage = Stage::with(&["a"]).await;
    stage.order(drifted(&["node-1"]));
    stage
        .until(10 * SECOND, "the node is marked", |stage| {
            let claim = stage.claim_of("node-1").expect("the claim");
            stage.tainted() == ["node-1"] && condition(&claim, "DisruptionReason") == "True"
        })
        .await;
    stage
        .until(3 * MINUTE, "the node is gone", |stage| {
            stage.keep_up("a");
            let goes = stage
                .claim_of("node-1")
                .is_none_or(|claim| !claim["metadata"]["deletionTimestamp"].is_null());
            assert!(!goes || stage.is_complete("node-2"), "gone too early");
            stage.is_gone("node-1")
        })
        .await;
    stage
        .until(MINUTE, "the pods run elsewhere", |stage| {
            stage.rig.all_running() && stage.claims().len() == 1
        })
        .await;
    stage.rig.clock.sleep(5 * MINUTE).await;
    assert_eq!(stage.rig.cloud.launched(), 2, "one replacement and no more");
    for reason in [
        "DisruptionLaunching",
        "DisruptionWaitingReadiness",
        "DisruptionTerminating",
    ] {
        assert!(stage.has_event(reason), "{reason}");
    }
    for (metric, labels) in [
        (
            &names::DISRUPTION_DECISIONS,
            &["replace", "drifted", ""][..],
        ),
        (
            &names::DISRUPTION_DECISIONS_BY_NODEPOOL,
            &["default", "replace", "drifted", ""],
        ),
        (&names::NODECLAIMS_CREATED, &["drifted", "default", "false"]),
        (
            &names::LEGACY_DEPROVISIONING_ACTIONS,
            &["replace", "success"],
        ),
    ] {
        assert_eq!(stage.metric(metric, labels), 1, "{labels:?}");
    }
    let text = stage.rig.metrics.to_text();
    let disrupted = text
        .lines()
        .find(|line| line.starts_with("karpenter_nodeclaims_disrupted_total{reason=\"drifted\""));
    let disrupted = disrupted.expect("the claim is counted");
    assert!(
        disrupted.contains("consolidation_policy=\"\""),
        "{disrupted}"
    );
}

/// IN-03, IN-05: while a launch hangs, nobody makes another machine for the same pods.
#[tokio::test(start_paused = true)]
async fn no_second_machine_is_made_while_a_launch_hangs() {
    let stage = Stage::with(&["a"]).await;
    slow(&stage);
    stage.order(drifted(&["node-1"]));
    stage
        .until(4 * MINUTE, "the node is gone", |stage| {
            stage.keep_up("a");
            assert!(stage.claims().len() <= 2, "{:?}", stage.claims());
            stage.is_gone("node-1")
        })
        .await;
    stage.rig.clock.sleep(MINUTE).await;
    assert!(stage.rig.all_running());
    assert_eq!(stage.rig.cloud.launched(), 2);
}

/// IN-05: other pods get a node of their own meanwhile, and not the one that is meant for others.
#[tokio::test(start_paused = true)]
async fn pending_pods_are_served_while_nodes_are_replaced() {
    let stage = Stage::with(&["a"]).await;
    slow(&stage);
    stage.order(drifted(&["node-1"]));
    stage
        .until(10 * SECOND, "a replacement", |stage| {
            stage.claims().len() == 2
        })
        .await;
    stage.keep_up("b");
    stage
        .until(4 * MINUTE, "the node is gone", |stage| {
            stage.keep_up("a");
            stage.is_gone("node-1")
        })
        .await;
    stage.rig.clock.sleep(MINUTE).await;
    assert!(stage.rig.all_running());
    assert_eq!((stage.claims().len(), stage.rig.cloud.launched()), (2, 3));
}

/// DR-04, QU-03: all replacements must be complete.
#[tokio::test(start_paused = true)]
async fn a_node_waits_for_all_of_its_replacements() {
    let stage = Stage::with(&["a"]).await;
    stage.order(|snapshot, now| {
        let mut command = command(snapshot, now, Reason::Drifted, &["node-1"]);
        let mut other = command.replacements[0].clone();
        other.pods.clear();
        command.replacements.extend([other.clone(), other]);
        vec![command]
    });
    stage
        .until(10 * SECOND, "three replacements", |stage| {
            stage.claims().len() == 4
        })
        .await;
    let failure = || CloudError::Other("not now".to_owned());
    stage
        .rig
        .cloud
        .fail(std::iter::repeat_with(failure).take(4));
    stage
        .until(3 * MINUTE, "the node goes", |stage| {
            let claim = stage.claim_of("node-1");
            let goes = claim.is_none_or(|claim| !claim["metadata"]["deletionTimestamp"].is_null());
            let complete = ["node-2", "node-3", "node-4"];
            assert!(!goes || complete.iter().all(|node| stage.is_complete(node)));
            goes
        })
        .await;
}

/// QU-08: a command that has to wait holds no other up.
#[tokio::test(start_paused = true)]
async fn commands_end_each_at_its_own_time() {
    let stage = Stage::with(&["a", "b"]).await;
    let failure = || CloudError::Other("not now".to_owned());
    stage.order(drifted(&["node-1"]));
    stage
        .until(10 * SECOND, "one replacement", |stage| {
            stage.claims().len() == 3
        })
        .await;
    // The launch of the first one has begun; from here on nothing can be launched for a while.
    stage.rig.clock.sleep(SECOND).await;
    stage
        .rig
        .cloud
        .fail(std::iter::repeat_with(failure).take(7));
    stage.order(drifted(&["node-2"]));
    stage
        .until(10 * SECOND, "both are in flight", |stage| {
            stage.claims().len() == 4
        })
        .await;
    stage
        .until(2 * MINUTE, "the first is gone", |stage| {
            stage.keep_up("a");
            stage.is_gone("node-1")
        })
        .await;
    assert_eq!(stage.tainted(), ["node-2"]);
    stage
        .until(5 * MINUTE, "the second is gone", |stage| {
            stage.keep_up("a");
            stage.keep_up("b");
            stage.is_gone("node-2")
        })
        .await;
}

/// A node in flight is not taken by another command.
#[tokio::test(start_paused = true)]
async fn a_node_in_flight_is_not_taken_again() {
    let stage = Stage::with(&["a"]).await;
    slow(&stage);
    stage.order(drifted(&["node-1"]));
    stage
        .until(10 * SECOND, "a replacement", |stage| {
            stage.claims().len() == 2
        })
        .await;
    stage.order(|snapshot, now| {
        let node = snapshot.node("node-1").expect("the node");
        assert!(node.is_marked(), "nothing new is placed on it");
        let mut again = command(snapshot, now, Reason::Drifted, &["node-1"]);
        again.replacements.clear();
        vec![again]
    });
    stage.rig.clock.sleep(20 * SECOND).await;
    let claim = stage.claim_of("node-1").expect("the claim");
    assert!(claim["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(stage.claims().len(), 2);
}

/// Others write the same objects all the time.
#[tokio::test(start_paused = true)]
async fn conflicts_do_not_stop_a_replacement() {
    let stage = Stage::with(&["a"]).await;
    let (server, clock) = (stage.rig.server.clone(), stage.rig.clock.clone());
    let meddler = tokio::spawn(async move {
        for count in 0.. {
            for resource in [NODES, CLAIMS] {
                let all = apiserver::Selectors::default();
                for item in server.list(resource, None, &all).expect("a list").items {
                    let name = item["metadata"]["name"].as_str().expect("a name");
                    let options = apiserver::WriteOptions::default();
                    let _ = server.modify(resource, "", name, &options, |object| {
                        object["metadata"]["annotations"]["meddler"] = json!(count.to_string());
                    });
                }
            }
            clock.sleep(Duration::from_millis(300)).await;
        }
    });
    stage.order(drifted(&["node-1"]));
    stage
        .until(5 * MINUTE, "the node is gone", |stage| {
            stage.keep_up("a");
            stage.is_gone("node-1")
        })
        .await;
    meddler.abort();
    assert_eq!(stage.rig.cloud.launched(), 2);
}
