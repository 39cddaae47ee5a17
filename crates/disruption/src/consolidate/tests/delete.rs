//! Nodes whose pods have room on nodes that are there.

use cluster::{Change, Event, Intent};
use model::k8s::Node;
use scheduling::default_spread;
use serde_json::{Value, json};

use crate::testing::market::{A, B, cores_and, machine, on_demand, told, why_of};
use crate::testing::{Scene, at, read, true_condition};
use crate::{Memory, Options, Reason, Stays, Why, plan};

/// Nodes of the only type, with eight cores, each with pods that ask for so many cores.
fn nodes(pool: &Value, pods: &[(&str, &[&str])]) -> Scene {
    let mut scene = Scene::market_of(pool, &[on_demand("eight", 8, 0.8)]);
    for (node, amounts) in pods {
        scene.launched(node, ("eight", "on-demand"));
        for (number, amount) in amounts.iter().enumerate() {
            scene.running(&format!("{node}{number}"), node, amount);
        }
    }
    scene
}

fn nowhere(why: &Why) -> bool {
    matches!(why, Why::Stays(Stays::NowhereToGo { .. }))
}

/// CO-17, CO-22: the node whose pods are fewer goes, and its pods to the other.
#[test]
fn of_two_nodes_the_one_that_is_easier_to_empty_goes() {
    let mut scene = nodes(&json!({}), &[("a", &["1", "1", "1"]), ("b", &["1"])]);
    let plan = scene.look(&Options::default());
    assert_eq!(told(&plan.commands), ["b -> nothing"]);
    let moves = plan.commands[0].moves.iter();
    let moves: Vec<_> = moves
        .map(|one| (one.pod.key().to_string(), &*one.to))
        .collect();
    assert_eq!(moves, [("n/b0".to_owned(), "a")]);
    assert_eq!(plan.eligible[&Reason::Underutilized], 2);
}

/// CO-18: nodes of others have room as well.
#[test]
fn pods_may_go_to_nodes_of_others() {
    let mut scene = nodes(&json!({}), &[("a", &["2"])]);
    assert!(scene.told().is_empty());
    let amounts = json!({"cpu": "4", "memory": "8Gi", "pods": "10"});
    let foreign: Node = read(
        json!({"metadata": {"name": "f", "uid": "f"}, "spec": {"providerID": "f"},
            "status": {"capacity": amounts, "allocatable": amounts,
                "conditions": [{"type": "Ready", "status": "True"}]}}),
        &json!({}),
    );
    scene.0.apply(Event::Node(Change::Applied(foreign)));
    assert_eq!(scene.told(), ["a -> nothing"]);
}

/// CO-19, CO-20, CO-21: what protects a node or a pod of it, with a termination grace period, too.
#[test]
fn a_node_that_is_protected_stays_and_the_other_goes() {
    let of = |value: &str| {
        let key = "karpenter.sh/do-not-disrupt";
        json!({"metadata": {"annotations": {key: value}}})
    };
    let deadline = json!({"spec": {"terminationGracePeriod": "30s"}});
    for claim in [json!({}), deadline] {
        let scene = || {
            let mut scene = nodes(&json!({}), &[("b", &["1", "1", "1"])]);
            scene.launched_with("a", ("eight", "on-demand"), &json!({}), &claim);
            scene
        };
        let mut free = scene();
        free.running("x", "a", "1");
        assert_eq!(free.told(), ["a -> nothing"]);
        let mut blocked = scene();
        let other = json!({"metadata": {"labels": {"app": "other"}}});
        blocked
            .pod("x", "a", &cores_and("1", &other))
            .budget("one", "other", 0);
        assert_eq!(blocked.told(), ["b -> nothing"]);
        assert!(matches!(blocked.stays("a"), Why::BlockedPod { .. }));
        let mut protected = scene();
        protected.pod("x", "a", &cores_and("1", &of("true")));
        assert_eq!(protected.told(), ["b -> nothing"]);
        assert!(matches!(protected.stays("a"), Why::ProtectedPod { .. }));
    }
    let mut node = nodes(&json!({}), &[("b", &["1", "1", "1"])]);
    node.launched_with("a", ("eight", "on-demand"), &of("true"), &json!({}))
        .running("x", "a", "1");
    assert_eq!(node.told(), ["b -> nothing"]);
    assert_eq!(node.stays("a"), Why::DoNotDisrupt);
}

