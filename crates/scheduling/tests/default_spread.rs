//! Scenarios of topology spread by default.

mod common;

use std::collections::BTreeMap;

use common::world::{World, ZONE, bound, instance_type, merge, node, now, pod};
use model::k8s::affinity::TopologySpreadConstraint;
use scheduling::{Placement, default_spread, solve};
use serde_json::{Value, json};
use testkit::referee;

const HOST: &str = "kubernetes.io/hostname";

fn default(key: &str, when: &str) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: when.to_owned(),
        ..TopologySpreadConstraint::default()
    }
}

/// A world with types that hold many pods.
fn world() -> World {
    let large = instance_type("large", 64, 256, json!({"resources": {"pods": "110"}}));
    World::new().with_types(&[large])
}

fn solved(world: &World, defaults: &[TopologySpreadConstraint]) -> Placement {
    let snapshot = default_spread::applied(&world.snapshot(), &world.batch, defaults);
    let placement = solve(&snapshot, &world.batch, &world.options, now(), 1);
    let violations = referee::check(&snapshot, &world.batch, now(), &placement);
    assert!(violations.is_empty(), "{violations:#?}");
    placement
}

fn replica_set(name: &str) -> Value {
    json!({"kind": "ReplicaSet", "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"set": name}}}})
}

/// Makes a pod one of a ReplicaSet's.
fn of_set(set: &str, mut pod: Value) -> Value {
    merge(
        &mut pod,
        json!({"metadata": {"labels": {"set": set}, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": set,
             "controller": true}]}}),
    );
    pod
}

fn with_set(mut world: World, set: &str, count: usize) -> World {
    world = world.object(replica_set(set));
    for number in 0..count {
        let pod = pod(&format!("{set}-{number}"), "100m", json!({}));
        world = world.object(of_set(set, pod));
    }
    world
}

/// How many pods of a set each zone or node gets, sorted.
fn counts(placement: &Placement, key: &str, set: &str) -> Vec<usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for claim in &placement.new_claims {
        let pods = claim.pods.iter();
        let count = pods.filter(|pod| pod.label("set") == Some(set)).count();
        let domain = if key == ZONE {
            claim.launch.zone.to_string()
        } else {
            claim.name.clone()
        };
        *counts.entry(domain).or_default() += count;
    }
    let mut counts: Vec<usize> = counts.into_values().filter(|count| *count > 0).collect();
    counts.sort_unstable();
    counts
}

/// SCH-259: zones and nodes.
#[test]
fn pods_of_a_replica_set_are_spread() {
    let by_zone = solved(
        &with_set(world(), "web", 4),
        &[default(ZONE, "DoNotSchedule")],
    );
    assert_eq!(counts(&by_zone, ZONE, "web"), [1, 1, 2]);
    let by_host = solved(
        &with_set(world(), "web", 3),
        &[default(HOST, "DoNotSchedule")],
    );
    assert_eq!(counts(&by_host, HOST, "web"), [1, 1, 1]);
}

/// SCH-260, SCH-262: not where a pod has a constraint of its own, nothing is configured, or nothing
/// says which pods belong together.
#[test]
fn pods_are_left_alone_that_declare_a_spread_or_belong_nowhere() {
    let defaults = [default(HOST, "DoNotSchedule")];
    let none = solved(&with_set(world(), "web", 3), &[]);
    assert_eq!(none.new_claims.len(), 1);
    let alone = solved(&world().pods("p", 3, "100m", json!({})), &defaults);
    assert_eq!(alone.new_claims.len(), 1);
    let own = json!({"topologySpreadConstraints": [{"maxSkew": 9, "topologyKey": HOST,
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"set": "web"}}}]});
    let mut declared = world().object(replica_set("web"));
    for number in 0..3 {
        let pod = pod(&format!("web-{number}"), "100m", own.clone());
        declared = declared.object(of_set("web", pod));
    }
    assert_eq!(solved(&declared, &defaults).new_claims.len(), 1);
}

/// SCH-261: a default that can't be met leaves pods, one that is only wished for does not.
#[test]
fn min_domains_beyond_reach_bind_only_where_they_must_hold() {
    let beyond = |when: &str| TopologySpreadConstraint {
        min_domains: (when == "DoNotSchedule").then_some(4),
        ..default(ZONE, when)
    };
    let one_zone = || {
        let large = instance_type("large", 64, 256, json!({"resources": {"pods": "110"}}));
        let in_one_zone = json!([{"key": ZONE, "operator": "In", "values": ["test-zone-1"]}]);
        let pool = common::world::requires(in_one_zone);
        let world = World::empty().with_types(&[large]).pool("default", pool);
        with_set(world, "web", 3)
    };
    let hard = solved(&one_zone(), &[beyond("DoNotSchedule")]);
    assert_eq!(
        (counts(&hard, ZONE, "web"), hard.unplaced.len()),
        (vec![1], 2)
    );
    let soft = solved(&one_zone(), &[beyond("ScheduleAnyway")]);
    assert_eq!((soft.new_claims.len(), soft.unplaced.len()), (1, 0));
}

/// SCH-263: pods that run count; workloads and revisions are spread each for itself; a service
/// alone will do.
#[test]
fn pods_are_spread_beside_their_like_only() {
    let defaults = [default(ZONE, "DoNotSchedule")];
    let full = json!({"metadata": {"labels": {ZONE: "test-zone-1"}}});
    let running = world()
        .object(node("n1", "1", full))
        .object(of_set("web", bound("running", "1", "n1", json!({}))));
    let beside = solved(&with_set(running, "web", 2), &defaults);
    let zones: Vec<&str> = beside.new_claims.iter().map(|c| &*c.launch.zone).collect();
    assert_eq!(counts(&beside, ZONE, "web"), [1, 1]);
    assert!(!zones.contains(&"test-zone-1"), "{zones:?}");
    let two = solved(&with_set(with_set(world(), "one", 3), "two", 3), &defaults);
    assert_eq!(counts(&two, ZONE, "one"), [1, 1, 1]);
    assert_eq!(counts(&two, ZONE, "two"), [1, 1, 1]);
    assert_eq!(two.new_claims.len(), 3, "the two share nodes");
    let service = json!({"kind": "Service", "metadata": {"name": "s", "namespace": "default"},
        "spec": {"selector": {"set": "web"}}});
    let mut served = world().object(service);
    for number in 0..3 {
        let mut pod = pod(&format!("web-{number}"), "100m", json!({}));
        merge(&mut pod, json!({"metadata": {"labels": {"set": "web"}}}));
        served = served.object(pod);
    }
    assert_eq!(counts(&solved(&served, &defaults), ZONE, "web"), [1, 1, 1]);
}

/// Pods of nodes that go are spread as well.
#[test]
fn displaced_pods_are_spread() {
    let mut world = world()
        .object(node("going", "64", json!({})))
        .object(replica_set("web"));
    for number in 0..3 {
        let pod = bound(&format!("web-{number}"), "100m", "going", json!({}));
        world = world.object(of_set("web", pod));
    }
    world.batch.without.insert("going".to_owned());
    let placement = solved(&world, &[default(ZONE, "DoNotSchedule")]);
    assert_eq!(counts(&placement, ZONE, "web"), [1, 1, 1]);
}
