//! Scenarios of requirements, labels, preferences and taints.

mod common;

use common::world::{
    CAPACITY_TYPE, Place, World, ZONE, affinity, instance_type, merge, new_node, place, reasons,
    requires,
};
use scheduling::{Options, PreferencePolicy, TaintLabels};
use serde_json::{Value, json};

/// Whether the pod gets a node from the pool.
fn schedules(pool: &Value, pod: &Value) -> bool {
    let world = World::empty()
        .pool("default", pool.clone())
        .pod("p", "1", pod.clone());
    matches!(place(&world.solve(), "p"), Place::New(_))
}

fn selector(key: &str, value: &str) -> Value {
    json!({"nodeSelector": {key: value}})
}

/// SCH-05, SCH-06, SCH-09, SCH-10, SCH-17 to SCH-20, SCH-24, SCH-26, SCH-27, SCH-35, SCH-37,
/// SCH-147: which pods a pool takes.
#[test]
fn a_pool_takes_pods_whose_requirements_it_can_meet() {
    let plain = json!({});
    let labelled = json!({"spec": {"template": {"metadata": {"labels": {
        "team": "a", "kubernetes.io/custom": "x", "sub.k8s.io/custom": "y",
    }}}}});
    let zone_2 = requires(json!([{"key": ZONE, "operator": "In", "values": ["test-zone-2"]}]));
    let table: &[(&str, &Value, Value, bool)] = &[
        ("SCH-05", &labelled, selector("team", "a"), true),
        ("SCH-05", &labelled, selector("team", "b"), false),
        (
            "SCH-06",
            &plain,
            selector("karpenter.sh/nodepool", "default"),
            true,
        ),
        (
            "SCH-06",
            &plain,
            selector("karpenter.sh/nodepool", "unknown"),
            false,
        ),
        (
            "SCH-09",
            &labelled,
            selector("kubernetes.io/custom", "x"),
            true,
        ),
        (
            "SCH-09",
            &labelled,
            selector("sub.k8s.io/custom", "y"),
            true,
        ),
        ("SCH-10", &plain, selector(ZONE, "test-zone-3"), true),
        (
            "SCH-10",
            &plain,
            selector("kubernetes.io/arch", "arm64"),
            true,
        ),
        (
            "SCH-10",
            &plain,
            selector("kubernetes.io/os", "linux"),
            true,
        ),
        ("SCH-10", &plain, selector(CAPACITY_TYPE, "spot"), true),
        (
            "SCH-10",
            &plain,
            selector("node.kubernetes.io/instance-type", "small-instance-type"),
            true,
        ),
        ("SCH-17", &plain, selector("team", "a"), false),
        ("SCH-18", &plain, affinity("team", "In", &["a"]), false),
        ("SCH-18", &plain, affinity("team", "Exists", &[]), false),
        ("SCH-19", &plain, affinity("team", "NotIn", &["a"]), true),
        (
            "SCH-19",
            &plain,
            affinity("team", "DoesNotExist", &[]),
            true,
        ),
        ("SCH-20", &labelled, affinity("team", "In", &["a"]), true),
        ("SCH-20", &labelled, affinity("team", "Exists", &[]), true),
        ("SCH-20", &labelled, affinity("team", "NotIn", &["b"]), true),
        (
            "SCH-20",
            &labelled,
            affinity("team", "NotIn", &["a"]),
            false,
        ),
        (
            "SCH-20",
            &labelled,
            affinity("team", "DoesNotExist", &[]),
            false,
        ),
        ("SCH-20", &labelled, affinity("team", "In", &["b"]), false),
        ("SCH-24", &plain, selector(ZONE, "unknown"), false),
        ("SCH-24", &zone_2, selector(ZONE, "test-zone-1"), false),
        (
            "SCH-26",
            &plain,
            affinity(ZONE, "NotIn", &["test-zone-1", "test-zone-2", "x"]),
            true,
        ),
        (
            "SCH-26",
            &plain,
            affinity(
                ZONE,
                "NotIn",
                &["test-zone-1", "test-zone-2", "test-zone-3"],
            ),
            false,
        ),
        ("SCH-27", &plain, affinity(ZONE, "In", &["unknown"]), false),
        (
            "SCH-35",
            &zone_2,
            selector("failure-domain.beta.kubernetes.io/zone", "test-zone-2"),
            true,
        ),
        (
            "SCH-35",
            &zone_2,
            selector("failure-domain.beta.kubernetes.io/zone", "test-zone-1"),
            false,
        ),
        (
            "SCH-147",
            &requires(json!([{"key": "kubernetes.io/arch", "operator": "In", "values": ["z80"]}])),
            json!({}),
            false,
        ),
    ];
    for (scenario, pool, pod, expected) in table {
        assert_eq!(
            schedules(pool, pod),
            *expected,
            "{scenario}: {pod} on {pool}"
        );
    }
}

