//! Which domains count for a spread: those of labels whose value a pool leaves open, and nodes that
//! a constraint does not look at. The referee checks every placement.

mod common;

use std::collections::BTreeMap;

use common::world::{
    CAPACITY_TYPE, Place, World, ZONE, affinity, bound, merge, new_node, node, place, pod, requires,
};
use scheduling::Placement;
use serde_json::{Value, json};

const POOL: &str = "karpenter.sh/nodepool";

fn constraint(key: &str) -> Value {
    json!({"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"group": "g"}}})
}

fn in_group(mut pod: Value) -> Value {
    merge(&mut pod, json!({"metadata": {"labels": {"group": "g"}}}));
    pod
}

/// Adds pending pods of the group with these constraints.
fn spread(mut world: World, count: usize, constraints: &[Value]) -> World {
    for number in 0..count {
        let spec = json!({"topologySpreadConstraints": constraints});
        world = world.object(in_group(pod(&format!("p-{number}"), "100m", spec)));
    }
    world
}

fn teams(operator: &str, values: &[&str]) -> Value {
    requires(json!([{"key": "team", "operator": operator, "values": values}]))
}

/// A pool for those only who tolerate its taint.
fn tainted(operator: &str, values: &[&str]) -> Value {
    let mut pool = teams(operator, values);
    let taints = json!([{"key": "k", "effect": "NoSchedule"}]);
    merge(
        &mut pool,
        json!({"spec": {"template": {"spec": {"taints": taints}}}}),
    );
    pool
}

/// On a node of a pool, whatever its taints.
fn on(pool: &str) -> Value {
    json!({"nodeSelector": {POOL: pool}, "tolerations": [{"operator": "Exists"}]})
}

/// Placed pods of the group by the team of their node.
fn by_team(placement: &Placement) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for claim in &placement.new_claims {
        let group = |pod: &&std::sync::Arc<cluster::PodRecord>| pod.label("group") == Some("g");
        let count = claim.pods.iter().filter(group).count();
        if count > 0 {
            let team = claim.labels.get("team").cloned().unwrap_or_default();
            *counts.entry(team).or_default() += count;
        }
    }
    counts
}

/// A node whose pods leave a label open gets a value that nodes have anyway: with one of its own it
/// would be an empty domain.
#[test]
fn a_label_that_is_left_open_makes_no_new_domain() {
    let world = World::empty()
        .pool("teams", teams("In", &["a", "b"]))
        .pool("open", tainted("Exists", &[]))
        .pod("other", "100m", on("open"));
    let placement = spread(world, 6, &[constraint("team")]).solve();
    assert_eq!(placement.unplaced.len(), 0);
    let other = new_node(&placement, "other");
    assert_eq!(&*other.pool, "open");
    assert!(["a", "b"].contains(&other.labels["team"].as_str()));
}

/// What pods ask for by name on a pool that leaves it open is a domain.
#[test]
fn a_value_that_pods_name_is_a_domain_of_the_pool() {
    let named = json!({"nodeSelector": {"team": "z"}, "tolerations": [{"operator": "Exists"}]});
    let world = |open: Value| {
        let world = World::empty()
            .pool("teams", teams("In", &["a"]))
            .pool("open", open)
            .pod("other", "100m", named.clone());
        spread(world, 4, &[constraint("team")])
    };
    let placement = world(teams("Exists", &[])).solve();
    let even = [("a".to_owned(), 2), ("z".to_owned(), 2)];
    assert_eq!(by_team(&placement), BTreeMap::from(even));
    // Where the group can't go there, it stays empty and holds the others down.
    let placement = world(tainted("Exists", &[])).solve();
    assert_eq!(new_node(&placement, "other").labels["team"], "z");
    assert_eq!(by_team(&placement), BTreeMap::from([("a".to_owned(), 1)]));
}

/// Where no value is known that will do, one is made up, and it is a domain like any other.
#[test]
fn a_value_that_is_made_up_is_a_domain() {
    let world = World::empty().pool("numbers", teams("Gt", &["5"]));
    let placement = spread(world, 3, &[constraint("team")]).solve();
    assert_eq!(placement.unplaced.len(), 0);
    let counts = by_team(&placement);
    assert_eq!(counts.len(), 1, "{counts:?}");
    assert!(counts.keys().all(|team| team.parse::<u32>().unwrap() > 5));
    let world = World::empty()
        .pool("numbers", tainted("Gt", &["5"]))
        .pool("teams", teams("In", &["a"]))
        .pod("other", "100m", on("numbers"));
    let placement = spread(world, 3, &[constraint("team")]).solve();
    assert!(matches!(place(&placement, "other"), Place::New(_)));
    assert_eq!(by_team(&placement), BTreeMap::from([("a".to_owned(), 1)]));
}

/// A pod may narrow what a pool leaves open so far that what is known will not do.
#[test]
fn pods_may_ask_for_a_value_that_is_not_known() {
    let mut number = affinity("team", "Gt", &["7"]);
    merge(&mut number, on("open"));
    let world = World::empty()
        .pool("teams", teams("In", &["a", "b"]))
        .pool("open", teams("Exists", &[]))
        .pod("other", "100m", number);
    let placement = spread(world, 6, &[constraint("team")]).solve();
    assert_eq!(placement.unplaced.len(), 0);
    let counts = by_team(&placement);
    assert_eq!(counts.values().collect::<Vec<_>>(), [&2, &2, &2]);
}

/// A taint that is a mere preference keeps no node out of a count that honours taints.
#[test]
fn soft_taints_keep_no_domain_out() {
    let zones = json!([{"key": ZONE, "operator": "In", "values": ["test-zone-1", "test-zone-2"]}]);
    let mut pool = requires(zones);
    let taints = json!([{"key": "k", "effect": "PreferNoSchedule"}]);
    merge(
        &mut pool,
        json!({"spec": {"template": {"spec": {"taints": taints}}}}),
    );
    let mut honours = constraint(ZONE);
    honours["nodeTaintsPolicy"] = json!("Honor");
    let labels = json!({"metadata": {"labels": {ZONE: "test-zone-1"}}});
    let world = World::empty()
        .pool("default", pool)
        .node("n1", "64", labels);
    let placement = spread(world, 4, &[honours]).solve();
    assert_eq!(placement.unplaced.len(), 0);
    let there: usize = placement.existing.iter().map(|e| e.pods.len()).sum();
    let planned = placement.new_claims.iter();
    let zones: Vec<&str> = planned.map(|claim| &*claim.launch.zone).collect();
    assert_eq!((there, zones), (2, vec!["test-zone-2"]));
}

/// A node that lacks the label of one constraint of a pod does not count for another.
#[test]
fn nodes_that_lack_a_label_of_another_constraint_do_not_count() {
    let zones = json!([{"key": ZONE, "operator": "In", "values": ["test-zone-1", "test-zone-2"]}]);
    let labels = json!({"metadata": {"labels": {ZONE: "test-zone-2"}}});
    let mut world = World::empty()
        .pool("default", requires(zones))
        .object(node("n1", "2", labels));
    for name in ["r-0", "r-1"] {
        world = world.object(in_group(bound(name, "1", "n1", json!({}))));
    }
    let mut by_type = constraint(CAPACITY_TYPE);
    by_type["maxSkew"] = json!(4);
    let placement = spread(world, 4, &[constraint(ZONE), by_type]).solve();
    assert_eq!(placement.unplaced.len(), 0);
    let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
    for claim in &placement.new_claims {
        *zones.entry(&claim.launch.zone).or_default() += claim.pods.len();
    }
    assert_eq!(zones.values().collect::<Vec<_>>(), [&2, &2]);
}

/// The zones that the placement says the pod `p` could go to.
fn zones_of(world: &World) -> Option<Vec<String>> {
    let placement = world.solve();
    let mut all = placement.effective_zones.into_iter();
    let own = all.find(|alike| alike.pods.iter().any(|pod| &*pod.name == "p"))?;
    Some(own.zones.into_iter().collect())
}

/// SCH-235: the zones that rules about other pods leave, as things are.
#[test]
fn a_placement_tells_which_zones_rules_about_other_pods_leave() {
    let with = |zones: &[usize], spec: Value| {
        let mut world = World::new();
        for zone in zones {
            let (name, host) = (format!("r-{zone}"), format!("n-{zone}"));
            let labels = json!({"metadata": {"labels": {ZONE: format!("test-zone-{zone}")}}});
            world = world.object(node(&host, "1", labels));
            world = world.object(in_group(bound(&name, "1", &host, json!({}))));
        }
        zones_of(&world.object(in_group(pod("p", "100m", spec))))
    };
    let spread = |constraint: Value| json!({"topologySpreadConstraints": [constraint]});
    let rule = |kind: &str| {
        json!({"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"group": "g"}}}]}}})
    };
    let mut too_many = constraint(ZONE);
    too_many["minDomains"] = json!(4);
    let cases = [
        (with(&[1, 2], json!({})), None),
        (with(&[1, 2], spread(constraint(ZONE))), Some(vec![3])),
        (
            with(&[1, 2, 3], spread(constraint(ZONE))),
            Some(vec![1, 2, 3]),
        ),
        (with(&[1, 2, 3], spread(too_many)), Some(vec![])),
        (with(&[2], rule("podAffinity")), Some(vec![2])),
        (with(&[], rule("podAffinity")), Some(vec![1, 2, 3])),
        (with(&[1, 2], rule("podAntiAffinity")), Some(vec![3])),
    ];
    for (at, (zones, wanted)) in cases.into_iter().enumerate() {
        let name = |zone: i32| format!("test-zone-{zone}");
        let wanted = wanted.map(|zones| zones.into_iter().map(name).collect::<Vec<_>>());
        assert_eq!(zones, wanted, "case {at}");
    }
}
