//! Scenarios of pod affinity and anti-affinity.

mod common;

use std::collections::BTreeSet;

use common::world::{
    Place, World, ZONE, affinity, bound, merge, new_node, node, place, pod, reasons, requires,
};
use scheduling::{Placement, PreferencePolicy};
use serde_json::{Value, json};

const HOST: &str = "kubernetes.io/hostname";
const ARCH: &str = "kubernetes.io/arch";

fn term(key: &str, group: &str) -> Value {
    json!({"topologyKey": key, "labelSelector": {"matchLabels": {"group": group}}})
}

fn required(kind: &str, terms: &[Value]) -> Value {
    json!({"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": terms}}})
}

fn near(key: &str, group: &str) -> Value {
    required("podAffinity", &[term(key, group)])
}

fn away(key: &str, group: &str) -> Value {
    required("podAntiAffinity", &[term(key, group)])
}

fn preferred(kind: &str, key: &str, group: &str) -> Value {
    json!({"affinity": {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "podAffinityTerm": term(key, group)},
    ]}}})
}

fn in_zones(zones: &[&str]) -> Value {
    affinity(ZONE, "In", zones)
}

fn with(mut spec: Value, more: Value) -> Value {
    merge(&mut spec, more);
    spec
}

fn grouped(mut pod: Value, group: &str) -> Value {
    merge(&mut pod, json!({"metadata": {"labels": {"group": group}}}));
    pod
}

/// Adds pending pods of a group.
fn add(mut world: World, name: &str, count: usize, cpu: &str, group: &str, spec: &Value) -> World {
    for number in 0..count {
        let pod = pod(&format!("{name}-{number}"), cpu, spec.clone());
        world = world.object(grouped(pod, group));
    }
    world
}

/// Adds a full node in a zone with a running pod of a group.
fn running(world: World, name: &str, zone: &str, group: &str, spec: &Value) -> World {
    let labels = json!({"metadata": {"labels": {ZONE: zone}}});
    let pod = bound(&format!("on-{name}"), "1", name, spec.clone());
    world
        .object(node(name, "1", labels))
        .object(grouped(pod, group))
}

/// The zones that planned nodes with pods of a name are in.
fn zones_of(placement: &Placement, name: &str) -> BTreeSet<String> {
    let claims = placement.new_claims.iter();
    claims
        .filter(|claim| claim.pods.iter().any(|pod| pod.name.starts_with(name)))
        .map(|claim| claim.launch.zone.to_string())
        .collect()
}

/// How many pods of a name have a place.
fn placed(placement: &Placement, name: &str, count: usize) -> usize {
    let pods = (0..count).map(|number| format!("{name}-{number}"));
    pods.filter(|pod| !matches!(place(placement, pod), Place::Nowhere(_)))
        .count()
}

/// SCH-201: structures that say nothing.
#[test]
fn empty_affinity_says_nothing() {
    for spec in [
        json!({"affinity": {}}),
        json!({"affinity": {"podAffinity": {}, "podAntiAffinity": {}}}),
        json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}}),
    ] {
        let placement = World::new().pod("p", "1", spec).solve();
        assert!(matches!(place(&placement, "p"), Place::New(_)));
    }
}

/// SCH-202: next to the target, whatever spreads the target's like.
#[test]
fn a_pod_goes_where_its_target_goes() {
    let spread = json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": HOST,
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"group": "others"}}}]});
    let world = add(World::new(), "other", 6, "100m", "others", &spread);
    let world = add(world, "target", 1, "100m", "target", &spread);
    let placement = add(world, "p", 1, "100m", "p", &near(HOST, "target")).solve();
    assert_eq!(
        new_node(&placement, "p-0").name,
        new_node(&placement, "target-0").name
    );
    let arm = json!({"nodeSelector": {ARCH: "amd64"}});
    let world = add(World::new(), "target", 1, "1", "target", &arm);
    let placement = add(world, "p", 1, "3", "p", &near(ARCH, "target")).solve();
    let requirement = new_node(&placement, "p-0")
        .requirements
        .get(ARCH)
        .expect("is decided");
    assert_eq!(requirement.single_value().map(|v| &**v), Some("amd64"));
}

/// SCH-203, SCH-204: pods that want to share a host do, as many as it holds.
#[test]
fn pods_that_want_one_host_share_it_as_far_as_it_goes() {
    let spec = near(HOST, "g");
    let placement = add(World::new(), "p", 3, "100m", "g", &spec).solve();
    assert_eq!(placement.new_claims.len(), 1);
    let placement = add(World::new(), "p", 10, "100m", "g", &spec).solve();
    assert_eq!(placement.new_claims.len(), 1);
    assert_eq!(placed(&placement, "p", 10), 5, "nodes hold five pods");
    let later = running(World::new(), "n", "test-zone-1", "g", &spec);
    let placement = add(later, "p", 10, "100m", "g", &spec).solve();
    assert_eq!(placed(&placement, "p", 10), 0, "their host is full");
}

