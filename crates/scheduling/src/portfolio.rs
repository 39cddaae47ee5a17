//! Which packings of a problem are tried, and which is taken.
//!
//! No greedy is never beaten by another on small problems, where ties and luck decide; a few
//! together almost are. How many are tried depends on the size of the problem in steps, never on
//! time, so the answer does not depend on the machine.

mod evacuate;

use crate::improve::{Prices, Work, improve};
use crate::options::{Effort, MinValuesPolicy, Options};
use crate::pack::{Counters, NodeId, Packed, listed, pack};
use crate::policy::{Charge, Order, Policy};
use crate::problem::{Pool, Problem, Watch};
use crate::view::Views;

use evacuate::evacuate;

/// Pods times planned nodes up to which packings that look at pods one by one are tried.
const ONE_BY_ONE_STEPS: u64 = 2_000_000;
/// Classes times planned nodes up to which further packings are tried.
const FURTHER_STEPS: u64 = 50_000;
/// Classes times planned nodes up to which each packing is made cheaper, not only the best.
const EACH_STEPS: u64 = 2_000;

/// The cheapest packing of those that place most pods; of equally good ones that with fewer nodes,
/// then the first.
pub(crate) fn best<'p>(
    problem: &'p Problem,
    views: &mut Views<'p>,
    options: &Options,
) -> (Packed, Counters) {
    let balanced = balanced(options);
    let first = pack(problem, views, &balanced);
    let mut counters = first.counters;
    // There is only one way to place one pod.
    let pods = problem.classes.iter().map(|class| u64::from(class.count));
    if options.effort == Effort::Single || first.puts.is_empty() || pods.sum::<u64>() <= 1 {
        return (first, counters);
    }
    let mut known = vec![first];
    for policy in policies(problem, &known[0], balanced) {
        let packed = pack(problem, views, &policy);
        counters.add(packed.counters);
        known.push(packed);
    }
    let scores: Vec<Score> = known
        .iter()
        .map(|packed| score(packed, problem, views))
        .collect();
    let mut order: Vec<usize> = (0..known.len()).collect();
    order.sort_by_key(|at| (scores[*at], *at));
    let small = steps(problem, &known[0]) <= EACH_STEPS;
    let prices = Prices {
        fee: options.node_cost.nanos(),
        by_cheapest: options.price_by_cheapest.max(1) as usize,
    };
    let mut best = (scores[order[0]], None);
    // The best alone is made cheaper, or where that costs little each that leaves no more pods.
    for at in order.iter().take(if small { known.len() } else { 1 }) {
        if scores[*at].0 > scores[order[0]].0 {
            break;
        }
        let work = (&balanced, prices, work(options.effort));
        let (improved, spent) = improve(problem, views, &known[*at], work);
        counters.add(spent);
        let Some(improved) = improved.filter(|improved| !improved.budgets.are_exceeded()) else {
            continue;
        };
        let new = score(&improved, problem, views);
        if is_better(new, best.0, options) {
            best = (new, Some(improved));
        }
    }
    let (score, best) = best;
    let best = best.unwrap_or_else(|| known.swap_remove(order[0]));
    if steps(problem, &best) > FURTHER_STEPS {
        return (best, counters);
    }
    let ways = [balanced, few_nodes(balanced)[0]];
    let (better, spent) = evacuate(problem, views, (&best, score), (&ways, options));
    counters.add(spent);
    (better.unwrap_or(best), counters)
}

/// Classes times planned nodes.
fn steps(problem: &Problem, packed: &Packed) -> u64 {
    problem.classes.len() as u64 * planned_nodes(packed)
}

/// The further packings that are tried, by the size of the problem.
fn policies(problem: &Problem, first: &Packed, balanced: Policy) -> Vec<Policy> {
    let pods = problem.classes.iter().map(|class| u64::from(class.count));
    let one_by_one = pods.sum::<u64>() * planned_nodes(first);
    let mut policies = few_nodes(balanced).to_vec();
    if has_limits(problem) && steps(problem, first) <= FURTHER_STEPS {
        let frugal = |policy: &Policy| Policy {
            charge: Charge::Largest,
            ..*policy
        };
        let others: Vec<Policy> = policies.iter().chain([&balanced]).map(frugal).collect();
        policies.extend(others);
    }
    policies.retain(|policy| !policy.first_fit || one_by_one <= ONE_BY_ONE_STEPS);
    if steps(problem, first) <= FURTHER_STEPS {
        policies.extend(further(balanced));
    }
    policies
}

