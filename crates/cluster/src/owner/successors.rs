//! Pods that come in the place of others that a claim is on its way for: the claim is for them
//! then. A node that is drained while its successor is still being launched would otherwise get
//! two.
//!
//! Who comes in whose place is told by the workload and not by the shape: a pod has labels of its
//! node's place once it is bound. Pods of StatefulSets need none of this: the new one has the name
//! of the old one.
//!
//! What is *not* here: which pods claims are on their way for (`pending`), and their end
//! (`intents`).

use std::sync::Arc;

use super::{Cluster, ObjectKey};
use crate::event::Touched;
use crate::pod::{OwnerKind, PodRecord};
use crate::selection;

/// A workload whose pods are alike: namespace, kind and name.
pub(super) type Team = (Arc<str>, OwnerKind, Box<str>);

fn team(pod: &PodRecord) -> Option<Team> {
    let owner = &pod.shape.owner;
    let name = match owner.kind {
        OwnerKind::ReplicaSet | OwnerKind::ReplicationController => owner.name.clone(),
        // The name of a Job is not part of what its pods share, but they are labelled with it.
        OwnerKind::Job => pod.label("batch.kubernetes.io/job-name")?.into(),
        _ => return None,
    };
    Some((pod.shape.namespace.clone(), owner.kind, name))
}

impl Cluster {
    /// Notes that a pod has gone or goes, if a claim is on its way for it.
    pub(super) fn vacate(&mut self, pod: &PodRecord) {
        let key = ObjectKey::new(pod.namespace(), &pod.name);
        if !self.pending.planned.contains_key(&key) {
            return;
        }
        if let Some(team) = team(pod) {
            self.pending.vacant.entry(team).or_default().insert(key);
        }
    }

    /// Hands the claim of a pod that has gone or goes to an unbound one of the same workload that
    /// would need one.
    pub(super) fn succeed(&mut self, pod: &Arc<PodRecord>, touched: &mut Touched) {
        let key = ObjectKey::new(pod.namespace(), &pod.name);
        if self.pending.vacant.is_empty()
            || selection::untaken(pod).is_some()
            || self.pending.planned.contains_key(&key)
        {
            return;
        }
        let Some((old, claim)) = self.vacancy(pod) else {
            return;
        };
        let planned = Arc::make_mut(&mut self.pending.planned);
        planned.remove(&old);
        planned.insert(key, claim);
        self.reconsider(&old, touched);
    }

    /// Takes a place out of those that a pod can have.
    fn vacancy(&mut self, pod: &PodRecord) -> Option<(ObjectKey, Arc<str>)> {
        let team = team(pod)?;
        let mut places = self.pending.vacant.remove(&team)?;
        let mut found = None;
        while found.is_none()
            && let Some(key) = places.pop_first()
        {
            // A pod of that name may have come meanwhile.
            let holder = self.pods.get(&key.namespace, &key.name);
            if holder.is_none_or(|pod| is_going(pod)) {
                let claim = self.pending.planned.get(&key).cloned();
                found = claim.map(|claim| (key, claim));
            }
        }
        if !places.is_empty() {
            self.pending.vacant.insert(team, places);
        }
        found
    }
}

/// Whether a pod has ended, or its deletion has been asked for.
pub(super) fn is_going(pod: &PodRecord) -> bool {
    pod.is_terminal() || pod.is_terminating()
}
