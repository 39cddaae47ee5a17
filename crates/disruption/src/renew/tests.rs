use cluster::Intent;
use serde_json::{Value, json};

use super::*;
use crate::testing::market::{catalog, cores_and, on_demand, told, why_of};
use crate::testing::{Scene, at, merge, true_condition};
use crate::{Plan, plan};

/// A claim whose node drifted then, with what else differs.
fn drifted(seconds: i64, more: &Value) -> Value {
    let since = at(seconds).to_string();
    let mut claim = json!({"status": {"conditions": [true_condition("Initialized"),
        true_condition("Consolidatable"),
        {"type": "Drifted", "status": "True", "lastTransitionTime": since}]}});
    merge(&mut claim, more);
    claim
}

/// Nodes with eight cores each, of a pool whose nodes go for no other reason.
fn scene(budget: &str) -> Scene {
    let pool = json!({"spec": {"disruption":
        {"consolidateAfter": "Never", "budgets": [{"nodes": budget}]}}});
    Scene::market_of(&pool, &[on_demand("eight", 8, 0.8)])
}

fn add(scene: &mut Scene, name: &str, since: i64) {
    let claim = drifted(since, &json!({}));
    scene.launched_with(name, ("eight", "on-demand"), &json!({}), &claim);
}

fn look(scene: &mut Scene) -> Plan {
    let plan = scene.look(&Options::default());
    let reasons = plan.commands.iter().map(|command| command.reason);
    assert!(
        reasons.clone().all(|reason| reason == Reason::Drifted),
        "{:?}",
        plan.commands
    );
    plan
}

/// DR-02: pods that have room elsewhere go there, and no new node comes.
#[test]
fn a_drifted_node_whose_pods_have_room_is_deleted() {
    let mut scene = scene("100%");
    add(&mut scene, "a", 10);
    scene
        .running("x", "a", "2")
        .launched("b", ("eight", "on-demand"))
        .running("y", "b", "4");
    let plan = look(&mut scene);
    assert_eq!(told(&plan.commands), ["a -> nothing"]);
    assert_eq!(&*plan.commands[0].moves[0].to, "b");
    // Pods that have just come there do not matter here, but an incomplete node is no place.
    let young = json!({"metadata": {"labels": {"karpenter.sh/initialized": "no"}}});
    scene.launched_with("b", ("eight", "on-demand"), &young, &json!({}));
    assert_eq!(told(&look(&mut scene).commands), ["a -> eight"]);
}

/// DR-03, DR-04: as many new nodes as the pods need, at whatever price.
#[test]
fn a_drifted_node_gets_as_many_new_nodes_as_its_pods_need() {
    for (pods, expected) in [(1, "a -> eight"), (3, "a -> eight + eight + eight")] {
        let mut scene = scene("100%");
        add(&mut scene, "a", 10);
        for number in 0..pods {
            // More than the node has now: it was larger once.
            scene.running(&format!("x{number}"), "a", "5");
        }
        let plan = look(&mut scene);
        assert_eq!(told(&plan.commands), [expected]);
        assert!(plan.commands[0].price_after >= plan.commands[0].price_before);
    }
}

/// DR-05: a pod that no node can hold keeps its node, and the next is handled.
#[test]
fn a_pod_that_fits_nowhere_keeps_only_its_own_node() {
    let mut scene = scene("100%");
    add(&mut scene, "a", 10);
    add(&mut scene, "b", 20);
    scene.running("huge", "a", "150").running("y", "b", "4");
    let plan = look(&mut scene);
    assert_eq!(told(&plan.commands), ["b -> eight"]);
    let why = why_of(&plan, "a");
    assert!(
        matches!(
            &why,
            Why::Stays(Stays::NowhereToGo { .. } | Stays::Unplaceable { .. })
        ),
        "{why}"
    );
    assert!(why.to_string().contains("n/huge"), "{why}");
}

