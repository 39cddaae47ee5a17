//! Scenarios of reserved capacity. Reservations are counted exactly, so what takes the reference
//! several passes, each waiting for what the last one launched, is one pass here.

mod common;

use catalog::CapacityType;
use common::world::{
    CAPACITY_TYPE, World, ZONE, affinity, instance_type, merge, new_node, requires,
};
use scheduling::{Placement, Reserved};
use serde_json::{Value, json};

const RESERVATION: &str = "karpenter.k8s.aws/capacity-reservation-id";

/// A type with a reservation for each id and count.
fn reserved_type(name: &str, cpu: u32, reservations: &[(&str, u32)]) -> Value {
    let mut ty = instance_type(name, cpu, 4, json!({}));
    let offerings = ty["offerings"].as_array_mut().expect("a list");
    for (id, left) in reservations {
        offerings.push(
            json!({"Price": 0.0001, "Available": true, "ReservationCapacity": left, "Requirements": [
                {"key": ZONE, "operator": "In", "values": ["test-zone-1"]},
                {"key": CAPACITY_TYPE, "operator": "In", "values": ["reserved"]},
                {"key": RESERVATION, "operator": "In", "values": [id]},
            ]}),
        );
    }
    ty
}

/// Reservations that claims ask for; `-` for claims of other capacity. Sorted.
fn reservations(placement: &Placement) -> Vec<String> {
    let mut found: Vec<String> = placement
        .new_claims
        .iter()
        .map(|claim| {
            let types = claim.requirements.get(CAPACITY_TYPE).expect("is written");
            let reserved = claim.launch.capacity_type == CapacityType::Reserved;
            assert_eq!(types.has("reserved"), reserved, "{}", claim.name);
            let id = claim.requirements.get(RESERVATION);
            assert_eq!(id.is_some(), reserved, "{}", claim.name);
            id.map_or("-".to_owned(), |id| id.values()[0].to_string())
        })
        .collect();
    found.sort();
    found
}

/// Pods that can't share a node.
fn loners(name: &str) -> Value {
    json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"group": name}}},
    ]}}})
}

fn labelled(mut pod: Value, group: &str) -> Value {
    merge(&mut pod, json!({"metadata": {"labels": {"group": group}}}));
    pod
}

/// SCH-222: one reservation each of two types, three pods: both are used, the third gets other
/// capacity.
#[test]
fn reservations_come_first_and_then_other_capacity() {
    let world = World::new()
        .with_types(&[
            reserved_type("small", 2, &[("r-small", 1)]),
            reserved_type("medium", 4, &[("r-medium", 1)]),
        ])
        .pods("p", 3, "1800m", loners("none"));
    let placement = world.items.iter().fold(World::empty(), |world, item| {
        world.object(labelled(item.clone(), "none"))
    });
    let mut same = placement;
    same.catalog = world.catalog.clone();
    assert_eq!(reservations(&same.solve()), ["-", "r-medium", "r-small"]);
}

/// SCH-223, SCH-224: pools share a reservation, or have one each.
#[test]
fn pools_share_reservations() {
    for (ids, expected) in [
        (vec![("r-1", 1)], vec!["-", "r-1"]),
        (vec![("r-1", 1), ("r-2", 1)], vec!["r-1", "r-2"]),
    ] {
        let placement = World::empty()
            .with_types(&[reserved_type("small", 2, &ids)])
            .pool("a", json!({}))
            .pool("b", json!({}))
            .pod(
                "p-a",
                "1500m",
                json!({"nodeSelector": {"karpenter.sh/nodepool": "a"}}),
            )
            .pod(
                "p-b",
                "1500m",
                json!({"nodeSelector": {"karpenter.sh/nodepool": "b"}}),
            )
            .solve();
        assert_eq!(reservations(&placement), expected);
    }
}

/// SCH-225: two reservations of one and two instances, four pods that want nodes of their own.
#[test]
fn each_instance_of_a_reservation_is_used_once() {
    let mut world =
        World::new().with_types(&[reserved_type("small", 2, &[("r-1", 1), ("r-2", 2)])]);
    for number in 0..4 {
        let pod = common::world::pod(&format!("p-{number}"), "100m", loners("g"));
        world = world.object(labelled(pod, "g"));
    }
    assert_eq!(reservations(&world.solve()), ["-", "r-1", "r-2", "r-2"]);
}

/// SCH-226, SCH-227: of pools with reservations the heavier one comes first, and its other capacity
/// before the lighter one's reservation.
#[test]
fn the_weight_of_pools_counts_before_their_reservations() {
    let only = |id: &str| requires(json!([{"key": RESERVATION, "operator": "In", "values": [id]}]));
    let mut heavy = json!({"spec": {"weight": 10}});
    merge(&mut heavy, json!({}));
    let placement = World::empty()
        .with_types(&[reserved_type("small", 2, &[("r-1", 1)])])
        .pool("heavy", heavy)
        .pool("light", only("r-1"))
        .pods("p", 2, "1500m", json!({}))
        .solve();
    assert_eq!(reservations(&placement), ["-", "r-1"]);
    assert!(
        placement
            .new_claims
            .iter()
            .all(|claim| &*claim.pool == "heavy")
    );
}

/// SCH-228: pods that want to be together and on reserved capacity share the reserved node.
#[test]
fn pods_that_want_to_be_together_share_a_reserved_node() {
    let mut spec = affinity(CAPACITY_TYPE, "In", &["reserved"]);
    merge(
        &mut spec,
        json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"group": "g"}}},
        ]}}}),
    );
    let mut world = World::new().with_types(&[reserved_type("small", 4, &[("r-1", 2)])]);
    for number in 0..2 {
        let pod = common::world::pod(&format!("p-{number}"), "1", spec.clone());
        world = world.object(labelled(pod, "g"));
    }
    assert_eq!(reservations(&world.solve()), ["r-1"]);
}

/// SCH-229, SCH-49: a reservation is never used more often than it has instances; with none left a
/// pod keeps its preferences, and without the feature reservations are not looked at.
#[test]
fn a_reservation_without_instances_is_no_choice() {
    let world = |left: u32| {
        World::new()
            .with_types(&[reserved_type("small", 2, &[("r-1", left)])])
            .pod("p", "1", json!({}))
    };
    assert_eq!(reservations(&world(0).solve()), ["-"]);
    assert_eq!(reservations(&world(1).solve()), ["r-1"]);
    let mut off = world(1);
    off.options.reserved = Reserved::Ignored;
    let placement = off.solve();
    assert_eq!(reservations(&placement), ["-"]);
    assert_eq!(&*new_node(&placement, "p").launch.instance_type, "small");
}
