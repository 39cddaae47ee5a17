//! The packing of units as numbers: which types in which offerings take which units, and what a
//! node with some contents costs.
//!
//! An *entry* is a type of a pool in one of its offerings; entries are ordered by price. A *group*
//! is what units ask of a node, so that a bit set of entries per group says who may go where. A
//! *bin* is an entry worth filling. What is *not* here: how bins are filled (`fill`).

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::mask::Mask;
use crate::problem::{DemandId, Masks, Problem};
use crate::shelf::{Candidate, Keep, Shelf, Slot, at_least};
use crate::view::{ViewId, Views, admits_type, offers};

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

/// An entry before it is sorted by price.
#[derive(Clone, Copy, Debug)]
struct Entry {
    pool: usize,
    kind: u32,
    /// Position in the table of distinct sets of groups.
    groups: usize,
}

/// Everything that does not change while packing.
#[derive(Debug)]
pub(super) struct Model<'p> {
    pub(super) problem: &'p Problem,
    pub(super) dims: usize,
    pub(super) units: Vec<Unit>,
    /// Requests by unit and dimension.
    requests: Vec<i64>,
    /// Group of each unit.
    pub(super) group: Vec<u32>,
    /// Whether rules or host ports of the unit matter to the pods beside it.
    pub(super) ruled: Vec<bool>,
    /// The least request of any unit by dimension.
    pub(super) least: Vec<i64>,
    pub(super) prices: Prices,
    /// Entries by price.
    shelf: Shelf,
    entries: Vec<Entry>,
    /// Per group the entries that admit it.
    admitted: Vec<Vec<u64>>,
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
            admitted: table.admitted(groups.len()),
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
        &self.admitted[group as usize]
    }

    /// Whether an entry admits a group.
    pub(super) fn admits(&self, entry: u32, group: u32) -> bool {
        let (word, bit) = (entry as usize / 64, entry % 64);
        self.admitted[group as usize][word] & (1 << bit) != 0
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
        for entry in 0..self.entries.len() as u32 {
            let (room, set) = (clipped(entry), self.entries[entry as usize].groups);
            let dominated = kept.iter().any(|(_, other, of)| {
                at_least(other, &room) && (*of == set || contains(&sets[*of], &sets[set]))
            });
            if !dominated {
                kept.push((entry, room, set));
            }
        }
        kept.into_iter().map(|(entry, ..)| entry).collect()
    }
}

fn request<'p>(problem: &'p Problem, unit: &Unit) -> &'p [i64] {
    &problem.classes[unit.class as usize].request
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

