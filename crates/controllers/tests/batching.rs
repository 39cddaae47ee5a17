//! When a batch window closes, against an API server, in virtual time.

mod common;

use std::time::Duration;

use apiserver::{PODS, Part, REPLICA_SETS, WriteOptions};
use common::{CLAIMS, Rig};
use model::Timestamp;
use runtime::metrics::names::LEGACY_SCHEDULING_SECONDS;
use serde_json::{Value, json};

const SLOW: [&str; 2] = ["--batch-idle-duration=5s", "--batch-max-duration=10s"];

/// Loops that have listed everything, at a full second: the scheduler has just looked.
async fn rig(flags: &[&str]) -> Rig {
    let mut rig = Rig::new();
    rig.start_with(flags);
    rig.clock.sleep(Duration::from_millis(5_010)).await;
    rig
}

/// Makes a pod that the scheduler has looked at, changed.
fn pending(rig: &Rig, name: &str, patch: &Value) {
    let mut all = json!({"status": {"phase": "Pending", "conditions":
        [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
    common::merge(&mut all, patch);
    rig.pod(name, patch);
    let options = WriteOptions {
        part: Part::Status,
        ..WriteOptions::default()
    };
    let see = |pod: &mut Value| pod["status"] = all["status"].clone();
    rig.server
        .modify(PODS, "default", name, &options, see)
        .expect("a status");
}

/// Makes a ReplicaSet.
fn replica_set(rig: &Rig, name: &str, replicas: usize) {
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "pause"}]}}}});
    rig.server
        .create(REPLICA_SETS, "default", set)
        .expect("a set");
}

fn owned_by(set: &str) -> Value {
    json!({"metadata": {"ownerReferences":
        [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": set}]}})
}

/// Milliseconds from `start` to the first claims, in steps of 20. All of them come of one window.
async fn first_claims(rig: &Rig, start: Timestamp) -> u128 {
    while rig.list(CLAIMS).is_empty() {
        let passed = rig.clock.now().since(start);
        assert!(
            passed < Duration::from_secs(20),
            "no claim after {passed:?}"
        );
        rig.clock.sleep(Duration::from_millis(20)).await;
    }
    let passed = rig.clock.now().since(start).as_millis();
    rig.clock.sleep(Duration::from_millis(20)).await;
    let windows = rig.metrics.value(&LEGACY_SCHEDULING_SECONDS, &[]);
    assert_eq!(windows, Some(1.0), "one window");
    let requested = |claim: &Value| {
        let cpu: model::Quantity = claim["spec"]["resources"]["requests"]["cpu"]
            .as_str()
            .expect("an amount")
            .parse()
            .expect("an amount");
        cpu.units_floor()
    };
    let requested: i64 = rig.list(CLAIMS).iter().map(requested).sum();
    let pods = rig.list(PODS);
    // The scheduler says of a pod that it has looked at why it has no node.
    let seen = pods
        .iter()
        .filter(|pod| !pod["status"]["conditions"].is_null());
    assert_eq!(usize::try_from(requested).expect("a count"), seen.count());
    passed
}

/// SCH-1: one pod, and nothing else for the idle time.
#[tokio::test(start_paused = true)]
async fn a_single_pod_is_provisioned_after_the_idle_time() {
    let rig = rig(&[]).await;
    let start = rig.clock.now();
    pending(&rig, "a", &json!({}));
    let passed = first_claims(&rig, start).await;
    assert!((1_000..1_100).contains(&passed), "{passed} ms");
}

/// SCH-2: a pod that is looked at again does not keep the window open.
#[tokio::test(start_paused = true)]
async fn the_same_pod_again_does_not_extend_the_window() {
    let rig = rig(&SLOW).await;
    let start = rig.clock.now();
    pending(&rig, "a", &json!({}));
    rig.clock.sleep(Duration::from_secs(3)).await;
    let options = WriteOptions::default();
    let touch = |pod: &mut Value| pod["metadata"]["annotations"]["touched"] = json!("yes");
    rig.server
        .modify(PODS, "default", "a", &options, touch)
        .expect("a change");
    let passed = first_claims(&rig, start).await;
    assert!((5_000..5_100).contains(&passed), "{passed} ms");
}

/// SCH-3, SCH-4: another pod does, until the window is full; all of them get a place.
#[tokio::test(start_paused = true)]
async fn another_pod_extends_the_window_up_to_its_longest_time() {
    for (others, closes) in [(1, 8_000), (4, 10_000)] {
        let rig = rig(&SLOW).await;
        let start = rig.clock.now();
        pending(&rig, "a", &json!({}));
        for number in 0..others {
            rig.clock.sleep(Duration::from_secs(3)).await;
            if rig.list(CLAIMS).is_empty() {
                pending(&rig, &format!("b-{number}"), &json!({}));
            }
        }
        let passed = first_claims(&rig, start).await;
        assert!((closes..closes + 3_000).contains(&passed), "{passed} ms");
        rig.until(Duration::from_mins(1), "all run", Rig::all_running)
            .await;
    }
}

/// A scaled workload whose pods are all there: nothing more can be expected.
#[tokio::test(start_paused = true)]
async fn a_window_closes_early_when_a_workload_has_all_its_pods() {
    let rig = rig(&[]).await;
    replica_set(&rig, "web", 5);
    rig.clock.sleep(Duration::from_secs(2)).await;
    let start = rig.clock.now();
    for number in 0..5 {
        pending(&rig, &format!("web-{number}"), &owned_by("web"));
    }
    let passed = first_claims(&rig, start).await;
    assert!((100..200).contains(&passed), "{passed} ms");
}

/// A pod that is missing, or that the scheduler has not looked at, may come.
#[tokio::test(start_paused = true)]
async fn a_window_stays_open_while_pods_are_on_their_way() {
    let missing: fn(&Rig) = |_| {};
    let unseen: fn(&Rig) = |rig| rig.pod("web-4", &owned_by("web"));
    for (case, last) in [("missing", missing), ("unseen", unseen)] {
        let rig = rig(&["--batch-idle-duration=900ms"]).await;
        replica_set(&rig, "web", 5);
        let start = rig.clock.now();
        for number in 0..4 {
            pending(&rig, &format!("web-{number}"), &owned_by("web"));
        }
        last(&rig);
        let passed = first_claims(&rig, start).await;
        assert!((900..1_050).contains(&passed), "{case}: {passed} ms");
    }
}
