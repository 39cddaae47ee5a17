//! Every pod of the batch has exactly one answer, and nobody else has any.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{PodRecord, Snapshot};
use model::Timestamp;
use scheduling::{Batch, BatchPods, Placement};

use super::violation::Violation;

/// Checks who is placed.
pub(super) fn check(
    snapshot: &Snapshot,
    batch: &Batch,
    now: Timestamp,
    placement: &Placement,
    violations: &mut Vec<Violation>,
) {
    let placed: Vec<&PodRecord> = placement
        .new_claims
        .iter()
        .flat_map(|claim| &claim.pods)
        .chain(
            placement
                .existing
                .iter()
                .flat_map(|existing| &existing.pods),
        )
        .map(|pod| &**pod)
        .collect();
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    let unplaced = placement.unplaced.iter().map(|unplaced| &*unplaced.pod);
    for pod in placed.iter().copied().chain(unplaced) {
        *answers.entry(pod.key().to_string()).or_default() += 1;
    }
    for (pod, times) in answers.iter().filter(|(_, times)| **times > 1) {
        violations.push(Violation::Repeated {
            pod: pod.clone(),
            times: *times,
        });
    }
    let asked = asked(snapshot, batch, now);
    for pod in asked.iter().filter(|pod| !answers.contains_key(*pod)) {
        violations.push(Violation::Forgotten { pod: pod.clone() });
    }
    for pod in placed {
        let name = pod.key().to_string();
        if !asked.contains(&name) || !pod.shape.problems.is_empty() && pod.node.is_none() {
            violations.push(Violation::Unasked { pod: name.clone() });
        }
    }
    let mut names = BTreeSet::new();
    for claim in placement
        .new_claims
        .iter()
        .filter(|claim| !names.insert(&claim.name))
    {
        violations.push(Violation::SameName {
            claim: claim.name.clone(),
        });
    }
}

/// The pods that need an answer.
fn asked(snapshot: &Snapshot, batch: &Batch, now: Timestamp) -> BTreeSet<String> {
    let pending = snapshot
        .pending
        .iter()
        .filter(|_| batch.pods == BatchPods::PendingAndDisplaced)
        .flat_map(|group| group.pods.iter());
    let mut asked = displaced(snapshot, batch, now);
    asked.extend(pending.map(|pod| pod.key().to_string()));
    asked
}

/// The pods of nodes that go and that come back elsewhere.
pub(super) fn displaced(snapshot: &Snapshot, batch: &Batch, now: Timestamp) -> BTreeSet<String> {
    snapshot
        .nodes
        .iter()
        .filter(|node| node.is_marked() || batch.without.contains(&**node.name()))
        .flat_map(|node| &node.pods)
        .filter(|pod| snapshot.budgets.can_move(pod, now) && !snapshot.is_planned(pod))
        .map(|pod| pod.key().to_string())
        .collect()
}
