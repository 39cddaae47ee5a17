use serde_json::{Value, json};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000_000 + seconds)
}

fn pool(disruption: &Value) -> NodePool {
    serde_json::from_value(json!({"metadata": {"name": "p"},
        "spec": {"disruption": disruption, "template": {"spec": {"requirements": []}}}}))
    .expect("a pool")
}

fn claim(initialized: &str, last_pod_event: Option<i64>) -> NodeClaim {
    let mut claim: NodeClaim = serde_json::from_value(json!({"metadata": {"name": "c"},
        "status": {"conditions": [{"type": "Initialized", "status": initialized,
            "lastTransitionTime": at(0).to_string()}]}}))
    .expect("a claim");
    claim.status.last_pod_event_time = last_pod_event.map(at);
    claim
}

/// CO-01, CO-02, CO-03, CO-04.
#[test]
fn a_node_is_quiet_some_time_after_the_last_pod_event() {
    let minute = pool(&json!({"consolidateAfter": "1m"}));
    let decided = |claim: &NodeClaim, now: i64| decide(claim, &minute, at(now));
    assert_eq!(decided(&claim("True", Some(0)), 300), Quiet::Yes);
    assert_eq!(
        decided(&claim("True", None), 60),
        Quiet::Yes,
        "initialization counts"
    );
    assert_eq!(
        decided(&claim("True", Some(290)), 300),
        Quiet::NotBefore(at(350))
    );
    assert_eq!(decided(&claim("Unknown", Some(0)), 300), Quiet::Never);
    assert_eq!(decided(&claim("False", Some(0)), 300), Quiet::Never);
    let never = pool(&json!({"consolidateAfter": "Never"}));
    assert_eq!(
        decide(&claim("True", Some(0)), &never, at(300)),
        Quiet::Never
    );
    let at_once = pool(&json!({"consolidateAfter": "0s"}));
    assert_eq!(
        decide(&claim("True", Some(300)), &at_once, at(300)),
        Quiet::Yes
    );
}

/// CO-05.
#[test]
fn static_pools_are_none_of_our_business() {
    let mut fixed = pool(&json!({"consolidateAfter": "0s"}));
    fixed.spec.replicas = Some(3);
    assert_eq!(
        decide(&claim("True", None), &fixed, at(300)),
        Quiet::NotOurs
    );
}

/// A destination counts as settling by its own pool's `consolidateAfter`; pools without one, and
/// nodes that are not complete, never do.
#[test]
fn destinations_settle_for_as_long_as_their_pool_says() {
    use crate::testing::{Scene, at, true_condition};
    let settling = |after: &str, claim: &Value, now: i64| {
        let mut scene = Scene::new(&json!({"spec": {"disruption": {"consolidateAfter": after}}}));
        scene.node("a", &json!({}), claim);
        let snapshot = scene.snapshot();
        let node = snapshot.node("a").expect("a node").clone();
        is_settling(&snapshot, &node, at(now))
    };
    let young = json!({});
    assert!(settling("1m", &young, 59));
    assert!(!settling("1m", &young, 60));
    let busy = json!({"status": {"lastPodEventTime": at(50).to_string()}});
    assert!(settling("1m", &busy, 109));
    assert!(!settling("1m", &busy, 110));
    for never in ["0s", "Never"] {
        assert!(!settling(never, &busy, 51), "{never}");
    }
    let incomplete = json!({"status": {"conditions": [true_condition("Registered")]}});
    assert!(!settling("1m", &incomplete, 10));
    let mut lost = Scene::new(&json!({"spec": {"disruption": {"consolidateAfter": "1m"}}}));
    let other = json!({"metadata": {"labels": {"karpenter.sh/nodepool": "gone"}}});
    lost.node("a", &other, &other);
    let snapshot = lost.snapshot();
    assert!(!is_settling(
        &snapshot,
        snapshot.node("a").expect("a node"),
        at(10)
    ));
}
