//! Scenarios of packing and of nodes that are there.

mod common;

use common::world::{
    Place, World, ZONE, affinity, bound, claim, daemon_set, instance_type, new_node, node, place,
    reasons,
};
use serde_json::{Value, json};

fn memory(amount: &str) -> Value {
    json!({"containers": [{"name": "app", "resources": {"requests": {"memory": amount}}}]})
}

fn device(name: &str) -> Value {
    json!({"containers": [{"name": "app", "resources": {"requests": {name: "1"}}}]})
}

fn names(claim: &scheduling::PlannedClaim) -> Vec<&str> {
    claim.instance_types.iter().map(|ty| &*ty.name).collect()
}

/// SCH-50, SCH-55, SCH-57, SCH-58, SCH-64: what a pod needs decides the type.
#[test]
fn what_a_pod_needs_decides_the_type() {
    let init = |cpu: &str| json!({"initContainers": [{"name": "init", "resources": {"requests": {"cpu": cpu}}}]});
    let both = json!({"containers": [
        {"name": "a", "resources": {"requests": {"fake.com/vendor-a": "1"}}},
        {"name": "b", "resources": {"requests": {"fake.com/vendor-b": "1"}}},
    ]});
    let table = [
        (
            "SCH-50",
            json!({"containers": [{"name": "app", "resources": {"requests": {"cpu": "100"}}}]}),
            None,
        ),
        ("SCH-55", device("fake.com/vendor-a"), Some("gpu-a")),
        ("SCH-55", device("fake.com/vendor-b"), Some("gpu-b")),
        ("SCH-55", both, None),
        ("SCH-57", memory("100M"), Some("small-instance-type")),
        ("SCH-57", memory("2000M"), Some("small-instance-type")),
        (
            "SCH-58",
            json!({"overhead": {"cpu": "2"}}),
            Some("default-instance-type"),
        ),
        ("SCH-64", init("3"), Some("default-instance-type")),
        ("SCH-64", init("1k"), None),
    ];
    for (scenario, spec, expected) in table {
        let placement = World::new().pod("p", "1", spec.clone()).solve();
        let found = match place(&placement, "p") {
            Place::New(claim) => Some(claim.launch.instance_type.to_string()),
            _ => None,
        };
        assert_eq!(found.as_deref(), expected, "{scenario}: {spec}");
    }
}

/// SCH-15: a request of nothing of an unknown resource is no obstacle.
#[test]
fn a_request_of_nothing_needs_nothing() {
    let spec =
        json!({"containers": [{"name": "app", "resources": {"requests": {"foo.com/weird": "0"}}}]});
    new_node(&World::new().pod("p", "1", spec).solve(), "p");
}

/// SCH-16: a request that is likely a slip of the pen is named as such.
#[test]
fn a_million_cores_are_asked_back() {
    let placement = World::new().pod("p", "1000000", json!({})).solve();
    assert!(reasons(&placement, "p")[0].contains("m vs M typo?"));
}

/// SCH-51, SCH-52, SCH-53, SCH-56, SCH-143: requirements restrict the types listed.
#[test]
fn requirements_restrict_the_types_that_are_listed() {
    let key = "node.kubernetes.io/instance-type";
    let table = [
        (
            "SCH-51",
            json!({"nodeSelector": {"kubernetes.io/arch": "arm64"}}),
            vec!["arm-instance-type"],
        ),
        (
            "SCH-52",
            affinity(key, "In", &["small-instance-type"]),
            vec!["small-instance-type"],
        ),
        (
            "SCH-52",
            affinity(
                key,
                "NotIn",
                &[
                    "small-instance-type",
                    "gpu-a",
                    "gpu-b",
                    "single-pod-instance-type",
                ],
            ),
            vec!["default-instance-type", "arm-instance-type"],
        ),
        (
            "SCH-56",
            json!({"nodeSelector": {"size": "large"}}),
            vec!["arm-instance-type"],
        ),
    ];
    for (scenario, spec, expected) in table {
        let placement = World::new().pod("p", "1", spec.clone()).solve();
        assert_eq!(
            names(new_node(&placement, "p")),
            expected,
            "{scenario}: {spec}"
        );
    }
}

/// SCH-60, SCH-63: pods share nodes as far as they fit.
#[test]
fn pods_share_nodes_as_far_as_they_fit() {
    let types = [instance_type("t", 4, 4, json!({}))];
    let large = World::new()
        .with_types(&types)
        .pods("p", 40, "1900m", json!({}))
        .solve();
    assert_eq!(large.new_claims.len(), 20);
    let tiny = World::new()
        .with_types(&types)
        .pods("p", 25, "10m", json!({}))
        .solve();
    assert_eq!(tiny.new_claims.len(), 5);
}

