//! Limits of pools: they hold whatever of the listed types the provider launches, once the nodes
//! are gone that the batch is without.

use std::collections::BTreeMap;

use cluster::Snapshot;
use model::{Quantity, ResourceList};
use scheduling::{Batch, Placement};

use super::violation::Violation;

/// Checks each pool with limits.
pub(super) fn check(
    snapshot: &Snapshot,
    batch: &Batch,
    placement: &Placement,
    violations: &mut Vec<Violation>,
) {
    for state in snapshot
        .pools
        .iter()
        .filter(|state| !state.pool.spec.limits.is_empty())
    {
        let claims = placement
            .new_claims
            .iter()
            .filter(|claim| &*claim.pool == state.name());
        let mut growth: BTreeMap<&str, Quantity> = BTreeMap::new();
        let mut new_nodes = 0;
        for claim in claims {
            new_nodes += 1;
            let mut largest = ResourceList::new();
            for instance_type in claim.instance_types.iter() {
                for (resource, amount) in &instance_type.capacity {
                    let entry = largest.entry(resource.clone()).or_default();
                    *entry = (*entry).max(*amount);
                }
            }
            for resource in state.pool.spec.limits.keys() {
                let amount = largest.get(resource).copied().unwrap_or_default();
                *growth.entry(resource).or_default() += amount;
            }
        }
        if new_nodes == 0 {
            continue;
        }
        *growth.entry("nodes").or_default() += Quantity::from_units(new_nodes);
        for (resource, limit) in &state.pool.spec.limits {
            let of = |list: &ResourceList| list.get(resource).copied().unwrap_or_default();
            let grown = growth.get(resource.as_str()).copied().unwrap_or_default();
            let total = of(&used(snapshot, batch, state.name())) + of(&state.in_flight) + grown;
            if total > *limit && grown > Quantity::ZERO {
                violations.push(Violation::Limit {
                    pool: state.name().to_owned(),
                    resource: resource.clone(),
                    total,
                    limit: *limit,
                });
            }
        }
    }
}

/// What a pool's nodes have that stay, counted node by node.
fn used(snapshot: &Snapshot, batch: &Batch, pool: &str) -> ResourceList {
    let mut used = ResourceList::new();
    let of_pool = |node: &&std::sync::Arc<cluster::NodeState>| node.pool() == Some(pool);
    for node in snapshot
        .nodes
        .iter()
        .filter(of_pool)
        .filter(|node| !node.is_marked() && !batch.without.contains(&**node.name()))
    {
        *used.entry("nodes".to_owned()).or_default() += Quantity::from_units(1);
        for (resource, amount) in node.capacity_list() {
            *used.entry(resource).or_default() += amount;
        }
    }
    used
}