/// CO-24: a node that is not complete is no place to move to. CO-25: those that are complete are
/// used, however many others there are.
#[test]
fn pods_move_to_complete_nodes_only() {
    let young = json!({"metadata": {"labels": {"karpenter.sh/initialized": "no"}}});
    let add = |scene: &mut Scene, name: &str| {
        scene.launched_with(name, ("eight", "on-demand"), &young, &json!({}));
    };
    let mut scene = nodes(&json!({}), &[("n", &["1"])]);
    add(&mut scene, "a-young");
    assert!(scene.told().is_empty());
    assert!(nowhere(&scene.stays("n")) || is_dear(&scene.stays("n")));
    assert!(scene.stays("n").is_unconsolidatable());
    for number in 0..50 {
        add(&mut scene, &format!("a-young-{number}"));
        scene.launched(&format!("full-{number}"), ("eight", "on-demand"));
        scene.running(&format!("full-{number}"), &format!("full-{number}"), "8");
    }
    scene
        .launched("z-room", ("eight", "on-demand"))
        .running("y", "z-room", "6");
    let plan = scene.look(&Options::default());
    assert_eq!(told(&plan.commands), ["n -> nothing"]);
    assert_eq!(&*plan.commands[0].moves[0].to, "z-room");
}

fn is_dear(why: &Why) -> bool {
    matches!(why, Why::Stays(Stays::NoCheaper { .. }))
}

/// CO-26, CO-27, CO-28: pods do not move to where pods have just come or gone, but new nodes may
/// come for them.
#[test]
fn nodes_that_have_just_changed_take_no_pods() {
    let scene = |after: &str, types: &[Value]| {
        let mut scene = Scene::market_of(&json!({"spec": {"weight": 1}}), types);
        scene.pool(
            "q",
            &json!({"spec": {"disruption": {"consolidateAfter": after}}}),
        );
        scene.types("q", crate::testing::market::catalog(types));
        scene
            .launched("a", ("eight", "on-demand"))
            .running("x", "a", "2");
        let of_q = json!({"metadata": {"labels": {"karpenter.sh/nodepool": "q"}}});
        let event = json!({"status": {"lastPodEventTime": at(60).to_string()}});
        scene
            .launched_with("b", ("eight", "on-demand"), &of_q, &event)
            .running("y", "b", "4")
            .running("z", "b", "2");
        scene
    };
    let one = [on_demand("eight", 8, 0.8)];
    let look = |scene: &mut Scene, seconds| {
        let (snapshot, options) = (scene.snapshot(), Options::default());
        let plan = plan(
            &mut crate::Memory::default(),
            &snapshot,
            &options,
            at(seconds),
            0,
        );
        told(&plan.commands)
    };
    let mut minute = scene("1m", &one);
    assert!(look(&mut minute, 100).is_empty());
    assert_eq!(look(&mut minute, 120), ["a -> nothing"]);
    let mut never = scene("Never", &one);
    assert_eq!(look(&mut never, 100), ["a -> nothing"]);
    let mut two = scene(
        "1m",
        &[on_demand("eight", 8, 0.8), on_demand("two", 2, 0.2)],
    );
    assert_eq!(look(&mut two, 100), ["a -> two"]);
}

/// CO-29: a pod that can't be placed anywhere holds up nobody.
#[test]
fn a_pod_that_no_node_can_hold_holds_up_nobody() {
    let mut scene = nodes(&json!({}), &[("a", &["1", "1"]), ("b", &["1"])]);
    scene.pending("huge", "150");
    assert_eq!(scene.told(), ["b -> nothing"]);
}

/// Whether the pods of a node have no place that costs less.
fn is_needed(why: &Why) -> bool {
    nowhere(why) || is_dear(why)
}

