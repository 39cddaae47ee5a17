//! The referee of disruption: rounds that break one rule each, and rounds that break none.

mod common;

use api::labels::{CAPACITY_TYPE, DO_NOT_DISRUPT, INSTANCE_TYPE};
use catalog::{CapacityType, Price};
use common::rounds::{Draft, Scene, go};
use disruption::Reason::{Drifted, Empty, Expired, Underutilized};
use disruption::{Plan, SpotToSpot};
use model::Timestamp;
use scheduling::MinValuesOutcome;
use serde_json::{Value, json};

const ON_DEMAND: [&str; 1] = ["on-demand"];
const SPOT: [&str; 1] = ["spot"];

/// Node `a` goes, and its pod moves to `b`.
fn a_to_b() -> Draft {
    go(Underutilized, &["a"], &[("x", "b")])
}

/// Node `a` is replaced by one of these types.
fn a_by(types: &[&str], capacity_types: &[&'static str]) -> Draft {
    go(Underutilized, &["a"], &[]).by(types, capacity_types, &["x"])
}

fn condition(name: &str, status: &str) -> Value {
    json!({"type": name, "status": status, "lastTransitionTime": Timestamp::EPOCH})
}

/// Conditions of a complete claim, and more.
fn conditions(more: &[&str]) -> Value {
    let all: Vec<Value> = ["Initialized"]
        .iter()
        .chain(more)
        .map(|name| condition(name, "True"))
        .collect();
    json!({"status": {"conditions": all}})
}

/// A budget over all pods.
fn budget(spec: &Value, allowed: u32) -> Value {
    let mut object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "default"},
        "spec": {"selector": {}}, "status": {"disruptionsAllowed": allowed}});
    if let (Some(held), Some(spec)) = (object["spec"].as_object_mut(), spec.as_object()) {
        held.extend(spec.clone());
    }
    object
}

fn drifted(scene: Scene) -> Scene {
    scene.with("NodeClaim/a", &conditions(&["Consolidatable", "Drifted"]))
}

#[test]
fn rounds_that_break_no_rule_are_valid() {
    let rows = [
        ("nothing", Scene::new()),
        (
            "an empty node",
            Scene::new().command(go(Empty, &["e"], &[])),
        ),
        ("a pod moves", Scene::new().command(a_to_b())),
        (
            "a smaller node",
            Scene::new().command(a_by(&["small", "medium"], &ON_DEMAND)),
        ),
        (
            "the same as spot",
            Scene::new().command(a_by(&["large"], &SPOT)),
        ),
        (
            "three into two, and a pending pod",
            Scene::new().command(
                go(Underutilized, &["a", "b", "c"], &[])
                    .by(&["small"], &SPOT, &["x"])
                    .by(&["medium", "t00"], &SPOT, &["z", "w"])
                    .by(&["small"], &SPOT, &["y"]),
            ),
        ),
        (
            "a drifted node by one that is no cheaper",
            drifted(Scene::new()).command(go(Drifted, &["a"], &[]).by(
                &["large"],
                &["on-demand", "spot"],
                &["x"],
            )),
        ),
        (
            "several commands",
            drifted(Scene::new())
                .command(go(Empty, &["e"], &[]))
                .command(go(Drifted, &["a"], &[("x", "b")]))
                .command(go(Underutilized, &["c"], &[("z", "b")])),
        ),
        (
            "spot by one of many",
            spot_scene().command(a_by(&FIFTEEN, &SPOT)),
        ),
        ("balanced", balanced(Scene::new()).command(a_to_b())),
        (
            "one of a fixed number",
            fixed(2, None).command(replaced("s1")),
        ),
    ];
    for (what, scene) in rows {
        assert_eq!(scene.faults(), [""; 0], "{what}");
    }
}

