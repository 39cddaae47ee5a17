//! Types in their offerings, each with the groups of units that it admits.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::problem::{DemandId, Problem, bits_have};
use crate::shelf::{Candidates, Keep, Shelf, Slot, positions};
use crate::types::AsksId;
use crate::view::{ViewId, Views};

/// An entry before it is sorted by price.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its pool.
    pub(super) pool: usize,
    /// The type, by position in the pool's list.
    pub(super) kind: u32,
    /// Position in the table of distinct sets of groups.
    pub(super) groups: usize,
}

/// Entries with the groups that they admit.
pub(super) struct Table {
    /// Entries by price.
    pub(super) shelf: Shelf,
    /// The same in the same order.
    pub(super) entries: Vec<Entry>,
    /// Distinct sets of groups.
    pub(super) sets: Vec<Vec<u64>>,
}

impl Table {
    /// The entries of all pools that some group may be in.
    pub(super) fn new(
        problem: &Problem,
        views: &mut Views<'_>,
        groups: &[(DemandId, usize)],
    ) -> Self {
        let mut maker = TableMaker::new(problem.dims);
        let last = groups.iter().map(|(_, last)| *last).max().unwrap_or(0);
        for pool in 0..=last.min(problem.pools.len().saturating_sub(1)) {
            maker.add_pool(problem, views, groups, pool);
        }
        let shelf = Shelf::new(&maker.candidates, Keep::All);
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

    /// The entries that admit a group, one group after the other.
    pub(super) fn admitted(&self, groups: usize) -> Vec<u64> {
        let words = self.entries.len().div_ceil(64);
        let mut admitted = vec![0_u64; words * groups];
        for (at, entry) in self.entries.iter().enumerate() {
            for group in positions(&self.sets[entry.groups]) {
                admitted[group * words + at / 64] |= 1 << (at % 64);
            }
        }
        admitted
    }

    /// By dimension the lowest price of one of it.
    pub(super) fn market(&self, dims: usize) -> Vec<f64> {
        let mut market = vec![f64::INFINITY; dims];
        for (entry, slot) in self.shelf.slots().iter().enumerate() {
            for (least, room) in market.iter_mut().zip(self.shelf.room(entry)) {
                *least = least.min(slot.price as f64 / (*room).max(1) as f64);
            }
        }
        market
    }

    /// By entry and dimension the share of its room that one of it is.
    pub(super) fn shares(&self) -> Vec<f64> {
        let rooms = (0..self.entries.len()).flat_map(|entry| self.shelf.room(entry));
        let share = |room: &i64| if *room > 0 { 1.0 / *room as f64 } else { 0.0 };
        rooms.map(share).collect()
    }
}

struct TableMaker {
    candidates: Candidates,
    raw: Vec<Entry>,
    sets: Vec<Vec<u64>>,
    ids: FxHashMap<Vec<u64>, usize>,
}

impl TableMaker {
    fn new(dims: usize) -> Self {
        Self {
            candidates: Candidates::new(dims),
            raw: Vec::new(),
            sets: Vec::new(),
            ids: FxHashMap::default(),
        }
    }

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
        let mut by_asks: FxHashMap<AsksId, Vec<u64>> = FxHashMap::default();
        let shelf = views.full_shelf(root);
        let under = of.types.under(views.masks(root));
        let group_views: Vec<Option<ViewId>> = group_views(views, groups, pool, root);
        for (at, slot) in shelf.slots().iter().enumerate() {
            let mut offers: Vec<_> = under.offers(slot.kind as usize).collect();
            offers.sort_by_key(|offer| (offer.price, offer.index));
            let mut seen: Vec<Vec<u64>> = Vec::new();
            for offer in offers {
                let admitted = by_asks.entry(offer.asks).or_insert_with(|| {
                    groups_where(&group_views, |view| {
                        let masks = views.masks(view);
                        let mut asked = of.types.asked(offer.asks).iter();
                        asked.all(|(key, mask)| mask.meets(&masks[*key]))
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
        let slot = Slot {
            kind: self.raw.len() as u32,
            price,
        };
        self.candidates.push(slot, room.iter().copied());
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
    let under = types.under(views.masks(root));
    for (group, view) in group_views(views, groups, pool, root)
        .into_iter()
        .enumerate()
    {
        let Some(view) = view else {
            continue;
        };
        let demand = views.demand(groups[group].0);
        let mut admitted: Vec<bool> = (0..types.len()).map(|kind| under.admits(kind)).collect();
        for (key, _) in &demand.masks {
            let meeting = types.meeting(*key, &views.masks(view)[*key]);
            for (kind, admitted) in admitted.iter_mut().enumerate() {
                *admitted &= bits_have(&meeting, kind);
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
            if admitted {
                sets[kind][group / 64] |= 1 << (group % 64);
            }
        }
    }
    sets
}

/// Whether a set has all of another.
pub(super) fn contains(large: &[u64], small: &[u64]) -> bool {
    large
        .iter()
        .zip(small)
        .all(|(large, small)| small & !large == 0)
}