/// CO-30: no node goes whose pods would not all have a place.
#[test]
fn no_pod_is_left_without_a_place() {
    let mut scene = nodes(
        &json!({"spec": {"limits": {"cpu": "16"}}}),
        &[("a", &["5", "1"]), ("b", &["4", "2"])],
    );
    assert!(scene.told().is_empty());
    assert!(is_needed(&scene.stays("a")) && is_needed(&scene.stays("b")));
}

/// Pods that declare no spread have the configured one when they have to move.
#[test]
fn pods_keep_to_the_default_spread_when_they_move() {
    let types = [machine(
        "eight",
        8,
        &[(A, "on-demand", 0.8), (B, "on-demand", 0.8)],
    )];
    let mut scene = Scene::market(&types);
    let in_b = json!({"metadata": {"labels": {"topology.kubernetes.io/zone": B}}});
    scene
        .launched("a", ("eight", "on-demand"))
        .launched_with("b", ("eight", "on-demand"), &in_b, &json!({}))
        .running("x", "a", "1")
        .running("y", "b", "1");
    let service = json!({"metadata": {"name": "x", "namespace": "n"},
        "spec": {"selector": {"app": "x"}}});
    let service = serde_json::from_value(service).expect("a service");
    scene.0.apply(Event::Service(Change::Applied(service)));
    assert_eq!(scene.told().len(), 1);
    let zones = json!({"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule"});
    let zones = serde_json::from_value(zones).expect("a constraint");
    let spread = default_spread::applied_everywhere(&scene.snapshot(), &[zones]);
    let plan = plan(
        &mut Memory::default(),
        &spread,
        &Options::default(),
        at(100),
        0,
    );
    assert!(plan.commands.is_empty(), "{:?}", told(&plan.commands));
}

