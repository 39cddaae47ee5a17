//! Makes volumes and binds claims to them, as values.

use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{BIND_COMPLETED, Claim, ClaimRef, Class, Storage, Volume};
use crate::write::{Part, Target, Write};

/// Drivers of file systems that are reached from everywhere.
const EVERYWHERE: [&str; 5] = [
    "efs.csi.aws.com",
    "fsx.csi.aws.com",
    "nfs.csi.k8s.io",
    "s3.csi.aws.com",
    "smb.csi.k8s.io",
];

/// Where a volume is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// Where this node is; `labels` are the node's.
    Node {
        /// Its name.
        name: &'a str,
        /// Its labels.
        labels: &'a std::collections::BTreeMap<String, String>,
    },
    /// In this zone: no pod has asked for the volume yet.
    Zone(&'a str),
}

/// A new volume for a claim, and the claim bound to it. `storage` knows both at once.
pub(crate) fn make(
    storage: &mut Storage,
    claim: &Arc<Claim>,
    class: &Class,
    place: Place<'_>,
) -> Vec<Write> {
    let identity = match claim.metadata.uid.as_str() {
        "" => format!("{}-{}", claim.metadata.namespace(), claim.metadata.name),
        uid => uid.to_owned(),
    };
    let name = format!("pvc-{identity}");
    let mut spec = json!({
        "capacity": { "storage": claim.spec.resources.requests.get("storage") },
        "accessModes": claim.spec.access_modes,
        "storageClassName": class.metadata.name,
        "persistentVolumeReclaimPolicy": match class.reclaim_policy.as_str() {
            "" => "Delete",
            policy => policy,
        },
        "volumeMode": claim.spec.volume_mode.as_deref().unwrap_or("Filesystem"),
        "claimRef": reference(claim),
        "csi": { "driver": class.provisioner, "volumeHandle": format!("vol-{identity}") },
    });
    let terms = reach(class, place);
    if !terms.is_empty() {
        spec["nodeAffinity"] =
            json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": terms }] } });
    }
    let volume = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": { "pv.kubernetes.io/provisioned-by": class.provisioner },
        },
        "spec": spec,
    });
    let known = Volume::deserialize(&volume).unwrap_or_default();
    storage.put_volume(known);
    let mut writes = vec![Write::Create(volume)];
    writes.extend(bind(storage, claim, &name, place));
    writes
}

/// Binds a claim to a volume that exists. `storage` knows it at once.
pub(crate) fn bind(
    storage: &mut Storage,
    claim: &Arc<Claim>,
    volume: &str,
    place: Place<'_>,
) -> Vec<Write> {
    let mut annotations =
        json!({ BIND_COMPLETED: "yes", "pv.kubernetes.io/bound-by-controller": "yes" });
    if let Place::Node { name, .. } = place {
        annotations["volume.kubernetes.io/selected-node"] = json!(name);
    }
    let target = Target::new("", "persistentvolumes", "", volume);
    let claims = "persistentvolumeclaims";
    let of_claim = Target::new("", claims, claim.metadata.namespace(), &claim.metadata.name);
    let mut writes = Vec::new();
    let mut status = json!({ "phase": "Bound", "accessModes": claim.spec.access_modes });
    if let Some(found) = storage.volume(volume).cloned() {
        status["capacity"] = json!(found.spec.capacity);
        if found.spec.claim_ref.is_none() {
            writes.push(patch(
                &target,
                Part::Main,
                json!({ "spec": { "claimRef": reference(claim) } }),
            ));
        }
        let mut taken = Volume::clone(&found);
        taken.spec.claim_ref = Some(ClaimRef {
            namespace: claim.metadata.namespace().to_owned(),
            name: claim.metadata.name.clone(),
        });
        "Bound".clone_into(&mut taken.status.phase);
        storage.put_volume(taken);
    }
    let mut bound = Claim::clone(claim);
    volume.clone_into(&mut bound.spec.volume_name);
    let marks = &mut bound.metadata.annotations;
    marks.insert(BIND_COMPLETED.to_owned(), "yes".to_owned());
    storage.put_claim(bound);
    writes.push(patch(
        &target,
        Part::Status,
        json!({ "status": { "phase": "Bound" } }),
    ));
    let main =
        json!({ "metadata": { "annotations": annotations }, "spec": { "volumeName": volume } });
    writes.push(patch(&of_claim, Part::Main, main));
    writes.push(patch(&of_claim, Part::Status, json!({ "status": status })));
    writes
}

fn patch(target: &Target, part: Part, patch: Value) -> Write {
    Write::Patch {
        target: target.clone(),
        part,
        patch,
    }
}

fn reference(claim: &Claim) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": claim.metadata.namespace(),
        "name": claim.metadata.name,
        "uid": claim.metadata.uid,
    })
}

/// Conditions on the nodes that reach a new volume: where it is, by the labels that the class
/// names, else by the zone. File systems of the whole network have none.
fn reach(class: &Class, place: Place<'_>) -> Vec<Value> {
    if EVERYWHERE.contains(&class.provisioner.as_str()) {
        return Vec::new();
    }
    let mut keys: Vec<&str> = class
        .allowed_topologies
        .iter()
        .flat_map(|term| &term.match_label_expressions)
        .map(|condition| condition.key.as_str())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        keys.push(api::labels::ZONE);
    }
    let value = |key: &str| match place {
        Place::Node { labels, .. } => labels.get(key).cloned(),
        Place::Zone(zone) => Some(zone.to_owned()),
    };
    keys.into_iter()
        .filter_map(|key| {
            let value = value(key)?;
            Some(json!({ "key": key, "operator": "In", "values": [value] }))
        })
        .collect()
}
