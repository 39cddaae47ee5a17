//! A pass from end to end.

use cluster::Snapshot;
use model::Timestamp;

use crate::index::{Index, index};
use crate::memory::Memory;
use crate::options::{Batch, Effort, Options};
use crate::pack::devices;
use crate::placement::Placement;
use crate::portfolio::{balanced, best};
use crate::problem::Watch;
use crate::view::Views;
use crate::{bound, claims, explain, zones};

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
    solve_with(&mut Memory::default(), snapshot, batch, options, now, seed)
}

/// The same with a memory of earlier passes. The answer does not depend on it.
pub fn solve_with(
    memory: &mut Memory,
    snapshot: &Snapshot,
    batch: &Batch,
    options: &Options,
    now: Timestamp,
    seed: u64,
) -> Placement {
    let mut index = index(memory, snapshot, batch, options, now);
    let policy = balanced(options);
    devices::place(&mut index, &policy);
    if let Some(placement) = attempt(&index, batch, options, seed) {
        return placement;
    }
    for pool in &mut index.problem.pools {
        pool.watch = Watch::Closely;
    }
    devices::place(&mut index, &policy);
    attempt(&index, batch, options, seed)
        .unwrap_or_else(|| unreachable!("limits that are watched are kept"))
}

/// How many classes of equal pods a pass tells apart. All that [`solve`] does before it places
/// anything is done for it, which is what those want who measure.
pub fn classes(snapshot: &Snapshot, batch: &Batch, options: &Options, now: Timestamp) -> usize {
    let mut memory = Memory::default();
    let index = index(&mut memory, snapshot, batch, options, now);
    index.problem.classes.len()
}

/// A pass; none if a limit that was not watched is exceeded.
fn attempt(index: &Index<'_>, batch: &Batch, options: &Options, seed: u64) -> Option<Placement> {
    let mut views = Views::new(&index.problem);
    let (packed, counters) = best(&index.problem, &mut views, options);
    if packed.budgets.are_exceeded() {
        return None;
    }
    let (new_claims, existing) = claims::claims(index, &views, &packed, seed);
    let unplaced = explain::unplaced(index, &mut views, &packed, batch);
    let effective_zones = match options.effort {
        Effort::Single => Vec::new(),
        Effort::Portfolio | Effort::Thorough => zones::effective(index),
    };
    Some(Placement {
        new_claims,
        existing,
        unplaced,
        counters,
        effective_zones,
        lower_bound: bound::lower_bound(&index.problem, &mut views, &packed, options.lower_bound),
    })
}
