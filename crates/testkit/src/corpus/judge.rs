//! Solving a problem and having the answer checked.

use catalog::Price;
use cluster::Snapshot;
use scheduling::{Batch, Counters, Placement, solve};

use super::{Problem, Summary};
use crate::referee::{self, Violation};

/// The seed of all runs. It decides nothing that a bar is about.
const SEED: u64 = 1;
/// Prices are sums of floats on the reference's side.
const ROUNDING: f64 = 1e-9;

/// What came of a problem.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What is wrong with the placement.
    pub violations: Vec<Violation>,
    /// Pods without a place.
    pub unplaced: usize,
    /// The sum of launch prices, an hour.
    pub price: Price,
    /// New nodes.
    pub nodes: usize,
    /// No placement of the same pods can cost less.
    pub lower_bound: Option<Price>,
    /// Work done.
    pub counters: Counters,
}

/// Solves a provisioning problem and checks the answer.
pub fn judge(problem: &Problem) -> Outcome {
    let snapshot = problem.snapshot();
    let batch = Batch::default();
    let placement = solve(&snapshot, &batch, &problem.options, problem.now, SEED);
    judge_placement(problem, &snapshot, &placement)
}

/// Checks an answer to a provisioning problem whose cluster is `snapshot`.
pub fn judge_placement(problem: &Problem, snapshot: &Snapshot, placement: &Placement) -> Outcome {
    Outcome {
        violations: referee::check(snapshot, &Batch::default(), problem.now, placement),
        unplaced: placement.unplaced.len(),
        price: placement.price(),
        nodes: placement.new_claims.len(),
        lower_bound: placement.lower_bound,
        counters: placement.counters,
    }
}

impl Outcome {
    /// How many pods more than the reference's best run it leaves without a place.
    pub fn more_unplaced(&self, bar: &Summary) -> usize {
        self.unplaced.saturating_sub(bar.unplaced)
    }

    /// Whether price and number of nodes can be compared: the reference's answer is valid, and as
    /// many pods are placed.
    pub fn is_comparable(&self, bar: &Summary) -> bool {
        bar.breaks.is_empty() && bar.note.is_none() && self.unplaced == bar.unplaced
    }

    /// Whether it costs more than the reference's cheapest run, where that can be compared.
    pub fn is_dearer(&self, bar: &Summary) -> bool {
        self.is_comparable(bar) && self.price.dollars() > bar.price_per_hour + ROUNDING
    }
}
