//! Scenarios of topology spread.

mod common;

use std::collections::BTreeMap;

use common::world::{
    CAPACITY_TYPE, Place, World, ZONE, affinity, bound, instance_type, merge, node, place, pod,
    reasons, requires,
};
use scheduling::{Placement, PreferencePolicy};
use serde_json::{Value, json};

const HOST: &str = "kubernetes.io/hostname";

fn constraint(key: &str, max_skew: u32) -> Value {
    json!({"topologyKey": key, "maxSkew": max_skew, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"group": "g"}}})
}

fn soft(key: &str) -> Value {
    let mut soft = constraint(key, 1);
    soft["whenUnsatisfiable"] = json!("ScheduleAnyway");
    soft
}

fn spread(constraints: &[Value]) -> Value {
    json!({"topologySpreadConstraints": constraints})
}

fn with(mut spec: Value, more: Value) -> Value {
    merge(&mut spec, more);
    spec
}

fn in_group(mut pod: Value) -> Value {
    merge(&mut pod, json!({"metadata": {"labels": {"group": "g"}}}));
    pod
}

/// Adds pending pods of the group.
fn add(mut world: World, name: &str, count: usize, cpu: &str, spec: &Value) -> World {
    for number in 0..count {
        let pod = pod(&format!("{name}-{number}"), cpu, spec.clone());
        world = world.object(in_group(pod));
    }
    world
}

/// Adds running pods of the group, one node each in the zone.
fn running(mut world: World, zone: &str, count: usize) -> World {
    for number in 0..count {
        let name = format!("{zone}-{number}");
        let labels = json!({"metadata": {"labels": {ZONE: zone}}});
        world = world.object(full_node(&name, labels));
        world = world.object(in_group(bound(
            &format!("on-{name}"),
            "1",
            &name,
            json!({}),
        )));
    }
    world
}

/// A node with room for one small pod and no more.
fn full_node(name: &str, more: Value) -> Value {
    node(name, "1", more)
}

/// Pods of the group by value of a label, planned and running.
fn counts(world: &World, placement: &Placement, key: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for claim in &placement.new_claims {
        let launch = &claim.launch;
        let value = match key {
            HOST => claim.name.clone(),
            ZONE => launch.zone.to_string(),
            CAPACITY_TYPE => launch.capacity_type.as_str().to_owned(),
            key => claim.labels.get(key).cloned().unwrap_or_default(),
        };
        *counts.entry(value).or_default() += claim.pods.len();
    }
    let snapshot = world.snapshot();
    for node in snapshot.nodes.iter() {
        let planned = placement.existing.iter().find(|e| e.node == *node.name());
        let value = if key == HOST {
            Some(node.hostname())
        } else {
            node.label(key)
        };
        let pods = node
            .pods
            .iter()
            .filter(|pod| pod.label("group") == Some("g"));
        let count = pods.count() + planned.map_or(0, |e| e.pods.len());
        if let (Some(value), 1..) = (value, count) {
            *counts.entry(value.to_owned()).or_default() += count;
        }
    }
    counts
}

fn sorted(counts: &BTreeMap<String, usize>) -> Vec<usize> {
    let mut sorted: Vec<usize> = counts.values().copied().collect();
    sorted.sort_unstable();
    sorted
}

fn zones(world: &World) -> Vec<usize> {
    sorted(&counts(world, &world.solve(), ZONE))
}

fn only_zones(zones: &[&str]) -> Value {
    requires(json!([{"key": ZONE, "operator": "In", "values": zones}]))
}

/// SCH-172: a key that nothing has leaves the pod, and only that pod, without a place.
#[test]
fn an_unknown_topology_key_leaves_only_that_pod() {
    let world = World::new().pod("free", "1", json!({}));
    let world = add(world, "p", 1, "1", &spread(&[constraint("unknown", 1)]));
    let placement = world.solve();
    assert!(matches!(place(&placement, "free"), Place::New(_)));
    let why = reasons(&placement, "p-0");
    assert!(
        why[0].contains("unsatisfiable topology constraint for topology spread, key=unknown"),
        "{why:?}"
    );
}

