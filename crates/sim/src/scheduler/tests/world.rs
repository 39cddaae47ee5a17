//! Small clusters in a few words.

use model::Timestamp;
use serde_json::{Value, json};

use crate::scheduler::schedule;
use crate::state::State;
use crate::write::Write;

/// A node with 4 cpus for 10 pods in a zone; `extra` goes over its spec and metadata.
pub(super) fn node(name: &str, zone: &str, extra: &Value) -> Value {
    let mut node = json!({
        "metadata": { "name": name, "labels": {
            "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone, "size": "8" } },
        "status": { "allocatable": { "cpu": "4", "memory": "8Gi", "pods": "10" } },
    });
    merge(&mut node, extra);
    node
}

/// A pod of namespace `n` with label `app` that asks for 100m; `spec` goes over its spec. On a node
/// if one is named.
pub(super) fn pod(name: &str, app: &str, on: &str, spec: &Value) -> Value {
    let mut pod = json!({
        "metadata": { "name": name, "namespace": "n", "uid": name, "labels": { "app": app } },
        "spec": {
            "nodeName": on,
            "containers": [{ "name": "c", "resources": { "requests": { "cpu": "100m" } } }],
        },
    });
    merge(&mut pod["spec"], spec);
    pod
}

/// Puts the fields of one object over those of another, deep down.
pub(super) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// A cluster of these nodes and pods.
pub(super) fn cluster(nodes: &[Value], pods: &[Value]) -> State {
    let mut state = State::default();
    for node in nodes {
        state.put_node(serde_json::from_value(node.clone()).unwrap());
    }
    for pod in pods {
        state.put_pod(serde_json::from_value(pod.clone()).unwrap());
    }
    state
}

/// What the scheduler does: the node of each pod it binds, or why it does not, by pod.
pub(super) fn outcome(state: &mut State) -> Vec<(String, Result<String, String>)> {
    let writes = schedule(state, Timestamp::from_seconds(0));
    let mut outcome: Vec<(String, Result<String, String>)> = writes
        .into_iter()
        .filter_map(|write| match write {
            Write::Bind { pod, node } => Some((pod.name, Ok(node))),
            Write::Patch { target, patch, .. } if target.plural == "pods" => {
                let message = patch.pointer("/status/conditions/0/message")?.as_str()?;
                Some((target.name, Err(message.to_owned())))
            }
            _ => None,
        })
        .collect();
    outcome.sort();
    outcome
}

/// The nodes that a pod may go to, asked one by one: all others are closed to it by a cordon.
pub(super) fn open_nodes(nodes: &[Value], pods: &[Value], wanted: &Value) -> Vec<String> {
    let names = nodes
        .iter()
        .map(|node| node["metadata"]["name"].as_str().unwrap());
    names
        .filter(|only| {
            let nodes: Vec<Value> = nodes
                .iter()
                .map(|node| {
                    let mut node = node.clone();
                    if node["metadata"]["name"] != *only {
                        node["spec"]["unschedulable"] = json!(true);
                    }
                    node
                })
                .collect();
            let mut state = cluster(&nodes, pods);
            state.put_pod(serde_json::from_value(wanted.clone()).unwrap());
            let name = wanted["metadata"]["name"].as_str().unwrap();
            outcome(&mut state)
                .iter()
                .any(|(pod, found)| pod == name && found.as_deref() == Ok(only))
        })
        .map(str::to_owned)
        .collect()
}

/// The only pod's node.
pub(super) fn chosen(nodes: &[Value], pods: &[Value], wanted: &Value) -> String {
    let mut state = cluster(nodes, pods);
    state.put_pod(serde_json::from_value(wanted.clone()).unwrap());
    let outcome = outcome(&mut state);
    let [(_, Ok(node))] = &outcome[..] else {
        panic!("not placed: {outcome:?}")
    };
    node.clone()
}
