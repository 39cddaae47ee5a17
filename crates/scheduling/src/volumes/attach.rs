//! How many volumes a node holds, and how many more its drivers can attach.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use cluster::{NodeState, ObjectKey, Volumes};

use super::{VolumeNeeds, claim, driver};

/// Claims by the driver that attaches their volumes. A claim counts once on a node, however many
/// pods share it.
pub type Attach = BTreeMap<Arc<str>, BTreeSet<ObjectKey>>;

/// A driver can attach no further volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttachLimit {
    /// The driver.
    pub driver: Arc<str>,
    /// How many volumes it can attach.
    pub limit: usize,
    /// How many it would have to.
    pub wanted: usize,
}

impl fmt::Display for AttachLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            driver,
            limit,
            wanted,
        } = self;
        write!(
            f,
            "would exceed the node's volume limit: {driver} attaches {limit} at most, {wanted} would be needed"
        )
    }
}

/// What a pod asks of drivers, told apart by whether others ask for the same. Pods that ask for
/// equally many volumes of their own are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttachDemand {
    /// How many volumes nobody else has, by driver.
    pub own: BTreeMap<Arc<str>, usize>,
    /// Claims that others have too.
    pub shared: Attach,
}

impl VolumeNeeds {
    /// What the pod asks of drivers. `is_shared` says whether a claim is named by another pod of
    /// the batch, or held by a node that may be chosen.
    pub fn demand(&self, is_shared: impl Fn(&ObjectKey) -> bool) -> AttachDemand {
        let mut demand = AttachDemand::default();
        for (driver, claims) in &self.attach {
            for claim in claims {
                if is_shared(claim) {
                    let shared = demand.shared.entry(driver.clone()).or_default();
                    shared.insert(claim.clone());
                } else {
                    *demand.own.entry(driver.clone()).or_default() += 1;
                }
            }
        }
        demand
    }
}

/// The claims of the pods on a node, by driver. What can't be looked up is left out: it does not
/// keep other pods away.
pub fn attached(node: &NodeState, volumes: &Volumes) -> Attach {
    let mut attached = Attach::new();
    for pod in node.pods.iter().filter(|pod| super::has_claims(pod)) {
        for named in claim::named(pod) {
            let key = named.key.clone();
            let source = claim::resolve(named, volumes).ok();
            if let Some(driver) = source.and_then(|source| source.driver()) {
                attached.entry(driver).or_default().insert(key);
            }
        }
    }
    attached
}

/// Claims whose volumes are attached to nodes according to VolumeAttachments, by name of the Node.
/// They count too: a volume may still be attached after its last pod is gone.
pub fn held(volumes: &Volumes) -> BTreeMap<&str, Attach> {
    let mut held: BTreeMap<&str, Attach> = BTreeMap::new();
    if volumes.attachments.is_empty() {
        return held;
    }
    let claims: BTreeMap<&str, &ObjectKey> = volumes
        .claims
        .iter()
        .map(|(key, claim)| (claim.spec.volume_name.as_str(), key))
        .collect();
    for attachment in volumes.attachments.values() {
        let spec = &attachment.spec;
        let Some(name) = &spec.source.persistent_volume_name else {
            continue;
        };
        let volume = volumes.volumes.get(&ObjectKey::new("", name));
        let driver = volume.and_then(|volume| driver::of_volume(volume));
        let driver = driver.unwrap_or_else(|| spec.attacher.as_str().into());
        // A volume without a claim stands for itself.
        let claim = claims
            .get(name.as_str())
            .map(|claim| ObjectKey::clone(claim));
        let claim = claim.unwrap_or_else(|| ObjectKey::new("", name));
        let node = held.entry(&spec.node_name).or_default();
        node.entry(driver).or_default().insert(claim);
    }
    held
}

/// How many volumes each driver of a node can attach, where it says so.
pub fn limits(node: &NodeState, volumes: &Volumes) -> BTreeMap<Arc<str>, usize> {
    let Some(node) = &node.node else {
        return BTreeMap::new();
    };
    let csi_node = volumes
        .csi_nodes
        .get(&ObjectKey::new("", &node.metadata.name));
    let drivers = csi_node.into_iter().flat_map(|node| &node.spec.drivers);
    drivers
        .filter_map(|driver| {
            let count = driver.allocatable.as_ref()?.count?;
            let count = usize::try_from(count).unwrap_or_default();
            Some((driver.name.as_str().into(), count))
        })
        .collect()
}

/// The first driver that could not attach what a pod brings beside what is there. Drivers that the
/// pod has nothing to do with are not looked at, as the Kubernetes scheduler has it.
pub fn exceeded(
    used: &Attach,
    added: &Attach,
    limits: &BTreeMap<Arc<str>, usize>,
) -> Option<AttachLimit> {
    added.iter().find_map(|(driver, claims)| {
        let limit = *limits.get(driver)?;
        let there = used.get(driver);
        let wanted = there.map_or(claims.len(), |there| there.union(claims).count());
        let adds = there.is_none_or(|there| !claims.is_subset(there));
        (adds && wanted > limit).then(|| AttachLimit {
            driver: driver.clone(),
            limit,
            wanted,
        })
    })
}
