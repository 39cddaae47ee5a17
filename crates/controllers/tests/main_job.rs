//! From a pending pod to a node and back, against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::NODES;
use common::{CLAIMS, Fault, POOLS, Rig};
use controllers::CloudError;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);

fn condition(object: &Value, r#type: &str) -> String {
    let conditions = object["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let found = conditions.into_iter().find(|held| held["type"] == r#type);
    found
        .map(|held| held["status"].as_str().unwrap_or_default().to_owned())
        .unwrap_or_default()
}

/// The main job, LC-01, LC-08, LC-29, EM-01, FI-01, NT-01, NP-01, NP-03 seen from outside.
#[tokio::test(start_paused = true)]
async fn pods_get_nodes_and_nodes_go_with_their_pods() {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("inflate", 10);
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    let launched = rig.cloud.launched();
    assert!(
        (1..=3).contains(&launched),
        "{launched} instances for 10 small pods"
    );
    rig.until(MINUTE, "claims are ready", |rig| {
        rig.list(CLAIMS)
            .iter()
            .all(|claim| condition(claim, "Ready") == "True")
    })
    .await;
    for node in rig.list(NODES) {
        let labels = &node["metadata"]["labels"];
        assert_eq!(labels["karpenter.sh/registered"], "true");
        assert_eq!(labels["karpenter.sh/initialized"], "true");
        assert_eq!(labels["karpenter.sh/nodepool"], "default");
        assert_eq!(
            node["metadata"]["finalizers"],
            json!(["karpenter.sh/termination"])
        );
    }
    rig.until(MINUTE, "the pool counts its nodes", |rig| {
        rig.list(POOLS)[0]["status"]["nodes"] == json!(launched)
    })
    .await;
    rig.scale_down();
    rig.until(5 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    rig.until(MINUTE, "the pool counts nothing", |rig| {
        rig.list(POOLS)[0]["status"]["nodes"] == json!(0)
    })
    .await;
    assert_eq!(
        rig.cloud.launched(),
        launched,
        "nothing was launched in vain"
    );
    let reasons = rig.event_reasons();
    for reason in [
        "Nominated",
        "Launched",
        "Registered",
        "Initialized",
        "Ready",
        "DisruptionTerminating",
        "Finalized",
    ] {
        assert!(
            reasons.iter().any(|have| have == reason),
            "{reason} in {reasons:?}"
        );
    }
}

/// Our own metrics, without the buckets of histograms.
fn counts(rig: &Rig) -> String {
    let text = rig.metrics.to_text();
    let ours = text.lines().filter(|line| line.starts_with("karpenter_"));
    ours.filter(|line| !line.contains("_bucket{"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What dashboards look at.
#[tokio::test(start_paused = true)]
async fn what_was_done_is_counted() {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("inflate", 3);
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.clock.sleep(MINUTE).await;
    let text = counts(&rig);
    for line in [
        "karpenter_nodeclaims_created_total{reason=\"provisioned\",nodepool=\"default\",\
         min_values_relaxed=\"false\"} 1",
        "karpenter_nodes_total{nodepool=\"default\"} 1",
        "karpenter_nodepools_usage{resource_type=\"nodes\",nodepool=\"default\"} 1",
        "karpenter_cluster_state_node_count 1",
        "karpenter_provisioner_scheduling_duration_seconds_count 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let allocatable = text
        .lines()
        .filter(|line| line.starts_with("karpenter_nodes_allocatable{"));
    let cpu = allocatable
        .filter(|line| line.contains("resource_type=\"cpu\""))
        .count();
    assert_eq!(cpu, 1, "one series for the node");
    rig.scale_down();
    rig.until(5 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    rig.clock.sleep(MINUTE).await;
    let text = counts(&rig);
    for line in [
        "karpenter_nodeclaims_disrupted_total{reason=\"empty\",nodepool=\"default\",",
        "karpenter_voluntary_disruption_decisions_total{decision=\"delete\",reason=\"empty\",\
         consolidation_type=\"empty\"} 1",
        "karpenter_deprovisioning_actions{action=\"delete\",result=\"success\"} 1",
        "karpenter_nodes_total{nodepool=\"default\"} 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(
        !text.contains("karpenter_nodes_allocatable{"),
        "the node's series are gone"
    );
}

/// Standing still costs no writes.
#[tokio::test(start_paused = true)]
async fn an_idle_cluster_is_not_written_to() {
    let mut rig = Rig::new();
    rig.start();
    rig.scale_up("inflate", 10);
    rig.until(2 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.clock.sleep(5 * MINUTE).await;
    let before = rig.wire.writes();
    rig.clock.sleep(60 * MINUTE).await;
    let after = rig.wire.writes();
    assert_eq!(after[before.len()..], [] as [String; 0]);
}

/// The same world, the same writes.
#[tokio::test(start_paused = true)]
async fn a_run_repeats_itself() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let mut rig = Rig::new();
        rig.start();
        rig.scale_up("inflate", 23);
        rig.until(2 * MINUTE, "all pods run", Rig::all_running)
            .await;
        rig.scale_down();
        rig.until(5 * MINUTE, "everything is gone", Rig::is_bare)
            .await;
        runs.push(rig.wire.writes());
    }
    assert_eq!(runs[0], runs[1]);
}

/// LC-03: what can't be had is given up, and its pods get something else.
#[tokio::test(start_paused = true)]
async fn a_launch_without_capacity_is_tried_with_other_types() {
    let mut rig = Rig::new();
    rig.cloud
        .fail([CloudError::InsufficientCapacity("none left".to_owned())]);
    rig.start();
    rig.scale_up("inflate", 3);
    rig.until(3 * MINUTE, "all pods run", Rig::all_running)
        .await;
    let reasons = rig.event_reasons();
    assert!(
        reasons
            .iter()
            .any(|reason| reason == "InsufficientCapacityError"),
        "{reasons:?}"
    );
    assert_eq!(rig.list(CLAIMS).len(), rig.cloud.alive());
}

/// LC-05, LC-06: other failures are shown on the claim and tried again.
#[tokio::test(start_paused = true)]
async fn a_launch_that_fails_is_tried_again() {
    let mut rig = Rig::new();
    let failure = || CloudError::Create {
        reason: "NoSubnets".to_owned(),
        message: "none found".to_owned(),
    };
    rig.cloud
        .fail([failure(), failure(), CloudError::Other("odd".to_owned())]);
    rig.start();
    rig.scale_up("inflate", 1);
    rig.until(MINUTE, "the failure is shown", |rig| {
        rig.list(CLAIMS).iter().any(|claim| {
            claim["status"]["conditions"]
                .to_string()
                .contains("NoSubnets")
        })
    })
    .await;
    rig.until(3 * MINUTE, "the pod runs", Rig::all_running)
        .await;
    assert_eq!((rig.list(CLAIMS).len(), rig.cloud.launched()), (1, 1));
}

/// LV-01: an instance that never joins is given up, and the pods get another claim.
#[tokio::test(start_paused = true)]
async fn an_instance_that_never_joins_is_given_up() {
    let mut rig = Rig::new();
    rig.cloud.silence();
    rig.start();
    rig.scale_up("inflate", 1);
    rig.until(MINUTE, "a launch", |rig| rig.cloud.launched() == 1)
        .await;
    let first = rig.list(CLAIMS)[0]["metadata"]["name"].clone();
    rig.until(17 * MINUTE, "the claim is given up", |rig| {
        rig.list(CLAIMS)
            .iter()
            .all(|claim| claim["metadata"]["name"] != first)
    })
    .await;
    rig.until(2 * MINUTE, "another launch", |rig| {
        rig.cloud.launched() == 2
    })
    .await;
    rig.until(MINUTE, "the first instance has ended", |rig| {
        rig.cloud.alive() == 1
    })
    .await;
}

/// A lost answer to a creation makes no second claim.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_creation_makes_no_second_claim() {
    for fault in [Fault::LostAnswer, Fault::LostRequest] {
        let mut rig = Rig::new();
        rig.wire.aim("POST", "/nodeclaims", fault);
        rig.start();
        rig.scale_up("inflate", 3);
        rig.until(2 * MINUTE, "all pods run", Rig::all_running)
            .await;
        assert_eq!(
            (rig.list(CLAIMS).len(), rig.cloud.launched()),
            (1, 1),
            "{fault:?}"
        );
    }
}

/// Lost answers to other writes only cost time.
#[tokio::test(start_paused = true)]
async fn lost_writes_are_repeated() {
    for fault in [Fault::LostAnswer, Fault::LostRequest] {
        let mut rig = Rig::new();
        for number in [1, 3, 4, 6, 7, 9, 10, 12, 15] {
            rig.wire.plan(number, fault);
        }
        rig.start();
        rig.scale_up("inflate", 3);
        rig.until(4 * MINUTE, "all pods run", Rig::all_running)
            .await;
        rig.scale_down();
        rig.until(6 * MINUTE, "everything is gone", Rig::is_bare)
            .await;
        assert_eq!(rig.cloud.launched(), 1, "{fault:?}");
    }
}

/// Others write the same objects all the time.
#[tokio::test(start_paused = true)]
async fn conflicts_only_cost_time() {
    let mut rig = Rig::new();
    let server = rig.server.clone();
    let clock = rig.clock.clone();
    let meddler = tokio::spawn(async move {
        for count in 0.. {
            for resource in [NODES, CLAIMS, POOLS] {
                let all = apiserver::Selectors::default();
                for item in server.list(resource, None, &all).expect("a list").items {
                    let name = item["metadata"]["name"].as_str().expect("a name");
                    let options = apiserver::WriteOptions::default();
                    let _ = server.modify(resource, "", name, &options, |object| {
                        object["metadata"]["annotations"]["meddler"] = json!(count.to_string());
                    });
                }
            }
            clock.sleep(Duration::from_millis(700)).await;
        }
    });
    rig.start();
    rig.scale_up("inflate", 10);
    rig.until(3 * MINUTE, "all pods run", Rig::all_running)
        .await;
    rig.scale_down();
    rig.until(10 * MINUTE, "everything is gone", Rig::is_bare)
        .await;
    meddler.abort();
}