/// SCH-173, SCH-181: a constraint that selects nothing spreads nothing.
#[test]
fn a_constraint_without_a_selector_spreads_nothing() {
    for selector in [
        json!(null),
        json!({"matchExpressions": [{"key": "app", "operator": "Bad", "values": ["x"]}]}),
    ] {
        let mut none = constraint(HOST, 1);
        none["labelSelector"] = selector;
        let world = add(World::new(), "p", 2, "100m", &spread(&[none]));
        assert_eq!(world.solve().new_claims.len(), 1);
    }
}

/// Scenario, pools, spec of the pods, how many, key, counts by domain.
type Case = (
    &'static str,
    Vec<(&'static str, Value)>,
    Value,
    usize,
    &'static str,
    Vec<usize>,
);

/// SCH-174, SCH-175, SCH-183, SCH-184, SCH-186: counts of pods by domain.
#[test]
fn pods_are_spread_over_the_domains_that_pools_offer() {
    let zone = || spread(&[constraint(ZONE, 1)]);
    let by_expression = {
        let mut constraint = constraint(ZONE, 1);
        constraint["labelSelector"] =
            json!({"matchExpressions": [{"key": "group", "operator": "In", "values": ["g"]}]});
        spread(&[constraint])
    };
    let min_domains = |domains: u32| {
        let mut constraint = constraint(ZONE, 1);
        constraint["minDomains"] = json!(domains);
        spread(&[constraint])
    };
    let label = |zone: &str| json!({"spec": {"template": {"metadata": {"labels": {ZONE: zone}}}}});
    let all = || vec![("default", json!({}))];
    let two = || vec![("default", only_zones(&["test-zone-1", "test-zone-2"]))];
    let two_and_label = vec![(
        "default",
        with(
            only_zones(&["test-zone-1", "test-zone-2"]),
            label("test-zone-1"),
        ),
    )];
    let split = vec![("a", label("test-zone-1")), ("b", label("test-zone-2"))];
    let table: Vec<Case> = vec![
        ("SCH-174", all(), zone(), 4, ZONE, vec![1, 1, 2]),
        ("SCH-174", all(), by_expression, 4, ZONE, vec![1, 1, 2]),
        ("SCH-175", two(), zone(), 4, ZONE, vec![2, 2]),
        (
            "SCH-175",
            vec![("default", label("test-zone-1"))],
            zone(),
            4,
            ZONE,
            vec![4],
        ),
        ("SCH-175", two_and_label, zone(), 4, ZONE, vec![4]),
        ("SCH-175", split, zone(), 4, ZONE, vec![2, 2]),
        ("SCH-183", two(), min_domains(3), 3, ZONE, vec![1, 1]),
        ("SCH-183", all(), min_domains(3), 11, ZONE, vec![3, 4, 4]),
        ("SCH-183", all(), min_domains(2), 11, ZONE, vec![3, 4, 4]),
        (
            "SCH-184",
            all(),
            spread(&[constraint(HOST, 1)]),
            4,
            HOST,
            vec![1, 1, 1, 1],
        ),
        (
            "SCH-184",
            all(),
            spread(&[constraint(HOST, 4)]),
            4,
            HOST,
            vec![4],
        ),
        (
            "SCH-186",
            all(),
            spread(&[constraint(CAPACITY_TYPE, 1)]),
            4,
            CAPACITY_TYPE,
            vec![2, 2],
        ),
    ];
    for (scenario, pools, spec, pods, key, expected) in table {
        let world = pools
            .into_iter()
            .fold(World::empty(), |world, (name, pool)| world.pool(name, pool));
        let world = add(world, "p", pods, "100m", &spec);
        let found = sorted(&counts(&world, &world.solve(), key));
        assert_eq!(found, expected, "{scenario}: {spec}");
    }
}

/// SCH-176, SCH-178, SCH-179, SCH-180, SCH-92: running pods count.
#[test]
fn pods_that_run_count() {
    let spec = spread(&[constraint(ZONE, 1)]);
    let near = || World::empty().pool("default", only_zones(&["test-zone-1", "test-zone-2"]));
    let other = || World::empty().pool("default", only_zones(&["test-zone-2", "test-zone-3"]));
    let world = add(running(near(), "test-zone-3", 1), "p", 6, "1", &spec);
    assert_eq!(zones(&world), [1, 2, 2], "SCH-176");
    let world = add(running(World::new(), "test-zone-1", 3), "p", 3, "1", &spec);
    assert_eq!(zones(&world), [1, 2, 3], "SCH-178");
    let world = add(running(other(), "test-zone-1", 1), "p", 10, "1", &spec);
    assert_eq!(zones(&world), [1, 2, 2], "SCH-179");
    let mut world = running(World::new(), "test-zone-1", 3);
    for (pod, change) in ["on-test-zone-1-0", "on-test-zone-1-1", "on-test-zone-1-2"]
        .iter()
        .zip([
            json!({"metadata": {"labels": {"group": "other"}}}),
            json!({"status": {"phase": "Succeeded"}}),
            json!({"metadata": {"deletionTimestamp": "2026-01-01T11:59:50Z"}}),
        ])
    {
        let held = world
            .items
            .iter_mut()
            .find(|item| item["metadata"]["name"] == *pod);
        merge(held.expect("the pod"), change);
    }
    let world = add(world, "p", 3, "1", &spec);
    let placed = world.solve();
    assert_eq!(placed.unplaced.len(), 0, "SCH-180");
    let new = placed
        .new_claims
        .iter()
        .map(|claim| claim.launch.zone.to_string());
    let there = placed.existing.iter().map(|_| "test-zone-1".to_owned());
    let zones: std::collections::BTreeSet<String> = new.chain(there).collect();
    assert_eq!(zones.len(), 3, "SCH-180: none of the running pods counts");
}

/// SCH-177: a skew of five lets one zone have five more than the others.
#[test]
fn a_larger_skew_leaves_room_in_the_zone_that_can_be_had() {
    let world = World::empty().pool("default", only_zones(&["test-zone-3"]));
    let world = running(running(world, "test-zone-1", 1), "test-zone-2", 1);
    let world = add(world, "p", 20, "1", &spread(&[constraint(ZONE, 5)]));
    assert_eq!(zones(&world), [1, 1, 6]);
}

/// SCH-182: sets that select each other and not themselves need not be spread.
#[test]
fn pods_that_select_others_only_share_a_node() {
    let select = |group: &str| {
        let mut constraint = constraint(HOST, 1);
        constraint["labelSelector"] = json!({"matchLabels": {"set": group}});
        constraint["maxSkew"] = json!(5);
        spread(&[constraint])
    };
    let mut world = World::new();
    for (number, (own, other)) in [("a", "b"), ("a", "b"), ("a", "b"), ("b", "a"), ("b", "a")]
        .iter()
        .enumerate()
    {
        let mut pod = pod(&format!("p-{number}"), "10m", select(other));
        merge(&mut pod, json!({"metadata": {"labels": {"set": own}}}));
        world = world.object(pod);
    }
    assert_eq!(world.solve().new_claims.len(), 1);
}

/// SCH-185: two deployments that are each spread over hosts share their hosts.
#[test]
fn deployments_that_are_spread_share_hosts() {
    let select = |name: &str| {
        let mut constraint = constraint(HOST, 1);
        constraint["labelSelector"] = json!({"matchLabels": {"set": name}});
        spread(&[constraint])
    };
    let mut world = World::new();
    for (number, set) in ["a", "a", "b", "b"].iter().enumerate() {
        let mut pod = pod(&format!("p-{number}"), "100m", select(set));
        merge(&mut pod, json!({"metadata": {"labels": {"set": set}}}));
        world = world.object(pod);
    }
    assert_eq!(world.solve().new_claims.len(), 2);
}

/// SCH-187, SCH-200: nodes that the pod may not use do not count, unless it says so.
#[test]
fn nodes_that_a_pod_may_not_use_count_only_if_it_says_so() {
    let world = || {
        let spot = requires(json!([{"key": CAPACITY_TYPE, "operator": "In", "values": ["spot"]}]));
        World::empty()
            .pool("default", spot)
            .object(full_node(
                "n",
                json!({"metadata": {"labels": {ZONE: "test-zone-1", CAPACITY_TYPE: "on-demand"}}}),
            ))
            .object(in_group(bound("there", "1", "n", json!({}))))
    };
    let spec = spread(&[constraint(CAPACITY_TYPE, 1)]);
    let selective = with(spec.clone(), affinity(CAPACITY_TYPE, "In", &["spot"]));
    let count = |spec: &Value| {
        let world = add(world(), "p", 5, "1", spec);
        counts(&world, &world.solve(), CAPACITY_TYPE)
            .get("spot")
            .copied()
    };
    assert_eq!(count(&selective), Some(5), "the on-demand node is hidden");
    assert_eq!(count(&spec), Some(2), "it counts");
    let mut ignoring = constraint(CAPACITY_TYPE, 1);
    ignoring["nodeAffinityPolicy"] = json!("Ignore");
    let ignoring = with(
        spread(&[ignoring]),
        affinity(CAPACITY_TYPE, "In", &["spot"]),
    );
    assert_eq!(
        count(&ignoring),
        Some(2),
        "it counts because the pod says so"
    );
}

/// SCH-198: tainted nodes count unless the pod says that they do not.
#[test]
fn tainted_nodes_count_unless_the_pod_says_otherwise() {
    let count = |policy: &str| {
        let mut by_key = constraint("rack", 1);
        by_key["nodeTaintsPolicy"] = json!(policy);
        let pool = requires(json!([{"key": "rack", "operator": "In", "values": ["baz"]}]));
        let tainted = |rack: &str| {
            json!({"metadata": {"labels": {"rack": rack}},
                "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}})
        };
        let world = World::empty()
            .pool("default", pool)
            .object(node("n-foo", "1", tainted("foo")))
            .object(node("n-bar", "1", tainted("bar")));
        let world = add(world, "p", 5, "100m", &spread(&[by_key]));
        5 - world.solve().unplaced.len()
    };
    assert_eq!(count("Ignore"), 1);
    assert_eq!(count("Honor"), 5);
}

/// SCH-188, SCH-191, SCH-93: several constraints hold at once.
#[test]
fn several_constraints_hold_at_once() {
    let spec = spread(&[constraint(ZONE, 1), constraint(HOST, 3)]);
    for (pods, expected) in [
        (2, vec![1, 1]),
        (5, vec![1, 2, 2]),
        (10, vec![3, 3, 4]),
        (21, vec![7, 7, 7]),
    ] {
        let world = add(World::new(), "p", pods, "10m", &spec);
        let placement = world.solve();
        assert_eq!(sorted(&counts(&world, &placement, ZONE)), expected);
        assert!(
            counts(&world, &placement, HOST)
                .values()
                .all(|count| *count <= 3)
        );
    }
    let spec = spread(&[
        constraint(CAPACITY_TYPE, 1),
        constraint(ZONE, 2),
        constraint(HOST, 3),
    ]);
    for pods in [1, 4, 9, 30] {
        let world = add(World::new(), "p", pods, "10m", &spec);
        let placement = world.solve();
        assert_eq!(placement.unplaced.len(), 0, "{pods}");
        let types = sorted(&counts(&world, &placement, CAPACITY_TYPE));
        assert!(types.iter().max().unwrap() - types.iter().min().unwrap() <= 1 || pods == 1);
    }
}

/// SCH-189: a label that is split between pools.
#[test]
fn a_label_may_be_split_between_pools() {
    let pool = |values: &[&str], capacity: &str| {
        requires(json!([
            {"key": "part", "operator": "In", "values": values},
            {"key": CAPACITY_TYPE, "operator": "In", "values": [capacity]},
        ]))
    };
    let world = World::empty()
        .pool("spot", pool(&["2", "3", "4", "5"], "spot"))
        .pool("on-demand", pool(&["1"], "on-demand"));
    let world = add(world, "p", 20, "10m", &spread(&[constraint("part", 1)]));
    let placement = world.solve();
    assert_eq!(sorted(&counts(&world, &placement, "part")), [4, 4, 4, 4, 4]);
    assert_eq!(sorted(&counts(&world, &placement, CAPACITY_TYPE)), [4, 16]);
}

/// SCH-190: a zone that can't be had still counts as an empty domain.
#[test]
fn a_zone_that_can_not_be_had_still_counts() {
    let mut third = only_zones(&["test-zone-3"]);
    merge(&mut third, json!({"spec": {"limits": {"cpu": "0"}}}));
    let world = World::empty()
        .pool("two", only_zones(&["test-zone-1", "test-zone-2"]))
        .pool("third", third);
    let world = add(
        world,
        "p",
        10,
        "10m",
        &spread(&[constraint(ZONE, 1), soft(HOST)]),
    );
    assert_eq!(zones(&world), [1, 1]);
}

/// SCH-192, SCH-193, SCH-194, SCH-195, SCH-196: what the pod itself demands of the node bounds the
/// domains; what it prefers does not.
#[test]
fn a_pods_own_selection_bounds_its_domains() {
    let zone = || spread(&[constraint(ZONE, 1)]);
    let selecting = |zone: &str| {
        with(
            spread(&[constraint(ZONE, 1)]),
            json!({"nodeSelector": {ZONE: zone}}),
        )
    };
    let world = add(World::new(), "a", 5, "1", &selecting("test-zone-1"));
    let world = add(world, "b", 10, "1", &selecting("test-zone-2"));
    assert_eq!(zones(&world), [5, 10], "SCH-192");
    let required = with(
        zone(),
        affinity(ZONE, "In", &["test-zone-1", "test-zone-2"]),
    );
    assert_eq!(
        zones(&add(World::new(), "p", 10, "1", &required)),
        [5, 5],
        "SCH-193"
    );
    let other = with(
        zone(),
        affinity(ZONE, "In", &["test-zone-2", "test-zone-3"]),
    );
    let world = running(running(World::new(), "test-zone-1", 3), "test-zone-2", 3);
    let world = add(world, "p", 1, "1", &other);
    assert_eq!(zones(&world), [1, 3, 3], "SCH-194");
    let preferred = with(
        zone(),
        json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["test-zone-1"]}]}},
        ]}}}),
    );
    let world = add(World::new(), "p", 6, "1", &preferred);
    assert_eq!(zones(&world), [2, 2, 2], "SCH-195, SCH-48");
    let spot = with(
        spread(&[constraint(CAPACITY_TYPE, 1)]),
        affinity(CAPACITY_TYPE, "In", &["spot"]),
    );
    let world = add(World::new(), "p", 3, "1", &spot);
    let placement = world.solve();
    assert_eq!(
        sorted(&counts(&world, &placement, CAPACITY_TYPE)),
        [3],
        "SCH-196"
    );
}

