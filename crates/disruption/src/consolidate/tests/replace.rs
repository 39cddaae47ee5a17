//! One node, and what may come in its place.

use serde_json::{Value, json};

use crate::testing::market::{A, B, cores, cores_and, machine, on_demand, told, why_of};
use crate::testing::{Scene, merge};
use crate::{Options, Stays, Why};
use catalog::{CapacityType, Price};
use cluster::{Change, Event, ObjectKey, PodUpdate};
use model::k8s::Pod;
use scheduling::{MinValuesPolicy, PreferencePolicy};

fn dollars(dollars: f64) -> Price {
    Price::from_dollars(dollars)
}

fn no_cheaper(than: f64) -> Why {
    Why::Stays(Stays::NoCheaper {
        price: Some(dollars(than)),
    })
}

/// What the only replacement may be launched as.
fn capacity_types(scene: &mut Scene) -> Vec<CapacityType> {
    let plan = scene.look(&Options::default());
    let claim = &plan.commands[0].replacements[0];
    let all = CapacityType::ALL.into_iter();
    let prices = &mut super::super::prices::Prices::default();
    all.filter(|one| super::super::tighten::admits(claim, *one, prices))
        .collect()
}

/// CO-10: every type that is cheaper and holds the pods, the cheapest first. CO-22: a pod without
/// an owner moves as well.
#[test]
fn a_node_is_replaced_by_any_type_that_is_cheaper_and_holds_its_pods() {
    let mut scene = Scene::market(&[
        on_demand("large", 8, 0.8),
        on_demand("mid", 4, 0.4),
        on_demand("odd", 8, 0.9),
        on_demand("small", 2, 0.2),
        on_demand("tiny", 1, 0.1),
    ]);
    scene
        .launched("a", ("large", "on-demand"))
        .running("x", "a", "2");
    let plan = scene.look(&Options::default());
    assert_eq!(told(&plan.commands), ["a -> small|mid"]);
    let command = &plan.commands[0];
    let prices = (command.price_before, command.price_after);
    assert_eq!(prices, (dollars(0.8), dollars(0.2)));
    assert_eq!(command.replacements[0].pods[0].key().to_string(), "n/x");
    assert!(plan.kept.is_empty(), "{:?}", plan.kept);
}

/// CO-11, CO-12, CO-13: a replacement must cost less whichever of its offerings is had; spot is
/// what is tried first, so spot prices decide where there are any.
#[test]
fn what_may_turn_out_no_cheaper_replaces_nothing() {
    let the_same = [on_demand("now", 4, 0.5), on_demand("other", 4, 0.5)];
    let dearer = [on_demand("now", 8, 0.5), on_demand("other", 4, 0.6)];
    let one_dear_spot = [
        on_demand("now", 4, 0.5),
        machine(
            "other",
            4,
            &[(A, "spot", 0.2), (B, "spot", 1.0), (A, "on-demand", 0.4)],
        ),
    ];
    for types in [&the_same[..], &dearer, &one_dear_spot] {
        let mut scene = Scene::market(types);
        scene
            .launched("a", ("now", "on-demand"))
            .running("x", "a", "1");
        assert_eq!(scene.stays("a"), no_cheaper(0.5), "{types:?}");
        assert_eq!(
            scene.stays("a").to_string(),
            "Can't replace with a cheaper node: it costs $0.5000 an hour, and no cheaper nodes hold \
             what it holds"
        );
    }
}

/// CO-14: where both may be had, only spot is asked for, so that no dearer node comes when there is
/// no spot capacity.
#[test]
fn a_replacement_that_may_be_spot_is_asked_for_as_spot_only() {
    let both = |name: &str, cores, spot, list| {
        machine(name, cores, &[(A, "spot", spot), (A, "on-demand", list)])
    };
    let mut scene = Scene::market(&[both("now", 4, 0.2, 0.5), both("other", 2, 0.1, 0.6)]);
    scene
        .launched("a", ("now", "on-demand"))
        .running("x", "a", "1");
    assert_eq!(scene.told(), ["a -> other|now"], "of the same type, too");
    assert_eq!(capacity_types(&mut scene), [CapacityType::Spot]);
}

