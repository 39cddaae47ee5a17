//! DaemonSet: one pod on every node that its pods may run on. The pod asks for its node by an
//! affinity to the node's name, and the pod scheduler binds it, as on a real cluster.

use std::collections::BTreeSet;

use model::k8s::Pod;
use serde_json::{Value, json};

use super::{pod, text, uid};
use crate::scheduler::fit;
use crate::state::State;
use crate::write::{Target, Write};

pub(super) fn reconcile(state: &State, object: &Value) -> Vec<Write> {
    let prefix = format!("{}-", text(object, "/metadata/name"));
    let template: Pod = serde_json::from_value(pod(object, &prefix)).unwrap_or_default();
    let tolerant = with_daemon_tolerations(&template);
    let mut covered = BTreeSet::new();
    let mut writes = Vec::new();
    for pod in state.owned_pods(uid(object)) {
        let Some(node) = target_node(pod) else {
            continue;
        };
        let stays = state
            .nodes
            .get(node)
            .is_some_and(|node| fit::node_admits(&tolerant, node));
        if stays || pod.metadata.is_deleting() {
            covered.insert(node.to_owned());
        } else {
            let target = Target::pod(pod.metadata.namespace(), &pod.metadata.name);
            writes.push(Write::Delete {
                target,
                grace_seconds: None,
            });
        }
    }
    for (name, node) in &state.nodes {
        if !covered.contains(name) && fit::node_admits(&tolerant, node) {
            writes.push(Write::Create(for_node(object, &prefix, name)));
        }
    }
    writes
}

/// The node that a daemon pod is for: the one it is bound to, or the one it asks for.
fn target_node(pod: &Pod) -> Option<&str> {
    if pod.is_bound() {
        return Some(&pod.spec.node_name);
    }
    let affinity = pod
        .spec
        .affinity
        .as_ref()?
        .node_affinity
        .as_ref()?
        .required
        .as_ref()?;
    let field = affinity.node_selector_terms.first()?.match_fields.first()?;
    field.values.first().map(String::as_str)
}

/// Tolerations that the DaemonSet controller adds to its pods (Kubernetes documentation,
/// "DaemonSet, taints and tolerations").
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

fn tolerations() -> Vec<Value> {
    TOLERATED
        .iter()
        .map(|(key, effect)| json!({ "key": key, "operator": "Exists", "effect": effect }))
        .collect()
}

fn with_daemon_tolerations(pod: &Pod) -> Pod {
    let mut pod = pod.clone();
    let added = serde_json::from_value::<Vec<_>>(Value::Array(tolerations())).unwrap_or_default();
    pod.spec.tolerations.extend(added);
    pod
}

fn for_node(object: &Value, prefix: &str, node: &str) -> Value {
    let mut pod = pod(object, prefix);
    let field = json!({ "key": "metadata.name", "operator": "In", "values": [node] });
    let required = &mut pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    match required["nodeSelectorTerms"].as_array_mut() {
        Some(terms) => terms
            .iter_mut()
            .for_each(|term| term["matchFields"] = json!([field])),
        None => *required = json!({ "nodeSelectorTerms": [{ "matchFields": [field] }] }),
    }
    let mut all = pod["spec"]["tolerations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.extend(tolerations());
    pod["spec"]["tolerations"] = Value::Array(all);
    pod
}