/// CO-32: pods that keep apart do so after the change.
#[test]
fn pods_that_keep_apart_keep_their_nodes() {
    let apart = json!({"spec": {"affinity": {"podAntiAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": [{
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app": "x"}}}]}}}});
    for (pod, goes) in [(json!({}), true), (apart, false)] {
        let mut scene = nodes(&json!({}), &[("a", &[]), ("b", &[])]);
        scene
            .pod("x", "a", &cores_and("1", &pod))
            .pod("y", "b", &cores_and("1", &pod));
        assert_eq!(scene.told().len(), usize::from(goes), "{pod}");
    }
}

/// CO-37, CO-38: what a pool says against it, or what is missing; and what is worth an event.
#[test]
fn pools_and_nodes_may_rule_consolidation_out() {
    let pods: &[(&str, &[&str])] = &[("a", &["1", "1"]), ("b", &["1"])];
    let why = |pool: Value| nodes(&pool, pods).stays("b");
    let fixed = why(json!({"spec": {"replicas": 2}}));
    assert_eq!((fixed.is_unconsolidatable(), fixed), (false, Why::Static));
    let never = why(json!({"spec": {"disruption": {"consolidateAfter": "Never"}}}));
    let pool = || "p".to_owned();
    assert_eq!(
        (never.is_unconsolidatable(), never),
        (true, Why::ConsolidationOff { pool: pool() })
    );
    let empty = why(json!({"spec": {"disruption": {"consolidationPolicy": "WhenEmpty"}}}));
    let not_empty = Why::NotEmpty {
        pool: pool(),
        pods: 1,
    };
    assert_eq!((empty.is_unconsolidatable(), empty), (true, not_empty));
    let without = |label: &str| {
        let mut scene = nodes(&json!({}), &[("a", &["1", "1"])]);
        let node = json!({"metadata": {"labels": {label: null}}});
        scene
            .launched_with("b", ("eight", "on-demand"), &node, &json!({}))
            .running("x", "b", "1");
        let why = scene.stays("b");
        assert!(why.is_unconsolidatable());
        why
    };
    let instance_type = String::new();
    for (label, stays) in [
        (
            "node.kubernetes.io/instance-type",
            Stays::UnknownType { instance_type },
        ),
        ("karpenter.sh/capacity-type", Stays::NoCapacityType),
        ("topology.kubernetes.io/zone", Stays::NoZone),
    ] {
        assert_eq!(without(label), Why::Stays(stays));
    }
    assert_eq!(nodes(&json!({}), pods).told(), ["b -> nothing"]);
}

/// CO-39: a node that pods of one that goes are to come to stays for them.
#[test]
fn a_node_that_displaced_pods_need_stays() {
    let mut scene = nodes(
        &json!({"spec": {"limits": {"cpu": "24"}}}),
        &[("a", &["4", "2"]), ("b", &["3", "3"]), ("c", &["1"])],
    );
    assert_eq!(scene.told(), ["c -> nothing"]);
    scene.0.commit(Intent::MarkForDeletion {
        nodes: vec!["a".to_owned()],
    });
    // The pods of `a` need the room of `c`, whose pod then has none.
    assert!(scene.told().is_empty());
    let why = scene.stays("c");
    assert!(is_needed(&why), "{why}");
    assert_eq!(scene.stays("a"), Why::Going);
}

/// IN-04: pods of a node that goes may be expected on one that is not complete yet, and others go
/// as if they had moved already.
#[test]
fn displaced_pods_may_be_expected_on_a_node_that_is_not_complete() {
    let mut scene = nodes(
        &json!({"spec": {"limits": {"cpu": "32"}}}),
        &[("a", &["7500m"]), ("c", &["1"]), ("d", &["2", "2"])],
    );
    let young = json!({"metadata": {"labels": {"karpenter.sh/initialized": "no"}}});
    scene.launched_with("b", ("eight", "on-demand"), &young, &json!({}));
    scene.0.commit(Intent::MarkForDeletion {
        nodes: vec!["a".to_owned()],
    });
    assert_eq!(scene.told(), ["c -> nothing"]);
    assert_eq!(scene.stays("b"), Why::NotInitialized);
}

/// CO-42: with room for one in the budget, the node goes that saves most for what it disturbs.
#[test]
fn the_highest_savings_for_the_least_disturbance_come_first() {
    let pool = json!({"spec": {"disruption": {"budgets": [{"nodes": "1"}]}}});
    let mut scene = Scene::market_of(
        &pool,
        &[
            on_demand("eight", 8, 0.8),
            machine("room", 32, &[(B, "on-demand", 0.1), (A, "on-demand", 0.1)]),
        ],
    );
    for (node, pods) in [("a", 3), ("b", 1), ("c", 2)] {
        scene.launched(node, ("eight", "on-demand"));
        for number in 0..pods {
            scene.running(&format!("{node}{number}"), node, "1");
        }
    }
    scene
        .launched("room", ("room", "on-demand"))
        .running("r", "room", "1");
    let plan = scene.look(&Options::default());
    assert_eq!(told(&plan.commands), ["b -> nothing"]);
    for stays in ["a", "c"] {
        let why = why_of(&plan, stays);
        assert!(why.is_eligible(), "{stays}: {why}");
    }
}

/// A node that has not been quiet for as long as its pool asks stays, and so does one where pods
/// came within the last minute, whatever its pool says.
#[test]
fn nodes_that_have_just_changed_stay() {
    let mut scene = nodes(&json!({}), &[("a", &["1", "1"])]);
    let event = json!({"status": {"lastPodEventTime": at(70).to_string()}});
    scene
        .launched_with("b", ("eight", "on-demand"), &json!({}), &event)
        .running("x", "b", "1");
    let settling = Why::Stays(Stays::Settling { until: at(130) });
    assert_eq!(scene.stays("b"), settling);
    let at_once = Options {
        settle: std::time::Duration::ZERO,
        ..Options::default()
    };
    assert_eq!(told(&scene.look(&at_once).commands), ["b -> nothing"]);
    let loud = json!({"status": {"conditions": [true_condition("Initialized")]}});
    let mut scene = nodes(&json!({}), &[("a", &["1", "1"])]);
    scene
        .launched_with("b", ("eight", "on-demand"), &json!({}), &loud)
        .running("x", "b", "1");
    assert_eq!(scene.stays("b"), Why::NotQuiet { until: None });
}