fn contains(large: &[u64], small: &[u64]) -> bool {
    large
        .iter()
        .zip(small)
        .all(|(large, small)| small & !large == 0)
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

/// Entries with the groups that they admit.
struct Table {
    shelf: Shelf,
    entries: Vec<Entry>,
    /// Distinct sets of groups.
    sets: Vec<Vec<u64>>,
}

impl Table {
    fn new(problem: &Problem, views: &mut Views<'_>, groups: &[(DemandId, usize)]) -> Self {
        let mut maker = TableMaker::default();
        let last = groups.iter().map(|(_, last)| *last).max().unwrap_or(0);
        for pool in 0..=last.min(problem.pools.len().saturating_sub(1)) {
            maker.add_pool(problem, views, groups, pool);
        }
        let shelf = Shelf::new(problem.dims, maker.candidates, Keep::All);
        let entries = shelf
            .slots()
            .iter()
            .map(|slot| maker.raw[slot.kind as usize])
            .collect();
        Self {
            shelf,
            entries,
            sets: maker.sets,
        }
    }

    /// Per group the entries that admit it.
    fn admitted(&self, groups: usize) -> Vec<Vec<u64>> {
        let words = self.entries.len().div_ceil(64);
        let mut admitted = vec![vec![0_u64; words]; groups];
        for (at, entry) in self.entries.iter().enumerate() {
            let set = &self.sets[entry.groups];
            for (group, admitted) in admitted.iter_mut().enumerate() {
                if set[group / 64] & (1 << (group % 64)) != 0 {
                    admitted[at / 64] |= 1 << (at % 64);
                }
            }
        }
        admitted
    }
}

#[derive(Default)]
struct TableMaker {
    candidates: Vec<Candidate>,
    raw: Vec<Entry>,
    sets: Vec<Vec<u64>>,
    ids: FxHashMap<Vec<u64>, usize>,
}

impl TableMaker {
    /// The entries of a pool: of each type the offerings that a cheaper one of the same type does
    /// not replace.
    fn add_pool(
        &mut self,
        problem: &Problem,
        views: &mut Views<'_>,
        groups: &[(DemandId, usize)],
        pool: usize,
    ) {
        let of = &problem.pools[pool];
        let Some(root) = views.root(pool).filter(|_| !of.is_picky()) else {
            return;
        };
        let by_type = groups_by_type(problem, views, groups, pool);
        let mut by_offer: FxHashMap<&Masks, Vec<u64>> = FxHashMap::default();
        let shelf = views.full_shelf(root);
        let root_masks = views.masks(root).to_vec();
        let group_views: Vec<Option<ViewId>> = group_views(views, groups, pool, root);
        for (at, slot) in shelf.slots().iter().enumerate() {
            let ty = &of.types[slot.kind as usize];
            let mut offers: Vec<_> = offers(ty, &root_masks).collect();
            offers.sort_by_key(|offer| (offer.price, offer.index));
            let mut seen: Vec<Vec<u64>> = Vec::new();
            for offer in offers {
                let admitted = by_offer.entry(&offer.masks).or_insert_with(|| {
                    groups_where(&group_views, |view| {
                        let masks = views.masks(view);
                        offer
                            .masks
                            .iter()
                            .all(|(key, mask)| mask.meets(&masks[*key]))
                    })
                });
                let set: Vec<u64> = admitted
                    .iter()
                    .zip(&by_type[slot.kind as usize])
                    .map(|(offer, ty)| offer & ty)
                    .collect();
                let useless = set.iter().all(|word| *word == 0);
                if useless || seen.iter().any(|seen| contains(seen, &set)) {
                    continue;
                }
                self.add(pool, slot.kind, offer.price, (shelf.room(at), &set));
                seen.push(set);
            }
        }
    }

    fn add(&mut self, pool: usize, kind: u32, price: u64, (room, set): (&[i64], &[u64])) {
        let sets = &mut self.sets;
        let groups = *self.ids.entry(set.to_vec()).or_insert_with(|| {
            sets.push(set.to_vec());
            sets.len() - 1
        });
        self.candidates.push(Candidate {
            slot: Slot {
                kind: self.raw.len() as u32,
                price,
            },
            room: room.into(),
        });
        self.raw.push(Entry { pool, kind, groups });
    }
}

fn group_views(
    views: &mut Views<'_>,
    groups: &[(DemandId, usize)],
    pool: usize,
    root: ViewId,
) -> Vec<Option<ViewId>> {
    groups
        .iter()
        .map(|(demand, last)| (pool <= *last).then(|| views.step(root, *demand))?)
        .collect()
}

fn groups_where(views: &[Option<ViewId>], holds: impl Fn(ViewId) -> bool) -> Vec<u64> {
    let mut set = vec![0_u64; views.len().div_ceil(64)];
    for (group, view) in views.iter().enumerate() {
        if view.is_some_and(&holds) {
            set[group / 64] |= 1 << (group % 64);
        }
    }
    set
}

/// Per type of a pool the groups that it admits, whatever the offering.
fn groups_by_type(
    problem: &Problem,
    views: &mut Views<'_>,
    groups: &[(DemandId, usize)],
    pool: usize,
) -> Vec<Vec<u64>> {
    let types = &problem.pools[pool].types;
    let words = groups.len().div_ceil(64);
    let mut sets = vec![vec![0_u64; words]; types.len()];
    let Some(root) = views.root(pool) else {
        return sets;
    };
    let mut columns: FxHashMap<(usize, Mask), Vec<bool>> = FxHashMap::default();
    for (group, view) in group_views(views, groups, pool, root)
        .into_iter()
        .enumerate()
    {
        let Some(view) = view else {
            continue;
        };
        let demand = views.demand(groups[group].0);
        let mut admitted = vec![true; types.len()];
        for (key, _) in &demand.masks {
            let mask = &views.masks(view)[*key];
            let column = columns
                .entry((*key, mask.clone()))
                .or_insert_with(|| types.iter().map(|ty| ty.masks[*key].meets(mask)).collect());
            for (admitted, column) in admitted.iter_mut().zip(column.iter()) {
                *admitted &= column;
            }
        }
        if demand.ports.iter().any(|word| *word != 0) {
            // Daemons may hold the port on some types.
            let shelf = views.full_shelf(view);
            let kinds: BTreeSet<u32> = shelf.slots().iter().map(|slot| slot.kind).collect();
            for (kind, admitted) in admitted.iter_mut().enumerate() {
                *admitted &= kinds.contains(&(kind as u32));
            }
        }
        for (kind, admitted) in admitted.into_iter().enumerate() {
            if admitted && admits_type(&types[kind], views.masks(root)) {
                sets[kind][group / 64] |= 1 << (group % 64);
            }
        }
    }
    sets
}
