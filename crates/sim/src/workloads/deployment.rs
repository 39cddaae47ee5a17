//! Deployment: one ReplicaSet per version of the template, rolled over within surge and
//! unavailability.

use serde_json::{Value, json};

use super::{owner_reference, replicas, text, uid};
use crate::state::{State, WorkloadKey};
use crate::write::{Part, Target, Write};

const HASH_LABEL: &str = "pod-template-hash";

pub(super) fn reconcile(state: &State, key: &WorkloadKey, object: &Value) -> Vec<Write> {
    let hash = template_hash(&object["spec"]["template"]);
    let name = format!("{}-{hash}", key.name);
    let owned = state.replica_sets_by_owner.get(uid(object));
    let sets: Vec<&Value> = owned
        .into_iter()
        .flatten()
        .filter_map(|key| state.workloads.get(key))
        .map(AsRef::as_ref)
        .collect();
    let Some(current) = sets.iter().find(|set| text(set, "/metadata/name") == name) else {
        let size = if sets.is_empty() { replicas(object) } else { 0 };
        return vec![Write::Create(replica_set(object, &name, &hash, size))];
    };
    let old: Vec<&Value> = sets
        .iter()
        .copied()
        .filter(|set| replicas(set) > 0)
        .collect();
    let old: Vec<&Value> = old
        .into_iter()
        .filter(|set| uid(set) != uid(current))
        .collect();
    let mut writes = Vec::new();
    let wanted = replicas(object);
    if old.is_empty() {
        scale(current, wanted, &mut writes);
        return writes;
    }
    let total: usize = old.iter().map(|set| replicas(set)).sum::<usize>() + replicas(current);
    let room = (wanted + limit(object, "maxSurge", wanted)).saturating_sub(total);
    scale(current, (replicas(current) + room).min(wanted), &mut writes);
    let available: usize = sets.iter().map(|set| running(state, set)).sum();
    let floor = wanted.saturating_sub(limit(object, "maxUnavailable", wanted));
    let mut spare = available.saturating_sub(floor);
    for set in old {
        // Pods that never ran may go at once: nobody counts on them.
        let idle = replicas(set).saturating_sub(running(state, set));
        let gone = idle + spare.min(replicas(set) - idle);
        spare -= gone - idle;
        scale(set, replicas(set) - gone, &mut writes);
    }
    writes
}

fn scale(set: &Value, size: usize, writes: &mut Vec<Write>) {
    if replicas(set) != size {
        let (namespace, name) = (
            text(set, "/metadata/namespace"),
            text(set, "/metadata/name"),
        );
        writes.push(Write::Patch {
            target: Target::new("apps", "replicasets", namespace, name),
            part: Part::Main,
            patch: json!({ "spec": { "replicas": size } }),
        });
    }
}

fn running(state: &State, set: &Value) -> usize {
    let pods = state.owned_pods(uid(set));
    pods.filter(|pod| pod.status.phase == "Running" && !pod.metadata.is_deleting())
        .count()
}

/// `maxSurge` (rounded up) or `maxUnavailable` (rounded down); 25 % where absent. Both zero would
/// never move, which the API server refuses.
fn limit(object: &Value, field: &str, wanted: usize) -> usize {
    let value = object.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
    if let Some(number) = value.and_then(Value::as_u64) {
        return usize::try_from(number).unwrap_or(usize::MAX);
    }
    let percent = value.and_then(Value::as_str).unwrap_or("25%");
    let percent: usize = percent.trim_end_matches('%').parse().unwrap_or(25);
    if field == "maxSurge" {
        (wanted * percent).div_ceil(100)
    } else {
        wanted * percent / 100
    }
}

fn replica_set(object: &Value, name: &str, hash: &str, size: usize) -> Value {
    let mut template = object["spec"]["template"].clone();
    template["metadata"]["labels"][HASH_LABEL] = json!(hash);
    let mut selector = object["spec"]["selector"].clone();
    selector["matchLabels"][HASH_LABEL] = json!(hash);
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": object["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "ownerReferences": owner_reference(object),
        },
        "spec": { "replicas": size, "selector": selector, "template": template },
    })
}

/// Ten characters that tell one version of the template from another (FNV-1a over its text).
fn template_hash(template: &Value) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in template.to_string().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (0..10)
        .map(|_| {
            let letter = ALPHABET[(hash % 27) as usize];
            hash /= 27;
            char::from(letter)
        })
        .collect()
}