/// What goes makes room in its pool's limits for what comes, for one node and for several.
#[test]
fn nodes_are_replaced_in_a_pool_at_its_limit() {
    let pool = json!({"spec": {"limits": {"cpu": "16", "nodes": "2"}}});
    let types = [on_demand("eight", 8, 0.8), on_demand("mid", 4, 0.4)];
    let mut scene = Scene::market_of(&pool, &types);
    for node in ["a", "b"] {
        scene
            .launched(node, ("eight", "on-demand"))
            .running(&format!("x-{node}"), node, "3");
    }
    assert_eq!(scene.told(), ["a -> nothing"]);
    let mut alone = Scene::market_of(&pool, &types);
    alone
        .launched("a", ("eight", "on-demand"))
        .running("x", "a", "3")
        .launched("b", ("eight", "on-demand"))
        .running("y", "b", "8");
    assert_eq!(alone.told(), ["a -> mid"]);
}

/// CO-15, CO-16: reserved capacity costs next to nothing, so that it replaces what is paid for, and
/// is replaced by cheaper reservations only.
#[test]
fn reserved_capacity_replaces_what_is_paid_for() {
    let reserved = |name: &str, price, list| {
        machine(
            name,
            4,
            &[
                (A, "reserved", price),
                (A, "spot", 0.2),
                (A, "on-demand", list),
            ],
        )
    };
    for (capacity_type, to) in [
        ("on-demand", Some("a -> now")),
        ("spot", Some("a -> now")),
        ("reserved", None),
    ] {
        let mut scene = Scene::market(&[reserved("now", 0.0001, 0.5)]);
        scene
            .launched("a", ("now", capacity_type))
            .running("x", "a", "1");
        let to: Vec<&str> = to.into_iter().collect();
        assert_eq!(scene.told(), to, "{capacity_type}");
        if !to.is_empty() {
            assert_eq!(capacity_types(&mut scene)[0], CapacityType::Reserved);
        }
    }
    let mut cheaper = Scene::market(&[
        machine("now", 4, &[(A, "reserved", 0.2), (A, "on-demand", 0.5)]),
        machine("other", 4, &[(A, "reserved", 0.1), (A, "on-demand", 0.5)]),
    ]);
    cheaper
        .launched("a", ("now", "reserved"))
        .running("x", "a", "1");
    let plan = cheaper.look(&Options::default());
    assert_eq!(told(&plan.commands), ["a -> other"], "{:?}", plan.kept);
}

/// CO-23: a pool that can't be used for new nodes is as if it were not there.
#[test]
fn pools_that_launch_nothing_have_no_effect() {
    let types = [on_demand("large", 8, 0.8), on_demand("mid", 4, 0.4)];
    let mut scene = Scene::market(&types);
    let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False",
        "reason": "NodeClassNotReady", "lastTransitionTime": "2001-09-09T01:46:40Z"}]}});
    scene.pool("q", &unready);
    let cheap = crate::testing::market::catalog(&[on_demand("cheap", 8, 0.01)]);
    scene.types("q", cheap);
    scene
        .launched("a", ("large", "on-demand"))
        .running("x", "a", "2");
    assert_eq!(scene.told(), ["a -> mid"]);
}

