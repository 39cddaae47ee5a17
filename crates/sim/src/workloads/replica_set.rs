//! ReplicaSet: as many pods as asked for.

use std::cmp::Reverse;

use model::k8s::Pod;
use serde_json::Value;

use super::{pod, replicas, text, uid};
use crate::state::{State, created};
use crate::write::{Target, Write};

pub(super) fn reconcile(state: &State, object: &Value) -> Vec<Write> {
    let mut alive: Vec<&Pod> = state
        .owned_pods(uid(object))
        .map(AsRef::as_ref)
        .filter(|pod| !pod.metadata.is_deleting() && !pod.is_terminal())
        .collect();
    let wanted = replicas(object);
    let prefix = format!("{}-", text(object, "/metadata/name"));
    if alive.len() <= wanted {
        return (alive.len()..wanted)
            .map(|_| Write::Create(pod(object, &prefix)))
            .collect();
    }
    alive.sort_by_key(|pod| order_of_deletion(pod));
    alive[..alive.len() - wanted]
        .iter()
        .map(|pod| Write::Delete {
            target: Target::pod(pod.metadata.namespace(), &pod.metadata.name),
            grace_seconds: None,
        })
        .collect()
}

/// Who goes first: pods without a node, pods that do not run, cheap pods, young pods (the order of
/// the ReplicaSet controller, Kubernetes documentation "ReplicaSet, scaling").
fn order_of_deletion(pod: &Pod) -> (bool, bool, i64, Reverse<model::Timestamp>, String) {
    let cost = pod
        .metadata
        .annotations
        .get("controller.kubernetes.io/pod-deletion-cost");
    let cost = cost.and_then(|cost| cost.parse().ok()).unwrap_or(0);
    let runs = pod.status.phase == "Running";
    (
        pod.is_bound(),
        runs,
        cost,
        Reverse(created(pod)),
        pod.metadata.name.clone(),
    )
}