/// SCH-197: values of `matchLabelKeys` are counted apart.
#[test]
fn match_label_keys_count_values_apart() {
    let mut keyed = constraint(HOST, 1);
    keyed["matchLabelKeys"] = json!(["revision"]);
    let mut world = World::new();
    for (number, revision) in ["1", "1", "2", "2"].iter().enumerate() {
        let mut pod = in_group(pod(&format!("p-{number}"), "10m", spread(&[keyed.clone()])));
        merge(
            &mut pod,
            json!({"metadata": {"labels": {"revision": revision}}}),
        );
        world = world.object(pod);
    }
    assert_eq!(sorted(&counts(&world, &world.solve(), HOST)), [2, 2]);
    let world = add(World::new(), "p", 4, "10m", &spread(&[keyed]));
    assert_eq!(sorted(&counts(&world, &world.solve(), HOST)), [1, 1, 1, 1]);
}

/// SCH-199: domains of a tainted pool count, unless the pod says that taints count.
#[test]
fn domains_of_tainted_pools_count_unless_the_pod_says_otherwise() {
    let pool = |rack: &str, taints: Value| {
        let mut pool = requires(json!([{"key": "rack", "operator": "In", "values": [rack]}]));
        merge(
            &mut pool,
            json!({"spec": {"template": {"spec": {"taints": taints}}}}),
        );
        pool
    };
    let placed = |policy: &str| {
        let mut by_rack = constraint("rack", 1);
        by_rack["nodeTaintsPolicy"] = json!(policy);
        let world = World::empty().pool("foo", pool("foo", json!([]))).pool(
            "bar",
            pool("bar", json!([{"key": "k", "effect": "NoSchedule"}])),
        );
        let world = add(world, "p", 2, "10m", &spread(&[by_rack]));
        2 - world.solve().unplaced.len()
    };
    assert_eq!(placed("Ignore"), 1);
    assert_eq!(placed("Honor"), 2);
}

