//! Views: everything about a node that does not depend on how full it is, as one integer.
//!
//! A view is a host (a pool, or a node that is there), a mask per key in play, and the host ports
//! that its pods keep from daemons. Adding a pod moves a node from one view to another; the moves
//! are remembered, so requirement algebra and type filtering run once per distinct pair. A pool's
//! view owns the shelf of the types that it admits.

mod devices;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::mask::{KeyId, Mask};
use crate::memory::ShelfKey;
use crate::pack::Nodes;
use crate::problem::{Daemon, Demand, DemandId, Pool, Problem, bits_add, bits_have, bits_meet};
use crate::shelf::{Candidates, Keep, Room, Shelf, SlotSet};
use crate::topology::Looks;

/// Index of a view in [`Views`].
pub(crate) type ViewId = u32;

/// For so many planned nodes memory is set aside at once.
const MOST_EXPECTED: u32 = 2048;
/// Not known yet.
const UNKNOWN: ViewId = ViewId::MAX;
/// The demand can't be met there.
const NONE: ViewId = ViewId::MAX - 1;

/// Where a node's masks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    /// A planned node of a pool.
    Pool(usize),
    /// A node that is there.
    Node,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ViewKey {
    host: Host,
    taints: usize,
    masks: Vec<Mask>,
    ports: Vec<u64>,
}

/// A demand that is pinned to one domain more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pin {
    /// What was demanded without it.
    pub(crate) demand: DemandId,
    /// The key.
    pub(crate) key: KeyId,
    /// The domain, a position in the key's list of values.
    pub(crate) domain: usize,
}

/// All views of a problem that were met so far.
pub(crate) struct Views<'p> {
    problem: &'p Problem,
    ids: FxHashMap<ViewKey, ViewId>,
    keys: Vec<ViewKey>,
    shelves: Vec<Arc<Shelf>>,
    /// Per view and demand; shorter where later demands were never asked for.
    steps: Vec<Vec<ViewId>>,
    /// The problem's demands, then those that were pinned to a domain.
    demands: Vec<Demand>,
    /// What pinned demands are made of, by id less the problem's own.
    pinned: Vec<Pin>,
    pins: FxHashMap<Pin, DemandId>,
    /// Per pool: the view of an empty node, unless the pool's requirements admit no type. Daemons
    /// may leave no room on any: where they do not come, a narrower view has some.
    roots: Vec<Option<ViewId>>,
    /// The shelf of nodes that are there.
    no_types: Arc<Shelf>,
    existing: Option<Nodes>,
}

impl<'p> Views<'p> {
    /// The views of empty nodes of each pool.
    pub(crate) fn new(problem: &'p Problem) -> Self {
        let mut views = Self {
            problem,
            ids: FxHashMap::default(),
            keys: Vec::new(),
            shelves: Vec::new(),
            steps: Vec::new(),
            demands: problem.demands.clone(),
            pinned: Vec::new(),
            pins: FxHashMap::default(),
            roots: Vec::new(),
            no_types: Arc::default(),
            existing: None,
        };
        for (index, pool) in problem.pools.iter().enumerate() {
            let root = views.id(ViewKey {
                host: Host::Pool(index),
                taints: pool.taints,
                masks: pool.masks.clone(),
                ports: vec![0; problem.words],
            });
            let under = pool.types.under(&pool.masks);
            let root =
                Some(root).filter(|_| under.kinds().any(|kind| under.cheapest(kind).is_some()));
            views.roots.push(root);
        }
        views
    }

    /// The view of a node that is there.
    pub(crate) fn of_node(&mut self, taints: usize, masks: &[Mask]) -> ViewId {
        let key = ViewKey {
            host: Host::Node,
            taints,
            masks: masks.to_vec(),
            ports: vec![0; self.problem.words],
        };
        self.intern(key).unwrap_or(NONE)
    }

    /// The nodes that are there, before anything is put there.
    pub(crate) fn existing(&mut self) -> Nodes {
        let pods = self.problem.classes.iter().map(|class| class.count);
        let more = pods.sum::<u32>().min(MOST_EXPECTED) as usize;
        if let Some(nodes) = &self.existing {
            return nodes.copy(more);
        }
        let nodes = Nodes::existing(self.problem, self);
        let copy = nodes.copy(more);
        self.existing = Some(nodes);
        copy
    }

