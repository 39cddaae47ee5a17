//! Volumes: every claim of a pod can be used, its volume can be reached from the node
//! (<https://kubernetes.io/docs/concepts/storage/persistent-volumes/>,
//! <https://kubernetes.io/docs/concepts/storage/storage-classes/>), and the node can attach all
//! volumes of its pods (<https://kubernetes.io/docs/concepts/storage/storage-limits/>).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::{NodeState, ObjectKey, PodRecord, Snapshot};
use model::k8s::{NodeSelectorRequirement, PersistentVolume, PersistentVolumeClaim, StorageClass};

use super::labels::{Labels, find, holds};
use super::machine::Machine;
use super::violation::Violation;

const HOSTNAME: &str = "kubernetes.io/hostname";
/// Says that a claim is bound for good.
const BOUND: &str = "pv.kubernetes.io/bind-completed";

/// Drivers that serve what plugins within Kubernetes once did.
const DRIVERS: [(&str, &str); 7] = [
    ("kubernetes.io/aws-ebs", "ebs.csi.aws.com"),
    ("kubernetes.io/azure-disk", "disk.csi.azure.com"),
    ("kubernetes.io/azure-file", "file.csi.azure.com"),
    ("kubernetes.io/cinder", "cinder.csi.openstack.org"),
    ("kubernetes.io/gce-pd", "pd.csi.storage.gke.io"),
    ("kubernetes.io/portworx-volume", "pxd.portworx.com"),
    ("kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"),
];

/// A volume that is there or will be made.
struct Source {
    /// Conditions of which one list must hold; empty for a volume that is anywhere.
    places: Vec<Vec<NodeSelectorRequirement>>,
    /// Who attaches it.
    driver: Option<String>,
}

/// The volumes of each pod can be used, and from a node with these labels.
pub(super) fn check_places(
    snapshot: &Snapshot,
    machine: &Machine<'_>,
    pods: &[Arc<PodRecord>],
    labels: &Labels,
    violations: &mut Vec<Violation>,
) {
    for pod in pods
        .iter()
        .filter(|pod| !pod.shape.content.spec.volumes.is_empty())
    {
        for claim in claims(pod) {
            let (node, name) = (machine.name.to_owned(), pod.key().to_string());
            match source(snapshot, &claim) {
                Err(reason) => violations.push(Violation::Volume {
                    node,
                    pod: name,
                    claim: claim.to_string(),
                    reason,
                }),
                Ok(source) if !source.is_at(labels, snapshot) => {
                    violations.push(Violation::VolumePlace {
                        node,
                        instance_type: machine.instance_type.to_owned(),
                        pod: name,
                        claim: claim.to_string(),
                        labels: format!("{labels:?}"),
                    });
                }
                Ok(_) => {}
            }
        }
    }
}

/// The node can attach the volumes of its pods and of those that come. A claim that several share
/// counts once; drivers that new pods add nothing to are no business of theirs.
pub(super) fn check_attached(
    snapshot: &Snapshot,
    node: &NodeState,
    pods: &[Arc<PodRecord>],
    violations: &mut Vec<Violation>,
) {
    let key = ObjectKey::new("", node.name());
    let Some(csi) = snapshot.volumes.csi_nodes.get(&key) else {
        return;
    };
    let attached = by_driver(snapshot, &node.pods);
    for (driver, mut volumes) in by_driver(snapshot, pods) {
        let limit = csi.spec.drivers.iter().find_map(|known| {
            let allocatable = known.allocatable.as_ref().filter(|_| known.name == driver);
            allocatable?.count
        });
        let before = attached.get(&driver);
        let adds = volumes
            .iter()
            .any(|claim| before.is_none_or(|before| !before.contains(claim)));
        volumes.extend(before.into_iter().flatten().cloned());
        if let Some(limit) = limit.map(i64::from)
            && adds
            && i64::try_from(volumes.len()).is_ok_and(|volumes| volumes > limit)
        {
            violations.push(Violation::Attach {
                node: node.name().to_string(),
                driver,
                volumes: volumes.len(),
                limit,
            });
        }
    }
}

fn by_driver(
    snapshot: &Snapshot,
    pods: &[Arc<PodRecord>],
) -> BTreeMap<String, BTreeSet<ObjectKey>> {
    let mut drivers: BTreeMap<String, BTreeSet<ObjectKey>> = BTreeMap::new();
    for claim in pods.iter().flat_map(|pod| claims(pod)) {
        if let Ok(Source {
            driver: Some(driver),
            ..
        }) = source(snapshot, &claim)
        {
            drivers.entry(driver).or_default().insert(claim);
        }
    }
    drivers
}

