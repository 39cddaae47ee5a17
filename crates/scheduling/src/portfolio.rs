//! Which packings of a problem are tried, and which is taken.
//!
//! No greedy is never beaten by another on small problems, where ties and luck decide; a few
//! together almost are. How many are tried depends on the size of the problem in steps, never on
//! time, so the answer does not depend on the machine.

use crate::options::{Effort, MinValuesPolicy, Options};
use crate::pack::{Counters, Packed, pack, pack_by_ratio};
use crate::policy::{Order, Policy};
use crate::problem::Problem;
use crate::view::Views;

/// Pods times planned nodes up to which packings that look at pods one by one are tried.
const ONE_BY_ONE_STEPS: u64 = 40_000_000;
/// Classes times planned nodes up to which further packings are tried.
const FURTHER_STEPS: u64 = 50_000;

/// The cheapest packing of those that place most pods; of equally good ones that with fewer nodes,
/// then the first.
pub(crate) fn best<'p>(
    problem: &'p Problem,
    views: &mut Views<'p>,
    options: &Options,
) -> (Packed, Counters) {
    let balanced = balanced(options);
    let mut best = pack(problem, views, &balanced);
    let mut counters = best.counters;
    if options.effort == Effort::Single || best.puts.is_empty() {
        return (best, counters);
    }
    let planned = planned_nodes(&best);
    let classes = problem.classes.len() as u64;
    let pods: u64 = problem
        .classes
        .iter()
        .map(|class| u64::from(class.count))
        .sum();
    let mut keep = |packed: Packed| {
        counters.add(packed.counters);
        if score(&packed) < score(&best) {
            best = packed;
        }
    };
    for policy in few_nodes(balanced) {
        if !policy.first_fit || pods * planned <= ONE_BY_ONE_STEPS {
            keep(pack(problem, views, &policy));
        }
    }
    if classes * planned <= FURTHER_STEPS {
        for policy in further(balanced) {
            keep(pack(problem, views, &policy));
        }
        if let Some(packed) = pack_by_ratio(problem, views, &balanced) {
            keep(packed);
        }
    }
    (best, counters)
}

fn score(packed: &Packed) -> (u64, u128, usize) {
    (packed.unplaced(), packed.price(), packed.nodes.len())
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
fn balanced(options: &Options) -> Policy {
    Policy {
        order: Order::ByCost,
        first_fit: false,
        candidates: 4,
        patience: 1500,
        node_fee: options.node_cost.nanos(),
        relax_min_values: options.min_values_policy == MinValuesPolicy::BestEffort,
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