/// SCH-26: of the zones a pod is not kept out of, and SCH-30: of all that selectors, requirements
/// and preferences say about several keys, what is left is where the node is.
#[test]
fn what_selectors_requirements_and_preferences_leave_is_where_the_node_is() {
    let out = affinity(ZONE, "NotIn", &["test-zone-1", "test-zone-2", "x"]);
    assert_eq!(zone_of(out, PreferencePolicy::Respect), "test-zone-3");
    let key = "node.kubernetes.io/instance-type";
    let required = json!([{"matchExpressions": [
        {"key": ZONE, "operator": "In", "values": ["test-zone-2", "test-zone-3"]},
        {"key": key, "operator": "In", "values": ["small-instance-type", "arm-instance-type"]},
    ]}]);
    let mut pod = json!({"affinity": {"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": required},
    }}});
    merge(&mut pod, selector(CAPACITY_TYPE, "on-demand"));
    let prefers = |expressions: Value| {
        let term = json!([{"weight": 1, "preference": {"matchExpressions": expressions}}]);
        let rule = "preferredDuringSchedulingIgnoredDuringExecution";
        json!({"affinity": {"nodeAffinity": {rule: term}}})
    };
    let zone_3 = json!({"key": ZONE, "operator": "In", "values": ["test-zone-3"]});
    let arm = json!({"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]});
    merge(&mut pod, prefers(json!([zone_3, arm])));
    let placement = World::new().pod("p", "1", pod.clone()).solve();
    let claim = new_node(&placement, "p");
    let names: Vec<&str> = claim.instance_types.iter().map(|ty| &*ty.name).collect();
    assert_eq!(names, ["arm-instance-type"]);
    let only = |key: &str| claim.requirements.get(key).and_then(|r| r.single_value());
    for (key, value) in [
        (ZONE, "test-zone-3"),
        (CAPACITY_TYPE, "on-demand"),
        ("kubernetes.io/arch", "arm64"),
    ] {
        assert_eq!(only(key).map(|found| &**found), Some(value), "{key}");
    }
    // Without a part of the preference more is left.
    merge(&mut pod, prefers(json!([zone_3])));
    let placement = World::new().pod("p", "1", pod).solve();
    assert_eq!(new_node(&placement, "p").instance_types.len(), 2);
}

/// SCH-25: numeric requirements choose types by their label.
#[test]
fn numeric_requirements_choose_types_by_their_label() {
    for (operator, bound, expected) in [
        ("Gt", "8", "arm-instance-type"),
        ("Gte", "16", "arm-instance-type"),
        ("Lt", "4", "small-instance-type"),
        ("Lte", "2", "small-instance-type"),
    ] {
        let world = World::new().pod("p", "1", affinity("integer", operator, &[bound]));
        let placement = world.solve();
        let names = new_node(&placement, "p")
            .instance_types
            .iter()
            .map(|ty| ty.name.to_string());
        assert_eq!(
            names.collect::<Vec<_>>(),
            [expected],
            "integer {operator} {bound}"
        );
    }
}

/// SCH-23, SCH-71: the zone and the capacity type that are left decide the launch.
#[test]
fn the_launch_is_within_what_pool_and_pod_leave() {
    let pool = requires(
        json!([{"key": ZONE, "operator": "In", "values": ["test-zone-2", "test-zone-3"]}]),
    );
    let on_demand = selector(CAPACITY_TYPE, "on-demand");
    let placement = World::empty()
        .pool("default", pool)
        .pod("p", "1", on_demand)
        .solve();
    let claim = new_node(&placement, "p");
    assert_eq!(&*claim.launch.zone, "test-zone-2");
    assert_eq!(claim.launch.capacity_type.as_str(), "on-demand");
}

/// SCH-21: pods with contradicting selectors get nodes with the labels that they ask for.
#[test]
fn contradicting_selectors_give_nodes_with_different_labels() {
    let pool = requires(json!([{"key": "team", "operator": "In", "values": ["a", "b"]}]));
    let placement = World::empty()
        .pool("default", pool)
        .pod("one", "1", selector("team", "a"))
        .pod("two", "1", selector("team", "a"))
        .pod("three", "1", selector("team", "b"))
        .solve();
    assert_eq!(
        new_node(&placement, "one").name,
        new_node(&placement, "two").name
    );
    assert_eq!(new_node(&placement, "one").labels["team"], "a");
    assert_eq!(new_node(&placement, "three").labels["team"], "b");
}

/// SCH-07, SCH-08, SCH-11: pods that are left alone, with the reason.
#[test]
fn pods_that_ask_for_what_is_not_theirs_are_left_alone() {
    let world = World::new()
        .pod("host", "1", selector("kubernetes.io/hostname", "node-1"))
        .pod("ours", "1", selector("karpenter.sh/custom", "x"))
        .pod("sub", "1", selector("sub.karpenter.sh/custom", "x"))
        .pod(
            "away",
            "1",
            affinity("karpenter.sh/nodepool", "DoesNotExist", &[]),
        );
    let placement = world.solve();
    for name in ["host", "ours", "sub"] {
        assert!(
            reasons(&placement, name)[0].contains("is not allowed"),
            "{name}"
        );
    }
    assert!(reasons(&placement, "away")[0].contains("configured to not run"));
}

/// SCH-34: a misspelt key is answered with the right one.
#[test]
fn a_misspelt_key_gets_a_hint() {
    let placement = World::new()
        .pod("p", "1", selector("zone", "test-zone-1"))
        .solve();
    let reasons = reasons(&placement, "p");
    assert_eq!(
        reasons,
        [format!(
            "nodepool/default: label \"zone\" does not have known values (typo of \"{ZONE}\"?)"
        )],
    );
}

fn preferring(terms: &[(i32, &str, &str)]) -> Value {
    let terms: Vec<Value> = terms
        .iter()
        .map(|(weight, key, value)| {
            json!({"weight": weight, "preference": {"matchExpressions": [
                {"key": key, "operator": "In", "values": [value]},
            ]}})
        })
        .collect();
    json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}})
}

