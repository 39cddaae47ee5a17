use serde_json::{Value, json};

use super::*;
use crate::testing::Scene;

fn cost(pod: &Value) -> f64 {
    let mut scene = Scene::new(&json!({}));
    scene.empty("a").pod("x", "a", pod);
    let snapshot = scene.snapshot();
    eviction_cost(&snapshot.node("a").expect("a node").pods[0])
}

fn deletion_cost(text: &str) -> f64 {
    let annotations = json!({"controller.kubernetes.io/pod-deletion-cost": text});
    cost(&json!({"metadata": {"annotations": annotations}}))
}

fn priority(priority: i32) -> f64 {
    cost(&json!({"spec": {"priority": priority}}))
}

fn same(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq()
}

/// EC-01, EC-02, EC-03, EC-04: an ordinary pod costs one, and what its owners say moves that.
#[test]
fn pods_cost_what_their_owners_say() {
    let plain = cost(&json!({}));
    assert!(same(plain, 1.0));
    assert!(deletion_cost("100") > plain && plain > deletion_cost("-100"));
    assert!(priority(1) > plain && plain > priority(-1));
    let ordered = ["-2147483648", "-100", "-1", "0", "1", "100", "2147483647"].map(deletion_cost);
    assert!(
        ordered.is_sorted_by(|less, more| less < more),
        "{ordered:?}"
    );
    assert!(
        same(ordered[0], -10.0) && same(ordered[3], plain),
        "{ordered:?}"
    );
    assert!(same(deletion_cost("nonsense"), plain) && same(deletion_cost("NaN"), plain));
    assert!(
        same(priority(i32::MAX), 10.0),
        "no pod weighs more than ten"
    );
}

/// What a node costs is one, and the pods that come back elsewhere: never less for those that are
/// expendable.
#[test]
fn a_node_costs_what_its_pods_do() {
    let mut scene = Scene::new(&json!({}));
    let expendable = json!({"metadata": {"annotations":
        {"controller.kubernetes.io/pod-deletion-cost": "-2147483648"}}});
    let daemon = json!({"metadata": {"ownerReferences":
        [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "d"}]}});
    scene
        .empty("a")
        .pod("plain", "a", &json!({}))
        .pod("expendable", "a", &expendable)
        .pod("daemon", "a", &daemon)
        .pod("dear", "a", &json!({"spec": {"priority": 1 << 25}}));
    let snapshot = scene.snapshot();
    let node = snapshot.node("a").expect("a node");
    assert!(same(reschedule_cost(node), 4.0));
    assert_eq!(reschedulable_pods(node), 3);
}
