use std::sync::Arc;

use model::Timestamp;
use model::k8s::{Node, Pod};
use serde_json::{Value, json};

use super::fit::{Misfit, Usage, check};
use super::schedule;
use crate::state::State;
use crate::write::Write;

fn node(name: &str, extra: &Value) -> Node {
    let mut node = json!({
        "metadata": { "name": name, "labels": { "zone": name, "size": "8" } },
        "status": { "allocatable": { "cpu": "4", "memory": "8Gi", "pods": "3" } },
    });
    node["spec"] = extra.clone();
    serde_json::from_value(node).unwrap()
}

fn pod(name: &str, spec: &Value) -> Pod {
    let mut all =
        json!({ "containers": [{ "name": "c", "resources": { "requests": { "cpu": "1" } } }] });
    for (key, value) in spec.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::from_value(json!({
        "metadata": { "name": name, "namespace": "n", "uid": name }, "spec": all }))
    .unwrap()
}

#[test]
fn each_filter_refuses_what_kubernetes_would_refuse() {
    let tainted = json!({ "taints": [{ "key": "k", "effect": "NoSchedule" }] });
    let affinity = |operator: &str, values: &Value| {
        json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": "size", "operator": operator, "values": values }] }] } } } })
    };
    let cases = [
        (json!({}), json!({}), Ok(())),
        (json!({}), tainted.clone(), Err(Misfit::Taint)),
        (
            json!({ "tolerations": [{ "operator": "Exists" }] }),
            tainted,
            Ok(()),
        ),
        (
            json!({}),
            json!({ "unschedulable": true }),
            Err(Misfit::Unschedulable),
        ),
        (
            json!({ "nodeSelector": { "zone": "b" } }),
            json!({}),
            Err(Misfit::Affinity),
        ),
        (affinity("Gt", &json!(["7"])), json!({}), Ok(())),
        (
            affinity("Lt", &json!(["8"])),
            json!({}),
            Err(Misfit::Affinity),
        ),
        (
            affinity("NotIn", &json!(["8"])),
            json!({}),
            Err(Misfit::Affinity),
        ),
        (
            json!({ "containers": [{ "name": "c", "resources": { "requests": { "cpu": "5" } } }] }),
            json!({}),
            Err(Misfit::Resources),
        ),
    ];
    for (number, (spec, extra, expected)) in cases.into_iter().enumerate() {
        let found = check(&pod("p", &spec), &node("a", &extra), &Usage::default());
        assert_eq!(found, expected, "case {number}");
    }
}

#[test]
fn a_host_port_is_taken_once() {
    let spec = json!({ "containers": [{ "name": "c", "ports": [{ "containerPort": 1, "hostPort": 80 }] }] });
    let mut usage = Usage::default();
    let first = pod("a", &spec);
    assert_eq!(check(&first, &node("a", &json!({})), &usage), Ok(()));
    usage.add(&first);
    assert_eq!(
        check(&pod("b", &spec), &node("a", &json!({})), &usage),
        Err(Misfit::Port)
    );
}

#[test]
fn pods_go_to_the_node_with_the_least_in_use_and_the_rest_is_told_why() {
    let mut state = State::default();
    for name in ["a", "b"] {
        state
            .nodes
            .insert(name.to_owned(), Arc::new(node(name, &json!({}))));
    }
    for number in 0..7 {
        state.put_pod(pod(&format!("p{number}"), &json!({})));
    }
    let writes = schedule(&state, Timestamp::from_seconds(0));
    let nodes: Vec<&str> = writes
        .iter()
        .filter_map(|write| match write {
            Write::Bind { node, .. } => Some(node.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        nodes,
        ["a", "b", "a", "b", "a", "b"],
        "three pods fit on each"
    );
    let Some(Write::Patch { patch, .. }) = writes.last() else {
        panic!("the seventh is marked")
    };
    let condition = &patch["status"]["conditions"][0];
    assert_eq!(condition["reason"], "Unschedulable");
    assert_eq!(
        condition["message"],
        "0/2 nodes are available: 2 node(s) had insufficient resources."
    );
}

#[test]
fn what_the_scheduler_does_not_know_it_does_not_place() {
    let mut state = State::default();
    state
        .nodes
        .insert("a".to_owned(), Arc::new(node("a", &json!({}))));
    let spread = json!({ "topologySpreadConstraints": [
        { "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule" }] });
    state.put_pod(pod("p", &spread));
    let writes = schedule(&state, Timestamp::from_seconds(0));
    assert!(matches!(&writes[..], [Write::Patch { .. }]));
}
