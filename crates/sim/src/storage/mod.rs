//! Claims, volumes and storage classes as the simulated scheduler and volume controller know them.
//!
//! What is *not* here: which node a pod goes to (`scheduler`), and the writes (`controller`,
//! `provision`).

pub(crate) mod controller;
pub(crate) mod provision;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::k8s::selector::NodeSelector;
use model::k8s::storage::TopologySelectorTerm;
use model::k8s::{LabelSelector, ObjectMeta};
use model::{Quantity, ResourceList};
use serde::Deserialize;

/// Namespace and name of a claim.
pub(crate) type ClaimKey = (String, String);

/// Set by whoever has bound a claim to its volume.
pub(crate) const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// Class of static volumes: nothing is made for its claims.
pub(crate) const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// `v1.PersistentVolumeClaim`, with what binding looks at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Claim {
    /// Metadata.
    pub(crate) metadata: ObjectMeta,
    /// Desired state.
    pub(crate) spec: ClaimSpec,
    /// Reported state.
    pub(crate) status: Phase,
}

/// `v1.PersistentVolumeClaimSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ClaimSpec {
    /// The volume, empty while there is none.
    pub(crate) volume_name: String,
    /// Class; absent and empty mean static volumes without a class.
    pub(crate) storage_class_name: Option<String>,
    /// How the volume is to be used.
    pub(crate) access_modes: Vec<String>,
    /// How much is asked for.
    pub(crate) resources: ClaimResources,
    /// Labels that a static volume must have.
    pub(crate) selector: Option<LabelSelector>,
    /// `Filesystem` (default) or `Block`.
    pub(crate) volume_mode: Option<String>,
}

/// `v1.VolumeResourceRequirements`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimResources {
    /// Amounts; only `storage` counts.
    pub(crate) requests: ResourceList,
}

/// A status of which only the phase counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Phase {
    /// Phase.
    pub(crate) phase: String,
}

/// `v1.PersistentVolume`, with what binding looks at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Volume {
    /// Metadata.
    pub(crate) metadata: ObjectMeta,
    /// Desired state.
    pub(crate) spec: VolumeSpec,
    /// Reported state.
    pub(crate) status: Phase,
}

/// `v1.PersistentVolumeSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VolumeSpec {
    /// Size.
    pub(crate) capacity: ResourceList,
    /// How the volume can be used.
    pub(crate) access_modes: Vec<String>,
    /// Class.
    pub(crate) storage_class_name: String,
    /// The claim that has it.
    pub(crate) claim_ref: Option<ClaimRef>,
    /// Where it can be reached from.
    pub(crate) node_affinity: Option<Reach>,
    /// Driver, if it is a CSI volume.
    pub(crate) csi: Option<Driver>,
    /// The in-tree EBS source, which the EBS driver serves today.
    pub(crate) aws_elastic_block_store: Option<model::k8s::pod::Present>,
    /// `Delete` or `Retain`.
    pub(crate) persistent_volume_reclaim_policy: String,
    /// `Filesystem` (default) or `Block`.
    pub(crate) volume_mode: Option<String>,
}

/// `v1.ObjectReference` to a claim. Names alone count: uids change when a cluster is copied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimRef {
    /// Namespace.
    pub(crate) namespace: String,
    /// Name.
    pub(crate) name: String,
}

/// `v1.VolumeNodeAffinity`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reach {
    /// Terms, one of which a node must match.
    pub(crate) required: Option<NodeSelector>,
}

/// The CSI driver of a volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Driver {
    /// Name.
    pub(crate) driver: String,
}

/// `storage.k8s.io/v1.StorageClass`, with what provisioning looks at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Class {
    /// Metadata.
    pub(crate) metadata: ObjectMeta,
    /// Who makes volumes.
    pub(crate) provisioner: String,
    /// `Immediate` (default) or `WaitForFirstConsumer`.
    pub(crate) volume_binding_mode: String,
    /// What becomes of volumes without claims.
    pub(crate) reclaim_policy: String,
    /// Where volumes may be made.
    pub(crate) allowed_topologies: Vec<TopologySelectorTerm>,
}

impl Class {
    /// Whether a claim is bound only once a pod that uses it has a node.
    pub(crate) fn waits(&self) -> bool {
        self.volume_binding_mode == "WaitForFirstConsumer"
    }

    /// Whether volumes are made on demand.
    pub(crate) fn provisions(&self) -> bool {
        !self.provisioner.is_empty() && self.provisioner != NO_PROVISIONER
    }
}

impl ClaimRef {
    fn key(&self) -> ClaimKey {
        (self.namespace.clone(), self.name.clone())
    }
}

impl Claim {
    /// Namespace and name.
    pub(crate) fn key(&self) -> ClaimKey {
        (
            self.metadata.namespace().to_owned(),
            self.metadata.name.clone(),
        )
    }

    /// Whether the claim has its volume for good.
    pub(crate) fn is_bound(&self) -> bool {
        !self.spec.volume_name.is_empty() && self.metadata.annotations.contains_key(BIND_COMPLETED)
    }

    /// The class, empty where there is none.
    pub(crate) fn class(&self) -> &str {
        self.spec.storage_class_name.as_deref().unwrap_or_default()
    }

