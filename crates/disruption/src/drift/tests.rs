use cluster::Intent;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Scene, at, true_condition};

fn since(r#type: &str, status: &str, seconds: i64) -> Value {
    json!({"type": r#type, "status": status, "lastTransitionTime": at(seconds).to_string()})
}

fn drifted_since(seconds: i64) -> Value {
    json!({"status": {"conditions":
        [true_condition("Initialized"), since("Drifted", "True", seconds)]}})
}

fn names(candidates: &[Candidate]) -> Vec<&str> {
    candidates.iter().map(|one| &*one.node).collect()
}

fn nodes(kept: &[Kept]) -> Vec<&str> {
    kept.iter().map(|one| &*one.node).collect()
}

/// A pool with a fixed number of nodes, all of which have drifted.
fn fixed(pool: &Value, nodes: usize) -> Scene {
    let mut scene = Scene::new(pool);
    for number in 0..nodes {
        scene.node(
            &format!("n{number}"),
            &json!({}),
            &drifted_since(number as i64),
        );
    }
    scene
}

/// DR-01, DR-06, DR-07: empty ones first, then the oldest.
#[test]
fn empty_nodes_come_first_and_then_those_that_drifted_first() {
    let mut scene = Scene::new(&json!({}));
    scene.node("young", &json!({}), &drifted_since(50));
    scene.node("old", &json!({}), &drifted_since(10));
    scene.node("empty", &json!({}), &drifted_since(60));
    scene.empty("fine");
    let not = json!({"status": {"conditions":
        [true_condition("Initialized"), since("Drifted", "False", 0)]}});
    scene.node("not", &json!({}), &not);
    for name in ["young", "old", "fine", "not"] {
        scene.pod(&format!("x-{name}"), name, &json!({}));
    }
    let snapshot = scene.snapshot();
    let (candidates, kept) = drifted(&snapshot, at(100));
    assert_eq!(names(&candidates), ["empty", "old", "young"]);
    assert!(
        kept.is_empty(),
        "nothing is said of nodes that have not drifted"
    );
    assert_eq!(static_drifted(&snapshot, at(100)).0, []);
}

#[test]
fn a_node_that_is_soon_taken_away_comes_before_all_others() {
    let mut scene = Scene::new(&json!({}));
    scene.node("old", &json!({}), &drifted_since(10));
    scene.node("empty", &json!({}), &drifted_since(20));
    let mut urgent = drifted_since(50);
    let asked = json!({"metadata": {"annotations": {"karpenter.sh/replace": "x"}}});
    crate::testing::merge(&mut urgent, &asked);
    scene.node("urgent", &json!({}), &urgent);
    for name in ["old", "urgent"] {
        scene.pod(&format!("x-{name}"), name, &json!({}));
    }
    let (candidates, _) = drifted(&scene.snapshot(), at(100));
    assert_eq!(names(&candidates), ["urgent", "empty", "old"]);
}

/// DR-09, DR-10, DR-11, SD-07: what protects a drifted node, and what no longer does.
#[test]
fn protected_nodes_and_pods_keep_a_drifted_node() {
    let with = |claim: Value, pod: &Value| {
        let mut scene = Scene::new(&json!({}));
        let mut drifted = drifted_since(0);
        crate::testing::merge(&mut drifted, &claim);
        scene.node("a", &json!({}), &drifted).pod("x", "a", pod);
        scene.snapshot()
    };
    let forbids = |value: &str| {
        json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": value}},
            "status": {"startTime": at(0).to_string()}})
    };
    let go = |snapshot: &Snapshot, seconds| drifted(snapshot, at(seconds)).0.len();
    let protected = with(json!({}), &forbids("true"));
    assert_eq!(go(&protected, 100), 0);
    assert!(matches!(
        drifted(&protected, at(100)).1[0].reason,
        Why::ProtectedPod { .. }
    ));
    let grace = json!({"spec": {"terminationGracePeriod": "5m"}});
    assert_eq!(go(&with(grace, &forbids("true")), 100), 1);
    let for_a_while = with(json!({}), &forbids("2m"));
    assert_eq!((go(&for_a_while, 60), go(&for_a_while, 180)), (0, 1));
    let mut node = Scene::new(&json!({"spec": {"replicas": 1}}));
    let annotated = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}});
    node.node("a", &annotated, &drifted_since(0));
    let (candidates, kept) = static_drifted(&node.snapshot(), at(100));
    assert_eq!((candidates.len(), &kept[0].reason), (0, &Why::DoNotDisrupt));
}

/// SD-01, SD-02, SD-03: as many as budgets allow, each pool by its own.
#[test]
fn nodes_of_fixed_pools_go_as_far_as_the_budget_of_each_allows() {
    let with = |nodes: &str| {
        let budgets = json!([{"nodes": nodes}]);
        json!({"spec": {"replicas": 5, "disruption": {"budgets": budgets}}})
    };
    let mut scene = fixed(&with("2"), 5);
    scene.pool("q", &with("50%"));
    let of_q = json!({"metadata": {"labels": {"karpenter.sh/nodepool": "q"}}});
    for number in 0..5 {
        let mut claim = drifted_since(number);
        crate::testing::merge(&mut claim, &of_q);
        scene.node(&format!("q{number}"), &of_q, &claim);
    }
    let snapshot = scene.snapshot();
    let (candidates, kept) = static_drifted(&snapshot, at(100));
    assert_eq!(names(&candidates), ["n0", "q0", "n1", "q1", "q2"]);
    assert_eq!(nodes(&kept), ["n2", "n3", "q3", "n4", "q4"]);
    assert_eq!(
        kept[0].reason,
        Why::Budget {
            pool: "p".into(),
            allowed: 2,
            disrupting: 2
        }
    );
    // Those that go already count.
    scene.0.commit(Intent::MarkForDeletion {
        nodes: vec!["n0".to_owned()],
    });
    for number in 0..1 {
        scene.node(&format!("new{number}"), &json!({}), &json!({}));
    }
    let (candidates, _) = static_drifted(&scene.snapshot(), at(100));
    assert_eq!(names(&candidates), ["q0", "n1", "q1", "q2"]);
}

