//! Filters about one node, and the order of things.

use serde_json::{Value, json};

use super::world::{cluster, node, open_nodes, outcome, pod};

#[test]
fn each_filter_refuses_what_kubernetes_would_refuse() {
    let tainted = json!({ "spec": { "taints": [{ "key": "k", "effect": "NoSchedule" }] } });
    let affinity = |operator: &str, values: &Value| {
        json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": "size", "operator": operator, "values": values }] }] } } } })
    };
    let asks = |cpu: &str| json!({ "containers": [{ "name": "c", "resources": { "requests": { "cpu": cpu } } }] });
    let taint = "had untolerated taint";
    let label = "didn't match Pod's node affinity/selector";
    let cases = [
        (json!({}), json!({}), ""),
        (json!({}), tainted.clone(), taint),
        (
            json!({ "tolerations": [{ "operator": "Exists" }] }),
            tainted,
            "",
        ),
        (
            json!({}),
            json!({ "spec": { "taints": [{ "key": "k", "effect": "PreferNoSchedule" }] } }),
            "",
        ),
        (
            json!({}),
            json!({ "spec": { "unschedulable": true } }),
            "were unschedulable",
        ),
        (json!({ "nodeSelector": { "size": "9" } }), json!({}), label),
        (affinity("Gt", &json!(["7"])), json!({}), ""),
        (affinity("Lt", &json!(["8"])), json!({}), label),
        (affinity("NotIn", &json!(["8"])), json!({}), label),
        (asks("4"), json!({}), ""),
        (asks("5"), json!({}), "had insufficient resources"),
    ];
    for (number, (spec, extra, why)) in cases.into_iter().enumerate() {
        let mut state = cluster(&[node("a", "z", &extra)], &[pod("p", "x", "", &spec)]);
        let expected = if why.is_empty() {
            Ok("a".to_owned())
        } else {
            Err(format!("0/1 nodes are available: 1 node(s) {why}."))
        };
        assert_eq!(
            outcome(&mut state),
            [("p".to_owned(), expected)],
            "case {number}"
        );
    }
}

#[test]
fn a_host_port_is_taken_once_and_init_containers_give_theirs_back() {
    let port = |address: &str| json!([{ "containerPort": 1, "hostPort": 80, "hostIP": address }]);
    let plain = |address: &str| json!({ "containers": [{ "name": "c", "ports": port(address) }] });
    let init = |policy: Value| json!({ "initContainers": [{ "name": "i", "restartPolicy": policy, "ports": port("") }] });
    let cases = [
        (plain(""), plain(""), false),
        (plain("10.0.0.1"), plain("10.0.0.2"), true),
        (plain("10.0.0.1"), plain("0.0.0.0"), false),
        (init(Value::Null), plain(""), true),
        (init(json!("Always")), plain(""), false),
    ];
    for (number, (first, second, fits)) in cases.into_iter().enumerate() {
        let nodes = [node("a", "z", &json!({}))];
        let there = [pod("first", "x", "a", &first)];
        let found = open_nodes(&nodes, &there, &pod("second", "x", "", &second));
        assert_eq!(!found.is_empty(), fits, "case {number}");
    }
}

#[test]
fn pods_go_to_the_node_with_the_most_left_and_the_rest_is_told_why() {
    let small = json!({ "status": { "allocatable": { "pods": "3" } } });
    let nodes = [node("a", "z", &small), node("b", "z", &small)];
    let pods: Vec<Value> = (0..7)
        .map(|number| pod(&format!("p{number}"), "x", "", &json!({})))
        .collect();
    let outcome = outcome(&mut cluster(&nodes, &pods));
    let found: Vec<Result<&str, &str>> = outcome
        .iter()
        .map(|(_, found)| found.as_deref().map_err(String::as_str))
        .collect();
    let full = "0/2 nodes are available: 2 node(s) had insufficient resources.";
    let (a, b) = (Ok("a"), Ok("b"));
    assert_eq!(found, [a, b, a, b, a, b, Err(full)], "three fit on each");
}

#[test]
fn higher_priority_comes_first_and_gated_or_foreign_pods_do_not_come() {
    let one = json!({ "status": { "allocatable": { "pods": "1" } } });
    let pods = [
        pod("low", "x", "", &json!({ "priority": 1 })),
        pod("high", "x", "", &json!({ "priority": 2 })),
        pod(
            "gated",
            "x",
            "",
            &json!({ "priority": 3, "schedulingGates": [{ "name": "g" }] }),
        ),
        pod(
            "other",
            "x",
            "",
            &json!({ "priority": 4, "schedulerName": "mine" }),
        ),
    ];
    let outcome = outcome(&mut cluster(&[node("a", "z", &one)], &pods));
    let names: Vec<&str> = outcome.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["high", "low"]);
    assert_eq!(outcome[0].1.as_deref(), Ok("a"));
    assert!(outcome[1].1.is_err());
}

#[test]
fn a_pod_is_told_once_and_placed_when_there_is_room() {
    let mut state = cluster(&[], &[pod("p", "x", "", &json!({}))]);
    let nothing = Err("0/0 nodes are available.".to_owned());
    assert_eq!(outcome(&mut state), [("p".to_owned(), nothing)]);
    state.put_node(serde_json::from_value(node("a", "z", &json!({}))).unwrap());
    assert_eq!(outcome(&mut state), [("p".to_owned(), Ok("a".to_owned()))]);
}

#[test]
fn what_a_pod_takes_is_given_back_when_it_ends_or_goes() {
    let one = json!({ "status": { "allocatable": { "pods": "1" } } });
    let mut state = cluster(
        &[node("a", "z", &one)],
        &[
            pod("first", "x", "a", &json!({})),
            pod("second", "x", "", &json!({})),
        ],
    );
    assert!(outcome(&mut state)[0].1.is_err());
    let mut ended = pod("first", "x", "a", &json!({}));
    ended["status"] = json!({ "phase": "Succeeded" });
    state.put_pod(serde_json::from_value(ended).unwrap());
    assert_eq!(outcome(&mut state)[0].1.as_deref(), Ok("a"));
}