/// SCH-106, SCH-107: nodes of others are used before anything is launched, if their labels allow
/// it.
#[test]
fn nodes_of_others_are_used_first() {
    let placement = World::new()
        .node("n1", "4", json!({}))
        .pod("one", "1", json!({}))
        .pod("two", "1", json!({}))
        .pod("zoned", "1", json!({"nodeSelector": {ZONE: "test-zone-1"}}))
        .solve();
    assert!(matches!(place(&placement, "one"), Place::Node("n1")));
    assert!(matches!(place(&placement, "two"), Place::Node("n1")));
    new_node(&placement, "zoned");
    let alone = World::empty()
        .node("n1", "4", json!({}))
        .pod("zoned", "1", json!({"nodeSelector": {ZONE: "test-zone-1"}}))
        .solve();
    assert!(
        reasons(&alone, "zoned")
            .iter()
            .any(|r| r.starts_with("node/n1: label"))
    );
}

/// What runs on a node counts, its taints count, and a cordoned node takes nothing.
#[test]
fn what_a_node_has_left_and_its_taints_decide() {
    let taint = json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}});
    let placement = World::empty()
        .node("full", "4", json!({}))
        .object(bound("b", "3500m", "full", json!({})))
        .node("over", "2", json!({}))
        .object(bound("o", "2500m", "over", json!({})))
        .node("tainted", "4", taint)
        .node("cordoned", "4", json!({"spec": {"unschedulable": true}}))
        .pod("p", "1", json!({}))
        .solve();
    assert_eq!(
        reasons(&placement, "p"),
        [
            "any node: there is no NodePool",
            "node/cordoned: did not tolerate taint (taint=node.kubernetes.io/unschedulable:NoSchedule)",
            "node/full: requests 1 cpu, 500m left",
            "node/tainted: did not tolerate taint (taint=k:NoSchedule)",
            "node/over: is overcommitted by 500m cpu, so it takes no pod",
        ],
    );
}

/// SCH-87, SCH-88, SCH-90: nodes that are launched and not there yet take pods like others.
#[test]
fn nodes_in_flight_take_pods() {
    let world = |pod: Value| {
        World::new()
            .object(claim("c1", json!({})))
            .pod("p", "10m", pod)
    };
    let zones = |zones: &[&str]| affinity(ZONE, "In", zones);
    let table = [
        ("SCH-87", json!({}), true),
        ("SCH-88", zones(&["test-zone-1", "test-zone-2"]), true),
        ("SCH-88", zones(&["test-zone-1", "test-zone-3"]), false),
        (
            "SCH-90",
            json!({"nodeSelector": {"kubernetes.io/arch": "arm64"}}),
            false,
        ),
        ("what the claim promises", memory("4086Mi"), true),
        ("what the claim promises", memory("4087Mi"), false),
    ];
    for (scenario, pod, reused) in table {
        let placement = world(pod.clone()).solve();
        let found = matches!(place(&placement, "p"), Place::Node("c1"));
        assert_eq!(found, reused, "{scenario}: {pod}");
    }
}

/// SCH-95, SCH-96, SCH-97: taints of young nodes that pass by themselves do not count; later they
/// do.
#[test]
fn startup_taints_count_once_a_node_is_complete() {
    let young = |taint: Value, initialized: &str| {
        let spec = json!({"spec": {"startupTaints": [{"key": "cni", "effect": "NoSchedule"}]}});
        let labels = json!({"metadata": {"labels": {
            "karpenter.sh/nodepool": "default",
            "karpenter.sh/registered": "true",
            "karpenter.sh/initialized": initialized,
        }}, "spec": {"taints": [taint]}});
        let placement = World::new()
            .object(claim("n1", spec))
            .object(node("n1", "4", labels))
            .pod("p", "1", json!({}))
            .solve();
        matches!(place(&placement, "p"), Place::Node("n1"))
    };
    let not_ready = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"});
    let startup = json!({"key": "cni", "effect": "NoSchedule"});
    let custom = json!({"key": "custom", "effect": "NoSchedule"});
    assert!(young(not_ready.clone(), ""), "SCH-95");
    assert!(!young(not_ready, "true"), "SCH-95");
    assert!(!young(custom, "true"), "SCH-96");
    assert!(young(startup.clone(), ""), "SCH-97");
    assert!(!young(startup, "true"), "SCH-97");
}

