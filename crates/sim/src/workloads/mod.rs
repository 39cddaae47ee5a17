//! The workload controllers: Deployment, ReplicaSet, StatefulSet, DaemonSet and Job, as far as the
//! number and place of pods goes.
//!
//! Each is a pure function from the state to writes; running it again when nothing changed writes
//! nothing. What is *not* here: status fields that nobody in a simulation reads, history, pausing,
//! CronJobs.

mod daemon_set;
mod deployment;
mod job;
mod replica_set;
mod stateful_set;

use model::Timestamp;
use serde_json::{Value, json};

use crate::state::{State, WorkloadKey};
use crate::write::Write;

/// Kinds that make pods, with group and plural.
pub(crate) const KINDS: [(&str, &str, &str); 5] = [
    ("Deployment", "apps", "deployments"),
    ("ReplicaSet", "apps", "replicasets"),
    ("StatefulSet", "apps", "statefulsets"),
    ("DaemonSet", "apps", "daemonsets"),
    ("Job", "batch", "jobs"),
];

/// Writes that bring a workload one step closer to what it asks for.
pub(crate) fn reconcile(state: &State, key: &WorkloadKey, now: Timestamp) -> Vec<Write> {
    let Some(object) = state.workloads.get(key) else {
        return Vec::new();
    };
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Vec::new();
    }
    match key.kind.as_str() {
        "Deployment" => deployment::reconcile(state, key, object),
        "ReplicaSet" => replica_set::reconcile(state, object),
        "StatefulSet" => stateful_set::reconcile(state, object),
        "DaemonSet" => daemon_set::reconcile(state, object),
        "Job" => job::reconcile(state, key, object, now),
        _ => Vec::new(),
    }
}

/// `spec.replicas`, 1 where absent.
fn replicas(object: &Value) -> usize {
    let wanted = object
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1);
    usize::try_from(wanted).unwrap_or(0)
}

fn uid(object: &Value) -> &str {
    object
        .pointer("/metadata/uid")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// An owner reference to `owner` that makes it the controller.
fn owner_reference(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    }])
}

/// A pod from a workload's template. `name` ends in a dash when the server is to complete it.
fn pod(owner: &Value, name: &str) -> Value {
    let template = &owner["spec"]["template"];
    let mut metadata = json!({
        "namespace": owner["metadata"]["namespace"],
        "ownerReferences": owner_reference(owner),
    });
    let name_field = if name.ends_with('-') {
        "generateName"
    } else {
        "name"
    };
    metadata[name_field] = json!(name);
    for field in ["labels", "annotations"] {
        if let Some(value) = template.pointer(&format!("/metadata/{field}")) {
            metadata[field] = value.clone();
        }
    }
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"] })
}

#[cfg(test)]
mod tests;
