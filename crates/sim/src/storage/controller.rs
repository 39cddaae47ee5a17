//! The volume controller: binds claims that do not wait for a pod, and lets volumes go with their
//! claims. Claims that wait are bound by the scheduler, when it has a node.

use std::sync::Arc;

use serde_json::{Value, json};

use super::provision::{self, Place};
use super::{Claim, Storage, Volume};
use crate::write::{Part, Target, Write};

/// Binds what can be bound; sees to volumes whose claims are gone.
pub(crate) fn reconcile(storage: &mut Storage) -> Vec<Write> {
    let mut writes = Vec::new();
    let open: Vec<Arc<Claim>> = storage
        .open
        .iter()
        .filter_map(|key| storage.claims.get(key).cloned())
        .collect();
    for claim in open {
        writes.extend(serve(storage, &claim));
    }
    writes.extend(abandoned(storage));
    writes
}

fn serve(storage: &mut Storage, claim: &Arc<Claim>) -> Vec<Write> {
    let nowhere = Place::Zone("");
    if !claim.spec.volume_name.is_empty() {
        // Named beforehand: it is this volume or none.
        let wanted = storage.volume(&claim.spec.volume_name);
        let fits = wanted.is_some_and(|volume| claim.accepts(volume));
        let name = claim.spec.volume_name.clone();
        return if fits {
            provision::bind(storage, claim, &name, nowhere)
        } else {
            Vec::new()
        };
    }
    let class = storage.classes.get(claim.class()).cloned();
    let candidates = storage.candidates(claim);
    let reserved = candidates
        .first()
        .filter(|volume| volume.spec.claim_ref.is_some());
    if let Some(volume) = reserved {
        return provision::bind(storage, claim, &volume.metadata.name, nowhere);
    }
    if class.as_ref().is_some_and(|class| class.waits()) {
        return Vec::new();
    }
    if let Some(volume) = candidates.first() {
        return provision::bind(storage, claim, &volume.metadata.name, nowhere);
    }
    let Some(class) = class.filter(|class| class.provisions()) else {
        return Vec::new();
    };
    let allowed = class
        .allowed_topologies
        .iter()
        .flat_map(|term| &term.match_label_expressions)
        .flat_map(|condition| &condition.values);
    let mut zones: Vec<String> = allowed.cloned().collect();
    if zones.is_empty() {
        zones = storage.zones.iter().cloned().collect();
    }
    let zone = pick(&zones, &claim.metadata.name).unwrap_or_default();
    provision::make(storage, claim, &class, Place::Zone(&zone))
}

/// One of the zones, spread by the claim's name, as a provisioner that knows of no pod does.
fn pick(zones: &[String], name: &str) -> Option<String> {
    let hash = name.bytes().fold(0_usize, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(byte))
    });
    zones.get(hash.checked_rem(zones.len())?).cloned()
}

fn abandoned(storage: &mut Storage) -> Vec<Write> {
    let mut writes = Vec::new();
    for key in std::mem::take(&mut storage.gone) {
        let names: Vec<String> = storage
            .by_claim
            .get(&key)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        for name in names {
            let Some(volume) = storage.volume(&name).cloned() else {
                continue;
            };
            if volume.status.phase == "Bound" {
                writes.push(released(&volume));
            }
        }
    }
    writes
}

fn released(volume: &Volume) -> Write {
    let target = Target::new("", "persistentvolumes", "", &volume.metadata.name);
    if volume.spec.persistent_volume_reclaim_policy == "Delete" {
        Write::Delete {
            target,
            grace_seconds: None,
        }
    } else {
        Write::Patch {
            target,
            part: Part::Status,
            patch: json!({ "status": { "phase": "Released" } }),
        }
    }
}

/// Claims that a pod's ephemeral volumes call for: `<pod>-<volume>`, owned by the pod.
pub(crate) fn ephemeral_claims(pod: &Value) -> Vec<Write> {
    let meta = &pod["metadata"];
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    volumes
        .into_iter()
        .flatten()
        .filter_map(|volume| {
            let template = volume.pointer("/ephemeral/volumeClaimTemplate")?;
            let name = format!("{}-{}", meta["name"].as_str()?, volume["name"].as_str()?);
            let mut metadata = json!({
                "name": name,
                "namespace": meta["namespace"],
                "ownerReferences": [{
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": meta["name"],
                    "uid": meta["uid"],
                    "controller": true,
                    "blockOwnerDeletion": true,
                }],
            });
            for field in ["labels", "annotations"] {
                if let Some(value) = template.pointer(&format!("/metadata/{field}")) {
                    metadata[field] = value.clone();
                }
            }
            Some(Write::Create(json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": metadata,
                "spec": template["spec"],
            })))
        })
        .collect()
}