/// SCH-104: of several nodes a complete one is used.
#[test]
fn complete_nodes_come_first() {
    let ready = json!({"metadata": {"labels": {
        "karpenter.sh/nodepool": "default", "karpenter.sh/registered": "true",
        "karpenter.sh/initialized": "true",
    }}});
    let mut world = World::new().pod("p", "1", json!({}));
    for number in 0..20 {
        world = world.object(claim(&format!("a{number}"), json!({})));
    }
    world = world
        .object(claim("z", json!({})))
        .object(node("z", "4", ready));
    assert!(matches!(place(&world.solve(), "p"), Place::Node("z")));
}

fn port(number: u16) -> Value {
    json!({"containers": [{"name": "app", "ports": [{"containerPort": 80, "hostPort": number}],
        "resources": {"requests": {"cpu": "10m"}}}]})
}

/// SCH-105, SCH-127, SCH-128: host ports.
#[test]
fn host_ports_are_taken_once_per_node() {
    let placement = World::new()
        .pods("p", 2, "1", port(8080))
        .pod("q", "1", port(8081))
        .solve();
    assert_ne!(
        new_node(&placement, "p-0").name,
        new_node(&placement, "p-1").name
    );
    let taken = World::empty()
        .node("n1", "4", json!({}))
        .object(bound("b", "1", "n1", port(8080)))
        .pod("p", "1", port(8080))
        .pod("q", "1", port(8081))
        .solve();
    assert!(
        reasons(&taken, "p").contains(&"node/n1: host port 0.0.0.0:8080/TCP is taken".to_owned())
    );
    assert!(matches!(place(&taken, "q"), Place::Node("n1")));
    let everywhere = World::new()
        .object(daemon_set("d", "1m", port(8080)))
        .pod("p", "1", port(8080))
        .solve();
    assert_eq!(
        reasons(&everywhere, "p"),
        [
            "nodepool/default: a daemon holds host port 0.0.0.0:8080/TCP on every instance type that is large enough"
        ],
    );
    let mut on_large = port(8080);
    on_large["nodeSelector"] = json!({"size": "large"});
    let some = World::new()
        .object(daemon_set("d", "1m", on_large))
        .pod("p", "1", port(8080))
        .solve();
    assert!(!names(new_node(&some, "p")).contains(&"arm-instance-type"));
}

/// SCH-230, SCH-149: pods of nodes that go are placed anew, together with those that are pending.
#[test]
fn pods_of_nodes_that_go_get_a_new_place() {
    let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T11:59:00Z", "finalizers": ["karpenter.sh/termination"]}});
    let placement = World::new()
        .object(claim("n1", going))
        .object(node(
            "n1",
            "4",
            json!({"metadata": {"labels": {"karpenter.sh/registered": "true"}}}),
        ))
        .object(bound("old", "1", "n1", json!({})))
        .pod("new", "1", json!({}))
        .solve();
    assert_eq!(
        new_node(&placement, "old").name,
        new_node(&placement, "new").name
    );
}

/// A node that is thought away gives its pods back, and takes none.
#[test]
fn a_node_can_be_thought_away() {
    let mut world = World::new()
        .node("n1", "4", json!({}))
        .node("n2", "4", json!({}))
        .object(bound("old", "1", "n1", json!({})))
        .pod("new", "1", json!({}));
    world.batch.without.insert("n1".to_owned());
    let placement = world.solve();
    for name in ["old", "new"] {
        assert!(
            matches!(place(&placement, name), Place::Node("n2")),
            "{name}"
        );
    }
}

/// A running pod that tolerates none like the pending one beside it keeps it away: from its node,
/// or from its whole zone.
#[test]
fn required_anti_affinity_of_running_pods_is_kept() {
    let against = |key: &str| {
        json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": key, "labelSelector": {"matchLabels": {"app": "p"}}},
        ]}}})
    };
    let zoned =
        |name: &str, zone: &str| node(name, "4", json!({"metadata": {"labels": {ZONE: zone}}}));
    let world = |key: &str| {
        World::empty()
            .object(zoned("n1", "test-zone-1"))
            .object(zoned("n2", "test-zone-1"))
            .object(bound("b", "1", "n1", against(key)))
            .pod("p", "1", json!({}))
            .pod("other", "1", json!({}))
    };
    let per_node = world("kubernetes.io/hostname").solve();
    assert!(matches!(place(&per_node, "p"), Place::Node("n2")));
    assert!(matches!(place(&per_node, "other"), Place::Node("n1")));
    let per_zone = world(ZONE);
    assert_eq!(reasons(&per_zone.solve(), "p").len(), 2);
    let elsewhere = per_zone.pool("default", json!({})).solve();
    assert_ne!(&*new_node(&elsewhere, "p").launch.zone, "test-zone-1");
}
