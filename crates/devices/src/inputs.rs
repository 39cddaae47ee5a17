//! What an allocator is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::DynamicResources;
use cluster::ObjectKey;
use model::k8s::pod::PodResourceClaim;
use model::k8s::{DeviceClass, ResourceClaim, ResourceSlice};
use requirements::Vocabulary;

use crate::refused::Refused;

/// Everything that stands still during a pass.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// What label keys mean.
    pub vocabulary: Arc<Vocabulary>,
    /// What drivers have published, by name.
    pub slices: Vec<Arc<ResourceSlice>>,
    /// Device classes, by name.
    pub classes: BTreeMap<String, Arc<DeviceClass>>,
    /// All claims: those that hold devices, and those that are to get some.
    pub claims: BTreeMap<ObjectKey, Arc<ResourceClaim>>,
    /// The claims that may be asked for. Only these are looked into.
    pub wanted: BTreeSet<ObjectKey>,
    /// What nodes of each pool (first) and instance type (second) will publish.
    pub templates: BTreeMap<(Arc<str>, Arc<str>), Arc<DynamicResources>>,
    /// Names of nodes whose own slices count: those that are initialized and may take pods.
    pub nodes: BTreeSet<String>,
    /// Uids of pods that are going away, and whose devices can be had.
    pub deleting_pods: BTreeSet<String>,
}

/// The claims of a pod, in the order of its references, each once. `generated` are the names of
/// claims made for it, by reference; a reference without one asks for nothing.
///
/// # Errors
///
/// When a claim does not exist (yet).
pub fn resolve(
    namespace: &str,
    references: &[PodResourceClaim],
    generated: &BTreeMap<String, String>,
    claims: &BTreeMap<ObjectKey, Arc<ResourceClaim>>,
) -> Result<Vec<ObjectKey>, Refused> {
    let mut keys = Vec::new();
    for reference in references {
        let named = reference.resource_claim_name.as_ref();
        let Some(name) = named.or_else(|| generated.get(&reference.name)) else {
            continue;
        };
        let key = ObjectKey::new(namespace, name);
        if !claims.contains_key(&key) {
            return Err(Refused::ClaimMissing { claim: key });
        }
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}
