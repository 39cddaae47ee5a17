//! Pods and nodes as a bound sees them.

use rustc_hash::FxHashMap;

use crate::mask::Mask;
use crate::problem::{Class, Problem};
use crate::shelf::{Candidates, Keep, Shelf, Slot};
use crate::view::{ViewId, Views};

/// Pods to be bounded, and the nodes that may hold them.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// How many resources are counted.
    pub(super) dims: usize,
    /// Pods that are not told apart.
    pub(super) all: Vec<Item>,
    /// Sets of nodes that some item may be on.
    pub(super) audiences: Vec<Audience>,
    /// How many pods a node may hold of items that share a rule.
    pub(super) groups: Vec<Group>,
}

/// Pods that are not told apart.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) count: u32,
    pub(super) request: Vec<i64>,
    /// The nodes that may hold it.
    pub(super) audience: usize,
    /// A node may hold so many of it.
    pub(super) most: u32,
    /// The groups that it is in.
    pub(super) groups: Vec<usize>,
}

/// Nodes that items with the same requirements may be on.
#[derive(Debug)]
pub(super) struct Audience {
    /// No node is both cheaper than these and at least as large; cheapest first.
    pub(super) bins: Vec<Bin>,
    /// By audience: whether some node may hold items of both.
    pub(super) meets: Vec<bool>,
}

/// A type at its lowest price.
#[derive(Clone, Debug)]
pub(super) struct Bin {
    /// Billionths of a dollar an hour.
    pub(super) price: f64,
    pub(super) room: Vec<i64>,
}

/// A node may hold `most` pods of these items together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) most: u32,
}

impl Items {
    /// So many pods of each class.
    pub(super) fn new(problem: &Problem, views: &mut Views<'_>, counts: &[u32]) -> Self {
        let mut builder = Builder {
            problem,
            views,
            shelves: FxHashMap::default(),
            audiences: FxHashMap::default(),
            groups: FxHashMap::default(),
            of_audience: Vec::new(),
            items: Self {
                dims: problem.dims,
                ..Self::default()
            },
        };
        for (class, count) in problem.classes.iter().zip(counts) {
            if *count > 0 {
                builder.add(class, *count);
            }
        }
        builder.finish()
    }

    /// The items that may be on nodes of an audience.
    pub(super) fn beside(&self, audience: usize) -> impl Iterator<Item = usize> + '_ {
        let meets = &self.audiences[audience].meets;
        (0..self.all.len()).filter(move |item| meets[self.all[*item].audience])
    }
}

struct Builder<'a, 'p> {
    problem: &'a Problem,
    views: &'a mut Views<'p>,
    shelves: FxHashMap<ViewId, Vec<Bin>>,
    audiences: FxHashMap<Vec<ViewId>, usize>,
    /// The views of each audience.
    of_audience: Vec<Vec<ViewId>>,
    /// By host counter and how many pods a node may hold of those that it counts.
    groups: FxHashMap<(u32, u32), usize>,
    items: Items,
}

impl Builder<'_, '_> {
    fn add(&mut self, class: &Class, count: u32) {
        let mut views: Vec<ViewId> = Vec::new();
        for pool in 0..self.problem.pools.len() {
            for variant in class.variants.iter() {
                let root = self.views.root(pool);
                views.extend(root.and_then(|root| self.views.step(root, variant.demand)));
            }
        }
        views.sort_unstable();
        views.dedup();
        let audience = self.audience(views);
        let (most, groups) = self.rules(class);
        self.items.all.push(Item {
            count,
            request: class.request.clone(),
            audience,
            most,
            groups,
        });
    }

    fn audience(&mut self, views: Vec<ViewId>) -> usize {
        if let Some(known) = self.audiences.get(&views) {
            return *known;
        }
        let mut candidates = Candidates::new(self.problem.dims);
        let mut kind = 0;
        for view in &views {
            for bin in self.bins(*view) {
                let price = bin.price as u64;
                candidates.push(Slot { kind, price }, bin.room.iter().copied());
                kind += 1;
            }
        }
        let shelf = Shelf::new(&candidates, Keep::Frontier);
        let id = self.of_audience.len();
        self.items.audiences.push(Audience {
            bins: bins(&shelf),
            meets: Vec::new(),
        });
        self.audiences.insert(views.clone(), id);
        self.of_audience.push(views);
        id
    }

