use serde_json::{Value, json};

use super::*;
use crate::testing::{Scene, at};

/// Why the only node stays; none if it may go.
fn why(scene: &mut Scene, class: Class, now: i64) -> Option<Why> {
    let snapshot = scene.snapshot();
    let node = snapshot.nodes.get(0).expect("a node").clone();
    candidate(&snapshot, &node, class, at(now)).err()
}

fn protected(value: &str) -> Value {
    json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": value}},
        "status": {"startTime": at(0).to_string()}})
}

/// CF-01, CF-02, CF-03: a deadline for the drain lifts the veto of pods and of their budgets where
/// the node has to go sooner or later, and only there.
#[test]
fn pods_have_no_veto_where_a_node_must_go_and_its_drain_has_a_deadline() {
    let grace = json!({"spec": {"terminationGracePeriod": "5m"}});
    let budget: model::k8s::PodDisruptionBudget = crate::testing::read(
        json!({"metadata": {"name": "b", "namespace": "n"},
            "spec": {"selector": {"matchLabels": {"app": "x"}}},
            "status": {"disruptionsAllowed": 0}}),
        &json!({}),
    );
    for (claim, class, goes) in [
        (json!({}), Class::Graceful, false),
        (json!({}), Class::Eventual, false),
        (grace.clone(), Class::Graceful, false),
        (grace, Class::Eventual, true),
    ] {
        let mut scene = Scene::new(&json!({}));
        scene
            .node("a", &json!({}), &claim)
            .pod("x", "a", &protected("true"));
        let kept = why(&mut scene, class, 100);
        assert_eq!(kept.is_none(), goes, "{claim} {class:?}");
        assert!(matches!(kept, None | Some(Why::ProtectedPod { .. })));
        let mut scene = Scene::new(&json!({}));
        scene
            .node("a", &json!({}), &claim)
            .pod("x", "a", &json!({}));
        scene.0.apply(cluster::Event::PodDisruptionBudget(
            cluster::Change::Applied(budget.clone()),
        ));
        let kept = why(&mut scene, class, 100);
        assert_eq!(kept.is_none(), goes, "{claim} {class:?}");
        assert!(matches!(kept, None | Some(Why::BlockedPod { .. })));
    }
}

/// CF-08: on nodes only the literal `true` counts, whichever of the two objects has it.
#[test]
fn a_node_may_say_that_it_stays() {
    let says =
        |value: &str| json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": value}}});
    for (value, kept) in [("true", true), ("false", false), ("30m", false)] {
        for (node, claim) in [(says(value), json!({})), (json!({}), says(value))] {
            let mut scene = Scene::new(&json!({}));
            scene.node("a", &node, &claim);
            let expected = kept.then_some(Why::DoNotDisrupt);
            assert_eq!(why(&mut scene, Class::Eventual, 100), expected, "{value}");
        }
    }
}

/// CF-10: a node that does not say what it is has no price, and may go all the same.
#[test]
fn a_node_without_a_known_type_zone_or_capacity_may_go() {
    for (label, value) in [
        ("karpenter.sh/capacity-type", Value::Null),
        ("topology.kubernetes.io/zone", Value::Null),
        ("node.kubernetes.io/instance-type", Value::Null),
        ("node.kubernetes.io/instance-type", json!("unheard-of")),
    ] {
        let mut scene = Scene::new(&json!({}));
        scene.node(
            "a",
            &json!({"metadata": {"labels": {label: value}}}),
            &json!({}),
        );
        let snapshot = scene.snapshot();
        let node = snapshot.node("a").expect("a node");
        let (candidate, _) =
            candidate(&snapshot, node, Class::Graceful, at(100)).expect("a candidate");
        assert_eq!(
            (candidate.price, candidate.savings_ratio),
            (None, 0.0),
            "{label}"
        );
    }
}

/// CF-11, CF-12: protection for a time ends with the longest.
#[test]
fn the_pod_that_is_protected_longest_keeps_the_node() {
    let mut scene = Scene::new(&json!({}));
    scene
        .empty("a")
        .pod("short", "a", &protected("1m"))
        .pod("long", "a", &protected("3m"))
        .pod("nonsense", "a", &protected("soon"));
    for (now, kept) in [(30, true), (90, true), (179, true), (180, false)] {
        let why = why(&mut scene, Class::Graceful, now);
        assert_eq!(why.is_some(), kept, "{now}: {why:?}");
    }
}
