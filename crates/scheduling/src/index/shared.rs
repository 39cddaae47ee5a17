//! Claims that several pods share, or that some node has attached: on a node they count once,
//! however many of its pods name them. Each has a bit that a node has as soon as it has the volume
//! attached.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::{NodeState, ObjectKey, Snapshot};

use super::amounts::Amounts;
use super::pods::Group;
use super::ports::Bits;
use crate::options::Batch;
use crate::problem::SharedClaim;
use crate::volumes::{self, Attach, AttachDemand};

/// The claims of pods of the batch that another pod of it names too, or that a node has attached.
/// None where no node has a limit.
pub(super) fn names(snapshot: &Snapshot, batch: &Batch, groups: &[Group]) -> BTreeSet<ObjectKey> {
    if snapshot.volumes.csi_nodes.is_empty() {
        return BTreeSet::new();
    }
    let mut named: BTreeMap<ObjectKey, usize> = BTreeMap::new();
    for group in groups {
        let pods = group.pods.iter().filter(|pod| volumes::has_claims(pod));
        for claim in pods.flat_map(|pod| volumes::claims(pod).collect::<BTreeSet<_>>()) {
            *named.entry(claim).or_default() += 1;
        }
    }
    if named.is_empty() {
        return BTreeSet::new();
    }
    let stays =
        |node: &&Arc<NodeState>| !node.is_marked() && !batch.without.contains(&**node.name());
    let nodes = || snapshot.nodes.iter().filter(stays);
    let running = nodes().flat_map(|node| &node.pods);
    let running = running.filter(|pod| volumes::has_claims(pod));
    let mut there: BTreeSet<ObjectKey> = running.flat_map(|pod| volumes::claims(pod)).collect();
    let held = volumes::held(&snapshot.volumes);
    for attached in nodes().filter_map(|node| held.get(&**node.name())) {
        there.extend(attached.values().flatten().cloned());
    }
    let shared = named
        .into_iter()
        .filter(|(claim, pods)| *pods > 1 || there.contains(claim));
    shared.map(|(claim, _)| claim).collect()
}

/// Claims that are shared, by driver, with their bits.
#[derive(Debug, Default)]
pub(super) struct SharedClaims(BTreeMap<Arc<str>, BTreeMap<ObjectKey, SharedClaim>>);

impl SharedClaims {
    /// Gives each shared claim of these pods a bit.
    pub(super) fn new<'a>(
        demands: impl Iterator<Item = &'a AttachDemand>,
        amounts: &Amounts,
        bits: &mut Bits,
    ) -> Self {
        let mut all = Self::default();
        for (driver, claims) in demands.flat_map(|demand| &demand.shared) {
            let Some(dim) = amounts.driver_dim(driver) else {
                continue;
            };
            let known = all.0.entry(driver.clone()).or_default();
            for claim in claims {
                known.entry(claim.clone()).or_insert_with(|| SharedClaim {
                    bit: bits.another(),
                    dim,
                });
            }
        }
        all
    }

    /// Those of a pod, sorted.
    pub(super) fn of(&self, demand: &AttachDemand) -> Vec<SharedClaim> {
        let mut found = self.among(&demand.shared);
        found.sort_unstable();
        found
    }

    /// The bits of those that are attached.
    pub(super) fn bits(&self, attached: &Attach) -> impl Iterator<Item = usize> {
        self.among(attached).into_iter().map(|shared| shared.bit)
    }

    fn among(&self, attach: &Attach) -> Vec<SharedClaim> {
        let mut found = Vec::new();
        for (driver, claims) in attach {
            if let Some(known) = self.0.get(driver) {
                found.extend(claims.iter().filter_map(|claim| known.get(claim)).copied());
            }
        }
        found
    }
}
