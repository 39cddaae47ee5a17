//! Pools with a fixed number of nodes: a drifted node is replaced by one of its own pool, and there
//! are never more than the limit. New nodes of such pools come for nothing else.

use std::collections::{BTreeMap, BTreeSet};

use model::Quantity;

use super::{Fault, Look, Reason};

/// Checks pools of fixed size, and names of new nodes.
pub(super) fn check(look: &Look<'_>, faults: &mut Vec<Fault>) {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut growth: BTreeMap<&str, usize> = BTreeMap::new();
    for (command, why) in look.commands() {
        let candidates = command.candidates.iter();
        let nodes: Vec<_> = candidates.filter_map(|c| look.node(&c.node)).collect();
        let fixed: Vec<_> = nodes.iter().filter(|node| look.is_fixed(node)).collect();
        for claim in &command.replacements {
            if !names.insert(&claim.name) {
                faults.push(Fault::SameName {
                    claim: claim.name.clone(),
                });
            }
            let pool = &*claim.pool;
            let own = fixed.iter().any(|node| node.pool() == Some(pool));
            if look.is_fixed_pool(pool) {
                *growth.entry(pool).or_default() += 1;
                if !own || why != Reason::Drifted && why != Reason::Expired {
                    faults.push(Fault::Fixed {
                        claim: claim.name.clone(),
                        pool: pool.to_owned(),
                    });
                }
            }
        }
        for node in &fixed {
            let of_pool = |pool: Option<&str>| pool == node.pool();
            let gone = fixed.iter().filter(|other| of_pool(other.pool())).count();
            let new = command
                .replacements
                .iter()
                .filter(|c| of_pool(Some(&c.pool)))
                .count();
            if gone != new || nodes.len() != fixed.len() {
                faults.push(Fault::OneForOne {
                    node: node.name().to_string(),
                });
            }
        }
    }
    for (pool, new) in growth {
        limits(look, pool, new, faults);
    }
}

fn limits(look: &Look<'_>, name: &str, new: usize, faults: &mut Vec<Fault>) {
    let mut pools = look.snapshot.pools.iter();
    let Some(state) = pools.find(|pool| pool.name() == name) else {
        return;
    };
    let managed = look
        .snapshot
        .nodes
        .iter()
        .filter(|node| node.claim.is_some());
    let of_pool: Vec<_> = managed.filter(|node| node.pool() == Some(name)).collect();
    let staying = of_pool.iter().filter(|node| !node.is_marked()).count();
    let replicas = state.pool.spec.replicas.unwrap_or_default();
    let replicas = usize::try_from(replicas).unwrap_or_default();
    if staying > replicas {
        faults.push(Fault::Shrinking {
            pool: name.to_owned(),
            nodes: staying,
            replicas,
        });
    }
    let nodes = of_pool.len() + new;
    let units = Quantity::from_units(i64::try_from(nodes).unwrap_or(i64::MAX));
    if let Some(limit) = state
        .pool
        .spec
        .limits
        .get("nodes")
        .filter(|limit| units > **limit)
    {
        faults.push(Fault::Surge {
            pool: name.to_owned(),
            nodes,
            limit: limit.to_string().parse().unwrap_or_default(),
        });
    }
}
