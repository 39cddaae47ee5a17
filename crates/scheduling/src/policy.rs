//! The configurations that a problem is packed with, and the order in which each takes the classes.

use std::cmp::Reverse;

use crate::pack::Cost;
use crate::problem::{Class, Problem};
use crate::topology::DomainRule;

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
    /// What a new node takes from the limits of its pool.
    pub(crate) charge: Charge,
}

/// What a planned node takes from the limits of its pool while packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    /// What the type takes that it would be launched as; more as soon as it grows.
    Launched,
    /// What the largest type takes that it could be launched as when it is opened, as the reference
    /// has it. Limits are used up by fewer nodes, and more pods go on to pools of less weight.
    Largest,
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

/// The classes in the order of the policy. Those that follow others come after all that may lead,
/// and those that keep away from others' domains last. Ties are broken by position, which is a
/// matter of content.
pub(crate) fn order(problem: &Problem, policy: &Policy) -> Vec<usize> {
    let mut order: Vec<usize> = (0..problem.classes.len()).collect();
    let follows: Vec<u8> = problem
        .classes
        .iter()
        .map(|class| {
            let rank = dependence(problem, class);
            // The reference goes by size alone.
            if policy.first_fit && !class.is_virtual {
                0
            } else {
                rank
            }
        })
        .collect();
    match policy.order {
        Order::BySize => {
            order.sort_by_key(|index| {
                let request = Reverse(&problem.classes[*index].request);
                (follows[*index], request, *index)
            });
        }
        Order::ByCost => {
            let weights = market_weights(problem);
            let key: Vec<(u32, f64)> = problem
                .classes
                .iter()
                .map(|class| (forced(problem, class), market_cost(class, &weights)))
                .collect();
            order.sort_by(|a, b| {
                follows[*a]
                    .cmp(&follows[*b])
                    .then(key[*b].0.cmp(&key[*a].0))
                    .then(key[*b].1.total_cmp(&key[*a].1))
                    .then(a.cmp(b))
            });
        }
    }
    order
}

/// How many nodes a class needs because a node may hold few of its pods.
fn forced(problem: &Problem, class: &Class) -> u32 {
    let Some(variant) = class.variants.first() else {
        return 0;
    };
    let rules = &problem.topology.rules[variant.rules as usize];
    let single = rules.single.then_some(1);
    let caps = rules.caps.iter().map(|(_, most)| *most).chain(single);
    caps.min()
        .map_or(0, |most| class.count.div_ceil(most.max(1)))
}

/// Classes of a higher number come later. 0: those that declare rules over domains or none count
/// them; 1: those that rules of others count and that can go anywhere, so that they do not use up
/// the skew; 2: those that want to be where others are; 3: those that want to be where others are
/// not; 4: pods that are none, only room that is to be kept.
fn dependence(problem: &Problem, class: &Class) -> u8 {
    if class.is_virtual {
        return 4;
    }
    let declared = class.variants.first().map(|variant| {
        let rules = &problem.topology.rules[variant.rules as usize];
        rules
            .domains
            .iter()
            .map(DomainRule::counter)
            .collect::<Vec<_>>()
    });
    let declared = declared.unwrap_or_default();
    let idle = class
        .domains
        .iter()
        .any(|counter| !declared.contains(counter));
    let rules = class
        .variants
        .iter()
        .map(|variant| &problem.topology.rules[variant.rules as usize]);
    rules
        .map(|rules| {
            let near = |rule: &DomainRule| matches!(rule, DomainRule::Together { .. });
            let away = |rule: &DomainRule| {
                let counter = &problem.topology.domains[rule.counter() as usize];
                matches!(rule, DomainRule::Apart { own: false, .. }) && !counter.of_declarers
            };
            let wants_others = rules.first.is_none()
                && (!rules.together.is_empty() || rules.domains.iter().any(near));
            match (rules.domains.iter().any(away), wants_others) {
                (true, _) => 3,
                (false, true) => 2,
                (false, false) => u8::from(idle && declared.is_empty()),
            }
        })
        .max()
        .unwrap_or(0)
}

/// What a unit of each dimension costs in the type where it is cheapest. A score, not a price.
fn market_weights(problem: &Problem) -> Vec<f64> {
    (0..problem.dims)
        .map(|dim| {
            problem
                .pools
                .iter()
                .flat_map(|pool| pool.types.iter())
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
