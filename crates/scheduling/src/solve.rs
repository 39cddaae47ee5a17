//! A pass from end to end.

use cluster::Snapshot;
use model::Timestamp;

use crate::index::{Index, index};
use crate::options::{Batch, Effort, MinValuesPolicy, Options};
use crate::pack::{Counters, Packed, pack};
use crate::placement::Placement;
use crate::policy::{Order, Policy};
use crate::view::Views;
use crate::{bound, claims, explain};

/// From so many pods times planned nodes on, the reference's policy is not tried any more: it looks at
/// pods one by one, and on large problems it is never the cheapest.
const FIRST_FIT_STEPS: u64 = 40_000_000;

/// Gives every pod of the batch a node, or the reasons why it gets none.
///
/// `seed` decides only what nothing else does: the values of labels that a pool leaves open.
pub fn solve(
    snapshot: &Snapshot,
    batch: &Batch,
    options: &Options,
    now: Timestamp,
    seed: u64,
) -> Placement {
    let index = index(snapshot, batch, options, now);
    let mut views = Views::new(&index.problem);
    let (packed, counters) = best(&index, &mut views, options);
    let (new_claims, existing) = claims::claims(&index, &mut views, &packed, seed);
    let unplaced = explain::unplaced(&index, &mut views, &packed, batch);
    Placement {
        new_claims,
        existing,
        unplaced,
        counters,
        lower_bound: bound::lower_bound(&index.problem, &mut views, &packed),
    }
}

/// The cheapest packing of those that place most pods; of equally good ones the first.
fn best<'p>(index: &'p Index<'_>, views: &mut Views<'p>, options: &Options) -> (Packed, Counters) {
    let problem = &index.problem;
    let mut counters = Counters::default();
    let mut best: Option<Packed> = None;
    for policy in policies(options) {
        if policy.first_fit && best.as_ref().is_some_and(is_large) {
            continue;
        }
        let packed = pack(problem, views, &policy);
        counters.add(packed.counters);
        let better = best.as_ref().is_none_or(|best| score(&packed) < score(best));
        if better {
            best = Some(packed);
        }
    }
    let packed = best.unwrap_or_else(|| unreachable!("there is always a policy"));
    (packed, counters)
}

fn score(packed: &Packed) -> (u64, u128, usize) {
    (packed.unplaced(), packed.price(), packed.nodes.len())
}

fn is_large(packed: &Packed) -> bool {
    let pods: u64 = packed.puts.iter().map(|put| u64::from(put.count)).sum();
    pods * packed.nodes.len() as u64 > FIRST_FIT_STEPS
}

/// The packings that are tried, best on average first.
fn policies(options: &Options) -> Vec<Policy> {
    let balanced = Policy {
        order: Order::ByCost,
        first_fit: false,
        candidates: 4,
        patience: 1500,
        node_fee: options.node_cost.nanos(),
        relax_min_values: options.min_values_policy == MinValuesPolicy::BestEffort,
    };
    let few_nodes = Policy {
        order: Order::BySize,
        patience: 100_000,
        ..balanced
    };
    let reference = Policy {
        first_fit: true,
        order: Order::BySize,
        ..balanced
    };
    match options.effort {
        Effort::Single => vec![balanced],
        Effort::Portfolio => vec![balanced, few_nodes, reference],
    }
}
