//! The bound by density: a pod is worth its share of a node under one weighting of the resources.
//!
//! A node of price `p` with room `r` holds pods whose shares `request / r` sum up to at most 1 in
//! every resource, so also in any fixed mixture of resources. Each pod's part of its node's price
//! is then at least `p` times its mixed share, and no less than the least of that over all nodes
//! open to it. The sum over pods is a bound, whatever the weighting. It is concave in the weights,
//! so a coarse grid and a few steps from its best points find a good one. The search looks at the
//! pods that matter most, the bound that is returned at all.
//!
//! A node that another one beats in every resource by price for room, and that holds nothing which
//! the other does not, gives no pod the least share under any weighting. Few nodes are left.

use smallvec::SmallVec;

use super::items::{Audience, Item, Items};
use crate::shelf::at_least;

/// Parts that a weighting divides among the resources.
const PARTS: usize = 10;
/// Items that weightings are tried on.
const SAMPLE: usize = 48;
/// Weightings whose bound is computed over all items.
const FINALISTS: usize = 3;
/// Steps that a search from the best weighting takes at most.
const STEPS: usize = 24;

/// The best bound found, billionths of a dollar an hour.
pub(super) fn bound(items: &Items) -> f64 {
    let rates: Vec<Rates> = items.audiences.iter().map(Rates::of).collect();
    let all: Vec<Offered<'_>> = items
        .all
        .iter()
        .map(|item| Offered {
            item,
            rates: &rates[item.audience],
        })
        .collect();
    let dims = items.dims;
    let sample = sample(dims, &all);
    let mut tried: Vec<(f64, Vec<f64>)> = weightings(dims, &sample)
        .into_iter()
        .map(|weights| (total(&sample, &weights), weights))
        .collect();
    tried.sort_by(|a, b| b.0.total_cmp(&a.0));
    if let Some(best) = tried.first().cloned() {
        tried.insert(0, refine(dims, &sample, best));
    }
    let finalists = tried.iter().take(FINALISTS);
    finalists
        .map(|(_, weights)| total(&all, weights))
        .fold(0.0, f64::max)
}

/// What a unit of each resource costs on the nodes of an audience that may give a pod the least
/// share.
struct Rates {
    dims: usize,
    /// By node and resource.
    rooms: Vec<i64>,
    /// By node and resource: the price for its room.
    prices: Vec<f64>,
}

/// An item with the nodes that it may be on.
#[derive(Clone, Copy)]
struct Offered<'a> {
    item: &'a Item,
    rates: &'a Rates,
}

impl Rates {
    fn of(audience: &Audience) -> Self {
        let dims = audience.bins.first().map_or(0, |bin| bin.room.len());
        // Whatever beats a node has at least as much room, so it comes before.
        let mut order: Vec<usize> = (0..audience.bins.len()).collect();
        order.sort_by(|a, b| {
            let room = |at: &usize| &audience.bins[*at].room;
            room(b).cmp(room(a)).then(a.cmp(b))
        });
        let mut rates = Self {
            dims,
            rooms: Vec::new(),
            prices: Vec::new(),
        };
        for bin in order.into_iter().map(|at| &audience.bins[at]) {
            let rate = |room: &i64| bin.price / (*room).max(1) as f64;
            let prices: Vec<f64> = bin.room.iter().map(rate).collect();
            let beaten = rates.all().any(|(room, least)| {
                at_least(room, &bin.room) && least.iter().zip(&prices).all(|(a, b)| a <= b)
            });
            if !beaten {
                rates.rooms.extend_from_slice(&bin.room);
                rates.prices.extend(prices);
            }
        }
        rates
    }

    fn all(&self) -> impl Iterator<Item = (&[i64], &[f64])> {
        let dims = self.dims.max(1);
        let prices = self.prices.chunks_exact(dims);
        self.rooms.chunks_exact(dims).zip(prices)
    }
}

/// The items that cost most.
fn sample<'a>(dims: usize, all: &[Offered<'a>]) -> Vec<Offered<'a>> {
    if all.len() <= SAMPLE {
        return all.to_vec();
    }
    let even = vec![1.0 / dims.max(1) as f64; dims];
    let mut order: Vec<(f64, usize)> = (0..all.len())
        .map(|at| (total(&all[at..=at], &even), at))
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    order.truncate(SAMPLE);
    order.into_iter().map(|(_, at)| all[at]).collect()
}

/// Each resource alone, and all divisions among the three that bound best alone.
fn weightings(dims: usize, sample: &[Offered<'_>]) -> Vec<Vec<f64>> {
    let unit = |dim: usize| {
        let mut weights = vec![0.0; dims];
        weights[dim] = 1.0;
        weights
    };
    let mut all: Vec<Vec<f64>> = (0..dims).map(unit).collect();
    let mut best: Vec<(f64, usize)> = (0..dims)
        .map(|dim| (total(sample, &all[dim]), dim))
        .collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let [first, second, third] = [0, 1, 2].map(|at| best.get(at).map(|(_, dim)| *dim));
    let (Some(first), Some(second)) = (first, second) else {
        return all;
    };
    for one in 0..=PARTS {
        for two in 0..=PARTS - one {
            let three = PARTS - one - two;
            if three > 0 && third.is_none() {
                continue;
            }
            let mut weights = vec![0.0; dims];
            weights[first] = one as f64 / PARTS as f64;
            weights[second] = two as f64 / PARTS as f64;
            if let Some(third) = third {
                weights[third] = three as f64 / PARTS as f64;
            }
            all.push(weights);
        }
    }
    all
}

/// Moves weight between two resources as long as that helps, by less and less.
fn refine(dims: usize, sample: &[Offered<'_>], best: (f64, Vec<f64>)) -> (f64, Vec<f64>) {
    let mut best = best;
    let mut amount = 0.5 / PARTS as f64;
    for _ in 0..STEPS {
        let mut better: Option<(f64, Vec<f64>)> = None;
        for from in (0..dims).filter(|dim| best.1[*dim] > 0.0) {
            for to in (0..dims).filter(|dim| *dim != from) {
                let mut weights = best.1.clone();
                let moved = amount.min(weights[from]);
                weights[from] -= moved;
                weights[to] += moved;
                let value = total(sample, &weights);
                if value > better.as_ref().map_or(best.0, |better| better.0) {
                    better = Some((value, weights));
                }
            }
        }
        match better {
            Some(better) => best = better,
            None if amount > 0.005 => amount /= 2.0,
            None => break,
        }
    }
    best
}

/// What items are worth under a weighting.
fn total(items: &[Offered<'_>], weights: &[f64]) -> f64 {
    let worth = |of: &Offered<'_>| f64::from(of.item.count) * least(*of, weights);
    items.iter().map(worth).sum()
}

/// The cheapest share that a node gives an item; 0 where none holds it.
fn least(of: Offered<'_>, weights: &[f64]) -> f64 {
    let parts = of.item.request.iter().zip(weights);
    let weighed: SmallVec<[f64; 8]> = parts.map(|(r, weight)| *r as f64 * weight).collect();
    let mut least = f64::INFINITY;
    for (room, prices) in of.rates.all() {
        let share: f64 = prices.iter().zip(&weighed).map(|(p, w)| p * w).sum();
        if share < least && at_least(room, &of.item.request) {
            least = share;
        }
    }
    if least.is_finite() { least } else { 0.0 }
}
