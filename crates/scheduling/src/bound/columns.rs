//! The bound by column generation: the linear program over all fillings of single nodes, of which
//! only those are looked at that the values of the items make look cheap.
//!
//! Any values bound the price once they are divided by the factor by which the most overvalued
//! node's filling exceeds its price. So every round gives a bound, whether or not the program is
//! solved to the end, and whatever floats lose on the way; the best of all rounds counts. All
//! limits are in steps: the answer does not depend on the machine.

use super::filling::{Filling, fill};
use super::items::Items;
use crate::shelf::times;

/// More kinds of pods than this are left to the other method.
const MOST_ITEMS: usize = 240;
/// Rounds of looking at all nodes.
const MOST_ROUNDS: usize = 200;
/// Branches that all searches together may take.
const ALL_STEPS: u64 = 4_000_000;
/// Branches that one search may take.
const STEPS: u64 = 4_000;
/// Fillings that are offered after each round.
const OFFERS: usize = 40;
/// By how much a filling must exceed its price to be worth a look.
const EXCESS: f64 = 1e-6;

/// The best bound found, billionths of a dollar an hour; 0 if there are too many items.
pub(super) fn bound(items: &Items) -> f64 {
    if items.all.is_empty() || items.all.len() > MOST_ITEMS {
        return 0.0;
    }
    let Some(alone) = (0..items.all.len())
        .map(|item| alone(items, item))
        .collect::<Option<Vec<_>>>()
    else {
        return 0.0;
    };
    let needed: Vec<f64> = items.all.iter().map(|item| f64::from(item.count)).collect();
    let mut master = super::simplex::Master::new(needed.clone(), &alone);
    let mut left = ALL_STEPS;
    let mut best: f64 = 0.0;
    for _ in 0..MOST_ROUNDS {
        let values = master.values();
        let (worst, mut found) = look(items, &values, &mut left);
        let worth: f64 = values
            .iter()
            .zip(&needed)
            .map(|(value, count)| value * count)
            .sum();
        if worst > 0.0 {
            best = best.max(worth / worst);
        }
        if found.is_empty() || left == 0 {
            break;
        }
        found.sort_by(|a, b| b.excess.total_cmp(&a.excess));
        for offer in found.iter().take(OFFERS) {
            master.offer(&offer.filling, offer.price);
        }
    }
    best * (1.0 - EXCESS)
}

struct Offer {
    filling: Filling,
    price: f64,
    excess: f64,
}

/// How much the most overvalued filling of any node exceeds its price at most, as a factor, and
/// fillings that exceed theirs.
fn look(items: &Items, values: &[f64], left: &mut u64) -> (f64, Vec<Offer>) {
    let mut worst: f64 = 0.0;
    let mut found = Vec::new();
    for (audience, nodes) in items.audiences.iter().enumerate() {
        for bin in &nodes.bins {
            let mut steps = STEPS.min(*left);
            let given = steps;
            let answer = fill(items, (audience, bin), values, bin.price, &mut steps);
            *left -= given - steps;
            // A node that costs nothing must hold nothing of value.
            let factor = |value: f64| {
                if value > 0.0 {
                    value / bin.price.max(1e-3)
                } else {
                    0.0
                }
            };
            worst = worst.max(factor(answer.at_most));
            let excess = factor(answer.value);
            if excess > 1.0 + EXCESS {
                found.push(Offer {
                    filling: answer.filling,
                    price: bin.price,
                    excess,
                });
            }
        }
    }
    (worst, found)
}

/// The cheapest way to hold an item alone, per pod: how many on a node, and its price.
fn alone(items: &Items, item: usize) -> Option<(u32, f64)> {
    let item = &items.all[item];
    let shared = item
        .groups
        .iter()
        .map(|group| items.groups[*group].most)
        .min();
    let most = item.count.min(item.most).min(shared.unwrap_or(u32::MAX));
    let bins = items.audiences[item.audience].bins.iter();
    let ways = bins.map(|bin| (times(&bin.room, &item.request, most), bin.price));
    let ways = ways.filter(|(count, _)| *count > 0);
    ways.min_by(|a, b| (a.1 / f64::from(a.0)).total_cmp(&(b.1 / f64::from(b.0))))
}
