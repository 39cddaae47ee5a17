//! What a node costs, and what it costs to make its pods move.

use catalog::Price;
use cluster::disposition::is_reschedulable;
use cluster::{NodeState, PodRecord, PoolState, pod::POD_DELETION_COST};

/// How much it hurts to evict a pod: 1 for an ordinary one, more for important ones, less for
/// expendable ones; between -10 and 10.
///
/// `1 + deletion cost / 2^27 + priority / 2^25`: the scales make the largest deletion cost and the
/// largest user priority weigh about as much as a dozen pods.
pub fn eviction_cost(pod: &PodRecord) -> f64 {
    let deletion = pod.shape.annotations.get(POD_DELETION_COST);
    let deletion = deletion
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(0.0);
    let priority = pod.shape.spec.priority.map_or(0.0, f64::from);
    let cost = 1.0 + deletion / f64::from(1 << 27) + priority / f64::from(1 << 25);
    if cost.is_nan() {
        1.0
    } else {
        cost.clamp(-10.0, 10.0)
    }
}

/// How much it hurts to make a node's pods move: 1 for the node, and what each pod that comes back
/// elsewhere costs. Pods whose cost is negative count as nothing.
pub fn reschedule_cost(node: &NodeState) -> f64 {
    let pods = node.pods.iter().filter(|pod| is_reschedulable(pod));
    1.0 + pods.map(|pod| eviction_cost(pod).max(0.0)).sum::<f64>()
}

/// How many pods need a place elsewhere when the node goes.
pub fn reschedulable_pods(node: &NodeState) -> usize {
    node.pods.iter().filter(|pod| is_reschedulable(pod)).count()
}

/// What a node costs an hour; none if its labels name no offering that the pool knows.
pub fn price(node: &NodeState, pool: &PoolState) -> Option<Price> {
    let instance_type = pool.instance_type(node.instance_type()?)?;
    let (zone, capacity_type) = (node.zone()?, node.capacity_type()?);
    let offering = instance_type.offerings.iter().find(|offering| {
        &*offering.zone == zone && offering.capacity_type.as_str() == capacity_type
    })?;
    Some(offering.price)
}

#[cfg(test)]
mod tests;
