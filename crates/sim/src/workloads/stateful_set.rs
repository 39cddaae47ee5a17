//! StatefulSet: pods with numbers, made and removed one after the other unless `Parallel`, each
//! with its own claims. Claims stay when pods go, unless the retention policy says otherwise.

use serde_json::{Value, json};

use super::{owner_reference, pod, replicas, text, uid};
use crate::state::State;
use crate::write::{Target, Write};

pub(super) fn reconcile(state: &State, object: &Value) -> Vec<Write> {
    let name = text(object, "/metadata/name");
    let namespace = text(object, "/metadata/namespace");
    let parallel = text(object, "/spec/podManagementPolicy") == "Parallel";
    let wanted = replicas(object);
    let mut writes = Vec::new();
    for ordinal in 0..wanted {
        let pod_name = format!("{name}-{ordinal}");
        let have = state
            .owned_pods(uid(object))
            .find(|pod| pod.metadata.name == pod_name);
        match have {
            Some(pod) if parallel || pod.status.phase == "Running" => {}
            Some(_) => break,
            None => {
                writes.extend(missing_claims(state, object, ordinal));
                writes.push(Write::Create(numbered(object, &pod_name, ordinal)));
                if !parallel {
                    break;
                }
            }
        }
    }
    let mut surplus: Vec<(usize, &str)> = state
        .owned_pods(uid(object))
        .filter(|pod| !pod.metadata.is_deleting())
        .filter_map(|pod| {
            let ordinal = pod.metadata.name.rsplit('-').next()?.parse().ok()?;
            (ordinal >= wanted).then_some((ordinal, pod.metadata.name.as_str()))
        })
        .collect();
    surplus.sort_unstable();
    for (_, name) in surplus.into_iter().rev() {
        writes.push(Write::Delete {
            target: Target::pod(namespace, name),
            grace_seconds: None,
        });
        if !parallel {
            break;
        }
    }
    writes.extend(unused_claims(state, object, wanted));
    writes
}

/// `<template>-<set>-<ordinal>`.
fn claim_name(object: &Value, template: &Value, ordinal: usize) -> String {
    let (template, set) = (
        text(template, "/metadata/name"),
        text(object, "/metadata/name"),
    );
    format!("{template}-{set}-{ordinal}")
}

fn claim_templates(object: &Value) -> impl Iterator<Item = &Value> {
    let templates = object.pointer("/spec/volumeClaimTemplates");
    templates.and_then(Value::as_array).into_iter().flatten()
}

fn missing_claims(state: &State, object: &Value, ordinal: usize) -> Vec<Write> {
    let namespace = text(object, "/metadata/namespace");
    let policy = "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted";
    let mut writes = Vec::new();
    for template in claim_templates(object) {
        let name = claim_name(object, template, ordinal);
        let key = (namespace.to_owned(), name.clone());
        if state.storage.claims.contains_key(&key) {
            continue;
        }
        let mut metadata = template["metadata"].clone();
        metadata["name"] = json!(name);
        metadata["namespace"] = json!(namespace);
        if let Some(labels) = object.pointer("/spec/selector/matchLabels") {
            metadata["labels"] = labels.clone();
        }
        if text(object, policy) == "Delete" {
            metadata["ownerReferences"] = owner_reference(object);
        }
        writes.push(Write::Create(json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": template["spec"],
        })));
    }
    writes
}

/// With `whenScaled: Delete`, claims go after the pods of numbers that are no longer wanted.
fn unused_claims(state: &State, object: &Value, wanted: usize) -> Vec<Write> {
    let policy = "/spec/persistentVolumeClaimRetentionPolicy/whenScaled";
    if text(object, policy) != "Delete" {
        return Vec::new();
    }
    let namespace = text(object, "/metadata/namespace");
    let set = text(object, "/metadata/name");
    let mut writes = Vec::new();
    for template in claim_templates(object) {
        let prefix = format!("{}-{set}-", text(template, "/metadata/name"));
        let from = (namespace.to_owned(), prefix.clone());
        let claims = state.storage.claims.range(from..);
        let mine =
            claims.take_while(|((space, name), _)| space == namespace && name.starts_with(&prefix));
        for ((_, name), claim) in mine {
            let Ok(ordinal) = name[prefix.len()..].parse::<usize>() else {
                continue;
            };
            let pod = format!("{set}-{ordinal}");
            let in_use = state
                .owned_pods(uid(object))
                .any(|have| have.metadata.name == pod);
            if ordinal >= wanted && !in_use && !claim.metadata.is_deleting() {
                writes.push(Write::Delete {
                    target: Target::new("", "persistentvolumeclaims", namespace, name),
                    grace_seconds: None,
                });
            }
        }
    }
    writes
}

fn numbered(object: &Value, name: &str, ordinal: usize) -> Value {
    let mut pod = pod(object, name);
    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = json!(name);
    pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = json!(ordinal.to_string());
    mount_claims(object, &mut pod, ordinal);
    pod
}

/// The set's own claims take the place of volumes of the same name.
fn mount_claims(object: &Value, pod: &mut Value, ordinal: usize) {
    let mut volumes: Vec<Value> = pod["spec"]["volumes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for template in claim_templates(object) {
        let name = text(template, "/metadata/name");
        volumes.retain(|volume| volume["name"] != name);
        let claim = claim_name(object, template, ordinal);
        volumes.push(json!({ "name": name, "persistentVolumeClaim": { "claimName": claim } }));
    }
    if !volumes.is_empty() {
        pod["spec"]["volumes"] = json!(volumes);
    }
}