/// The claims of a pod: those that it names, and one of its own for each ephemeral volume.
fn claims(pod: &PodRecord) -> Vec<ObjectKey> {
    let named = pod.own.iter().flat_map(|own| own.claims.iter().cloned());
    let volumes = &pod.shape.content.spec.volumes;
    let ephemeral = volumes.iter().filter(|volume| volume.ephemeral.is_some());
    named
        .chain(ephemeral.map(|volume| format!("{}-{}", pod.name, volume.name)))
        .map(|name| ObjectKey::new(pod.namespace(), &name))
        .collect()
}

/// What is behind a claim, or why nothing is.
fn source(snapshot: &Snapshot, key: &ObjectKey) -> Result<Source, String> {
    let volumes = &snapshot.volumes;
    let claim = volumes.claims.get(key).ok_or("there is no such claim")?;
    if claim.metadata.is_deleting() {
        return Err("the claim is being deleted".to_owned());
    }
    if claim.status.phase == "Lost" {
        return Err("its volume is lost".to_owned());
    }
    if claim.spec.volume_name.is_empty() {
        to_be_made(snapshot, claim)
    } else {
        bound(snapshot, claim)
    }
}

fn bound(snapshot: &Snapshot, claim: &PersistentVolumeClaim) -> Result<Source, String> {
    let key = ObjectKey::new("", &claim.spec.volume_name);
    let volume = snapshot
        .volumes
        .volumes
        .get(&key)
        .ok_or("its volume does not exist")?;
    if volume.metadata.is_deleting() {
        return Err("its volume is being deleted".to_owned());
    }
    if !claim.metadata.annotations.contains_key(BOUND) {
        return Err("it is not bound yet".to_owned());
    }
    Ok(Source {
        places: places(volume),
        driver: match (&volume.spec.csi, &volume.spec.aws_elastic_block_store) {
            (Some(csi), _) => Some(csi.driver.clone()),
            (None, Some(_)) => Some("ebs.csi.aws.com".to_owned()),
            (None, None) => None,
        },
    })
}

/// Where a volume is. A disk of one node is taken not to hold its pod there, since a new node could
/// never have it.
fn places(volume: &PersistentVolume) -> Vec<Vec<NodeSelectorRequirement>> {
    let on_node = volume.spec.local.is_some() || volume.spec.host_path.is_some();
    let affinity = volume.spec.node_affinity.as_ref();
    let required = affinity.and_then(|affinity| affinity.required.as_ref());
    let terms = required
        .into_iter()
        .flat_map(|required| &required.node_selector_terms);
    terms
        .filter(|term| !term.match_expressions.is_empty())
        .map(|term| {
            let mut conditions = term.match_expressions.clone();
            conditions.retain(|condition| !on_node || condition.key != HOSTNAME);
            conditions
        })
        .collect()
}

fn to_be_made(snapshot: &Snapshot, claim: &PersistentVolumeClaim) -> Result<Source, String> {
    let name = claim.spec.storage_class_name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Err("it is not bound and has no storage class".to_owned());
    }
    let key = ObjectKey::new("", name);
    let class = snapshot
        .volumes
        .classes
        .get(&key)
        .ok_or_else(|| format!("there is no storage class {name}"))?;
    if class.volume_binding_mode.as_deref() != Some("WaitForFirstConsumer") {
        return Err("its class binds at once, but it is not bound".to_owned());
    }
    Ok(Source {
        places: allowed(class),
        driver: driver(&class.provisioner),
    })
}

fn allowed(class: &StorageClass) -> Vec<Vec<NodeSelectorRequirement>> {
    let condition =
        |e: &model::k8s::storage::TopologySelectorLabelRequirement| NodeSelectorRequirement {
            key: e.key.clone(),
            operator: "In".to_owned(),
            values: e.values.clone(),
        };
    let terms = class.allowed_topologies.iter();
    terms
        .map(|term| term.match_label_expressions.iter().map(condition).collect())
        .collect()
}

fn driver(provisioner: &str) -> Option<String> {
    let migrated = DRIVERS.iter().find(|(plugin, _)| *plugin == provisioner);
    let driver = migrated.map_or(provisioner, |(_, driver)| driver);
    (!driver.is_empty()).then(|| driver.to_owned())
}

impl Source {
    fn is_at(&self, labels: &Labels, snapshot: &Snapshot) -> bool {
        let met = |condition: &NodeSelectorRequirement| {
            let label = find(labels, &condition.key, &snapshot.vocabulary);
            holds(&condition.operator, &condition.values, label)
        };
        self.places.is_empty() || self.places.iter().any(|all| all.iter().all(met))
    }
}