/// DR-06: those that drifted first, as many as the budget allows, in one plan. The reference takes
/// one in each pass. DR-07: empty nodes come before them all. DR-08: an empty one goes even where
/// consolidation is off.
#[test]
fn the_oldest_go_first_within_the_budget() {
    let mut scene = scene("2");
    for (name, since) in [("young", 50), ("old", 10), ("mid", 30)] {
        add(&mut scene, name, since);
        scene.running(&format!("x-{name}"), name, "6");
    }
    let plan = look(&mut scene);
    assert_eq!(told(&plan.commands), ["old -> eight", "mid -> eight"]);
    assert_eq!(plan.eligible[&Reason::Drifted], 3);
    let over = Why::Budget {
        pool: "p".into(),
        allowed: 2,
        disrupting: 2,
    };
    assert_eq!(why_of(&plan, "young"), over);
    add(&mut scene, "empty", 60);
    let plan = look(&mut scene);
    assert_eq!(told(&plan.commands), ["empty -> nothing", "old -> eight"]);
}

/// A pool that is at its limit renews its nodes: what goes makes room for what comes, but not for
/// more.
#[test]
fn a_pool_at_its_limit_renews_its_nodes() {
    let pool = json!({"spec": {"limits": {"cpu": "16"}, "disruption":
        {"consolidateAfter": "Never", "budgets": [{"nodes": "100%"}]}}});
    let mut scene = Scene::market_of(&pool, &[on_demand("eight", 8, 0.8)]);
    for (name, since) in [("a", 10), ("b", 20)] {
        add(&mut scene, name, since);
        scene.running(&format!("x-{name}"), name, "6");
    }
    let plan = look(&mut scene);
    assert_eq!(told(&plan.commands), ["a -> eight", "b -> eight"]);
    // More than the node has now, so that two would have to come for it.
    scene.running("y-a", "a", "6");
    let plan = look(&mut scene);
    assert_eq!(told(&plan.commands), ["b -> eight"]);
    let why = why_of(&plan, "a");
    assert!(
        matches!(why, Why::Stays(Stays::NowhereToGo { .. })),
        "{why}"
    );
}

/// Drifted nodes whose pods come to share a new node go in one command.
#[test]
fn drifted_nodes_that_share_a_new_node_go_together() {
    let mut scene = scene("100%");
    for (name, since) in [("a", 10), ("b", 20)] {
        add(&mut scene, name, since);
        scene.running(&format!("x-{name}"), name, "3");
    }
    assert_eq!(told(&look(&mut scene).commands), ["a b -> eight"]);
}

/// DR-09: with a termination grace period protected pods do not keep a drifted node, and no room is
/// made for them. DR-10, DR-11: without one they do, for as long as they are protected.
#[test]
fn protected_pods_keep_a_drifted_node_that_has_no_deadline() {
    let protected = |value: &str| {
        json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": value}},
            "status": {"phase": "Running", "startTime": at(0).to_string()}})
    };
    let with = |claim: &Value, value: &str| {
        let mut scene = scene("100%");
        let claim = drifted(10, claim);
        scene
            .launched_with("a", ("eight", "on-demand"), &json!({}), &claim)
            .pod("kept", "a", &cores_and("2", &protected(value)));
        scene
    };
    let deadline = json!({"spec": {"terminationGracePeriod": "1m"}});
    let mut ends = with(&deadline, "true");
    assert_eq!(told(&look(&mut ends).commands), ["a -> nothing"]);
    ends.running("x", "a", "3");
    let plan = look(&mut ends);
    assert_eq!(told(&plan.commands), ["a -> eight"]);
    let moving = &plan.commands[0].replacements[0].pods;
    let moving: Vec<String> = moving.iter().map(|pod| pod.key().to_string()).collect();
    assert_eq!(moving, ["n/x"]);
    let why = |scene: &mut Scene| why_of(&scene.look(&Options::default()), "a");
    assert!(matches!(
        why(&mut with(&json!({}), "true")),
        Why::ProtectedPod { .. }
    ));
    let mut for_a_time = with(&json!({}), "2m");
    assert!(matches!(why(&mut for_a_time), Why::ProtectedPod { .. }));
    let (snapshot, options) = (for_a_time.snapshot(), Options::default());
    let later = plan_at(&snapshot, &options, 180);
    assert_eq!(told(&later.commands), ["a -> eight"]);
}

fn plan_at(snapshot: &cluster::Snapshot, options: &Options, seconds: i64) -> Plan {
    plan(&mut Memory::default(), snapshot, options, at(seconds), 0)
}

