//! Which types a claim lists, and which of them is launched.

use std::rc::Rc;
use std::sync::Arc;

use api::labels;
use catalog::{CapacityType, InstanceType, Price};
use cluster::ResourceVec;
use model::ResourceList;
use requirements::Requirement;
use rustc_hash::FxHashMap;

use crate::index::Index;
use crate::pack::{NodeId, Packed, listed};
use crate::placement::Launch;
use crate::problem::{Pool, bits_have};
use crate::shelf::{Room, Shelf, SlotSet, positions};
use crate::types::{CapacityTypes, Under};
use crate::view::{ViewId, Views, coming};

/// Instance types of a claim.
pub(super) struct Listing {
    pub(super) types: Arc<[Arc<InstanceType>]>,
    /// Their positions in the pool's list.
    pub(super) kinds: Arc<[u32]>,
    pub(super) launch: Launch,
    /// What daemons that come to all of these types request.
    daemons: ResourceVec,
    /// The capacity types in which they can be had.
    pub(super) capacity_types: CapacityTypes,
    /// The requirement that it is one of those.
    pub(super) one_of_them: Arc<Requirement>,
}

/// What claims have in common whose nodes hold the same.
#[derive(Clone)]
pub(super) struct Load {
    /// Number of the listing.
    pub(super) at: usize,
    pub(super) listing: Rc<Listing>,
    /// What pods request, and the daemons that come to all of the types.
    pub(super) requests: Arc<ResourceList>,
}

/// A view, what is on a node, and the type that the node was charged with where that matters.
type LoadKey = (ViewId, Room, Option<u32>);

/// A view, the types that hold what is on a node, and the one that the node was charged with.
type Key = (ViewId, SlotSet, Option<u32>);

/// Lists of types, each made once.
pub(super) struct Listings<'a, 'p, 's> {
    index: &'a Index<'s>,
    views: &'a Views<'p>,
    packed: &'a Packed,
    /// Per pool and limit: how much more than it is charged for each claim may take. What is left
    /// of a limit is shared evenly, so that the largest types of all claims stay within it.
    spare: Vec<Vec<i64>>,
    /// By view.
    full: FxHashMap<ViewId, Rc<Full<'a>>>,
    loads: FxHashMap<LoadKey, Load>,
    ids: FxHashMap<Key, usize>,
    made: Vec<Rc<Listing>>,
    capacity_types: FxHashMap<CapacityTypes, Arc<Requirement>>,
}

/// All types that a view admits.
struct Full<'a> {
    shelf: Arc<Shelf>,
    under: Under<'a>,
    /// Positions of daemons that come to some of the types, and to which.
    daemons: Vec<(usize, SlotSet)>,
}

impl<'a, 'p, 's> Listings<'a, 'p, 's> {
    pub(super) fn new(index: &'a Index<'s>, views: &'a Views<'p>, packed: &'a Packed) -> Self {
        Self {
            index,
            views,
            packed,
            spare: spare(index, views, packed),
            full: FxHashMap::default(),
            loads: FxHashMap::default(),
            ids: FxHashMap::default(),
            made: Vec::new(),
            capacity_types: FxHashMap::default(),
        }
    }

    /// The types that hold what is on a node, and what is requested of them.
    pub(super) fn of(&mut self, node: NodeId, pool: usize) -> Load {
        let view = self.packed.nodes.view[node];
        let of = &self.index.problem.pools[pool];
        let used = self.packed.nodes.used(node);
        // Without limits and `minValues` a node is charged with the cheapest type that holds its
        // pods.
        let kind = self.packed.nodes.kind(node).filter(|_| of.is_picky());
        let key: LoadKey = (view, Room::from_slice(used), kind);
        if let Some(known) = self.loads.get(&key) {
            return known.clone();
        }
        let at = self.listing((view, pool), used, kind);
        let listing = self.made[at].clone();
        let requests = Arc::new(requests(self.index, used, &listing));
        let load = Load {
            at,
            listing,
            requests,
        };
        self.loads.insert(key, load.clone());
        load
    }

