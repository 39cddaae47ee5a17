//! Whether pods have left a node alone for long enough: what the condition `Consolidatable` says.
//!
//! What is *not* here: writing the condition, and the time of the last pod event.

use api::{NodeClaim, NodePool};
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

#[cfg(test)]
mod tests;