fn spread(on: &str) -> Value {
    json!({"spec": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": on,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "x"}}}]}})
}

/// CO-31: pods that are spread over zones are so after the change.
#[test]
fn a_replacement_comes_in_the_zone_that_keeps_pods_spread() {
    let zones = [A, B, "test-zone-c"];
    let both = |name: &str, cores, price: f64| {
        let of = |zone| (zone, "on-demand", price);
        machine(name, cores, &zones.map(of))
    };
    let mut scene = Scene::market(&[both("large", 8, 0.8), both("small", 1, 0.1)]);
    for (node, zone) in ["a", "b", "c"].into_iter().zip(zones) {
        let node_patch = json!({"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}});
        let ty = if node == "b" { "large" } else { "small" };
        scene
            .launched_with(node, (ty, "on-demand"), &node_patch, &json!({}))
            .pod(
                node,
                node,
                &cores_and("1", &spread("topology.kubernetes.io/zone")),
            );
    }
    let plan = scene.look(&Options::default());
    assert_eq!(told(&plan.commands), ["b -> small"]);
    assert_eq!(&*plan.commands[0].replacements[0].launch.zone, B);
}

/// CO-33: a volume on the node's own disk can't move, so what it says about the host is not looked
/// at.
#[test]
fn a_local_volume_does_not_keep_a_node() {
    let mut scene = Scene::market(&[on_demand("large", 8, 0.8), on_demand("mid", 4, 0.4)]);
    let owned = json!({"metadata": {"ownerReferences":
            [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "o", "uid": "o"}]},
        "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "v"}}]}});
    scene
        .launched("a", ("large", "on-demand"))
        .pod("x", "a", &cores_and("1", &owned));
    let claim = json!({"metadata": {"name": "v", "namespace": "n",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": "v", "storageClassName": ""}});
    let volume = json!({"metadata": {"name": "v"}, "spec": {"local": {"path": "/a"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions":
            [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]}]}]}}}});
    let read = "an object";
    let claim = serde_json::from_value(claim).expect(read);
    scene
        .0
        .apply(Event::PersistentVolumeClaim(Change::Applied(claim)));
    let volume = serde_json::from_value(volume).expect(read);
    scene
        .0
        .apply(Event::PersistentVolume(Change::Applied(volume)));
    let plan = scene.look(&Options::default());
    assert!(!plan.commands.is_empty(), "{:?}", plan.kept);
    assert_eq!(scene.told(), ["a -> mid"]);
}

/// CO-34: a pod that would rather be where it is does not move to where it would not, unless
/// preferences are not looked at.
#[test]
fn preferences_count_unless_they_are_ignored() {
    let prefers = json!({"spec": {"affinity": {"nodeAffinity":
        {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference":
            {"matchExpressions": [{"key": "node.kubernetes.io/instance-type",
                "operator": "In", "values": ["large"]}]}}]}}}});
    let mut scene = Scene::market(&[on_demand("large", 8, 0.8), on_demand("mid", 4, 0.4)]);
    scene
        .launched("a", ("large", "on-demand"))
        .pod("x", "a", &cores_and("1", &prefers));
    assert_eq!(scene.stays("a"), no_cheaper(0.8));
    let mut ignores = Options::default();
    ignores.scheduling.preference_policy = PreferencePolicy::Ignore;
    assert_eq!(told(&scene.look(&ignores).commands), ["a -> mid"]);
}

/// CO-35: what is lowered for pending pods is not lowered for the sake of a better price.
#[test]
fn the_least_number_of_types_holds_whatever_the_policy() {
    let requires = |least: u32| {
        json!({"spec": {"template": {"spec": {"requirements":
            [{"key": "node.kubernetes.io/instance-type", "operator": "Exists",
                "minValues": least}]}}}})
    };
    let types = [
        on_demand("large", 8, 0.8),
        on_demand("mid", 4, 0.4),
        on_demand("small", 2, 0.2),
    ];
    let mut options = Options::default();
    options.scheduling.min_values_policy = MinValuesPolicy::BestEffort;
    let mut two = Scene::market_of(&requires(2), &types);
    two.launched("a", ("large", "on-demand"))
        .running("x", "a", "1");
    assert_eq!(told(&two.look(&options).commands), ["a -> small|mid"]);
    let mut three = Scene::market_of(&requires(3), &types);
    three
        .launched("a", ("large", "on-demand"))
        .running("x", "a", "1");
    let why = why_of(&three.look(&options), "a");
    assert_eq!(why, Why::Stays(Stays::MinValues));
}

/// CO-36: room that a pending pod needs is not given up. Where the node has that room already, the
/// reason is the pod's.
#[test]
fn a_node_that_a_pending_pod_needs_is_not_made_smaller() {
    let mut scene = Scene::market(&[on_demand("huge", 64, 6.4), on_demand("small", 2, 0.2)]);
    scene
        .launched("a", ("huge", "on-demand"))
        .running("x", "a", "1");
    assert_eq!(scene.told(), ["a -> small"], "nobody needs it");
    scene.pending("wants", "62");
    assert!(scene.told().is_empty());
    assert_eq!(scene.stays("a"), no_cheaper(6.4));
}

/// CO-40: what a capacity buffer keeps room for moves with the pods of a node.
#[test]
fn room_for_a_buffer_moves_with_the_pods() {
    let mut scene = Scene::market(&[
        on_demand("large", 16, 1.6),
        on_demand("mid", 4, 0.4),
        on_demand("small", 2, 0.2),
    ]);
    scene
        .launched("a", ("large", "on-demand"))
        .running("x", "a", "2");
    let mut waits = cores("2");
    merge(
        &mut waits,
        &json!({"metadata": {"name": "b-0", "namespace": "n", "uid": "b-0"},
        "status": {"phase": "Pending"}}),
    );
    let pod: Pod = serde_json::from_value(waits).expect("a pod");
    scene.0.apply(Event::VirtualPods {
        buffer: ObjectKey::new("n", "b"),
        pods: vec![PodUpdate::virtual_of(&pod)],
    });
    let plan = scene.look(&Options::default());
    assert!(!plan.commands.is_empty(), "{:?}", plan.kept);
    assert_eq!(scene.told(), ["a -> mid"]);
}
