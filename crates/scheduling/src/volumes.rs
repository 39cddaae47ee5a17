//! What the persistent volume claims of a pod ask of a node: places that its volumes can be reached
//! from, and room to attach them.
//!
//! [`needs`] says it for one pod, or why the pod can run nowhere for now. A place is a set of
//! requirements on the *node*: the alternatives are no part of the pod's own requirements, they
//! don't enter the counts of a topology spread, and they are never given up as preferences are.
//! [`attached`], [`held`] and [`limits`] say what nodes hold and can hold. A node that is only
//! planned has no limit: which one its driver will report is not known.
//!
//! What is *not* here: the choice of a node, and the capacity of storage pools.

mod attach;
mod claim;
mod driver;
mod places;
mod problem;

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::{ObjectKey, PodRecord, Volumes};
use requirements::{Requirements, Vocabulary};

pub use attach::{Attach, AttachDemand, AttachLimit, attached, exceeded, held, limits};
pub use claim::default_class;
pub use problem::{VolumeCause, VolumeProblem};

/// What a provider can't do with volumes. Nothing, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsupported {
    /// Drivers whose volumes its nodes can't use.
    pub provisioners: BTreeSet<String>,
    /// Keys that a storage class may not use in `allowedTopologies`.
    pub topology_keys: BTreeSet<String>,
}

/// What the volumes of a pod ask of its node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolumeNeeds {
    /// A node must meet one of these, in order of preference. Empty: any node will do.
    pub alternatives: Vec<Requirements>,
    /// The claims whose volumes are to be attached to it.
    pub attach: Attach,
}

impl VolumeNeeds {
    /// Whether any node will do.
    pub fn is_empty(&self) -> bool {
        self.alternatives.is_empty() && self.attach.is_empty()
    }
}

/// Whether pods of this record have any volume with a claim.
pub fn has_claims(pod: &PodRecord) -> bool {
    // Of the volumes of a spec, a shape keeps those with a claim only.
    !pod.shape.spec.volumes.is_empty()
}

/// The claims that a pod names, in order of its volumes.
pub fn claims(pod: &PodRecord) -> impl Iterator<Item = ObjectKey> + use<'_> {
    claim::named(pod).map(|named| named.key)
}

/// What the volumes of a pod ask of its node.
///
/// # Errors
///
/// When some claim can't be used as things are. The pod fails, whether it is pending or displaced:
/// the Kubernetes scheduler would leave it as well.
pub fn needs(
    pod: &PodRecord,
    volumes: &Volumes,
    vocabulary: &Vocabulary,
    unsupported: &Unsupported,
) -> Result<VolumeNeeds, VolumeProblem> {
    let mut needs = VolumeNeeds::default();
    if !has_claims(pod) {
        return Ok(needs);
    }
    let mut places = Vec::new();
    for named in claim::named(pod) {
        let key = named.key.clone();
        let source = claim::resolve(named, volumes)?;
        let driver = source.driver();
        source.check_supported(&key, driver.as_deref(), unsupported)?;
        places.push(places::of(&source, vocabulary));
        if let Some(driver) = driver {
            needs.attach.entry(driver).or_default().insert(key);
        }
    }
    needs.alternatives = places::combine(places);
    Ok(needs)
}

fn key(namespace: &Arc<str>, name: &str) -> ObjectKey {
    ObjectKey {
        namespace: namespace.clone(),
        name: name.into(),
    }
}

#[cfg(test)]
mod tests;
