//! Which nodes may go at all, whatever the reason.

use catalog::CapacityType;
use cluster::disposition::{is_disruptable, protection};
use cluster::{Blocking, NodeState, PoolState, Snapshot};
use model::Timestamp;

use crate::command::Candidate;
use crate::cost::{price, reschedulable_pods, reschedule_cost};
use crate::{Class, Why};

/// The node as a candidate, with its pool; or why it stays.
pub(crate) fn candidate<'s>(
    snapshot: &'s Snapshot,
    node: &NodeState,
    class: Class,
    now: Timestamp,
) -> Result<(Candidate, &'s PoolState), Why> {
    let claim = node.claim.as_ref().ok_or(Why::NotManaged)?;
    if node.node.is_none() {
        return Err(Why::NoNode);
    }
    if !node.is_initialized() {
        return Err(Why::NotInitialized);
    }
    if node.is_marked() {
        return Err(Why::Going);
    }
    if let Some(until) = node.nominated_until.filter(|_| node.is_nominated(now)) {
        return Err(Why::Nominated { until });
    }
    if let Some(until) = node.resting_until.filter(|until| now < *until) {
        return Err(Why::Resting { until });
    }
    let annotations = [node.annotations(), &claim.metadata.annotations];
    if annotations.iter().any(|map| {
        map.get(api::labels::DO_NOT_DISRUPT)
            .is_some_and(|v| v == "true")
    }) {
        return Err(Why::DoNotDisrupt);
    }
    let name = node.pool().ok_or(Why::NoPool)?;
    let pool = snapshot.pool(name).ok_or_else(|| Why::PoolNotFound {
        pool: name.to_owned(),
    })?;
    if pool.types.is_empty() {
        return Err(Why::NoInstanceTypes {
            pool: name.to_owned(),
        });
    }
    let deadline = claim.spec.termination_grace_period.is_some();
    if !(class == Class::Eventual && deadline) {
        check_pods(snapshot, node, now)?;
    }
    let price = price(node, pool);
    let hourly = price.map_or(0.0, |price| price.nanos() as f64 / 1e9);
    let candidate = Candidate {
        node: node.name().clone(),
        claim: claim.metadata.name.as_str().into(),
        provider_id: node.provider_id().into(),
        pool: name.into(),
        price,
        is_spot: node.capacity_type() == Some(CapacityType::Spot.as_str()),
        pods: reschedulable_pods(node),
        cost: reschedule_cost(node),
        savings_ratio: hourly / reschedule_cost(node),
    };
    Ok((candidate, pool))
}

/// Whether every pod of the node may be evicted now, each for itself.
pub(crate) fn check_pods(snapshot: &Snapshot, node: &NodeState, now: Timestamp) -> Result<(), Why> {
    for pod in &node.pods {
        if !is_disruptable(pod, now) {
            return Err(Why::ProtectedPod {
                pod: pod.key(),
                protection: protection(pod, now),
            });
        }
    }
    for pod in &node.pods {
        let budgets = snapshot.budgets.blocking(pod, Blocking::Now, now);
        if !budgets.is_empty() {
            return Err(Why::BlockedPod {
                pod: pod.key(),
                budgets,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
