use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::Why;
use crate::testing::{Scene, at, merge, true_condition};

const HOUR: i64 = 3600;

/// A claim that was created so many seconds after the beginning and lives so long.
fn living(created: i64, life: &str) -> Value {
    json!({"metadata": {"creationTimestamp": at(created).to_string()},
        "spec": {"expireAfter": life}})
}

fn drifting() -> Value {
    json!({"status": {"conditions": [true_condition("Initialized"), true_condition("Drifted")]}})
}

fn names(looked: &(Vec<Candidate>, Vec<Kept>)) -> Vec<&str> {
    looked.0.iter().map(|one| &*one.node).collect()
}

/// Not early, not without an end, not past it.
#[test]
fn a_node_is_due_when_a_tenth_of_its_life_is_left() {
    let mut scene = Scene::new(&json!({}));
    scene.node("a", &json!({}), &living(0, "100h"));
    scene.node("b", &json!({}), &living(-HOUR, "100h"));
    scene.node("never", &json!({}), &living(0, "Never"));
    scene.node(
        "unset",
        &json!({}),
        &json!({"metadata": {"creationTimestamp": at(0).to_string()}}),
    );
    let snapshot = scene.snapshot();
    let due = |hours: i64| expiring(&snapshot, at(hours * HOUR));
    assert!(names(&due(84)).is_empty());
    assert_eq!(names(&due(90)), ["b", "a"], "the one that ends first");
    assert_eq!(
        names(&due(99)),
        ["a"],
        "whoever has expired is deleted as it is"
    );
    assert_eq!(static_expiring(&snapshot, at(90 * HOUR)).0, []);
}

#[test]
fn a_long_life_leaves_a_day() {
    let begin = |uid: &str| {
        let claim: NodeClaim = crate::testing::read(
            json!({"metadata": {"name": "c", "uid": uid}}),
            &living(0, "720h"),
        );
        (0..720)
            .find(|hour| end_if_due(&claim, at(hour * HOUR)).is_some())
            .expect("a time")
    };
    let begins: BTreeSet<i64> = (0..200)
        .map(|number| begin(&format!("uid-{number}")))
        .collect();
    // One day before the end at the latest, and up to half a day before that.
    let hours: Vec<i64> = (685..=696).collect();
    assert_eq!(begins.into_iter().collect::<Vec<_>>(), hours);
    assert_eq!(begin("x"), begin("x"));
}

/// Nodes that started together are spread evenly.
#[test]
fn nodes_of_one_age_do_not_go_at_once() {
    let mut scene = Scene::new(&json!({}));
    for number in 0..100 {
        let name = format!("n{number:02}");
        scene.node(&name, &json!({}), &living(0, "100h"));
    }
    let snapshot = scene.snapshot();
    let counts: Vec<usize> = (85..=90)
        .map(|hour| expiring(&snapshot, at(hour * HOUR)).0.len())
        .collect();
    assert_eq!((counts[0], counts[5]), (0, 100));
    for pair in counts.windows(2) {
        let more = pair[1] - pair[0];
        assert!((8..=35).contains(&more), "{counts:?}");
    }
}

/// Whoever has drifted goes for that, unless drift has to wait.
#[test]
fn drifted_nodes_are_left_to_drift_unless_that_waits() {
    let mut claim = living(0, "100h");
    merge(&mut claim, &drifting());
    let mut scene = Scene::new(&json!({}));
    scene.node("a", &json!({}), &claim);
    assert!(names(&expiring(&scene.snapshot(), at(95 * HOUR))).is_empty());
    let pool = json!({"status": {"conditions": [{"type": "NodeRegistrationHealthy",
        "status": "False", "lastTransitionTime": at(95 * HOUR).to_string()}]}});
    let mut scene = Scene::new(&pool);
    scene.node("a", &json!({}), &claim);
    assert_eq!(names(&expiring(&scene.snapshot(), at(95 * HOUR))), ["a"]);
}

/// Pods keep an expiring node as they keep a drifted one, until its end.
#[test]
fn protected_pods_keep_an_expiring_node() {
    let protected = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}});
    let mut scene = Scene::new(&json!({}));
    scene
        .node("a", &json!({}), &living(0, "100h"))
        .pod("x", "a", &protected);
    let (candidates, kept) = expiring(&scene.snapshot(), at(95 * HOUR));
    assert!(candidates.is_empty());
    assert!(matches!(kept[0].reason, Why::ProtectedPod { .. }));
    let mut grace = living(0, "100h");
    merge(
        &mut grace,
        &json!({"spec": {"terminationGracePeriod": "1h"}}),
    );
    scene.node("a", &json!({}), &grace);
    assert_eq!(names(&expiring(&scene.snapshot(), at(95 * HOUR))), ["a"]);
}

/// Both renewals of a pool with a fixed number of nodes share its room.
#[test]
fn fixed_pools_renew_within_their_limits_for_both_reasons_together() {
    let pool = |limit: u32| json!({"spec": {"replicas": 3, "limits": {"nodes": limit}}});
    for (limit, expected) in [
        (3, vec![]),
        (4, vec![]),
        (5, vec!["b"]),
        (6, vec!["b", "c"]),
    ] {
        let mut scene = Scene::new(&pool(limit));
        let mut drifted = living(0, "100h");
        merge(&mut drifted, &drifting());
        scene.node("a", &json!({}), &drifted);
        scene.node("b", &json!({}), &living(0, "100h"));
        scene.node("c", &json!({}), &living(1, "100h"));
        let snapshot = scene.snapshot();
        let looked = static_expiring(&snapshot, at(95 * HOUR));
        assert_eq!(names(&looked), expected, "{limit}");
        assert_eq!(looked.1.len(), 2 - expected.len());
        assert!(names(&expiring(&snapshot, at(95 * HOUR))).is_empty());
    }
}