    /// Whether a static volume would do.
    pub(crate) fn accepts(&self, volume: &Volume) -> bool {
        let size = |list: &ResourceList| model::resources::get(list, "storage");
        let mode = |mode: &Option<String>| mode.clone().unwrap_or_else(|| "Filesystem".to_owned());
        let modes = &self.spec.access_modes;
        let mine = |claim: &ClaimRef| {
            (claim.namespace.as_str(), &claim.name)
                == (self.metadata.namespace(), &self.metadata.name)
        };
        volume.spec.storage_class_name == self.class()
            && volume.spec.claim_ref.as_ref().is_none_or(mine)
            && !volume.metadata.is_deleting()
            && volume.status.phase != "Released"
            && size(&volume.spec.capacity) >= size(&self.spec.resources.requests)
            && modes
                .iter()
                .all(|mode| volume.spec.access_modes.contains(mode))
            && mode(&volume.spec.volume_mode) == mode(&self.spec.volume_mode)
            && self
                .spec
                .selector
                .as_ref()
                .is_none_or(|selector| selector.matches(&volume.metadata.labels))
    }
}

impl Volume {
    /// The terms of its node affinity, if it has any.
    pub(crate) fn reach(&self) -> Option<&NodeSelector> {
        self.spec.node_affinity.as_ref()?.required.as_ref()
    }

    /// The CSI driver that attaches it.
    pub(crate) fn driver(&self) -> Option<&str> {
        let ebs = self.spec.aws_elastic_block_store.as_ref();
        match &self.spec.csi {
            Some(csi) => Some(&csi.driver),
            None => ebs.map(|_| "ebs.csi.aws.com"),
        }
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    /// Claims.
    pub(crate) claims: BTreeMap<ClaimKey, Arc<Claim>>,
    /// Classes by name.
    pub(crate) classes: BTreeMap<String, Arc<Class>>,
    /// How many volumes of each driver can be attached, by node.
    pub(crate) limits: BTreeMap<String, BTreeMap<String, usize>>,
    /// Zones of the cloud: where a volume may be made that no pod has asked for yet.
    pub(crate) zones: BTreeSet<String>,
    volumes: BTreeMap<String, Arc<Volume>>,
    /// Volumes without a claim, by class.
    free: BTreeMap<String, BTreeSet<String>>,
    /// Volumes by the claim that they name.
    by_claim: BTreeMap<ClaimKey, BTreeSet<String>>,
    /// Claims without a volume.
    open: BTreeSet<ClaimKey>,
    /// Claims that are gone and whose volumes nobody has seen to yet.
    gone: BTreeSet<ClaimKey>,
}

impl Storage {
    /// Takes in a claim, new or changed.
    pub(crate) fn put_claim(&mut self, claim: Claim) {
        let key = claim.key();
        self.gone.remove(&key);
        if claim.is_bound() || claim.metadata.is_deleting() {
            self.open.remove(&key);
        } else {
            self.open.insert(key.clone());
        }
        self.claims.insert(key, Arc::new(claim));
    }

    /// Forgets a claim.
    pub(crate) fn remove_claim(&mut self, key: &ClaimKey) {
        self.open.remove(key);
        if self.claims.remove(key).is_some() {
            self.gone.insert(key.clone());
        }
    }

    /// A volume by name.
    pub(crate) fn volume(&self, name: &str) -> Option<&Arc<Volume>> {
        self.volumes.get(name)
    }

    /// Takes in a volume, new or changed.
    pub(crate) fn put_volume(&mut self, volume: Volume) {
        let name = volume.metadata.name.clone();
        self.remove_volume(&name);
        let names = if let Some(claim) = &volume.spec.claim_ref {
            self.by_claim.entry(claim.key()).or_default()
        } else {
            let class = volume.spec.storage_class_name.clone();
            self.free.entry(class).or_default()
        };
        names.insert(name.clone());
        self.volumes.insert(name, Arc::new(volume));
    }

    /// Forgets a volume.
    pub(crate) fn remove_volume(&mut self, name: &str) {
        let Some(volume) = self.volumes.remove(name) else {
            return;
        };
        let names = match &volume.spec.claim_ref {
            Some(claim) => self.by_claim.get_mut(&claim.key()),
            None => self.free.get_mut(&volume.spec.storage_class_name),
        };
        if let Some(names) = names {
            names.remove(name);
        }
    }

    /// The CSI driver that attaches a claim's volume; none where that is nobody's business.
    pub(crate) fn driver_of(&self, claim: &Claim) -> Option<String> {
        let driver = match self.volume(&claim.spec.volume_name) {
            Some(volume) => volume.driver()?.to_owned(),
            None => self.classes.get(claim.class())?.provisioner.clone(),
        };
        match driver.as_str() {
            "" | NO_PROVISIONER => None,
            "kubernetes.io/aws-ebs" => Some("ebs.csi.aws.com".to_owned()),
            _ => Some(driver),
        }
    }

    /// Static volumes that would do for a claim, the smallest first: a small claim must not take a
    /// large volume while there is another. A volume that names the claim comes before all others.
    pub(crate) fn candidates(&self, claim: &Claim) -> Vec<Arc<Volume>> {
        let named = self.by_claim.get(&claim.key());
        let free = self.free.get(claim.class());
        let mut fitting: Vec<Arc<Volume>> = named
            .into_iter()
            .chain(free)
            .flatten()
            .filter_map(|name| self.volumes.get(name))
            .filter(|volume| claim.accepts(volume))
            .cloned()
            .collect();
        fitting.sort_by_key(|volume| {
            let size: Quantity = model::resources::get(&volume.spec.capacity, "storage");
            (
                volume.spec.claim_ref.is_none(),
                size,
                volume.metadata.name.clone(),
            )
        });
        fitting
    }
}

#[cfg(test)]
mod tests;