    /// The view of an empty node of a pool, if the pool admits any type.
    pub(crate) fn root(&self, pool: usize) -> Option<ViewId> {
        self.roots[pool]
    }

    /// The pool of a view.
    pub(crate) fn pool(&self, view: ViewId) -> Option<usize> {
        match self.keys[view as usize].host {
            Host::Pool(pool) => Some(pool),
            Host::Node => None,
        }
    }

    /// The types that a view admits.
    pub(crate) fn shelf(&self, view: ViewId) -> &Shelf {
        &self.shelves[view as usize]
    }

    /// The mask per key of a view.
    pub(crate) fn masks(&self, view: ViewId) -> &[Mask] {
        &self.keys[view as usize].masks
    }

    /// The demand that a node has one more fixed value. The same if it demands that already.
    pub(crate) fn pin(&mut self, demand: DemandId, key: KeyId, domain: usize) -> DemandId {
        let pin = Pin {
            demand,
            key,
            domain,
        };
        if let Some(id) = self.pins.get(&pin) {
            return *id;
        }
        let id = self.pin_anew(pin);
        self.pins.insert(pin, id);
        id
    }

    fn pin_anew(&mut self, pin: Pin) -> DemandId {
        let mut pinned = self.demands[pin.demand as usize].clone();
        let only = self.problem.keys.domain_mask(pin.key, pin.domain);
        match pinned.masks.binary_search_by_key(&pin.key, |(key, _)| *key) {
            Ok(at) => pinned.masks[at].1 = pinned.masks[at].1.and(&only),
            Err(at) => pinned.masks.insert(at, (pin.key, only)),
        }
        if pinned == self.demands[pin.demand as usize] {
            return pin.demand;
        }
        self.demands.push(pinned);
        self.pinned.push(pin);
        (self.demands.len() - 1) as DemandId
    }

    /// What a pinned demand is made of; none if it is one of the problem's.
    pub(crate) fn pinned(&self, demand: DemandId) -> Option<Pin> {
        let own = self.problem.demands.len();
        let at = (demand as usize).checked_sub(own)?;
        Some(self.pinned[at])
    }

    /// A demand, pinned or not.
    pub(crate) fn demand(&self, demand: DemandId) -> &Demand {
        &self.demands[demand as usize]
    }

    /// The domain of a node with this view, if it is decided.
    pub(crate) fn domain(&self, view: ViewId, key: KeyId) -> Option<usize> {
        let mask = &self.keys[view as usize].masks[key];
        self.problem.keys.only_domain(key, mask)
    }

    /// Whether a counter with this filter looks at a node with this view.
    pub(crate) fn looks(&self, view: ViewId, filter: Option<usize>) -> Looks {
        let Some(filter) = filter.map(|at| &self.problem.topology.filters[at]) else {
            return Looks::Surely;
        };
        let key = &self.keys[view as usize];
        filter.looks(self.problem, key.taints, &key.masks)
    }

    /// The view of a node after a pod with this demand has joined, if it may.
    pub(crate) fn step(&mut self, view: ViewId, demand: DemandId) -> Option<ViewId> {
        let steps = &self.steps[view as usize];
        let known = steps.get(demand as usize).copied().unwrap_or(UNKNOWN);
        let next = if known == UNKNOWN {
            let next = self.find_step(view, demand).unwrap_or(NONE);
            let steps = &mut self.steps[view as usize];
            if steps.len() <= demand as usize {
                steps.resize(self.demands.len(), UNKNOWN);
            }
            steps[demand as usize] = next;
            next
        } else {
            known
        };
        (next != NONE).then_some(next)
    }

    fn find_step(&mut self, view: ViewId, demand: DemandId) -> Option<ViewId> {
        let key = &self.keys[view as usize];
        let demand = &self.demands[demand as usize];
        if !self.problem.tolerates(demand.tolerations, key.taints) {
            return None;
        }
        let mut next = key.clone();
        for (id, mask) in &demand.masks {
            next.masks[*id] = next.masks[*id].and(mask);
            if next.masks[*id].is_empty() {
                return None;
            }
        }
        if matches!(next.host, Host::Pool(_)) {
            bits_add(&mut next.ports, &demand.ports);
        }
        self.intern(next)
    }

