//! The packing of units as numbers: which types in which offerings take which units, and what a
//! node with some contents costs.
//!
//! An *entry* is a type of a pool in one of its offerings; entries are ordered by price. A *group*
//! is what units ask of a node, so that a bit set of entries per group says who may go where. A
//! *bin* is an entry worth filling. What is *not* here: which entries there are (`table`), how bins
//! are filled (`fill`).

use rustc_hash::FxHashMap;

use crate::problem::{DemandId, Masks, Problem};
use crate::shelf::{Shelf, at_least};
use crate::view::Views;

use super::table::{Entry, Table, contains};
use super::units::{Thawed, Unit};

/// What is weighed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prices {
    /// What a node costs beside its price, billionths of a dollar an hour.
    pub(crate) fee: u64,
    /// A node is priced at the mean of so many of the cheapest types that hold its pods.
    pub(crate) by_cheapest: usize,
}

/// What a node with some contents costs, billionths of a dollar an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeCost {
    /// The cheapest type.
    pub(super) launch: u64,
    /// What decides: the mean of the cheapest types, and the node's fee.
    pub(super) weighed: u64,
}

/// Everything that does not change while packing.
#[derive(Debug)]
pub(super) struct Model<'p> {
    pub(super) problem: &'p Problem,
    pub(super) dims: usize,
    pub(super) units: Vec<Unit>,
    /// Requests by unit and dimension.
    requests: Vec<i64>,
    /// By entry and dimension: the share of its room that one of it is.
    shares: Vec<f64>,
    /// Group of each unit.
    pub(super) group: Vec<u32>,
    /// Whether rules or host ports of the unit matter to the pods beside it.
    pub(super) ruled: Vec<bool>,
    /// The least request of any unit by dimension.
    pub(super) least: Vec<i64>,
    pub(super) prices: Prices,
    /// By dimension the price of one of it where it is cheapest.
    market: Vec<f64>,
    /// Entries by price.
    shelf: Shelf,
    entries: Vec<Entry>,
    /// The entries that admit a group, one group after the other.
    admitted: Vec<u64>,
    /// Per group the groups that can't share a node with it; empty if all can.
    clashes: Vec<Vec<u64>>,
    /// Entries that are worth filling, by price.
    pub(super) bins: Vec<u32>,
}

impl<'p> Model<'p> {
    /// The model of what was taken apart.
    pub(super) fn new(
        problem: &'p Problem,
        views: &mut Views<'p>,
        thawed: &Thawed,
        prices: Prices,
    ) -> Self {
        let mut groups: Vec<(DemandId, usize)> = Vec::new();
        let mut ids: FxHashMap<(DemandId, usize), u32> = FxHashMap::default();
        let mut group = Vec::with_capacity(thawed.units.len());
        for unit in &thawed.units {
            let key = (unit.demand, unit.last_pool);
            group.push(*ids.entry(key).or_insert_with(|| {
                groups.push(key);
                (groups.len() - 1) as u32
            }));
        }
        let table = Table::new(problem, views, &groups);
        let requests = thawed
            .units
            .iter()
            .flat_map(|unit| request(problem, unit))
            .copied()
            .collect();
        let mut model = Self {
            problem,
            dims: problem.dims,
            requests,
            group,
            ruled: thawed
                .units
                .iter()
                .map(|unit| is_ruled(problem, unit))
                .collect(),
            least: Vec::new(),
            prices,
            market: table.market(problem.dims),
            admitted: table.admitted(groups.len()),
            shares: table.shares(),
            shelf: table.shelf,
            entries: table.entries,
            clashes: clashes(views, &groups),
            bins: Vec::new(),
            units: thawed.units.clone(),
        };
        model.least = (0..model.dims)
            .map(|dim| {
                (0..model.units.len())
                    .map(|u| model.request(u)[dim])
                    .min()
                    .unwrap_or(0)
            })
            .collect();
        model.bins = model.worth_filling(&table.sets, &thawed.counts);
        model
    }

    /// Requests of a unit's pod by dimension.
    pub(super) fn request(&self, unit: usize) -> &[i64] {
        &self.requests[unit * self.dims..(unit + 1) * self.dims]
    }

    /// Room of an entry by dimension.
    pub(super) fn room(&self, entry: u32) -> &[i64] {
        self.shelf.room(entry as usize)
    }

    /// By dimension the share of an entry's room that one of it is; 0 where there is no room.
    pub(super) fn shares(&self, entry: u32) -> &[f64] {
        &self.shares[entry as usize * self.dims..(entry as usize + 1) * self.dims]
    }

    /// What a pod's requests cost where each resource is cheapest, at least a billionth.
    pub(super) fn worth(&self, unit: usize) -> f64 {
        dot(self.request(unit), &self.market).max(1.0)
    }

    /// The same of an entry's room.
    pub(super) fn room_worth(&self, entry: u32) -> f64 {
        dot(self.room(entry), &self.market).max(1.0)
    }

    /// Price of an entry.
    pub(super) fn price(&self, entry: u32) -> u64 {
        self.shelf.slot(entry as usize).price
    }

    /// The pool of an entry.
    pub(super) fn pool(&self, entry: u32) -> usize {
        self.entries[entry as usize].pool
    }

    /// How many words a set of entries has.
    pub(super) fn words(&self) -> usize {
        self.shelf.slots().len().div_ceil(64)
    }

    /// The entries that admit a group.
    pub(super) fn admitted(&self, group: u32) -> &[u64] {
        let words = self.words();
        &self.admitted[group as usize * words..(group as usize + 1) * words]
    }

