//! What the pods on one node can be worth at most: a knapsack in several dimensions, by branch and
//! bound, with a proof of how much better than the best found any other filling can be.

use super::items::{Bin, Items};

/// Pods of some items on one node.
pub(super) type Filling = Vec<(usize, u32)>;

/// The answer for one node.
#[derive(Debug)]
pub(super) struct Answer {
    /// The most valuable filling found.
    pub(super) filling: Filling,
    /// Its value.
    pub(super) value: f64,
    /// No filling is worth more than the larger of this and the floor that was given.
    pub(super) at_most: f64,
}

/// An item that fits.
#[derive(Clone, Copy, Debug)]
struct Choice {
    item: usize,
    value: f64,
    /// Its size under the weighting.
    size: f64,
    most: u32,
}

/// Fills a bin with items of these values. Fillings worth no more than `floor` are of no interest.
/// Every branch takes one of the `steps`.
pub(super) fn fill(
    items: &Items,
    (audience, bin): (usize, &Bin),
    values: &[f64],
    floor: f64,
    steps: &mut u64,
) -> Answer {
    let mut choices: Vec<Choice> = items
        .beside(audience)
        .filter_map(|item| choice(items, bin, item, values[item]))
        .collect();
    let weights = best_weights(items, bin, &mut choices);
    order(items, &weights, &mut choices);
    let mut search = Search {
        items,
        weights: &weights,
        choices: &choices,
        room: bin.room.clone(),
        groups: items.groups.iter().map(|group| group.most).collect(),
        taken: vec![0; choices.len()],
        best: Vec::new(),
        value: 0.0,
        floor,
        steps,
    };
    let at_most = search.branch(0, 0.0);
    let best = std::mem::take(&mut search.best);
    Answer {
        value: search.value,
        at_most: at_most.max(search.value),
        filling: best,
    }
}

fn choice(items: &Items, bin: &Bin, item: usize, value: f64) -> Option<Choice> {
    let held = &items.all[item];
    let most = crate::shelf::times(&bin.room, &held.request, held.count.min(held.most));
    let shared = held
        .groups
        .iter()
        .map(|group| items.groups[*group].most)
        .min();
    let most = most.min(shared.unwrap_or(u32::MAX));
    (most > 0 && value > 0.0).then_some(Choice {
        item,
        value,
        size: 0.0,
        most,
    })
}

/// Of a few weightings the one under which the most that fits is worth least.
fn best_weights(items: &Items, bin: &Bin, choices: &mut [Choice]) -> Vec<f64> {
    let dims = items.dims;
    let of = |parts: &[(usize, f64)]| {
        let mut weights = vec![0.0; dims];
        for (dim, part) in parts {
            weights[*dim] += part / bin.room[*dim].max(1) as f64;
        }
        weights
    };
    let mut tried: Vec<Vec<f64>> = (0..dims).map(|dim| of(&[(dim, 1.0)])).collect();
    for one in 0..dims.min(4) {
        for two in one + 1..dims.min(4) {
            tried.extend([0.25, 0.5, 0.75].map(|part| of(&[(one, part), (two, 1.0 - part)])));
        }
    }
    let mut best: Option<(f64, Vec<f64>)> = None;
    for weights in tried {
        order(items, &weights, choices);
        let room = dot(&weights, &bin.room);
        let bound = relaxed(choices, room, |_| true);
        if best.as_ref().is_none_or(|(least, _)| bound < *least) {
            best = Some((bound, weights));
        }
    }
    best.map(|(_, weights)| weights).unwrap_or_default()
}

/// By value for size, best first.
fn order(items: &Items, weights: &[f64], choices: &mut [Choice]) {
    for choice in choices.iter_mut() {
        choice.size = dot(weights, &items.all[choice.item].request);
    }
    let ratio = |choice: &Choice| {
        if choice.size > 0.0 {
            choice.value / choice.size
        } else {
            f64::INFINITY
        }
    };
    choices.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)).then(a.item.cmp(&b.item)));
}

fn dot(weights: &[f64], amounts: &[i64]) -> f64 {
    let parts = weights.iter().zip(amounts);
    parts.map(|(weight, amount)| weight * *amount as f64).sum()
}

/// What choices, best first, are worth in a room of one dimension if pods could be divided.
fn relaxed(choices: &[Choice], mut room: f64, fits: impl Fn(&Choice) -> bool) -> f64 {
    let mut value = 0.0;
    for choice in choices.iter().filter(|choice| fits(choice)) {
        let whole = choice.size * f64::from(choice.most);
        if whole <= room {
            room -= whole;
            value += choice.value * f64::from(choice.most);
        } else {
            return value + choice.value * (room / choice.size).max(0.0);
        }
    }
    value
}

struct Search<'a> {
    items: &'a Items,
    weights: &'a [f64],
    choices: &'a [Choice],
    room: Vec<i64>,
    groups: Vec<u32>,
    taken: Vec<u32>,
    best: Filling,
    value: f64,
    floor: f64,
    steps: &'a mut u64,
}

impl Search<'_> {
    /// No filling with what is taken so far, and any amounts of the choices from here on, is worth
    /// more than this, the floor, or the best found.
    fn branch(&mut self, at: usize, value: f64) -> f64 {
        if value > self.value {
            self.value = value;
            let taken = self.choices.iter().zip(&self.taken);
            let taken = taken.filter(|(_, count)| **count > 0);
            self.best = taken.map(|(choice, count)| (choice.item, *count)).collect();
        }
        let room = dot(self.weights, &self.room);
        let fits = |choice: &Choice| self.addable(choice) > 0;
        let most = value + relaxed(&self.choices[at..], room, fits);
        if most <= self.value.max(self.floor) || *self.steps == 0 {
            return most;
        }
        *self.steps -= 1;
        let next = (at..self.choices.len()).find(|at| self.addable(&self.choices[*at]) > 0);
        let Some(next) = next else {
            return value;
        };
        let choice = self.choices[next];
        let mut most = value;
        for count in (0..=self.addable(&choice)).rev() {
            self.take(next, i64::from(count));
            let branch = self.branch(next + 1, value + choice.value * f64::from(count));
            self.take(next, -i64::from(count));
            most = most.max(branch);
        }
        most
    }

    fn addable(&self, choice: &Choice) -> u32 {
        let item = &self.items.all[choice.item];
        let shared = item.groups.iter().map(|group| self.groups[*group]).min();
        let most = choice.most.min(shared.unwrap_or(u32::MAX));
        crate::shelf::times(&self.room, &item.request, most)
    }

    /// Takes so many pods of a choice, or gives them back.
    fn take(&mut self, at: usize, count: i64) {
        let item = &self.items.all[self.choices[at].item];
        for (room, request) in self.room.iter_mut().zip(&item.request) {
            *room -= request * count;
        }
        for group in &item.groups {
            let left = i64::from(self.groups[*group]) - count;
            self.groups[*group] = left as u32;
        }
        self.taken[at] = (i64::from(self.taken[at]) + count) as u32;
    }
}
