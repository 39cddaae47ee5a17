//! A pass: again and again the node with the best price for what it holds is opened, as often as
//! what it holds is left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use smallvec::SmallVec;

use super::fill::{Fill, Scratch, Wanted, Weighting, fill, ordered};
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

/// The bins that a pass may open, those with the best price for what they hold first.
///
/// A bin is only filled when what can be hoped for from it is better than what is known of all
/// others: it holds no more than is left of what it admits, and no more than its room is worth at
/// the price of the unit with most value for its room.
pub(super) struct Race<'t, 'v> {
    task: Task<'t>,
    wanted: &'v Wanted<'t>,
    candidates: Vec<Candidate>,
    heap: BinaryHeap<Reverse<(u64, usize)>>,
    /// What all that is left is worth.
    rest: f64,
}

/// A bin while a pass runs.
struct Candidate {
    bin: u32,
    /// One by each weighting; none before it was filled for the first time.
    orders: SmallVec<[Vec<UnitId>; 1]>,
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
    let wanted = Wanted::new(model, task.values, task.active);
    Race::new(model, task, &wanted, left).run(model, left, scratch)
}

impl<'t, 'v> Race<'t, 'v> {
    /// Nothing filled.
    pub(super) fn new(
        model: &Model<'_>,
        task: Task<'t>,
        wanted: &'v Wanted<'t>,
        left: &[u32],
    ) -> Self {
        let hopes = Hopes::new(model, task, left);
        let mut candidates = Vec::with_capacity(task.bins.len());
        let mut heap = Vec::with_capacity(task.bins.len());
        for bin in task.bins {
            let value = hopes.value(model, *bin);
            if value <= 0.0 {
                continue;
            }
            let price = model.price(*bin) + model.prices.fee;
            heap.push(Reverse((
                (price as f64 / value).to_bits(),
                candidates.len(),
            )));
            candidates.push(Candidate {
                bin: *bin,
                orders: SmallVec::new(),
                gone: 0,
                fill: None,
            });
        }
        Self {
            task,
            wanted,
            candidates,
            heap: heap.into(),
            rest: hopes.groups.iter().map(|(_, all, _)| all).sum(),
        }
    }

    /// Bins with the best price for value while nothing is taken, at most so many.
    pub(super) fn most_promising(
        &mut self,
        model: &Model<'_>,
        left: &[u32],
        (most, scratch): (usize, &mut Scratch),
    ) -> Vec<u32> {
        let mut first = Vec::new();
        while first.len() < most
            && let Some(at) = self.next(model, left, scratch)
        {
            first.push(at);
        }
        let bins = first.iter().map(|at| self.candidates[*at].bin).collect();
        for at in first {
            self.enter(at);
        }
        bins
    }

    /// Opens nodes until nothing is left; none if that can't be done below the cost that is
    /// allowed.
    pub(super) fn run(
        mut self,
        model: &Model<'_>,
        left: &mut [u32],
        scratch: &mut Scratch,
    ) -> Option<Vec<Opened>> {
        let active = self.task.active;
        let is_left = |unit: &&UnitId| left[**unit as usize] > 0;
        let mut units_left = active.iter().filter(is_left).count();
        let mut opened: Vec<Opened> = Vec::new();
        let mut spent = 0_u64;
        while units_left > 0 {
            let at = self.next(model, left, scratch)?;
            let candidate = &mut self.candidates[at];
            let Some(best) = candidate.fill.take() else {
                continue;
            };
            // The rest will hardly be had at a better price for value than this.
            let least = spent as f64 + best.price_for(self.rest);
            if least >= self.task.below as f64 {
                return None;
            }
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
                self.rest -= best.value * f64::from(copies);
                spent += best.cost.weighed * u64::from(copies);
                if spent >= self.task.below {
                    return None;
                }
                opened.push(Opened {
                    bin: candidate.bin,
                    contents: best.contents,
                    cost: best.cost,
                    copies,
                });
            }
            candidate.thin_out(active.len() - units_left, left);
            candidate.fill = candidate.best_fill(model, self.task, left, scratch);
            self.enter(at);
        }
        Some(opened)
    }

    /// Takes out the bin with the best price for what it holds, filled.
    fn next(&mut self, model: &Model<'_>, left: &[u32], scratch: &mut Scratch) -> Option<usize> {
        loop {
            let Reverse((_, at)) = self.heap.pop()?;
            let candidate = &mut self.candidates[at];
            if candidate.fill.is_some() {
                return Some(at);
            }
            let weightings = self.task.weightings.iter();
            let order = |weighting: &Weighting| {
                ordered(model, (candidate.bin, *weighting), self.wanted, scratch)
            };
            candidate.orders = weightings.map(order).collect();
            candidate.fill = candidate.best_fill(model, self.task, left, scratch);
            self.enter(at);
        }
    }

    /// Enters a bin by the price for what it holds; not if it holds nothing.
    fn enter(&mut self, at: usize) {
        if let Some(fill) = &self.candidates[at].fill {
            self.heap.push(Reverse((ratio(fill), at)));
        }
    }
}

/// What can be hoped for from bins: per group of units of which pods are left.
struct Hopes {
    /// The group, what all that is left of it is worth, and the most that room for a dollar is
    /// worth when it is filled with one of its units.
    groups: SmallVec<[(u32, f64, f64); 16]>,
}

impl Hopes {
    fn new(model: &Model<'_>, task: Task<'_>, left: &[u32]) -> Self {
        let mut groups: SmallVec<[(u32, f64, f64); 16]> = SmallVec::new();
        for unit in task.active {
            let at = *unit as usize;
            let value = task.values[at];
            let all = value * f64::from(left[at]);
            let best = value / model.worth(at);
            let group = model.group[at];
            match groups.iter_mut().find(|(other, ..)| *other == group) {
                Some((_, sum, most)) => {
                    *sum += all;
                    *most = most.max(best);
                }
                None => groups.push((group, all, best)),
            }
        }
        Self { groups }
    }

    /// No fill of a bin is worth more.
    fn value(&self, model: &Model<'_>, bin: u32) -> f64 {
        let mut sum = 0.0;
        let mut most: f64 = 0.0;
        for (group, all, best) in &self.groups {
            if model.admits(bin, *group) {
                sum += all;
                most = most.max(*best);
            }
        }
        sum.min(most * model.room_worth(bin))
    }
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