#[test]
fn nodes_that_must_stay_do_not_go() {
    let no = Value::Null;
    let protect = |value: &str| json!({"metadata": {"annotations": {DO_NOT_DISRUPT: value}}});
    let label = |key: &str| json!({"metadata": {"labels": {key: no}}});
    let policy = |part: Value| json!({"spec": {"disruption": part}});
    let daemon = json!({"metadata": {"ownerReferences":
        [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "d"}]}});
    let other = json!({"metadata": {"name": "other"}, "status": {"providerID": "test://other"}});
    let rows: [(&str, Value, &str); 18] = [
        ("NodeClaim/a", other, "MustStay NotManaged"),
        (
            "Node/a",
            json!({"spec": {"providerID": "test://other"}}),
            "MustStay NoNode",
        ),
        (
            "Node/a",
            label("karpenter.sh/initialized"),
            "MustStay NotInitialized",
        ),
        ("NodeClaim/a", deleted(), "MustStay Going"),
        ("Node/a", protect("true"), "MustStay DoNotDisrupt"),
        ("Node/a", label("karpenter.sh/nodepool"), "MustStay NoPool"),
        ("Pod/x", protect("true"), "MustStay ProtectedPod"),
        ("Pod/x", protect("241h"), "MustStay ProtectedPod"),
        (
            "PodDisruptionBudget/b",
            budget(&json!({}), 0),
            "MustStay BlockedPod",
        ),
        ("Node/a", label(INSTANCE_TYPE), "MustStay NoLabel"),
        ("Node/a", label(CAPACITY_TYPE), "MustStay NoLabel"),
        (
            "Node/a",
            label("topology.kubernetes.io/zone"),
            "MustStay NoLabel",
        ),
        (
            "NodePool/p",
            policy(json!({"consolidateAfter": "Never"})),
            "MustStay Never",
        ),
        (
            "NodePool/p",
            policy(json!({"consolidationPolicy": "WhenEmpty"})),
            "MustStay WhenEmpty",
        ),
        ("NodeClaim/a", conditions(&[]), "MustStay NotConsolidatable"),
        (
            "NodePool/p",
            policy(json!({"consolidateAfter": "241h"})),
            "MustStay NotQuiet",
        ),
        ("Pod/x", daemon, "MustStay Empty"),
        (
            "NodePool/p",
            json!({"spec": {"replicas": 4}}),
            "MustStay Static",
        ),
    ];
    for (object, patch, expected) in rows {
        let start = json!({"status": {"startTime": Timestamp::EPOCH}});
        let scene = Scene::new().with("Pod/x", &start).with(object, &patch);
        let faults = scene.command(a_to_b()).faults();
        assert!(
            faults.iter().any(|fault| fault == expected),
            "{object} {patch}: {faults:?}"
        );
    }
}

fn deleted() -> Value {
    json!({"metadata": {"deletionTimestamp": Timestamp::EPOCH,
        "finalizers": ["karpenter.sh/termination"]}})
}

#[test]
fn a_node_that_is_nominated_or_unknown_does_not_go() {
    let scene = Scene::new().command(a_to_b());
    let faults = scene.faults_of(|plan| plan.commands[0].candidates[0].node = "q".into());
    assert!(
        faults.contains(&"MustStay Unknown".to_owned()),
        "{faults:?}"
    );
    let mut snapshot = scene.snapshot();
    let nominated = snapshot.nodes.iter().map(|node| {
        let mut node = cluster::NodeState::clone(node);
        node.nominated_until = Some(common::rounds::NOW + std::time::Duration::from_secs(1));
        std::sync::Arc::new(node)
    });
    snapshot.nodes = nominated.collect();
    let plan = scene.plan(&snapshot);
    let faults =
        testkit::referee::round::check(&snapshot, &scene.options, common::rounds::NOW, &plan);
    let text = format!("{faults:?}");
    assert!(text.contains("Nominated"), "{text}");
}

#[test]
fn protection_ends_and_budgets_have_exceptions() {
    let protect = |value: &str| json!({"metadata": {"annotations": {DO_NOT_DISRUPT: value}}});
    let start = json!({"status": {"startTime": Timestamp::EPOCH}});
    let sick = json!({"status": {"conditions": [condition("Ready", "False")]}});
    let always = budget(&json!({"unhealthyPodEvictionPolicy": "AlwaysAllow"}), 0);
    let two = |scene: Scene| {
        let mut second = budget(&json!({}), 1);
        second["metadata"]["name"] = json!("b2");
        let first = budget(&json!({}), 1);
        scene
            .with("PodDisruptionBudget/b", &first)
            .with("PodDisruptionBudget/b2", &second)
    };
    let scene = || Scene::new().with("Pod/x", &start);
    let rows = [
        (scene().with("Pod/x", &protect("239h")), &[][..]),
        (scene().with("Pod/x", &protect("false")), &[]),
        // It has not started, so it is protected, and nobody expects it to move.
        (
            Scene::new().with("Pod/x", &protect("1h")),
            &["MustStay ProtectedPod", "Unasked"],
        ),
        (
            scene()
                .with("Pod/x", &sick)
                .with("PodDisruptionBudget/b", &always),
            &[],
        ),
        (
            scene().with("PodDisruptionBudget/b", &budget(&json!({}), 1)),
            &[],
        ),
        (two(scene()), &["MustStay BlockedPod", "Unasked"]),
    ];
    for (at, (scene, expected)) in rows.into_iter().enumerate() {
        let faults = scene.command(a_to_b()).faults();
        assert_eq!(faults, expected, "row {at}");
    }
}

