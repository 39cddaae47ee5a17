//! Topology spread constraints
//! (<https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/>).

use model::k8s::Pod;
use serde_json::{Value, json};

use crate::state::WorkloadKey;

use super::world::{cluster, merge, node, open_nodes, outcome, pod};

const ZONE: &str = "topology.kubernetes.io/zone";
const HOST: &str = "kubernetes.io/hostname";

fn constraint(key: &str, extra: &Value) -> Value {
    let mut constraint = json!({
        "maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": { "matchLabels": { "app": "x" } },
    });
    merge(&mut constraint, extra);
    constraint
}

fn spread(constraints: &[Value]) -> Value {
    json!({ "topologySpreadConstraints": constraints })
}

/// Two nodes in zone `z1`, one in `z2`, one in `z3` that is tainted, one without a zone.
fn nodes() -> Vec<Value> {
    let taint = json!({ "spec": { "taints": [{ "key": "k", "effect": "NoSchedule" }] } });
    let mut bare = node("e", "", &json!({}));
    bare["metadata"]["labels"]
        .as_object_mut()
        .unwrap()
        .remove(ZONE);
    vec![
        node(
            "a",
            "z1",
            &json!({ "metadata": { "labels": { "disk": "ssd" } } }),
        ),
        node("b", "z1", &json!({})),
        node(
            "c",
            "z2",
            &json!({ "metadata": { "labels": { "disk": "ssd" } } }),
        ),
        node("d", "z3", &taint),
        bare,
    ]
}

fn there(on: &[&str]) -> Vec<Value> {
    on.iter()
        .enumerate()
        .map(|(number, node)| pod(&format!("there-{number}"), "x", node, &json!({})))
        .collect()
}

#[test]
fn hard_constraints_open_the_nodes_that_kubernetes_opens() {
    let zone = |extra: Value| spread(&[constraint(ZONE, &extra)]);
    let host = |extra: Value| spread(&[constraint(HOST, &extra)]);
    let ssd = |spec: Value| {
        let mut spec = spec;
        merge(&mut spec, &json!({ "nodeSelector": { "disk": "ssd" } }));
        spec
    };
    let other = json!({ "labelSelector": { "matchLabels": { "app": "y" } } });
    let cases: Vec<(&str, Value, Vec<&str>, &str)> = vec![
        // The tainted zone counts as a domain with nobody in it, as taints are ignored by default.
        ("nobody is there yet", zone(json!({})), vec![], "a b c"),
        (
            "one in z1, the tainted z3 holds the minimum at none",
            zone(json!({})),
            vec!["a"],
            "c",
        ),
        (
            "one in each zone",
            zone(json!({})),
            vec!["a", "c", "d"],
            "a b c",
        ),
        (
            "z3 is empty for good, z1 and z2 are full",
            zone(json!({})),
            vec!["a", "c"],
            "",
        ),
        (
            "taints honored: z3 is no domain",
            zone(json!({ "nodeTaintsPolicy": "Honor" })),
            vec!["a", "c"],
            "a b c",
        ),
        (
            "a skew of two",
            zone(json!({ "maxSkew": 2 })),
            vec!["a", "c"],
            "a b c",
        ),
        (
            "more domains wanted than there are",
            zone(json!({ "minDomains": 4, "nodeTaintsPolicy": "Honor" })),
            vec!["a", "c"],
            "",
        ),
        (
            "as many domains as wanted",
            zone(json!({ "minDomains": 2, "nodeTaintsPolicy": "Honor" })),
            vec!["a", "c"],
            "a b c",
        ),
        (
            "by host: a node without a zone is a host too",
            host(json!({})),
            vec!["a", "b"],
            "c e",
        ),
        (
            "both: the node must have both labels and both must hold",
            spread(&[constraint(ZONE, &json!({})), constraint(HOST, &json!({}))]),
            vec!["a"],
            "c",
        ),
        (
            "affinity honored: only nodes that the pod may use are counted",
            ssd(zone(json!({}))),
            vec!["b", "b"],
            "a c",
        ),
        (
            "affinity ignored: all zones count, z3 has none (quirk 33)",
            ssd(zone(json!({ "nodeAffinityPolicy": "Ignore" }))),
            vec!["a", "c"],
            "",
        ),
        (
            "pods of other labels do not count",
            zone(other),
            vec!["a", "a", "c"],
            "a b c",
        ),
        (
            "without a selector nobody counts",
            zone(json!({ "labelSelector": null })),
            vec!["a", "a"],
            "a b c",
        ),
    ];
    for (case, spec, on, expected) in cases {
        let found = open_nodes(&nodes(), &there(&on), &pod("p", "x", "", &spec));
        assert_eq!(found.join(" "), expected, "{case}");
    }
}