/// DR-13: pools do not wait for each other.
#[test]
fn every_pool_has_its_own_budget() {
    let mut scene = scene("1");
    let types = scene.snapshot().pool("p").expect("a pool").types.to_vec();
    for pool in 0..10 {
        let name = format!("q{pool}");
        let spec = json!({"spec": {"disruption":
            {"consolidateAfter": "Never", "budgets": [{"nodes": "1"}]}}});
        scene.pool(&name, &spec).types(&name, types.clone());
        let labels = json!({"metadata": {"labels": {"karpenter.sh/nodepool": name}}});
        for number in 0..3 {
            let node = format!("{name}-{number}");
            let claim = drifted(number, &json!({}));
            scene
                .launched_with(&node, ("eight", "on-demand"), &labels, &claim)
                .running(&format!("x-{node}"), &node, "6");
        }
    }
    let plan = look(&mut scene);
    assert_eq!(plan.commands.len(), 10);
    let first = told(&plan.commands);
    assert!(first.iter().all(|one| one.contains("-0 -> ")), "{first:?}");
    assert_eq!(plan.kept.len(), 20);
}

/// What is decided first takes room under limits, and what is decided later has to do with the
/// rest: pods that wait, nodes that have drifted, nodes that expire.
#[test]
fn all_new_nodes_of_a_look_are_within_limits_together() {
    let going = |limit: u32, waits: bool| {
        // Nothing more comes in the pool of the nodes.
        let pool = json!({"spec": {"limits": {"nodes": "0"},
            "disruption": {"consolidateAfter": "Never"}}});
        let types = [on_demand("eight", 8, 0.8)];
        let mut scene = Scene::market_of(&pool, &types);
        scene.pool(
            "q",
            &json!({"spec": {"limits": {"nodes": limit.to_string()}}}),
        );
        scene.types("q", catalog(&types));
        add(&mut scene, "drifted", 1);
        let ends = json!({"metadata": {"creationTimestamp": at(-82_000).to_string()},
            "spec": {"expireAfter": "24h"}});
        scene.launched_with("ends", ("eight", "on-demand"), &json!({}), &ends);
        scene.running("x", "drifted", "6").running("y", "ends", "6");
        if waits {
            scene.pending("z", "6");
        }
        told(&scene.look(&Options::default()).commands)
    };
    let both = ["drifted -> eight", "ends -> eight"];
    assert_eq!(going(3, true), both);
    assert_eq!(going(2, true), both[..1]);
    assert!(going(1, true).is_empty());
    assert_eq!(going(2, false), both);
    assert_eq!(going(1, false), both[..1]);
    assert!(going(0, false).is_empty());
}

/// BU-14: of ten drifted nodes three go, and no other before they are gone.
#[test]
fn no_more_drifted_nodes_go_while_as_many_are_going() {
    let mut scene = scene("3");
    for number in 0..10 {
        let node = format!("n{number}");
        add(&mut scene, &node, number);
        scene.running(&format!("x{number}"), &node, "6");
    }
    let going: Vec<String> = scene.going();
    assert_eq!(going, ["n0", "n1", "n2"]);
    let nodes = going.clone();
    scene.0.commit(Intent::MarkForDeletion { nodes });
    assert!(look(&mut scene).commands.is_empty());
    scene.0.commit(Intent::Unmark { nodes: going });
    assert_eq!(look(&mut scene).commands.len(), 3);
}

/// A pool with a fixed number of nodes, all of which have drifted.
fn fixed(replicas: usize, more: &Value, nodes: usize) -> Scene {
    let mut pool = json!({"spec": {"replicas": replicas}});
    merge(&mut pool, more);
    let mut scene = Scene::market_of(&pool, &[on_demand("eight", 8, 0.8)]);
    for number in 0..nodes {
        add(&mut scene, &format!("n{number}"), number as i64);
    }
    scene
}

/// SD-01, SD-02, SD-04: one new node for each, as the pool's template says, within budget and
/// limit.
#[test]
fn nodes_of_fixed_pools_are_replaced_one_for_one() {
    let budget = |nodes: &str| json!({"spec": {"disruption": {"budgets": [{"nodes": nodes}]}}});
    let limit = |nodes: u32| json!({"spec": {"limits": {"nodes": nodes.to_string()}}});
    for (more, going) in [
        (budget("2"), 2),
        (budget("30%"), 2),
        (limit(5), 0),
        (limit(6), 1),
        (limit(7), 2),
        (json!({}), 5),
    ] {
        let mut scene = fixed(5, &more, 5);
        scene.running("x", "n0", "2");
        let plan = look(&mut scene);
        assert_eq!(plan.commands.len(), going, "{more}");
        assert_eq!(plan.kept.len(), 5 - going, "{more}");
        for command in &plan.commands {
            assert_eq!(
                (command.candidates.len(), command.replacements.len()),
                (1, 1)
            );
            assert_eq!(&*command.replacements[0].pool, "p");
        }
        let mut names: Vec<&str> = plan
            .commands
            .iter()
            .map(|command| &*command.replacements[0].name)
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), going, "every claim has a name of its own");
    }
}