#[test]
fn what_must_go_asks_pods_only_without_a_deadline() {
    let deadline = json!({"spec": {"terminationGracePeriod": "1h", "expireAfter": "720h"}});
    let protect = json!({"metadata": {"annotations": {DO_NOT_DISRUPT: "true"}}});
    let scene = || drifted(Scene::new()).with("Pod/x", &protect);
    let alone = |reason| go(reason, &["a"], &[]);
    assert_eq!(
        scene()
            .with("NodeClaim/a", &deadline)
            .command(alone(Drifted))
            .faults(),
        [""; 0]
    );
    assert_eq!(
        scene()
            .with("NodeClaim/a", &deadline)
            .command(alone(Expired))
            .faults(),
        [""; 0]
    );
    assert_eq!(
        scene().command(alone(Drifted)).faults(),
        ["MustStay ProtectedPod"]
    );
    assert_eq!(
        scene()
            .with("NodeClaim/a", &deadline)
            .command(alone(Underutilized))
            .faults(),
        ["MustStay ProtectedPod"]
    );
    let moved = |reason| go(reason, &["a"], &[("x", "b")]);
    assert_eq!(
        Scene::new().command(moved(Drifted)).faults(),
        ["MustStay NotDrifted"]
    );
    assert_eq!(
        Scene::new().command(moved(Expired)).faults(),
        ["MustStay NoExpiry"]
    );
}

#[test]
fn only_empty_nodes_go_as_empty() {
    assert_eq!(
        Scene::new().command(go(Empty, &["a"], &[])).faults(),
        ["MustStay NotEmpty"]
    );
    let cheap = json!({"metadata": {"annotations":
        {"controller.kubernetes.io/pod-deletion-cost": "-2147483648"}}});
    let scene = Scene::new().with("Pod/x", &cheap);
    assert_eq!(scene.command(go(Empty, &["a"], &[])).faults(), [""; 0]);
    let mut replaced = go(Empty, &["e"], &[]).by(&["small"], &SPOT, &["w"]);
    assert_eq!(Scene::new().command(replaced).faults(), ["Needless"]);
    replaced = go(Underutilized, &["e"], &[]);
    assert_eq!(Scene::new().command(replaced).faults(), ["MustStay Empty"]);
}

#[test]
fn budgets_hold_for_all_commands_of_a_round() {
    let budgets = |list: Value| json!({"spec": {"disruption": {"budgets": list}}});
    let unready = json!({"status": {"conditions": [condition("Ready", "False")]}});
    let scene = |list: Value| {
        Scene::new()
            .with("NodePool/p", &budgets(list))
            .command(go(Empty, &["e"], &[]))
            .command(go(Underutilized, &["c"], &[("z", "b")]))
    };
    let ok: [&str; 0] = [];
    assert_eq!(scene(json!([{"nodes": "2"}])).faults(), ok);
    assert_eq!(scene(json!([{"nodes": "1"}])).faults(), ["Budget"]);
    assert_eq!(scene(json!([{"nodes": "26%"}])).faults(), ok);
    assert_eq!(scene(json!([{"nodes": "25%"}])).faults(), ["Budget"]);
    // The second command finds the first one's node going, whatever that went for.
    let second = json!([{"nodes": "1", "reasons": ["Underutilized"]}]);
    assert_eq!(scene(second).faults(), ["Budget"]);
    assert_eq!(
        scene(json!([{"nodes": "0", "reasons": ["Drifted"]}])).faults(),
        ok
    );
    assert_eq!(scene(json!([{"nodes": "many"}])).faults(), ["Budget"]);
    let broken = json!([{"nodes": "0", "reasons": ["Drifted"], "schedule": "x", "duration": "1h"}]);
    assert_eq!(scene(broken).faults(), ["Budget"]);
    // NOW is midnight.
    let window = |schedule: &str| json!([{"nodes": "0", "schedule": schedule, "duration": "1h"}]);
    assert_eq!(scene(window("@daily")).faults(), ["Budget"]);
    assert_eq!(scene(window("0 1 * * *")).faults(), ok);
    // A node that is not ready is going already.
    let scene = scene(json!([{"nodes": "2"}])).with("Node/a", &unready);
    assert_eq!(scene.faults(), ["Budget"]);
}