fn zone_of(pod: Value, policy: PreferencePolicy) -> String {
    let mut world = World::new().pod("p", "1", pod);
    world.options = Options {
        preference_policy: policy,
        ..Options::default()
    };
    let placement = world.solve();
    new_node(&placement, "p").launch.zone.to_string()
}

/// SCH-28, SCH-29, SCH-39 to SCH-42, SCH-45: preferences are kept where they can be.
#[test]
fn preferences_are_kept_where_they_can_be() {
    use PreferencePolicy::{Ignore, Respect};
    let both = |required: Value, preferred: Value| {
        let mut pod = required;
        merge(&mut pod, preferred);
        pod
    };
    let zones = affinity(
        ZONE,
        "In",
        &["test-zone-1", "test-zone-2", "test-zone-3", "x"],
    );
    let table = [
        (
            "SCH-28",
            both(zones.clone(), preferring(&[(1, ZONE, "test-zone-2")])),
            Respect,
            "test-zone-2",
        ),
        (
            "SCH-28",
            both(zones, preferring(&[(1, ZONE, "unknown")])),
            Respect,
            "test-zone-1",
        ),
        (
            "SCH-39",
            preferring(&[(1, ZONE, "x"), (2, ZONE, "y"), (3, "team", "z")]),
            Respect,
            "test-zone-1",
        ),
        (
            "SCH-40",
            preferring(&[
                (100, ZONE, "x"),
                (50, ZONE, "test-zone-2"),
                (1, ZONE, "test-zone-1"),
            ]),
            Respect,
            "test-zone-2",
        ),
        (
            "SCH-41",
            both(
                affinity(ZONE, "In", &["test-zone-3"]),
                preferring(&[(1, ZONE, "test-zone-1")]),
            ),
            Respect,
            "test-zone-3",
        ),
        (
            "SCH-45",
            preferring(&[(1, ZONE, "test-zone-2")]),
            Ignore,
            "test-zone-1",
        ),
        (
            "SCH-45",
            preferring(&[(1, ZONE, "unknown")]),
            Ignore,
            "test-zone-1",
        ),
    ];
    for (scenario, pod, policy, expected) in table {
        assert_eq!(zone_of(pod.clone(), policy), expected, "{scenario}: {pod}");
    }
}

