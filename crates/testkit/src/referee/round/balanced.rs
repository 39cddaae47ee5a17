//! Pools that weigh what is saved against the pods that move.

use api::ConsolidationPolicy;
use catalog::Price;
use cluster::NodeState;

use super::facts::{moving_cost, price};
use super::{Fault, Look, Reason};

/// The least score of a change.
const THRESHOLD: f64 = 0.5;
/// Sums of floats in another order differ a little.
const ROUNDING: f64 = 1e-9;

/// Checks the score of each command in each pool that asks for one.
pub(super) fn check(look: &Look<'_>, faults: &mut Vec<Fault>) {
    for (at, (command, why)) in look.commands().enumerate() {
        let weighs =
            |policy| policy == ConsolidationPolicy::Balanced && why == Reason::Underutilized;
        let dollars = |node: &NodeState| price(look.snapshot, node).map_or(0.0, Price::dollars);
        let taken: Vec<&NodeState> = command
            .candidates
            .iter()
            .filter_map(|candidate| look.node(&candidate.node))
            .collect();
        let before: f64 = taken.iter().map(|node| dollars(node)).sum();
        let after: f64 = command
            .replacements
            .iter()
            .map(|c| c.launch.price.dollars())
            .sum();
        for state in look.snapshot.pools.iter() {
            let of_pool = |node: &&NodeState| node.pool() == Some(state.name());
            let own: Vec<&NodeState> = taken.iter().copied().filter(of_pool).collect();
            if own.is_empty() || !weighs(state.pool.spec.disruption.consolidation_policy) {
                continue;
            }
            let own_price: f64 = own.iter().map(|node| dollars(node)).sum();
            let own_cost: f64 = own.iter().map(|node| moving_cost(node)).sum();
            let nodes = look
                .snapshot
                .nodes
                .iter()
                .map(|node| &**node)
                .filter(|node| of_pool(node) && node.claim.is_some());
            let (mut whole_price, mut whole_cost) = (0.0, 0.0);
            for node in nodes {
                whole_price += dollars(node);
                whole_cost += moving_cost(node);
            }
            let savings = (before - after) * own_price / before;
            let score = (savings / whole_price) / (own_cost / whole_cost);
            // What is no number is no score.
            if !(score >= THRESHOLD - ROUNDING && savings > 0.0) {
                faults.push(Fault::Score {
                    command: at,
                    pool: state.name().to_owned(),
                    score,
                });
            }
        }
    }
}
