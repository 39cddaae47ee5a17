//! The configurations that a problem is packed with, and the order in which each takes the classes.

use std::cmp::Reverse;

use crate::pack::Cost;
use crate::problem::{Class, Problem};

/// How to pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// In which order classes are placed.
    pub(crate) order: Order,
    /// Join any planned node before opening one, whatever it costs.
    pub(crate) first_fit: bool,
    /// How many nodes are weighed for growth.
    pub(crate) candidates: usize,
    /// How much dearer growth may be than a new node, in thousandths.
    pub(crate) patience: u32,
    /// What a node costs beside its price, billionths of a dollar an hour.
    pub(crate) node_fee: u64,
    /// Whether a pool's `minValues` is lowered where it can't be met.
    pub(crate) relax_min_values: bool,
}

/// In which order classes are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Those that need nodes to themselves first, then by what a pod costs at the market's prices.
    ByCost,
    /// By the first dimension (cpu), then the second (memory), descending.
    BySize,
}

impl Policy {
    /// Whether growing at one cost is preferred to opening at the other.
    pub(crate) fn prefers(&self, growth: Cost, new: Cost) -> bool {
        let allowed = u128::from(new.price) * u128::from(growth.count) * u128::from(self.patience);
        u128::from(growth.price) * u128::from(new.count) * 1000 <= allowed
    }
}

/// The classes in the order of the policy. Ties are broken by position, which is a matter of
/// content.
pub(crate) fn order(problem: &Problem, policy: &Policy) -> Vec<usize> {
    let mut order: Vec<usize> = (0..problem.classes.len()).collect();
    match policy.order {
        Order::BySize => {
            order.sort_by_key(|index| (Reverse(&problem.classes[*index].request), *index));
        }
        Order::ByCost => {
            let weights = market_weights(problem);
            let cost: Vec<f64> = problem
                .classes
                .iter()
                .map(|class| market_cost(class, &weights))
                .collect();
            let forced = |index: usize| {
                let class = &problem.classes[index];
                if class.alone { class.count } else { 0 }
            };
            order.sort_by(|a, b| {
                forced(*b)
                    .cmp(&forced(*a))
                    .then(cost[*b].total_cmp(&cost[*a]))
                    .then(a.cmp(b))
            });
        }
    }
    order
}

/// What a unit of each dimension costs in the type where it is cheapest. A score, not a price.
fn market_weights(problem: &Problem) -> Vec<f64> {
    (0..problem.dims)
        .map(|dim| {
            problem
                .pools
                .iter()
                .flat_map(|pool| &pool.types)
                .filter(|ty| ty.allocatable[dim] > 0)
                .filter_map(|ty| {
                    let price = ty.offerings.iter().map(|offer| offer.price).min()?;
                    Some(price as f64 / ty.allocatable[dim] as f64)
                })
                .min_by(f64::total_cmp)
                .unwrap_or(0.0)
        })
        .collect()
}

fn market_cost(class: &Class, weights: &[f64]) -> f64 {
    class
        .request
        .iter()
        .zip(weights)
        .map(|(request, weight)| *request as f64 * weight)
        .sum()
}
