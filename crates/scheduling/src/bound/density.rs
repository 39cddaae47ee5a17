//! The bound by density: a pod is worth its share of a node under one weighting of the resources.
//!
//! A node of price `p` with room `r` holds pods whose shares `request / r` sum up to at most 1 in
//! every resource, so also in any fixed mixture of resources. Each pod's part of its node's price
//! is then at least `p` times its mixed share, and no less than the least of that over all nodes
//! open to it. The sum over pods is a bound, whatever the weighting. It is concave in the weights,
//! so a coarse grid and a few steps from its best points find a good one. The search looks at the
//! pods that matter most, the bound that is returned at all.

use super::items::{Item, Items};
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
    let sample = sample(items);
    let mut tried: Vec<(f64, Vec<f64>)> = weightings(items, &sample)
        .into_iter()
        .map(|weights| (total(items, &sample, &weights), weights))
        .collect();
    tried.sort_by(|a, b| b.0.total_cmp(&a.0));
    if let Some(best) = tried.first().cloned() {
        tried.insert(0, refine(items, &sample, best));
    }
    let all: Vec<usize> = (0..items.all.len()).collect();
    let finalists = tried.iter().take(FINALISTS);
    finalists
        .map(|(_, weights)| total(items, &all, weights))
        .fold(0.0, f64::max)
}

/// The items that cost most.
fn sample(items: &Items) -> Vec<usize> {
    let even = vec![1.0 / items.dims.max(1) as f64; items.dims];
    let mut order: Vec<(f64, usize)> = (0..items.all.len())
        .map(|item| (total(items, &[item], &even), item))
        .collect();
    if order.len() > SAMPLE {
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        order.truncate(SAMPLE);
    }
    order.into_iter().map(|(_, item)| item).collect()
}

/// Each resource alone, and all divisions among the three that bound best alone.
fn weightings(items: &Items, sample: &[usize]) -> Vec<Vec<f64>> {
    let unit = |dim: usize| {
        let mut weights = vec![0.0; items.dims];
        weights[dim] = 1.0;
        weights
    };
    let mut all: Vec<Vec<f64>> = (0..items.dims).map(unit).collect();
    let mut dims: Vec<(f64, usize)> = (0..items.dims)
        .map(|dim| (total(items, sample, &all[dim]), dim))
        .collect();
    dims.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let [first, second, third] = [0, 1, 2].map(|at| dims.get(at).map(|(_, dim)| *dim));
    let (Some(first), Some(second)) = (first, second) else {
        return all;
    };
    for one in 0..=PARTS {
        for two in 0..=PARTS - one {
            let three = PARTS - one - two;
            if three > 0 && third.is_none() {
                continue;
            }
            let mut weights = vec![0.0; items.dims];
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
fn refine(items: &Items, sample: &[usize], best: (f64, Vec<f64>)) -> (f64, Vec<f64>) {
    let mut best = best;
    let mut amount = 0.5 / PARTS as f64;
    for _ in 0..STEPS {
        let mut better: Option<(f64, Vec<f64>)> = None;
        for from in (0..items.dims).filter(|dim| best.1[*dim] > 0.0) {
            for to in (0..items.dims).filter(|dim| *dim != from) {
                let mut weights = best.1.clone();
                let moved = amount.min(weights[from]);
                weights[from] -= moved;
                weights[to] += moved;
                let value = total(items, sample, &weights);
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
fn total(items: &Items, which: &[usize], weights: &[f64]) -> f64 {
    // The price of a unit of each resource, by audience and bin.
    let mut units: Vec<Vec<f64>> = vec![Vec::new(); items.audiences.len()];
    let mut sum = 0.0;
    for item in which.iter().map(|item| &items.all[*item]) {
        let units = &mut units[item.audience];
        let bins = &items.audiences[item.audience].bins;
        if units.is_empty() {
            for bin in bins {
                let unit =
                    |(weight, room): (&f64, &i64)| bin.price * weight / (*room).max(1) as f64;
                units.extend(weights.iter().zip(&bin.room).map(unit));
            }
        }
        sum += f64::from(item.count) * least(item, bins.iter().map(|bin| &*bin.room), units);
    }
    sum
}

/// The cheapest share that a bin gives an item; 0 where no bin holds it.
fn least<'a>(item: &Item, rooms: impl Iterator<Item = &'a [i64]>, units: &[f64]) -> f64 {
    let dims = item.request.len().max(1);
    let shares = rooms.zip(units.chunks_exact(dims)).map(|(room, units)| {
        if !at_least(room, &item.request) {
            return f64::INFINITY;
        }
        let parts = units.iter().zip(&item.request);
        parts.map(|(unit, request)| unit * *request as f64).sum()
    });
    let least = shares.fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 0.0 }
}