#[test]
fn what_commands_say_of_nodes_is_so() {
    let scene = || Scene::new().command(a_to_b());
    let spoil = |change: fn(&mut Plan)| scene().faults_of(change);
    let name = |plan: &mut Plan| plan.commands[0].candidates[0].claim = "b".into();
    assert_eq!(spoil(name), ["Misnamed"]);
    assert_eq!(
        spoil(|plan| plan.commands[0].candidates[0].pods = 2),
        ["Misnamed"]
    );
    let price = |plan: &mut Plan| plan.commands[0].candidates[0].price = None;
    assert_eq!(spoil(price), ["Misnamed"]);
    assert_eq!(spoil(|plan| drop(plan.kept.pop())), ["Kept"]);
    assert_eq!(spoil(|plan| plan.kept[0].node = "a".into()), ["Kept"]);
    let nothing = |plan: &mut Plan| {
        let mut nothing = plan.commands[0].clone();
        nothing.candidates.clear();
        nothing.moves.clear();
        nothing.price_before = Price::ZERO;
        plan.commands.push(nothing);
    };
    assert_eq!(spoil(nothing), ["Nothing"]);
    let twice = scene().command(go(Underutilized, &["a"], &[]));
    assert_eq!(twice.faults(), ["Homeless", "Repeated"]);
}

#[test]
fn every_pod_that_must_move_has_one_place_where_it_can_be() {
    let scene = Scene::new;
    assert_eq!(
        scene().command(go(Underutilized, &["a"], &[])).faults(),
        ["Homeless"]
    );
    let twice = go(Underutilized, &["a"], &[("x", "b"), ("x", "e")]);
    assert_eq!(scene().command(twice).faults(), ["Repeated"]);
    let of_others = go(Underutilized, &["a"], &[("x", "b"), ("y", "e")]);
    assert_eq!(scene().command(of_others).faults(), ["Unasked"]);
    // On a node that goes as well.
    let both = scene()
        .command(a_to_b())
        .command(go(Underutilized, &["b"], &[("y", "e")]));
    assert_eq!(both.faults(), ["Unusable"]);
    let full = go(Underutilized, &["a"], &[("x", "c"), ("w", "c")]);
    assert_eq!(scene().command(full).faults(), ["Resources"]);
    let selects = json!({"spec": {"nodeSelector": {"disk": "fast"}}});
    assert_eq!(
        scene().with("Pod/x", &selects).command(a_to_b()).faults(),
        ["Selection"]
    );
    let tainted = json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}});
    assert_eq!(
        scene().with("Node/b", &tainted).command(a_to_b()).faults(),
        ["Taint"]
    );
    // Another command's new node is none of this one's.
    let elsewhere = scene()
        .command(go(Underutilized, &["a"], &[]))
        .command(go(Underutilized, &["b"], &[]).by(&["small"], &SPOT, &["x", "y"]));
    assert_eq!(elsewhere.faults(), ["Homeless"]);
}

#[test]
fn pods_move_to_nodes_that_take_them() {
    let young = json!({"metadata": {"labels": {"karpenter.sh/initialized": null}}});
    let scene = |reason| {
        let scene = drifted(Scene::new()).with("Node/e", &young);
        scene.command(go(reason, &["a"], &[("x", "e")])).faults()
    };
    assert_eq!(scene(Underutilized), ["Destination NotInitialized"]);
    assert_eq!(scene(Drifted), ["Destination NotInitialized"]);
    let after = json!({"spec": {"disruption": {"consolidateAfter": "1h"}}});
    let touched = json!({"status": {"lastPodEventTime": common::rounds::NOW}});
    let scene = |reason| {
        let scene = drifted(Scene::new()).with("NodePool/p", &after);
        let scene = scene.with("NodeClaim/e", &touched);
        scene.command(go(reason, &["a"], &[("x", "e")])).faults()
    };
    assert_eq!(scene(Underutilized), ["Destination NotQuiet"]);
    assert_eq!(scene(Drifted), [""; 0]);
}

