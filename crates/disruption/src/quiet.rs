//! Whether pods have left a node alone for long enough: what the condition `Consolidatable` says.
//!
//! What is *not* here: writing the condition, and the time of the last pod event.

use api::{NodeClaim, NodePool};
use cluster::{NodeState, Snapshot};
use model::Timestamp;

/// What the condition `Consolidatable` of a claim should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// `True`.
    Yes,
    /// Absent for now; to be looked at again then.
    NotBefore(Timestamp),
    /// Absent until something changes.
    Never,
    /// None of our business: the pool has a fixed number of nodes.
    NotOurs,
}

/// What the condition should be.
pub fn decide(claim: &NodeClaim, pool: &NodePool, now: Timestamp) -> Quiet {
    if pool.spec.replicas.is_some() {
        return Quiet::NotOurs;
    }
    match quiet_at(claim, pool) {
        None => Quiet::Never,
        Some(at) if now < at => Quiet::NotBefore(at),
        Some(_) => Quiet::Yes,
    }
}

/// When the claim's node will have been left alone for long enough: `consolidateAfter` from the
/// last pod event or, before there was any, from its initialization. None if it never will, as
/// things are.
pub fn quiet_at(claim: &NodeClaim, pool: &NodePool) -> Option<Timestamp> {
    let after = pool.spec.disruption.consolidate_after.get()?;
    let initialized = claim
        .status
        .conditions
        .iter()
        .find(|held| held.r#type == "Initialized")?;
    if initialized.status != "True" {
        return None;
    }
    let initialized = initialized.last_transition_time.unwrap_or(Timestamp::EPOCH);
    if after.is_zero() {
        return Some(initialized);
    }
    Some(claim.status.last_pod_event_time.unwrap_or(initialized) + after)
}

/// Whether pods came to or left a node a short while ago, so that no pods are moved there for
/// consolidation: it may be about to go itself. A node whose pool does not say when it is quiet, or
/// that is not complete, is never in that state.
pub fn is_settling(snapshot: &Snapshot, node: &NodeState, now: Timestamp) -> bool {
    let Some(claim) = &node.claim else {
        return false;
    };
    let Some(state) = node.pool().and_then(|name| snapshot.pool(name)) else {
        return false;
    };
    let after = state.pool.spec.disruption.consolidate_after.get();
    after.is_some_and(|after| !after.is_zero())
        && quiet_at(claim, &state.pool).is_some_and(|at| now < at)
}

/// When pods last came to the claim's node or left it or, before any did, when it was initialized;
/// none if it is not.
pub fn filled(claim: &NodeClaim) -> Option<Timestamp> {
    let conditions = &claim.status.conditions;
    let initialized = conditions.iter().find(|held| held.r#type == "Initialized");
    let initialized = initialized.filter(|held| held.status == "True")?;
    let began = initialized.last_transition_time;
    claim.status.last_pod_event_time.max(began)
}

#[cfg(test)]
mod tests;