#[test]
fn a_node_without_the_label_is_no_place_for_a_spread() {
    let mut state = cluster(
        &nodes()[4..],
        &[pod("p", "x", "", &spread(&[constraint(ZONE, &json!({}))]))],
    );
    let why =
        "0/1 nodes are available: 1 node(s) lacked the label of a topology spread constraint.";
    assert_eq!(outcome(&mut state), [("p".to_owned(), Err(why.to_owned()))]);
}

#[test]
fn match_label_keys_keep_revisions_apart() {
    let spec = spread(&[constraint(
        ZONE,
        &json!({ "matchLabelKeys": ["revision", "absent"], "nodeTaintsPolicy": "Honor" }),
    )]);
    let mut old = there(&["a", "a"]);
    for pod in &mut old {
        pod["metadata"]["labels"]["revision"] = json!("1");
    }
    for (revision, expected) in [("1", "c"), ("2", "a b c")] {
        let mut wanted = pod("p", "x", "", &spec);
        wanted["metadata"]["labels"]["revision"] = json!(revision);
        let found = open_nodes(&nodes(), &old, &wanted);
        assert_eq!(found.join(" "), expected, "revision {revision}");
    }
}

#[test]
fn pods_that_are_going_and_pods_of_other_namespaces_do_not_count() {
    let spec = spread(&[constraint(ZONE, &json!({ "nodeTaintsPolicy": "Honor" }))]);
    let cases = [
        (json!({}), "c"),
        (
            json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } }),
            "a b c",
        ),
        (json!({ "metadata": { "namespace": "other" } }), "a b c"),
        (json!({ "status": { "phase": "Succeeded" } }), "a b c"),
    ];
    for (extra, expected) in cases {
        let mut there = there(&["a"]);
        merge(&mut there[0], &extra);
        let found = open_nodes(&nodes(), &there, &pod("p", "x", "", &spec));
        assert_eq!(found.join(" "), expected, "{extra}");
    }
}

#[test]
fn a_batch_is_spread_as_it_is_placed() {
    let spec = spread(&[constraint(ZONE, &json!({ "nodeTaintsPolicy": "Honor" }))]);
    let pods: Vec<Value> = (0..6)
        .map(|number| pod(&format!("p{number}"), "x", "", &spec))
        .collect();
    let outcome = outcome(&mut cluster(&nodes(), &pods));
    let on = |names: &[&str]| {
        let found = outcome
            .iter()
            .filter_map(|(_, found)| found.as_deref().ok());
        found.filter(|node| names.contains(node)).count()
    };
    assert_eq!((on(&["a", "b"]), on(&["c"])), (3, 3), "{outcome:?}");
}

#[test]
fn pods_that_declare_nothing_are_spread_as_the_configuration_says() {
    let mut state = cluster(
        &[node("a", "z1", &json!({})), node("b", "z2", &json!({}))],
        &there(&["a"]),
    );
    let mut default = constraint(ZONE, &json!({}));
    default.as_object_mut().unwrap().remove("labelSelector");
    state.spread = [serde_json::from_value(default).unwrap()].into();
    let selector = json!({"spec": {"selector": {"matchLabels": {"app": "x"}}}});
    let key = WorkloadKey {
        kind: "ReplicaSet".to_owned(),
        namespace: "n".to_owned(),
        name: "set".to_owned(),
    };
    state.put_workload(key, selector);
    // Node b is so full that a free choice is node a.
    for number in 0..5 {
        let other = pod(&format!("other-{number}"), "y", "b", &json!({}));
        state.put_pod(serde_json::from_value(other).unwrap());
    }
    for (name, owner, expected) in [("alone", "", "a"), ("one", "set", "b")] {
        let mut wanted = pod(name, "x", "", &json!({}));
        wanted["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "name": owner, "uid": "u", "controller": true}]);
        let wanted: Pod = serde_json::from_value(wanted).unwrap();
        let key = wanted.key();
        state.put_pod(wanted);
        let placed = outcome(&mut state);
        assert_eq!(placed, [(name.to_owned(), Ok(expected.to_owned()))]);
        state.remove_pod(&key);
    }
}
