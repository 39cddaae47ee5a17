//! A pass from end to end.

use cluster::Snapshot;
use model::Timestamp;

use crate::index::index;
use crate::options::{Batch, Options};
use crate::placement::Placement;
use crate::portfolio::best;
use crate::view::Views;
use crate::{bound, claims, explain};

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
    let (packed, counters) = best(&index.problem, &mut views, options);
    let (new_claims, existing) = claims::claims(&index, &views, &packed, seed);
    let unplaced = explain::unplaced(&index, &mut views, &packed, batch);
    Placement {
        new_claims,
        existing,
        unplaced,
        counters,
        lower_bound: bound::lower_bound(&index.problem, &mut views, &packed),
    }
}
