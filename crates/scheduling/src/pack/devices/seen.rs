//! Which nodes have refused pods like this one, so that they are not asked again.
//!
//! Pods are alike if their claims are of the same content, nobody else's, and without devices yet.
//! Devices of a node only become fewer while pods are placed, so its answer stays.

use std::collections::BTreeMap;

use ::devices::Refused;
use cluster::ObjectKey;
use rustc_hash::FxHashMap;

use super::{Ask, NodeId};
use crate::index::devices::Claiming;
use crate::problem::{DemandId, Problem};

/// What was refused.
pub(super) struct Seen {
    /// By class: the number of what its pod asks for, if it is comparable.
    kinds: BTreeMap<usize, usize>,
    refused: FxHashMap<(usize, NodeId, DemandId), Refused>,
}

impl Seen {
    /// Nothing was refused yet.
    pub(super) fn new(claiming: &Claiming, problem: &Problem) -> Self {
        let mut users: BTreeMap<&ObjectKey, usize> = BTreeMap::new();
        for key in claiming.classes.values().flatten() {
            *users.entry(key).or_default() += 1;
        }
        let mut ids: FxHashMap<String, usize> = FxHashMap::default();
        let mut kinds = BTreeMap::new();
        for (class, keys) in &claiming.classes {
            let own = |key: &ObjectKey| {
                let claim = claiming.claims.get(key)?;
                let alone = users.get(key) == Some(&1) && claim.status.allocation.is_none();
                alone.then(|| format!("{:?}", claim.spec))
            };
            let specs: Option<Vec<String>> = keys.iter().map(own).collect();
            let Some(specs) = specs else {
                continue;
            };
            let request = &problem.classes[*class].request;
            let next = ids.len();
            let kind = *ids.entry(format!("{specs:?} {request:?}")).or_insert(next);
            kinds.insert(*class, kind);
        }
        Self {
            kinds,
            refused: FxHashMap::default(),
        }
    }

    /// What the node has answered to such a pod.
    pub(super) fn refused(&self, ask: Ask, node: NodeId) -> Option<&Refused> {
        let kind = *self.kinds.get(&ask.class)?;
        self.refused.get(&(kind, node, ask.demand))
    }

    /// Notes what a node has answered.
    pub(super) fn note(&mut self, ask: Ask, node: NodeId, refused: &Refused) {
        if let Some(kind) = self.kinds.get(&ask.class) {
            let key = (*kind, node, ask.demand);
            self.refused.insert(key, refused.clone());
        }
    }

    /// Devices that several nodes can reach may have become free.
    pub(super) fn forget(&mut self) {
        self.refused.clear();
    }
}
