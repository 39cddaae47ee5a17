//! A pass: again and again the node with the best price for what it holds is opened, as often as
//! what it holds is left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::fill::{Fill, Scratch, Weighting, fill, ordered};
use super::model::{Model, NodeCost};
use super::units::{Contents, UnitId};

/// Equal nodes.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// What was filled.
    pub(super) bin: u32,
    /// What each holds.
    pub(super) contents: Contents,
    /// What each costs.
    pub(super) cost: NodeCost,
    /// How many there are.
    pub(super) copies: u32,
}

/// What a pass works on.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    /// What a pod of each unit is worth.
    pub(super) values: &'a [f64],
    /// Units of which pods are left.
    pub(super) active: &'a [UnitId],
    /// Bins that may be opened.
    pub(super) bins: &'a [u32],
    /// How units are ordered; the best order counts.
    pub(super) weightings: &'a [Weighting],
    /// A pass that costs as much as this is given up.
    pub(super) below: u64,
}

/// Bins with the best price for value while nothing is taken, at most so many.
pub(super) fn most_promising(
    model: &Model<'_>,
    task: Task<'_>,
    left: &[u32],
    (most, scratch): (usize, &mut Scratch),
) -> Vec<u32> {
    let candidates = candidates(model, task, left, scratch);
    let mut bins: Vec<(u64, u32)> = candidates
        .iter()
        .filter_map(|candidate| Some((ratio(candidate.fill.as_ref()?), candidate.bin)))
        .collect();
    bins.sort_unstable();
    bins.truncate(most);
    bins.into_iter().map(|(_, bin)| bin).collect()
}

/// A bin while a pass runs.
struct Candidate {
    bin: u32,
    orders: Vec<Vec<UnitId>>,
    /// How many units were gone when the orders were thinned out.
    gone: usize,
    fill: Option<Fill>,
}

/// Gives all that is left a node; none if that can't be done below the cost that is allowed.
pub(super) fn pass(
    model: &Model<'_>,
    task: Task<'_>,
    left: &mut [u32],
    scratch: &mut Scratch,
) -> Option<Vec<Opened>> {
    let mut candidates = candidates(model, task, left, scratch);
    let mut heap: BinaryHeap<Reverse<(u64, usize)>> = (0..candidates.len())
        .filter_map(|at| Some(Reverse((ratio(candidates[at].fill.as_ref()?), at))))
        .collect();
    let mut units_left = task
        .active
        .iter()
        .filter(|unit| left[**unit as usize] > 0)
        .count();
    let mut opened: Vec<Opened> = Vec::new();
    let mut spent = 0_u64;
    while units_left > 0 {
        let Reverse((_, at)) = heap.pop()?;
        let candidate = &mut candidates[at];
        let Some(best) = &candidate.fill else {
            continue;
        };
        let copies = best
            .contents
            .iter()
            .map(|(unit, count)| left[*unit as usize] / count)
            .min();
        let copies = copies.unwrap_or(0);
        if copies > 0 {
            for (unit, count) in &best.contents {
                let left = &mut left[*unit as usize];
                *left -= count * copies;
                units_left -= usize::from(*left == 0);
            }
            spent += best.cost.weighed * u64::from(copies);
            if spent >= task.below {
                return None;
            }
            opened.push(Opened {
                bin: candidate.bin,
                contents: best.contents.clone(),
                cost: best.cost,
                copies,
            });
        }
        candidate.thin_out(task.active.len() - units_left, left);
        candidate.fill = candidate.best_fill(model, task, left, scratch);
        if let Some(fill) = &candidate.fill {
            heap.push(Reverse((ratio(fill), at)));
        }
    }
    Some(opened)
}

fn candidates(
    model: &Model<'_>,
    task: Task<'_>,
    left: &[u32],
    scratch: &mut Scratch,
) -> Vec<Candidate> {
    let mut candidates = Vec::with_capacity(task.bins.len());
    for bin in task.bins {
        let orders = task
            .weightings
            .iter()
            .map(|weighting| ordered(model, (*bin, *weighting), task.values, task.active, scratch))
            .collect();
        let mut candidate = Candidate {
            bin: *bin,
            orders,
            gone: 0,
            fill: None,
        };
        candidate.fill = candidate.best_fill(model, task, left, scratch);
        if candidate.fill.is_some() {
            candidates.push(candidate);
        }
    }
    candidates
}

impl Candidate {
    /// The best of the fills by each order.
    fn best_fill(
        &self,
        model: &Model<'_>,
        task: Task<'_>,
        left: &[u32],
        scratch: &mut Scratch,
    ) -> Option<Fill> {
        let mut best: Option<Fill> = None;
        for order in &self.orders {
            let Some(fill) = fill(model, self.bin, task.values, (order, left), scratch) else {
                continue;
            };
            if best.as_ref().is_none_or(|best| ratio(&fill) < ratio(best)) {
                best = Some(fill);
            }
        }
        best
    }

    /// Drops units of which nothing is left, now and then.
    fn thin_out(&mut self, gone: usize, left: &[u32]) {
        let length = self.orders.first().map_or(0, Vec::len);
        if (gone - self.gone) * 4 < length {
            return;
        }
        self.gone = gone;
        for order in &mut self.orders {
            order.retain(|unit| left[*unit as usize] > 0);
        }
    }
}

/// Price for value, as a number that is ordered like it.
fn ratio(fill: &Fill) -> u64 {
    // Positive numbers are ordered like their bits.
    (fill.cost.weighed as f64 / fill.value).to_bits()
}