#[test]
fn new_nodes_hold_their_pods_within_limits() {
    let scene = Scene::new;
    let small = go(Underutilized, &["c"], &[]).by(&["small"], &ON_DEMAND, &["z"]);
    assert_eq!(scene().command(small).faults(), ["Resources"]);
    // The node that goes does not count: 36 CPUs of 52 stay, and two more come.
    let limit = |amount: &str| json!({"spec": {"limits": {"cpu": amount}}});
    let limited = |amount| scene().with("NodePool/p", &limit(amount));
    assert_eq!(
        limited("37").command(a_by(&["small"], &ON_DEMAND)).faults(),
        ["Limit"]
    );
    assert_eq!(
        limited("38").command(a_by(&["small"], &ON_DEMAND)).faults(),
        [""; 0]
    );
    let nodes = json!({"spec": {"limits": {"nodes": "3"}}});
    let full = scene()
        .with("NodePool/p", &nodes)
        .command(a_by(&["small"], &ON_DEMAND));
    assert_eq!(full.faults(), ["Limit"]);
    let two = scene()
        .command(a_by(&["small"], &ON_DEMAND))
        .command(go(Underutilized, &["b"], &[]).by(&["small"], &ON_DEMAND, &["y"]));
    assert_eq!(two.faults(), ["SameName"]);
}

#[test]
fn stated_prices_are_those_of_the_catalog() {
    let scene = || Scene::new().command(a_by(&["small"], &ON_DEMAND));
    let before = |plan: &mut Plan| plan.commands[0].price_before = Price::from_dollars(2.0);
    let after = |plan: &mut Plan| plan.commands[0].price_after = Price::ZERO;
    assert_eq!(scene().faults_of(before), ["Price"]);
    assert_eq!(scene().faults_of(after), ["Price"]);
    let launch = |plan: &mut Plan| {
        plan.commands[0].replacements[0].launch.price = Price::ZERO;
        plan.commands[0].price_after = Price::ZERO;
    };
    assert_eq!(scene().faults_of(launch), ["Launch"]);
}

#[test]
fn whatever_is_launched_is_cheaper_than_what_goes() {
    let scene = |draft| Scene::new().command(draft).faults();
    assert_eq!(scene(a_by(&["small", "large"], &ON_DEMAND)), ["Dearer"]);
    // Two for one: each is cheaper, both together may not be.
    let medium = |types: &[&str]| {
        go(Underutilized, &["c"], &[])
            .by(types, &ON_DEMAND, &[])
            .by(types, &ON_DEMAND, &["z"])
    };
    let faults = scene(medium(&["medium"]));
    assert!(faults.contains(&"Dearer".to_owned()), "{faults:?}");
    let three = |types: &[&str]| {
        go(Underutilized, &["b", "c"], &[])
            .by(&["medium"], &ON_DEMAND, &["y"])
            .by(types, &ON_DEMAND, &["z"])
    };
    assert_eq!(scene(three(&["medium"])), [""; 0]);
    assert_eq!(scene(three(&["medium", "large"])), ["Dearer"]);
    let relaxed = Scene::new()
        .command(a_by(&["small"], &ON_DEMAND))
        .faults_of(|plan| {
            plan.commands[0].replacements[0].min_values = MinValuesOutcome::Relaxed;
        });
    assert_eq!(relaxed, ["MinValues"]);
}

