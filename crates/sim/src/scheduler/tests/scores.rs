//! Which of several nodes is chosen.

use serde_json::{Value, json};

use super::world::{chosen, node, pod};

const ZONE: &str = "topology.kubernetes.io/zone";

fn nodes() -> Vec<Value> {
    vec![
        node("a", "z1", &json!({})),
        node(
            "b",
            "z2",
            &json!({ "metadata": { "labels": { "disk": "ssd" } } }),
        ),
        node(
            "c",
            "z3",
            &json!({ "spec": { "taints": [{ "key": "k", "effect": "PreferNoSchedule" }] } }),
        ),
    ]
}

fn liked_pods(kind: &str, app: &str) -> Value {
    json!({ "affinity": { kind: { "preferredDuringSchedulingIgnoredDuringExecution": [{
        "weight": 100,
        "podAffinityTerm": {
            "topologyKey": ZONE, "labelSelector": { "matchLabels": { "app": app } } },
    }] } } })
}

#[test]
fn preferences_decide_between_nodes_that_fit() {
    let disk = json!({ "affinity": { "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [
        { "weight": 10, "preference": { "matchExpressions": [
            { "key": "disk", "operator": "In", "values": ["ssd"] }] } }] } } });
    let soft = json!({ "topologySpreadConstraints": [{
        "maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": { "matchLabels": { "app": "x" } } }] });
    let tolerant = json!({ "tolerations": [{ "key": "k", "operator": "Exists" }] });
    let plain = json!({});
    let (near, away) = (
        liked_pods("podAffinity", "y"),
        liked_pods("podAntiAffinity", "y"),
    );
    let cases: Vec<(&str, &Value, Vec<Value>, &str)> = vec![
        (
            "equal nodes: by name, away from the soft taint",
            &plain,
            vec![],
            "a",
        ),
        (
            "a soft taint weighs more than a little room",
            &plain,
            vec![pod("t0", "y", "a", &plain), pod("t1", "y", "b", &plain)],
            "a",
        ),
        (
            "unless it is tolerated",
            &tolerant,
            vec![pod("t0", "y", "a", &plain), pod("t1", "y", "b", &plain)],
            "c",
        ),
        ("preferred labels", &disk, vec![], "b"),
        ("soft spread", &soft, vec![pod("t0", "x", "a", &plain)], "b"),
        ("company", &near, vec![pod("t0", "y", "b", &plain)], "b"),
        ("solitude", &away, vec![pod("t0", "y", "a", &plain)], "b"),
        (
            "what a pod that is there prefers counts as well",
            &plain,
            vec![pod("t0", "y", "b", &liked_pods("podAffinity", "x"))],
            "b",
        ),
    ];
    for (case, spec, there, expected) in cases {
        let found = chosen(&nodes(), &there, &pod("p", "x", "", spec));
        assert_eq!(found, expected, "{case}");
    }
}