/// Whether limits of some pool are watched while packing.
fn has_limits(problem: &Problem) -> bool {
    let watched = |pool: &Pool| !pool.limits.is_empty() && pool.watch == Watch::Closely;
    problem.pools.iter().any(watched)
}

/// How much is spent on making a packing cheaper.
fn work(effort: Effort) -> Work {
    match effort {
        Effort::Thorough => Work {
            rounds: 32,
            dissolutions: 1000,
            steps: 20_000_000,
        },
        Effort::Portfolio | Effort::Single => Work {
            rounds: 8,
            dissolutions: 100,
            steps: 2_000_000,
        },
    }
}

/// Whether a packing of the same pods is worth its nodes: it is not dearer, and it is cheaper with
/// what nodes cost beside their price.
fn is_better(new: Score, old: Score, options: &Options) -> bool {
    let fee = u128::from(options.node_cost.nanos());
    let whole = |(_, price, nodes): Score| price + fee * nodes as u128;
    new.0 <= old.0 && new.1 <= old.1 && whole(new) < whole(old)
}

/// Pods without a place, price, nodes.
type Score = (u64, u128, usize);

fn score(packed: &Packed, problem: &Problem, views: &Views<'_>) -> Score {
    let price = (problem.nodes.len()..packed.nodes.len())
        .map(|node| u128::from(launch_price(packed, node, problem, views)))
        .sum();
    (packed.unplaced(), price, packed.nodes.len())
}

/// What is launched for a node costs so much. Where limits or `minValues` count, a node may be
/// charged with a type that is dearer than the cheapest that its claim lists.
fn launch_price(packed: &Packed, node: NodeId, problem: &Problem, views: &Views<'_>) -> u64 {
    let nodes = &packed.nodes;
    let view = nodes.view[node];
    let pool = views.pool(view).map(|pool| &problem.pools[pool]);
    let (Some(pool), Some(kind)) = (pool.filter(|pool| pool.is_picky()), nodes.kind(node)) else {
        return nodes.price[node];
    };
    let shelf = views.shelf(view);
    let holding: Vec<usize> = shelf.holding(nodes.used(node)).collect();
    let of = |kind: u32| {
        holding
            .iter()
            .copied()
            .find(|slot| shelf.slot(*slot).kind == kind)
    };
    let listed = of(kind).map(|slot| listed(pool, shelf, &holding, slot, &[]));
    let cheapest = listed.and_then(|kinds| of(*kinds.first()?));
    cheapest.map_or(nodes.price[node], |slot| shelf.slot(slot).price)
}

fn planned_nodes(packed: &Packed) -> u64 {
    packed
        .nodes
        .price
        .iter()
        .filter(|price| **price > 0)
        .count() as u64
}

/// The one that is best on average.
pub(crate) fn balanced(options: &Options) -> Policy {
    Policy {
        order: Order::ByCost,
        first_fit: false,
        candidates: 4,
        patience: 1500,
        node_fee: options.node_cost.nanos(),
        relax_min_values: options.min_values_policy == MinValuesPolicy::BestEffort,
        charge: Charge::Launched,
    }
}

/// Those that open no node while another can grow; the second is the reference's own.
fn few_nodes(balanced: Policy) -> [Policy; 2] {
    let few = Policy {
        order: Order::BySize,
        patience: 100_000,
        ..balanced
    };
    let reference = Policy {
        first_fit: true,
        ..few
    };
    [few, reference]
}

/// Others that were found to be the cheapest now and then.
fn further(balanced: Policy) -> [Policy; 5] {
    [
        Policy {
            patience: 1000,
            candidates: 24,
            node_fee: 0,
            ..balanced
        },
        Policy {
            patience: 3000,
            candidates: 200,
            ..balanced
        },
        Policy {
            patience: 100_000,
            ..balanced
        },
        Policy {
            order: Order::BySize,
            patience: 2000,
            candidates: 24,
            ..balanced
        },
        Policy {
            patience: 2000,
            candidates: 1,
            ..balanced
        },
    ]
}

#[cfg(test)]
mod tests;