#[test]
fn several_nodes_do_not_become_what_one_of_them_is() {
    let three = |types: &[&str], how: &[&'static str]| {
        let draft = go(Underutilized, &["a", "b", "c"], &[]);
        Scene::new()
            .command(draft.by(types, how, &["x", "z"]))
            .command(go(Empty, &["e"], &[]))
    };
    let with_y = |scene: Scene| scene.with("Pod/y", &json!({"status": {"phase": "Failed"}}));
    let scene = |types: &[&str], how: &[&'static str]| with_y(three(types, how)).faults();
    let only = |faults: Vec<String>| {
        faults
            .into_iter()
            .filter(|fault| !fault.starts_with("MustStay"))
            .collect::<Vec<_>>()
    };
    assert_eq!(only(scene(&["medium"], &ON_DEMAND)), ["SameType"]);
    assert_eq!(only(scene(&["medium", "t00"], &ON_DEMAND)), ["SameType"]);
    assert_eq!(only(scene(&["t00"], &ON_DEMAND)), [""; 0]);
    assert_eq!(only(scene(&["medium"], &SPOT)), [""; 0]);
}

const FIFTEEN: [&str; 15] = [
    "t00", "t01", "t02", "t03", "t04", "t05", "t06", "t07", "t08", "t09", "t10", "t11", "t12",
    "t13", "t14",
];

/// Node `a` is a spot node, and spot may be replaced by spot.
fn spot_scene() -> Scene {
    let mut scene = Scene::new();
    scene.machine("a", "p", "large", CapacityType::Spot);
    scene.options.spot_to_spot = SpotToSpot::On;
    scene
}

#[test]
fn spot_is_replaced_by_spot_only_if_there_is_a_choice() {
    let mut off = spot_scene().command(a_by(&FIFTEEN, &SPOT));
    off.options.spot_to_spot = SpotToSpot::Off;
    assert_eq!(off.faults(), ["SpotToSpot"]);
    assert_eq!(
        spot_scene().command(a_by(&FIFTEEN[1..], &SPOT)).faults(),
        ["SpotTypes"]
    );
    let mut sixteen = FIFTEEN.to_vec();
    sixteen.push("t15");
    assert_eq!(
        spot_scene().command(a_by(&sixteen, &SPOT)).faults(),
        ["SpotTypes"]
    );
    let mut two = spot_scene();
    two.machine("b", "p", "large", CapacityType::Spot);
    let both = go(Underutilized, &["a", "b"], &[]).by(&["medium"], &SPOT, &["x", "y"]);
    assert_eq!(two.command(both).faults(), [""; 0]);
}

#[test]
fn what_may_be_spot_or_on_demand_becomes_spot() {
    let both = ["on-demand", "spot"];
    assert_eq!(
        Scene::new().command(a_by(&["small"], &both)).faults(),
        ["NotPinned"]
    );
}

/// Pool `p` weighs what is saved against the pods that move.
fn balanced(scene: Scene) -> Scene {
    scene.with(
        "NodePool/p",
        &json!({"spec": {"disruption": {"consolidationPolicy": "Balanced"}}}),
    )
}

#[test]
fn balanced_pools_are_not_disturbed_for_little() {
    // The pool costs 3.2 dollars and its pods 7 together, a node with one pod 2.
    let scene = |draft| balanced(Scene::new()).command(draft).faults();
    assert_eq!(scene(a_by(&["medium"], &ON_DEMAND)), [""; 0]);
    assert_eq!(scene(go(Underutilized, &["c"], &[("z", "b")])), ["Score"]);
    assert_eq!(
        Scene::new()
            .command(go(Underutilized, &["c"], &[("z", "b")]))
            .faults(),
        [""; 0]
    );
}

/// A pool `s` of so many nodes: `s1` and `s2`, the first of which has drifted.
fn fixed(replicas: u32, limit: Option<&str>) -> Scene {
    let mut scene = Scene::new();
    let mut pool = testkit::joined::unbounded(testkit::build::pool("s")).json();
    pool["spec"]["replicas"] = json!(replicas);
    if let Some(limit) = limit {
        pool["spec"]["limits"] = json!({"nodes": limit});
    }
    scene.items.insert("NodePool/s".to_owned(), pool);
    scene.machine("s1", "s", "small", CapacityType::OnDemand);
    scene.machine("s2", "s", "small", CapacityType::OnDemand);
    scene.with("NodeClaim/s1", &conditions(&["Drifted"]))
}

/// A node is replaced by one of pool `s`.
fn replaced(node: &'static str) -> Draft {
    let mut draft = go(Drifted, &[node], &[]).by(&["small"], &ON_DEMAND, &[]);
    draft.new[0].pool = "s";
    draft
}

#[test]
fn pools_of_fixed_size_replace_one_by_one() {
    let ok: [&str; 0] = [];
    assert_eq!(fixed(2, Some("3")).command(replaced("s1")).faults(), ok);
    assert_eq!(
        fixed(2, Some("2")).command(replaced("s1")).faults(),
        ["Surge"]
    );
    assert_eq!(
        fixed(1, None).command(replaced("s1")).faults(),
        ["Shrinking"]
    );
    assert_eq!(
        fixed(2, None).command(go(Drifted, &["s1"], &[])).faults(),
        ["OneForOne"]
    );
    assert_eq!(
        fixed(2, None).command(replaced("s2")).faults(),
        ["MustStay NotDrifted"]
    );
    let mut other = a_by(&["small"], &ON_DEMAND);
    other.new[0].pool = "s";
    assert_eq!(fixed(2, None).command(other).faults(), ["Fixed"]);
    assert_eq!(
        fixed(2, None).command(go(Empty, &["s1"], &[])).faults()[0],
        "MustStay Static"
    );
}