/// SCH-205: what a pod selects of nodes does not hide pods that it wants to be near to.
#[test]
fn node_selection_does_not_hide_pods_from_affinity() {
    let world = running(World::new(), "n", "test-zone-1", "g", &json!({}));
    let spec = with(near(HOST, "g"), in_zones(&["test-zone-2", "test-zone-3"]));
    let placement = add(world, "p", 10, "100m", "g", &spec).solve();
    assert_eq!(placed(&placement, "p", 10), 0);
}

/// SCH-206, SCH-207: a group is in one zone; groups that can't be together are two.
#[test]
fn a_group_is_in_one_zone() {
    let placement = add(World::new(), "p", 20, "1", "g", &near(ZONE, "g")).solve();
    assert_eq!(zones_of(&placement, "p").len(), 1);
    let third = with(
        near(ZONE, "g"),
        json!({"nodeSelector": {ZONE: "test-zone-3"}}),
    );
    let placement = add(World::new(), "p", 3, "1", "g", &third).solve();
    assert_eq!(
        zones_of(&placement, "p"),
        BTreeSet::from(["test-zone-3".to_owned()])
    );
    let first =
        |zone: &str, group: &str| with(near(ZONE, group), json!({"nodeSelector": {ZONE: zone}}));
    let world = add(World::new(), "a", 1, "1", "ga", &first("test-zone-1", "ga"));
    let placement = add(world, "b", 1, "1", "gb", &first("test-zone-2", "gb")).solve();
    assert_eq!(placement.new_claims.len(), 2);
}

/// SCH-208, SCH-47, SCH-41: what can't be had is given up, and under `Ignore` not looked at.
#[test]
fn preferences_about_other_pods_are_given_up() {
    for spec in [
        preferred("podAffinity", ZONE, "nobody"),
        preferred("podAffinity", HOST, "nobody"),
    ] {
        let placement = add(World::new(), "p", 1, "1", "p", &spec).solve();
        assert_eq!(placed(&placement, "p", 1), 1);
    }
    let one_zone = requires(json!([{"key": ZONE, "operator": "In", "values": ["test-zone-1"]}]));
    let world = World::empty().pool("default", one_zone);
    let spec = preferred("podAntiAffinity", ZONE, "p");
    assert_eq!(
        placed(&add(world, "p", 3, "1", "p", &spec).solve(), "p", 3),
        3
    );
    for kind in ["podAffinity", "podAntiAffinity"] {
        for key in [HOST, ZONE] {
            let mut world = add(
                World::new(),
                "p",
                3,
                "100m",
                "p",
                &preferred(kind, key, "p"),
            );
            world.options.preference_policy = PreferencePolicy::Ignore;
            assert_eq!(world.solve().new_claims.len(), 1, "{kind} {key}");
        }
    }
    let against = with(
        preferred("podAffinity", HOST, "nobody"),
        json!({"nodeSelector": {ZONE: "test-zone-2"}}),
    );
    let placement = add(World::new(), "p", 1, "1", "p", &against).solve();
    assert_eq!(
        zones_of(&placement, "p"),
        BTreeSet::from(["test-zone-2".to_owned()])
    );
}

/// SCH-209, SCH-211: away from each other over hosts and any other label.
#[test]
fn pods_that_stay_away_get_domains_of_their_own() {
    let world = add(World::new(), "a", 1, "100m", "a", &json!({}));
    let placement = add(world, "b", 1, "100m", "b", &away(HOST, "a")).solve();
    assert_ne!(
        new_node(&placement, "a-0").name,
        new_node(&placement, "b-0").name
    );
    let size = |size: &str| json!({"nodeSelector": {"size": size}});
    let world = add(World::new(), "a", 1, "100m", "a", &size("small"));
    let placement = add(world, "b", 1, "100m", "b", &away("size", "a")).solve();
    let of = |name: &str| new_node(&placement, name).requirements.get("size").cloned();
    assert_ne!(of("a-0"), of("b-0"));
}

/// SCH-210, SCH-213: no zone is left where a pod that stays away could go, in whatever order they
/// come.
#[test]
fn no_zone_is_left_beside_pods_in_every_zone() {
    for (small, large) in [("1", "2"), ("2", "1")] {
        let mut world = World::new();
        for zone in ["test-zone-1", "test-zone-2", "test-zone-3"] {
            let spec = json!({"nodeSelector": {ZONE: zone}});
            world = add(world, zone, 1, small, "x", &spec);
        }
        let placement = add(world, "p", 1, large, "p", &away(ZONE, "x")).solve();
        assert_eq!(placed(&placement, "p", 1), 0);
        assert_eq!(placement.unplaced.len(), 1);
        let why = reasons(&placement, "p-0");
        assert!(why[0].contains("pod anti-affinity"), "{why:?}");
        let mut world = World::new();
        for zone in ["test-zone-1", "test-zone-2", "test-zone-3"] {
            world = running(world, zone, zone, "other", &away(ZONE, "p"));
        }
        let placement = add(world, "p", 1, large, "p", &json!({})).solve();
        assert_eq!(placed(&placement, "p", 1), 0);
    }
}