/// SD-03, SD-08: pools with a fixed number of nodes and others do not count for each other.
#[test]
fn fixed_and_other_pools_are_apart() {
    let one = json!({"spec": {"disruption": {"budgets": [{"nodes": "1"}]}}});
    let mut scene = fixed(3, &one, 3);
    let types = scene.snapshot().pool("p").expect("a pool").types.to_vec();
    scene.pool("q", &one).types("q", types);
    let of_q = json!({"metadata": {"labels": {"karpenter.sh/nodepool": "q"}}});
    for (name, since) in [("d0", 0), ("d1", 1)] {
        let claim = drifted(since, &json!({}));
        scene
            .launched_with(name, ("eight", "on-demand"), &of_q, &claim)
            .running(&format!("x-{name}"), name, "6");
    }
    let mut told = told(&look(&mut scene).commands);
    told.sort();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("d0 -> "), "{told:?}");
    assert!(told[1].starts_with('n'), "{told:?}");
}

/// SD-05, SD-06, SD-07: a pool that is to shrink shrinks first, and annotated nodes stay.
#[test]
fn fixed_pools_that_are_to_shrink_wait() {
    for (replicas, nodes) in [(1, 2), (0, 1)] {
        let mut scene = fixed(replicas, &json!({}), nodes);
        let plan = look(&mut scene);
        assert!(plan.commands.is_empty(), "{:?}", told(&plan.commands));
        assert!(matches!(why_of(&plan, "n0"), Why::TooMany { .. }));
    }
    let mut scene = fixed(2, &json!({}), 1);
    let kept = json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}});
    let claim = drifted(0, &json!({}));
    scene.launched_with("n1", ("eight", "on-demand"), &kept, &claim);
    let plan = look(&mut scene);
    assert_eq!(plan.commands.len(), 1);
    assert_eq!(why_of(&plan, "n1"), Why::DoNotDisrupt);
}

/// A node that ends soon is replaced before, once for whatever reasons there are, after drifted
/// ones and within the budget for both.
#[test]
fn nodes_that_end_soon_come_after_drifted_ones() {
    let ends = json!({"metadata": {"creationTimestamp": at(-900).to_string()},
        "spec": {"expireAfter": "1050s"}});
    for (budget, expected) in [
        ("100%", &["a -> eight", "b -> eight"][..]),
        ("1", &["a -> eight"]),
    ] {
        let mut scene = scene(budget);
        add(&mut scene, "a", 10);
        scene.running("x", "a", "6");
        let mut claim = ends.clone();
        merge(
            &mut claim,
            &json!({"status": {"conditions":
            [true_condition("Initialized"), true_condition("Consolidatable")]}}),
        );
        scene
            .launched_with("b", ("eight", "on-demand"), &json!({}), &claim)
            .running("y", "b", "6");
        let plan = scene.look(&Options::default());
        assert_eq!(told(&plan.commands), expected);
        let reasons: Vec<Reason> = plan.commands.iter().map(|one| one.reason).collect();
        assert_eq!(
            reasons,
            [Reason::Drifted, Reason::Expired][..expected.len()]
        );
    }
}

/// A node that goes already gives its pods a place before drifted ones are looked at.
#[test]
fn pods_of_nodes_that_go_take_room_first() {
    let mut scene = scene("100%");
    add(&mut scene, "a", 10);
    scene
        .running("x", "a", "4")
        .launched("room", ("eight", "on-demand"))
        .running("y", "room", "4")
        .launched("gone", ("eight", "on-demand"))
        .running("z", "gone", "4");
    scene.0.commit(Intent::MarkForDeletion {
        nodes: vec!["gone".to_owned()],
    });
    let plan = look(&mut scene);
    let told = told(&plan.commands);
    assert_eq!(told, ["a -> eight"], "z has the room");
}