/// SD-04: the new node comes first, so a limit must have room for it.
#[test]
fn a_limit_must_have_room_for_the_new_node_beside_the_old() {
    let with = |limit: Option<u32>| {
        let mut pool = json!({"spec": {"replicas": 5}});
        if let Some(limit) = limit {
            pool["spec"]["limits"] = json!({"nodes": limit});
        }
        pool
    };
    for (limit, expected) in [(Some(5), 0), (Some(6), 1), (Some(7), 2), (None, 5)] {
        let mut scene = fixed(&with(limit), 5);
        let (candidates, kept) = static_drifted(&scene.snapshot(), at(100));
        assert_eq!(candidates.len(), expected, "{limit:?}");
        if let Some(last) = kept.last() {
            let why = Why::NoRoom {
                pool: "p".into(),
                limit: limit.expect("a limit").into(),
                nodes: 5 + expected as u64,
            };
            assert_eq!(last.reason, why);
            assert!(why.blocks());
        }
    }
    let mut scene = fixed(&with(Some(6)), 5);
    scene.0.commit(Intent::MarkForDeletion {
        nodes: vec!["n0".to_owned()],
    });
    scene.empty("new");
    assert_eq!(static_drifted(&scene.snapshot(), at(100)).0, []);
    // What the pool lacks will be started as well.
    let mut lacking = fixed(&with(Some(6)), 4);
    assert_eq!(static_drifted(&lacking.snapshot(), at(100)).0.len(), 1);
    let mut lacking = fixed(&with(Some(5)), 4);
    assert_eq!(static_drifted(&lacking.snapshot(), at(100)).0.len(), 0);
}

/// SD-05, SD-06, SD-08.
#[test]
fn a_pool_that_has_too_many_nodes_shrinks_first() {
    for (replicas, expected) in [(0, 0), (1, 0), (2, 2)] {
        let mut scene = fixed(&json!({"spec": {"replicas": replicas}}), 2);
        let snapshot = scene.snapshot();
        let (candidates, kept) = static_drifted(&snapshot, at(100));
        assert_eq!(candidates.len(), expected);
        assert_eq!(drifted(&snapshot, at(100)).0, [], "none of our business");
        if expected == 0 {
            let why = Why::TooMany {
                pool: "p".into(),
                nodes: 2,
                replicas,
            };
            assert_eq!(kept[0].reason, why);
        }
    }
}

/// A bad image must not eat the cluster, and a bad hour must not stop drift for ever.
#[test]
fn drifted_nodes_stay_while_new_nodes_of_their_pool_do_not_join() {
    let unhealthy = |status: &str| {
        let condition = since("NodeRegistrationHealthy", status, 0);
        json!({"status": {"conditions": [condition]}})
    };
    let scene = |status: &str| {
        let mut scene = Scene::new(&unhealthy(status));
        scene.node("a", &json!({}), &drifted_since(0));
        scene.node("b", &json!({}), &drifted_since(1));
        scene
    };
    for fine in ["True", "Unknown"] {
        assert_eq!(drifted(&scene(fine).snapshot(), at(100)).0.len(), 2);
    }
    let mut bad = scene("False");
    let (candidates, kept) = drifted(&bad.snapshot(), at(100));
    assert_eq!((names(&candidates), nodes(&kept)), (vec![], vec!["a", "b"]));
    let hour = 3600;
    let why = Why::PoolUnhealthy {
        pool: "p".into(),
        trial: Some(at(hour)),
    };
    assert_eq!(kept[0].reason, why);
    assert!(why.blocks() && !why.is_eligible());
    assert!(why.to_string().contains("one of them will be tried at"));
    // After an hour one is tried, and no other as long as it is under way.
    let (candidates, kept) = drifted(&bad.snapshot(), at(hour));
    assert_eq!((names(&candidates), nodes(&kept)), (vec!["a"], vec!["b"]));
    bad.0.commit(Intent::MarkForDeletion {
        nodes: vec!["a".to_owned()],
    });
    let (candidates, kept) = drifted(&bad.snapshot(), at(hour + 1));
    assert_eq!((names(&candidates), nodes(&kept)), (vec![], vec!["a", "b"]));
    let mut fixed = Scene::new(&unhealthy("False"));
    fixed.pool(
        "p",
        &json!({"spec": {"replicas": 1},
        "status": {"conditions": [since("NodeRegistrationHealthy", "False", 0)]}}),
    );
    fixed.node("a", &json!({}), &drifted_since(0));
    assert_eq!(static_drifted(&fixed.snapshot(), at(100)).0, []);
    assert_eq!(static_drifted(&fixed.snapshot(), at(hour)).0.len(), 1);
}