    /// Whether an entry admits a group.
    pub(super) fn admits(&self, entry: u32, group: u32) -> bool {
        let (word, bit) = (entry as usize / 64, entry % 64);
        self.admitted[group as usize * self.words() + word] & (1 << bit) != 0
    }

    /// The groups that can't share a node with this one; empty if all can.
    pub(super) fn clashes(&self, group: u32) -> &[u64] {
        self.clashes.get(group as usize).map_or(&[], Vec::as_slice)
    }

    /// The cheapest entry of a set that holds `need`, and what the node costs.
    pub(super) fn cost(&self, need: &[i64], within: &[u64]) -> Option<(u32, NodeCost)> {
        let mut kinds: smallvec::SmallVec<[(usize, u32); 4]> = smallvec::SmallVec::new();
        let (mut first, mut sum) = (None, 0);
        for entry in self.shelf.holding_within(need, within) {
            let Entry { pool, kind, .. } = self.entries[entry];
            if kinds.contains(&(pool, kind)) {
                continue;
            }
            first.get_or_insert(entry);
            kinds.push((pool, kind));
            sum += self.shelf.slot(entry).price;
            if kinds.len() >= self.prices.by_cheapest {
                break;
            }
        }
        let entry = first? as u32;
        let cost = NodeCost {
            launch: self.price(entry),
            weighed: sum / kinds.len() as u64 + self.prices.fee,
        };
        Some((entry, cost))
    }

    /// What a node with these contents costs.
    pub(super) fn cost_of(&self, contents: &[(u32, u32)]) -> Option<(u32, NodeCost)> {
        let mut need = vec![0; self.dims];
        let mut within = vec![u64::MAX; self.words()];
        for (unit, count) in contents {
            let request = self.request(*unit as usize);
            for (need, request) in need.iter_mut().zip(request) {
                *need += request * i64::from(*count);
            }
            let admitted = self.admitted(self.group[*unit as usize]);
            for (word, admitted) in within.iter_mut().zip(admitted) {
                *word &= admitted;
            }
        }
        self.cost(&need, &within)
    }

    /// Entries that no dearer one can replace: no cheaper one admits the same groups and has as
    /// much room. Room beyond what all pods together ask for is worth nothing.
    fn worth_filling(&self, sets: &[Vec<u64>], counts: &[u32]) -> Vec<u32> {
        let mut total = vec![0_i64; self.dims];
        for (unit, count) in counts.iter().enumerate() {
            for (total, request) in total.iter_mut().zip(self.request(unit)) {
                *total = total.saturating_add(request * i64::from(*count));
            }
        }
        let clipped = |entry: u32| -> Vec<i64> {
            self.room(entry)
                .iter()
                .zip(&total)
                .map(|(room, total)| *room.min(total))
                .collect()
        };
        let mut kept: Vec<(u32, Vec<i64>, usize)> = Vec::new();
        // What was replaced last is often replaced by the same again.
        let mut last = 0;
        for entry in 0..self.entries.len() as u32 {
            let (room, set) = (clipped(entry), self.entries[entry as usize].groups);
            let replaces = |(_, other, of): &(u32, Vec<i64>, usize)| {
                at_least(other, &room) && (*of == set || contains(&sets[*of], &sets[set]))
            };
            if kept.get(last).is_some_and(replaces) {
                continue;
            }
            match kept.iter().position(replaces) {
                Some(at) => last = at,
                None => kept.push((entry, room, set)),
            }
        }
        kept.into_iter().map(|(entry, ..)| entry).collect()
    }
}

fn request<'p>(problem: &'p Problem, unit: &Unit) -> &'p [i64] {
    &problem.classes[unit.class as usize].request
}

fn dot(amounts: &[i64], prices: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (amount, price) in amounts.iter().zip(prices) {
        sum += *amount as f64 * price;
    }
    sum
}

fn is_ruled(problem: &Problem, unit: &Unit) -> bool {
    let class = &problem.classes[unit.class as usize];
    let rules = &problem.topology.rules[unit.rules as usize];
    let any = |words: &[u64]| words.iter().any(|word| *word != 0);
    any(&rules.clear)
        || any(&class.sets)
        || rules.single
        || !rules.caps.is_empty()
        || !class.hosts.is_empty()
}

/// Per group those that ask for different values of a label, so that no node is both.
fn clashes(views: &Views<'_>, groups: &[(DemandId, usize)]) -> Vec<Vec<u64>> {
    let words = groups.len().div_ceil(64);
    let mut clashes = vec![vec![0; words]; groups.len()];
    let mut any = false;
    for (at, (demand, _)) in groups.iter().enumerate() {
        let masks = &views.demand(*demand).masks;
        for (other, (demand, _)) in groups.iter().enumerate().take(at) {
            if !meet(masks, &views.demand(*demand).masks) {
                clashes[at][other / 64] |= 1 << (other % 64);
                clashes[other][at / 64] |= 1 << (at % 64);
                any = true;
            }
        }
    }
    if any { clashes } else { Vec::new() }
}

/// Whether two lists of masks, sorted by key, leave something of each key.
fn meet(left: &Masks, right: &Masks) -> bool {
    let mut right = right.iter().peekable();
    left.iter().all(|(key, mask)| {
        while right.next_if(|(other, _)| other < key).is_some() {}
        right
            .peek()
            .is_none_or(|(other, theirs)| other != key || theirs.meets(mask))
    })
}