/// SCH-46, SCH-186: what should be spread is, if it can be; under `Ignore` it is not looked at.
#[test]
fn soft_constraints_hold_where_they_can() {
    let world = add(
        World::new(),
        "p",
        3,
        "10m",
        &spread(&[soft(ZONE), soft(HOST)]),
    );
    assert_eq!(world.solve().new_claims.len(), 3);
    let mut ignoring = world;
    ignoring.options.preference_policy = PreferencePolicy::Ignore;
    assert_eq!(ignoring.solve().new_claims.len(), 1);
    let world = World::empty().pool("default", only_zones(&["test-zone-1"]));
    let world = running(world, "test-zone-1", 1);
    let world = running(world, "test-zone-2", 0);
    let world = add(
        world,
        "p",
        5,
        "10m",
        &spread(&[soft(CAPACITY_TYPE), soft("unknown")]),
    );
    assert_eq!(world.solve().unplaced.len(), 0);
}

/// A spread that one zone can't take part in any more leaves no zone too full: the answer of the
/// referee is checked in every test here; this one has zones of different sizes.
#[test]
fn a_zone_that_runs_out_holds_the_others_down() {
    let mut small = only_zones(&["test-zone-1"]);
    merge(
        &mut small,
        json!({"spec": {"limits": {"nodes": "1"}, "weight": 1}}),
    );
    let world = World::empty()
        .with_types(&[instance_type("one", 2, 4, json!({}))])
        .pool("small", small)
        .pool("large", only_zones(&["test-zone-2"]));
    let world = add(world, "p", 20, "800m", &spread(&[constraint(ZONE, 1)]));
    let placement = world.solve();
    assert_eq!(sorted(&counts(&world, &placement, ZONE)), [2, 3]);
    assert_eq!(placement.unplaced.len(), 15);
}

/// SCH-48: what a pod prefers of nodes does not shrink the domains that its spread is over.
#[test]
fn preferences_about_nodes_leave_all_domains_to_a_spread() {
    for (key, value) in [(ZONE, "test-zone-1"), (HOST, "nowhere")] {
        let preferred = json!([{"weight": 1, "preference": {"matchExpressions": [
            {"key": key, "operator": "In", "values": [value]},
        ]}}]);
        let spec = with(
            spread(&[constraint(ZONE, 1)]),
            json!({"affinity": {"nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": preferred,
            }}}),
        );
        let world = add(World::new(), "p", 6, "1", &spec);
        assert_eq!(zones(&world), [2, 2, 2], "preferring {key}");
    }
}
