//! Affinity and anti-affinity between pods
//! (<https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{cluster, merge, node, open_nodes, outcome, pod};

const ZONE: &str = "topology.kubernetes.io/zone";
const HOST: &str = "kubernetes.io/hostname";

fn term(key: &str, app: &str, extra: &Value) -> Value {
    let mut term =
        json!({ "topologyKey": key, "labelSelector": { "matchLabels": { "app": app } } });
    merge(&mut term, extra);
    term
}

fn rule(kind: &str, terms: &[Value]) -> Value {
    json!({ "affinity": { kind: { "requiredDuringSchedulingIgnoredDuringExecution": terms } } })
}

fn nodes() -> Vec<Value> {
    let mut bare = node("d", "", &json!({}));
    bare["metadata"]["labels"]
        .as_object_mut()
        .unwrap()
        .remove(ZONE);
    vec![
        node("a", "z1", &json!({})),
        node("b", "z1", &json!({})),
        node("c", "z2", &json!({})),
        bare,
    ]
}

#[test]
fn required_terms_open_the_nodes_that_kubernetes_opens() {
    let near = |terms: &[Value]| rule("podAffinity", terms);
    let away = |terms: &[Value]| rule("podAntiAffinity", terms);
    let none = json!({});
    let both = [term(ZONE, "x", &none), term(ZONE, "y", &none)];
    // Pods that are there as `app@node`.
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        (
            "near by zone",
            near(&[term(ZONE, "y", &none)]),
            "y@a",
            "a b",
        ),
        ("near by host", near(&[term(HOST, "y", &none)]), "y@a", "a"),
        (
            "nobody to be near to",
            near(&[term(ZONE, "y", &none)]),
            "x@a",
            "",
        ),
        (
            "the first of its kind may begin",
            near(&[term(ZONE, "x", &none)]),
            "",
            "a b c",
        ),
        (
            "the first is there already",
            near(&[term(ZONE, "x", &none)]),
            "x@c",
            "c",
        ),
        (
            "the first is on a node without the label: nobody counts, it begins",
            near(&[term(ZONE, "x", &none)]),
            "x@d",
            "a b c",
        ),
        ("one pod must match all terms", near(&both), "x@a y@a", ""),
        (
            "away by zone; a node in no domain is far from all",
            away(&[term(ZONE, "y", &none)]),
            "y@a",
            "c d",
        ),
        (
            "away by host",
            away(&[term(HOST, "y", &none)]),
            "y@a",
            "b c d",
        ),
        ("away from any of two", away(&both), "x@a y@c", "d"),
        (
            "without a selector nobody is meant",
            away(&[term(ZONE, "y", &json!({ "labelSelector": null }))]),
            "y@a",
            "a b c d",
        ),
        (
            "namespaces by name",
            away(&[term(ZONE, "y", &json!({ "namespaces": ["other"] }))]),
            "y@a other/y@c",
            "a b d",
        ),
        (
            "namespaces by label",
            away(&[term(
                ZONE,
                "y",
                &json!({ "namespaceSelector": { "matchLabels": { "team": "t" } } }),
            )]),
            "y@a other/y@c",
            "a b d",
        ),
        (
            "an empty namespace selector means all",
            away(&[term(ZONE, "y", &json!({ "namespaceSelector": {} }))]),
            "other/y@c",
            "a b d",
        ),
        (
            "own value of a label",
            away(&[term(HOST, "x", &json!({ "matchLabelKeys": ["app"] }))]),
            "x@a y@b",
            "b c d",
        ),
        (
            "any value but the own",
            away(&[term(
                HOST,
                "x",
                &json!({ "labelSelector": { "matchLabels": null }, "mismatchLabelKeys": ["app"] }),
            )]),
            "x@a y@b",
            "a c d",
        ),
    ];
    for (case, spec, on, expected) in cases {
        let found = open(&there(on), &pod("p", "x", "", &spec));
        assert_eq!(found, expected, "{case}");
    }
}

/// Pods that are there, as `app@node` or `namespace/app@node`.
fn there(words: &str) -> Vec<Value> {
    let mut pods = Vec::new();
    for (number, word) in words.split_whitespace().enumerate() {
        let (app, on) = word.split_once('@').unwrap();
        let (namespace, app) = app.split_once('/').unwrap_or(("n", app));
        let mut pod = pod(&format!("there-{number}"), app, on, &json!({}));
        pod["metadata"]["namespace"] = json!(namespace);
        pods.push(pod);
    }
    pods
}

/// The nodes that a pod may go to, with namespace `other` of team `t`.
fn open(pods: &[Value], wanted: &Value) -> String {
    let all = nodes();
    let found = all
        .iter()
        .map(|node| node["metadata"]["name"].as_str().unwrap().to_owned())
        .filter(|only| {
            let mut nodes = nodes();
            for node in &mut nodes {
                if node["metadata"]["name"] != only.as_str() {
                    node["spec"] = json!({ "unschedulable": true });
                }
            }
            let mut state = cluster(&nodes, pods);
            let team = BTreeMap::from([("team".to_owned(), "t".to_owned())]);
            state.index.put_namespace("other", Some(team));
            state.put_pod(serde_json::from_value(wanted.clone()).unwrap());
            outcome(&mut state).iter().any(|(_, found)| found.is_ok())
        });
    found.collect::<Vec<_>>().join(" ")
}

#[test]
fn pods_that_are_there_keep_others_away() {
    let away = rule("podAntiAffinity", &[term(ZONE, "x", &json!({}))]);
    let guard = pod("guard", "guard", "a", &away);
    for (app, expected) in [("x", "c d"), ("y", "a b c d")] {
        let found = open_nodes(
            &nodes(),
            std::slice::from_ref(&guard),
            &pod("p", app, "", &json!({})),
        );
        assert_eq!(found.join(" "), expected, "{app}");
    }
    // Also while it is going: its containers may still run.
    let mut going = guard;
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let found = open_nodes(&nodes(), &[going], &pod("p", "x", "", &json!({})));
    assert_eq!(found.join(" "), "c d");
}

#[test]
fn a_pod_that_waits_for_company_comes_when_the_company_has_come() {
    let near = rule("podAffinity", &[term(ZONE, "y", &json!({}))]);
    // The follower's turn is first.
    let mut follower = pod("a-follower", "x", "", &near);
    follower["spec"]["priority"] = json!(10);
    let leader = pod(
        "leader",
        "y",
        "",
        &json!({ "nodeSelector": { ZONE: "z2" } }),
    );
    let outcome = outcome(&mut cluster(&nodes(), &[follower, leader]));
    let all: Vec<&str> = outcome
        .iter()
        .filter_map(|(_, found)| found.as_deref().ok())
        .collect();
    assert_eq!(all, ["c", "c"], "{outcome:?}");
}

#[test]
fn one_of_each_host_and_the_rest_waits() {
    let away = rule("podAntiAffinity", &[term(HOST, "x", &json!({}))]);
    let pods: Vec<Value> = (0..5)
        .map(|number| pod(&format!("p{number}"), "x", "", &away))
        .collect();
    let outcome = outcome(&mut cluster(&nodes(), &pods));
    let mut taken: Vec<&str> = outcome
        .iter()
        .filter_map(|(_, found)| found.as_deref().ok())
        .collect();
    taken.sort_unstable();
    assert_eq!(taken, ["a", "b", "c", "d"]);
}