    fn listing(&mut self, (view, pool): (ViewId, usize), used: &[i64], kind: Option<u32>) -> usize {
        let of = &self.index.problem.pools[pool];
        let full = self.full(view, of);
        let key = (view, full.shelf.holding_set(used), kind);
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let kinds = kinds(of, &full.shelf, (&key.1, kind), &self.spare[pool]);
        let capacity_types = full.under.capacity_types(kinds.iter().copied());
        let listing = Listing {
            types: kinds
                .iter()
                .map(|kind| of.types[*kind as usize].instance.clone())
                .collect(),
            launch: launch(of, &full.under, kinds[0] as usize),
            daemons: daemons(self.index, &full, &kinds),
            kinds: kinds.into(),
            capacity_types,
            one_of_them: self.requirement(capacity_types),
        };
        self.made.push(Rc::new(listing));
        self.ids.insert(key, self.made.len() - 1);
        self.made.len() - 1
    }

    fn full(&mut self, view: ViewId, pool: &'a Pool) -> Rc<Full<'a>> {
        let (views, problem) = (self.views, &self.index.problem);
        let make = || {
            let shelf = views.full_shelf(view);
            let masks = views.masks(view);
            let under = pool.types.under(masks);
            Rc::new(Full {
                shelf,
                under,
                daemons: coming(problem, pool, masks),
            })
        };
        self.full.entry(view).or_insert_with(make).clone()
    }

    /// The requirement that one of the capacity types is had.
    fn requirement(&mut self, of: CapacityTypes) -> Arc<Requirement> {
        let make = || {
            let all = CapacityType::ALL.into_iter();
            let some = all.filter(|capacity_type| of.has(*capacity_type));
            Arc::new(Requirement::any_of(
                labels::CAPACITY_TYPE,
                some.map(CapacityType::as_str),
            ))
        };
        self.capacity_types.entry(of).or_insert_with(make).clone()
    }
}

/// The types that are listed of those that hold what is on a node, where it is charged with `kind`.
fn kinds(
    pool: &Pool,
    shelf: &Shelf,
    (holding, kind): (&SlotSet, Option<u32>),
    spare: &[i64],
) -> Vec<u32> {
    let holding: Vec<usize> = positions(holding).collect();
    let charged = holding
        .iter()
        .find(|slot| kind.is_none_or(|kind| shelf.slot(**slot).kind == kind));
    let charged = *charged.unwrap_or_else(|| unreachable!("a node's type holds its pods"));
    listed(pool, shelf, &holding, charged, spare)
}

fn launch(pool: &Pool, under: &Under<'_>, kind: usize) -> Launch {
    let offer = under.cheapest(kind);
    let offer = offer.unwrap_or_else(|| unreachable!("a type on the shelf has an offering"));
    let instance = &pool.types[kind].instance;
    let offering = &instance.offerings[offer.index];
    Launch {
        instance_type: instance.name.clone(),
        zone: offering.zone.clone(),
        capacity_type: offering.capacity_type,
        price: Price::from_nanos(offer.price),
    }
}

/// What daemons request that come to every one of the types.
fn daemons(index: &Index<'_>, full: &Full<'_>, kinds: &[u32]) -> ResourceVec {
    let mut requests = ResourceVec::default();
    for (at, running) in &full.daemons {
        if kinds.iter().all(|kind| bits_have(running, *kind as usize)) {
            let source = index.daemons[*at];
            requests.add(&index.snapshot.daemons[source].shape.requests);
        }
    }
    requests
}

/// What the pods of a node request, and the daemons that come to all of its types.
fn requests(index: &Index<'_>, used: &[i64], listing: &Listing) -> ResourceList {
    let of_pods = used.iter().enumerate().filter(|(_, amount)| **amount > 0);
    let mut requests: ResourceVec = of_pods
        .filter_map(|(dim, amount)| Some((index.amounts.id(dim)?, *amount)))
        .collect();
    requests.add(&listing.daemons);
    index.snapshot.dimensions.list(&requests)
}

/// Each claim's even share of what is left of its pool's limits.
fn spare(index: &Index<'_>, views: &Views<'_>, packed: &Packed) -> Vec<Vec<i64>> {
    let pools = &index.problem.pools;
    let mut claims = vec![0_i64; pools.len()];
    for pool in packed
        .nodes
        .view
        .iter()
        .filter_map(|view| views.pool(*view))
    {
        claims[pools[pool].group] += 1;
    }
    let share = |pool: usize| {
        let left = packed.budgets.left(pool).iter();
        left.map(|left| left / claims[pools[pool].group].max(1))
            .collect()
    };
    (0..pools.len()).map(share).collect()
}