/// SCH-212: what others merely prefer keeps nobody away.
#[test]
fn preferred_anti_affinity_of_others_keeps_nobody_away() {
    let mut world = World::new();
    for zone in ["test-zone-1", "test-zone-2", "test-zone-3"] {
        world = running(
            world,
            zone,
            zone,
            "other",
            &preferred("podAntiAffinity", ZONE, "p"),
        );
    }
    let placement = add(world, "p", 1, "1", "p", &json!({})).solve();
    assert_eq!(placed(&placement, "p", 1), 1);
}

/// SCH-214, SCH-216: pods that stay away from each other's zone get a zone each at once, where the
/// reference places one in a pass.
#[test]
fn a_zone_each_in_one_pass() {
    let placement = add(World::new(), "p", 4, "1", "g", &away(ZONE, "g")).solve();
    assert_eq!(zones_of(&placement, "p").len(), 3);
    assert_eq!(placed(&placement, "p", 4), 3);
    let world = add(World::new(), "p", 1, "2", "p", &away(ZONE, "x"));
    let placement = add(world, "x", 1, "1", "x", &json!({})).solve();
    assert_eq!(placement.unplaced.len(), 0);
    assert!(zones_of(&placement, "p").is_disjoint(&zones_of(&placement, "x")));
}

/// SCH-215: a spread that must hold beats affinity that is preferred.
#[test]
fn a_hard_spread_beats_preferred_affinity() {
    let spread = json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": ZONE,
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"group": "g"}}}]});
    let spec = with(spread, preferred("podAffinity", ZONE, "g"));
    let placement = add(World::new(), "p", 3, "1", "g", &spec).solve();
    assert_eq!(zones_of(&placement, "p").len(), 3);
}

/// SCH-217, SCH-218, SCH-219: followers need a target, and go with it in the same pass whether its
/// zone was decided or not.
#[test]
fn followers_go_with_their_target() {
    let placement = add(World::new(), "p", 3, "1", "p", &near(ZONE, "nobody")).solve();
    assert_eq!(placed(&placement, "p", 3), 0);
    for target in [json!({}), json!({"nodeSelector": {ZONE: "test-zone-1"}})] {
        let world = add(World::new(), "target", 1, "1", "target", &target);
        let placement = add(world, "p", 10, "1", "p", &near(ZONE, "target")).solve();
        assert_eq!(placed(&placement, "p", 10), 10);
        assert_eq!(zones_of(&placement, "p"), zones_of(&placement, "target"));
    }
}

/// SCH-220: a chain of followers is placed in one pass; one that leads nowhere stays.
#[test]
fn a_chain_of_followers_is_placed_in_one_pass() {
    let world = add(World::new(), "ui", 1, "100m", "ui", &near(HOST, "cache"));
    let world = add(world, "cache", 1, "100m", "cache", &near(HOST, "web"));
    let world = add(world, "web", 1, "100m", "web", &near(HOST, "db"));
    let world = add(world, "db", 1, "100m", "db", &json!({}));
    let placement = world.solve();
    assert_eq!(placement.unplaced.len(), 0);
    assert_eq!(placement.new_claims.len(), 1);
    let world = add(World::new(), "web", 1, "100m", "web", &near(HOST, "db"));
    assert_eq!(world.solve().unplaced.len(), 1);
}

/// SCH-221: namespaces of a term: the pod's own, a list, or by labels.
#[test]
fn a_term_is_about_the_namespaces_that_it_names() {
    let namespace = |name: &str| json!({"kind": "Namespace", "metadata": {"name": name, "labels": {"team": name}}});
    let other = |world: World| {
        let mut target = grouped(pod("target", "100m", json!({})), "g");
        merge(&mut target, json!({"metadata": {"namespace": "other"}}));
        world
            .object(namespace("default"))
            .object(namespace("other"))
            .object(target)
    };
    let table = [
        (json!({}), 0),
        (json!({"namespaces": ["other"]}), 1),
        (json!({"namespaces": ["third"]}), 0),
        (json!({"namespaceSelector": {}}), 1),
        (
            json!({"namespaceSelector": {"matchLabels": {"team": "other"}}}),
            1,
        ),
        (
            json!({"namespaceSelector": {"matchLabels": {"team": "third"}}}),
            0,
        ),
    ];
    for (scope, expected) in table {
        let term = with(term(HOST, "g"), scope.clone());
        let spec = required("podAffinity", &[term]);
        let placement = add(other(World::new()), "p", 1, "100m", "p", &spec).solve();
        assert_eq!(placed(&placement, "p", 1), expected, "{scope}");
    }
}

/// SCH-133, SCH-135: of pods that can't share a node, as many are placed as the pool's limits let.
#[test]
fn limits_hold_for_pods_that_can_not_share_a_node() {
    for limits in [json!({"cpu": "3"}), json!({"nodes": "1"})] {
        let pool = json!({"spec": {"limits": limits}});
        let world = World::empty().pool("default", pool);
        let placement = add(world, "p", 2, "1500m", "g", &away(HOST, "g")).solve();
        assert_eq!(placed(&placement, "p", 2), 1);
    }
}
