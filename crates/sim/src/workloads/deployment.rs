//! Deployment: one ReplicaSet per version of the template, rolled over within surge and
//! unavailability.

use model::k8s::Pod;
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
    let others = sets.iter().copied();
    let others: Vec<&Value> = others.filter(|set| uid(set) != uid(current)).collect();
    let mut writes = Vec::new();
    let wanted = replicas(object);
    if text(object, "/spec/strategy/type") == "Recreate" {
        recreate(state, (current, wanted), &others, &mut writes);
        return writes;
    }
    let old = others.iter().copied();
    let old: Vec<&Value> = old.filter(|set| replicas(set) > 0).collect();
    if old.is_empty() {
        scale(current, wanted, &mut writes);
        forget(state, object, others, &mut writes);
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

/// All old pods go before the first new one comes.
fn recreate(
    state: &State,
    (current, wanted): (&Value, usize),
    others: &[&Value],
    writes: &mut Vec<Write>,
) {
    for set in others {
        scale(set, 0, writes);
    }
    let gone = |set: &Value| state.owned_pods(uid(set)).next().is_none();
    if writes.is_empty() && others.iter().all(|set| gone(set)) {
        scale(current, wanted, writes);
    }
}

/// Deletes the oldest versions beyond those that are kept (`revisionHistoryLimit`, 10 by default).
fn forget(state: &State, object: &Value, others: Vec<&Value>, writes: &mut Vec<Write>) {
    let kept = object.pointer("/spec/revisionHistoryLimit");
    let kept = kept.and_then(Value::as_u64).unwrap_or(10);
    let kept = usize::try_from(kept).unwrap_or(usize::MAX);
    let mut unused = others;
    unused.retain(|set| state.owned_pods(uid(set)).next().is_none());
    unused.sort_by_key(|set| {
        let created = text(set, "/metadata/creationTimestamp");
        (created, text(set, "/metadata/name"))
    });
    let surplus = unused.len().saturating_sub(kept);
    for set in unused.into_iter().take(surplus) {
        let (namespace, name) = (
            text(set, "/metadata/namespace"),
            text(set, "/metadata/name"),
        );
        writes.push(Write::Delete {
            target: Target::new("apps", "replicasets", namespace, name),
            grace_seconds: None,
        });
    }
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
    let unready = |pod: &Pod| {
        let ready = pod.status.condition("Ready");
        ready.is_some_and(|ready| ready.status == "False")
    };
    pods.filter(|pod| pod.status.phase == "Running" && !pod.metadata.is_deleting())
        .filter(|pod| !unready(pod))
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