/// SCH-38: required terms are alternatives; the first that works is taken.
#[test]
fn the_first_required_term_that_works_is_taken() {
    let term = |zone: &str| json!({"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]});
    let terms: Vec<Value> = ["x", "y", "test-zone-1", "test-zone-2"].map(term).to_vec();
    let pod = json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": terms,
    }}}});
    assert_eq!(zone_of(pod, PreferencePolicy::Respect), "test-zone-1");
}

/// A term that failed only for a preference is not lost, as it is in the reference.
#[test]
fn a_term_that_failed_for_a_preference_is_tried_without_it() {
    let term = |zone: &str| json!({"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]});
    let mut pod = preferring(&[(1, ZONE, "nowhere")]);
    pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({"nodeSelectorTerms": [term("test-zone-2"), term("unknown")]});
    assert_eq!(zone_of(pod, PreferencePolicy::Respect), "test-zone-2");
}

fn tainted(effect: &str) -> Value {
    json!({"spec": {"template": {"spec": {"taints": [
        {"key": "dedicated", "value": "gpu", "effect": effect},
    ]}}}})
}

/// SCH-43, SCH-44, SCH-150, SCH-151: taints.
#[test]
fn taints_keep_pods_away_unless_they_are_tolerated() {
    let tolerates = |toleration: Value| json!({"tolerations": [toleration]});
    let startup = json!({"spec": {"template": {"spec": {"startupTaints": [
        {"key": "cni", "effect": "NoSchedule"},
    ]}}}});
    let hard = tainted("NoSchedule");
    let soft = tainted("PreferNoSchedule");
    let table: &[(&str, &Value, Value, bool)] = &[
        ("SCH-150", &hard, json!({}), false),
        (
            "SCH-150",
            &hard,
            tolerates(json!({"key": "dedicated", "operator": "Exists"})),
            true,
        ),
        (
            "SCH-150",
            &hard,
            tolerates(json!({"key": "dedicated", "value": "gpu", "effect": "NoSchedule"})),
            true,
        ),
        (
            "SCH-150",
            &hard,
            tolerates(json!({"key": "dedicated", "value": "cpu"})),
            false,
        ),
        (
            "SCH-150",
            &hard,
            tolerates(json!({"key": "dedicated", "value": "gpu", "effect": "NoExecute"})),
            false,
        ),
        ("SCH-43", &soft, preferring(&[(1, "team", "x")]), true),
        ("SCH-151", &startup, json!({}), true),
    ];
    for (scenario, pool, pod, expected) in table {
        assert_eq!(
            schedules(pool, pod),
            *expected,
            "{scenario}: {pod} on {pool}"
        );
    }
    let placement = World::empty()
        .pool("tainted", tainted("PreferNoSchedule"))
        .pool("plain", json!({}))
        .pod("p", "1", json!({}))
        .solve();
    assert_eq!(&*new_node(&placement, "p").pool, "plain", "SCH-44");
}

/// A pod that tolerates a pool's taint `k=v` and selects the label `k: v` works, though the pool
/// declares no such label; one setting turns that off.
#[test]
fn a_pools_taint_gives_its_nodes_a_label() {
    let pod = json!({
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "nodeSelector": {"dedicated": "gpu"},
    });
    let mut world = World::empty()
        .pool("default", tainted("NoSchedule"))
        .pod("p", "1", pod);
    let placement = world.solve();
    assert_eq!(new_node(&placement, "p").labels["dedicated"], "gpu");
    world.options.taint_labels = TaintLabels::Off;
    reasons(&world.solve(), "p");
}

/// A pool's requirement on an extended resource selects types that offer it, and is no label.
#[test]
fn a_requirement_on_a_device_selects_types_that_have_it() {
    let gpu = json!({"resources": {"nvidia.com/gpu": "1"}});
    let types = [
        instance_type("plain", 4, 4, json!({})),
        instance_type("gpu", 4, 4, gpu),
    ];
    for (operator, expected) in [("Exists", "gpu"), ("DoesNotExist", "plain")] {
        let pool = requires(json!([{"key": "nvidia.com/gpu", "operator": operator}]));
        let placement = World::empty()
            .with_types(&types)
            .pool("default", pool)
            .pod("p", "1", json!({}))
            .solve();
        let claim = new_node(&placement, "p");
        let names: Vec<&str> = claim.instance_types.iter().map(|ty| &*ty.name).collect();
        assert_eq!(names, [expected]);
        assert!(!claim.labels.contains_key("nvidia.com/gpu"));
        assert!(!claim.requirements.contains("nvidia.com/gpu"));
    }
}