    /// The id of a view; `None` if it is a pool's and admits no type.
    fn intern(&mut self, key: ViewKey) -> Option<ViewId> {
        let id = self.id(key);
        self.usable(id).then_some(id)
    }

    fn id(&mut self, key: ViewKey) -> ViewId {
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let shelf = match key.host {
            Host::Pool(pool) => {
                let keep = if self.problem.pools[pool].is_picky() {
                    Keep::All
                } else {
                    Keep::Frontier
                };
                shelf_of(self.problem, &self.problem.pools[pool], &key, keep)
            }
            Host::Node => self.no_types.clone(),
        };
        let id = self.keys.len() as ViewId;
        self.ids.insert(key.clone(), id);
        self.keys.push(key);
        self.shelves.push(shelf);
        self.steps.push(Vec::new());
        id
    }

    fn usable(&self, view: ViewId) -> bool {
        self.pool(view).is_none() || !self.shelf(view).slots().is_empty()
    }

    /// All types that a view admits, not only those worth launching.
    pub(crate) fn full_shelf(&self, view: ViewId) -> Arc<Shelf> {
        let key = &self.keys[view as usize];
        match key.host {
            Host::Pool(pool) => shelf_of(self.problem, &self.problem.pools[pool], key, Keep::All),
            Host::Node => self.no_types.clone(),
        }
    }
}

/// The types that a view admits; those of earlier passes where they are known.
fn shelf_of(problem: &Problem, pool: &Pool, key: &ViewKey, keep: Keep) -> Arc<Shelf> {
    if key.ports.iter().any(|ports| *ports != 0) {
        // Which port a bit stands for differs from pass to pass.
        return Arc::new(new_shelf(problem, pool, key, keep));
    }
    let mut daemons = SmallVec::from_elem(0, problem.daemons.len().div_ceil(64));
    for (at, daemon) in problem.daemons.iter().enumerate() {
        daemons[at / 64] |= u64::from(comes(problem, daemon, pool)) << (at % 64);
    }
    let known = ShelfKey {
        types: Arc::as_ptr(&pool.types).addr(),
        keep,
        daemons,
        masks: key.masks.clone(),
    };
    let make = || new_shelf(problem, pool, key, keep);
    problem.shelves.of(known, make)
}

/// Whether a daemon tolerates what nodes of a pool keep pods away with.
fn comes(problem: &Problem, daemon: &Daemon, pool: &Pool) -> bool {
    problem.tolerates(daemon.tolerations, pool.hard_taints)
}

/// Positions of daemons that come to some of a pool's types, and to which, where the node has these
/// masks.
pub(crate) fn coming(problem: &Problem, pool: &Pool, masks: &[Mask]) -> Vec<(usize, SlotSet)> {
    let all = problem.daemons.iter().enumerate();
    all.filter(|(_, daemon)| comes(problem, daemon, pool))
        .map(|(at, daemon)| (at, pool.types.running(daemon, masks)))
        .collect()
}

fn new_shelf(problem: &Problem, pool: &Pool, key: &ViewKey, keep: Keep) -> Shelf {
    let daemons = coming(problem, pool, &key.masks);
    let under = pool.types.under(&key.masks);
    let mut candidates = Candidates::new(problem.dims);
    let mut taken = Room::new();
    for slot in under.by_price() {
        let kind = slot.kind as usize;
        let come = daemons
            .iter()
            .filter(|(_, running)| bits_have(running, kind))
            .map(|(at, _)| &problem.daemons[*at]);
        if come
            .clone()
            .any(|daemon| bits_meet(&daemon.ports, &key.ports))
        {
            // One of them holds a host port that a pod needs.
            continue;
        }
        taken.clear();
        taken.resize(problem.dims, 0);
        for daemon in come {
            for (taken, request) in taken.iter_mut().zip(&daemon.request) {
                *taken += request;
            }
        }
        let room = pool.types[kind].allocatable.iter().zip(&taken);
        candidates.push(slot, room.map(|(room, taken)| room - taken));
    }
    Shelf::new(&candidates, keep)
}