    /// The types of a view, with room for the daemons that run on every node taken off. Others are
    /// left out: a pod's requirements may keep them away.
    fn bins(&mut self, view: ViewId) -> &[Bin] {
        let (problem, views) = (self.problem, &*self.views);
        self.shelves.entry(view).or_insert_with(|| {
            let Some(pool) = views.pool(view).map(|pool| &problem.pools[pool]) else {
                return Vec::new();
            };
            let everywhere = problem.daemons.iter().filter(|daemon| {
                daemon.alternatives.iter().any(Vec::is_empty)
                    && problem.tolerates(daemon.tolerations, pool.hard_taints)
            });
            let mut taken = vec![0; problem.dims];
            for daemon in everywhere {
                for (taken, request) in taken.iter_mut().zip(&daemon.request) {
                    *taken += request;
                }
            }
            let under = pool.types.under(views.masks(view));
            let mut candidates = Candidates::new(problem.dims);
            for slot in under.by_price() {
                let room = pool.types[slot.kind as usize]
                    .allocatable
                    .iter()
                    .zip(&taken);
                candidates.push(slot, room.map(|(room, taken)| room - taken));
            }
            bins(&Shelf::new(&candidates, Keep::Frontier))
        })
    }

    /// How many pods of a class a node may hold, and the groups that it shares such a rule with.
    /// Only what no variant gives up counts.
    fn rules(&mut self, class: &Class) -> (u32, Vec<usize>) {
        let rules: Vec<_> = class
            .variants
            .iter()
            .map(|variant| &self.problem.topology.rules[variant.rules as usize])
            .collect();
        let Some((first, others)) = rules.split_first() else {
            return (u32::MAX, Vec::new());
        };
        let single = rules.iter().all(|rules| rules.single);
        let mut most = if single { 1 } else { u32::MAX };
        let mut groups = Vec::new();
        for (host, cap) in &first.caps {
            let of = |caps: &[(u32, u32)]| {
                let same = caps.iter().filter(|(other, _)| other == host);
                same.map(|(_, cap)| *cap).min()
            };
            let mut caps = others.iter().map(|rules| of(&rules.caps));
            let Some(largest) = caps.try_fold(*cap, |most, cap| Some(most.max(cap?))) else {
                continue;
            };
            most = most.min(largest);
            let next = self.items.groups.len();
            let group = *self.groups.entry((*host, largest)).or_insert(next);
            if group == next {
                self.items.groups.push(Group { most: largest });
            }
            groups.push(group);
        }
        (most, groups)
    }

    fn finish(mut self) -> Items {
        for own in &self.of_audience {
            let meets = self.of_audience.iter().map(|other| self.meet(own, other));
            let meets = meets.collect();
            let at = self.audiences[own];
            self.items.audiences[at].meets = meets;
        }
        self.items
    }

    /// Whether a node may have one view of each list.
    fn meet(&self, left: &[ViewId], right: &[ViewId]) -> bool {
        let both = |a: ViewId, b: ViewId| {
            let (left, right) = (self.views.masks(a), self.views.masks(b));
            let open = |(a, b): (&Mask, &Mask)| a.meets(b);
            self.views.pool(a) == self.views.pool(b) && left.iter().zip(right).all(open)
        };
        left.iter().any(|a| right.iter().any(|b| both(*a, *b)))
    }
}

fn bins(shelf: &Shelf) -> Vec<Bin> {
    let slots = shelf.slots().iter().enumerate();
    slots
        .map(|(at, slot)| Bin {
            price: slot.price as f64,
            room: shelf.room(at).to_vec(),
        })
        .collect()
}
