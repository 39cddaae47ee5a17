//! Which types a claim lists, and which of them is launched.

use std::sync::Arc;

use api::labels;
use catalog::{InstanceType, Price};
use cluster::ResourceVec;
use requirements::Requirement;
use rustc_hash::FxHashMap;

use crate::index::Index;
use crate::mask::Mask;
use crate::pack::{NodeId, Packed, listed};
use crate::placement::Launch;
use crate::problem::Pool;
use crate::shelf::{Shelf, SlotSet, positions};
use crate::view::{ViewId, Views, cheapest_offer, may_run, offers};

/// Instance types of a claim.
#[derive(Clone)]
pub(super) struct Listing {
    pub(super) types: Arc<[Arc<InstanceType>]>,
    /// Their positions in the pool's list.
    pub(super) kinds: Arc<[u32]>,
    pub(super) launch: Launch,
    /// What daemons that come to all of these types request.
    pub(super) daemons: Arc<ResourceVec>,
    pub(super) capacity_types: Arc<Requirement>,
}

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
    shelves: FxHashMap<ViewId, FullShelf>,
    ids: FxHashMap<Key, usize>,
    made: Vec<Listing>,
    capacity_types: FxHashMap<Vec<&'static str>, Arc<Requirement>>,
}

/// All types that a view admits.
struct FullShelf {
    shelf: Arc<Shelf>,
    /// The capacity types in which any of them can be had.
    capacity_types: Vec<&'static str>,
}

impl<'a, 'p, 's> Listings<'a, 'p, 's> {
    pub(super) fn new(index: &'a Index<'s>, views: &'a Views<'p>, packed: &'a Packed) -> Self {
        Self {
            index,
            views,
            packed,
            spare: spare(index, views, packed),
            shelves: FxHashMap::default(),
            ids: FxHashMap::default(),
            made: Vec::new(),
            capacity_types: FxHashMap::default(),
        }
    }

    /// The types that hold what is on a node, and a number for the list.
    pub(super) fn of(&mut self, node: NodeId, pool: usize) -> (usize, Listing) {
        let view = self.packed.nodes.view[node];
        let of = &self.index.problem.pools[pool];
        let shelf = self.full_shelf(view, of);
        let holding = shelf.holding_set(self.packed.nodes.used(node));
        // Without limits and `minValues` a node is charged with the cheapest type that holds its
        // pods.
        let kind = self.packed.nodes.kind(node).filter(|_| of.is_picky());
        let key = (view, holding, kind);
        if let Some(id) = self.ids.get(&key) {
            return (*id, self.made[*id].clone());
        }
        let spare = self.spare[pool].clone();
        let listing = self.new_listing(view, (of, &spare), &shelf, (&key.1, kind));
        let id = self.made.len();
        self.ids.insert(key, id);
        self.made.push(listing.clone());
        (id, listing)
    }

    fn full_shelf(&mut self, view: ViewId, pool: &Pool) -> Arc<Shelf> {
        let views = self.views;
        let full = self.shelves.entry(view).or_insert_with(|| {
            let shelf = views.full_shelf(view);
            let kinds = shelf.slots().iter().map(|slot| slot.kind);
            let capacity_types = capacity_types(pool, kinds, views.masks(view), usize::MAX);
            FullShelf {
                shelf,
                capacity_types,
            }
        });
        full.shelf.clone()
    }

    fn new_listing(
        &mut self,
        view: ViewId,
        (pool, spare): (&Pool, &[i64]),
        shelf: &Shelf,
        (holding, kind): (&SlotSet, Option<u32>),
    ) -> Listing {
        let holding: Vec<usize> = positions(holding).collect();
        let charged = holding
            .iter()
            .find(|slot| kind.is_none_or(|kind| shelf.slot(**slot).kind == kind));
        let charged = *charged.unwrap_or_else(|| unreachable!("a node's type holds its pods"));
        let kinds = listed(pool, shelf, &holding, charged, spare);
        let masks = self.views.masks(view);
        let launched = &pool.types[kinds[0] as usize];
        let offer = cheapest_offer(launched, masks)
            .unwrap_or_else(|| unreachable!("a type on the shelf has an offering"));
        let offering = &launched.instance.offerings[offer.index];
        let launch = Launch {
            instance_type: launched.instance.name.clone(),
            zone: offering.zone.clone(),
            capacity_type: offering.capacity_type,
            price: Price::from_nanos(offer.price),
        };
        Listing {
            types: kinds
                .iter()
                .map(|kind| pool.types[*kind as usize].instance.clone())
                .collect(),
            daemons: Arc::new(self.daemons(pool, &kinds, view)),
            capacity_types: self.capacity_types(view, pool, &kinds),
            kinds: kinds.into(),
            launch,
        }
    }

    /// What daemons request that come to every one of the types.
    fn daemons(&self, pool: &Pool, kinds: &[u32], view: ViewId) -> ResourceVec {
        let masks = self.views.masks(view);
        let mut requests = ResourceVec::default();
        let problem = &self.index.problem;
        for (daemon, source) in problem.daemons.iter().zip(&self.index.daemons) {
            let everywhere = problem.tolerates(daemon.tolerations, pool.hard_taints)
                && kinds
                    .iter()
                    .all(|kind| may_run(daemon, &pool.types[*kind as usize], masks));
            if everywhere {
                requests.add(&self.index.snapshot.daemons[*source].shape.requests);
            }
        }
        requests
    }

    /// The capacity types in which some of the types can be had.
    fn capacity_types(&mut self, view: ViewId, pool: &Pool, kinds: &[u32]) -> Arc<Requirement> {
        let most = self.shelves[&view].capacity_types.len();
        let masks = self.views.masks(view);
        let found = capacity_types(pool, kinds.iter().copied(), masks, most);
        self.capacity_types
            .entry(found)
            .or_insert_with_key(|found| {
                let found = found.iter().copied();
                Arc::new(Requirement::any_of(labels::CAPACITY_TYPE, found))
            })
            .clone()
    }
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

/// The capacity types in which some of the types can be had, sorted; at most so many.
fn capacity_types(
    pool: &Pool,
    kinds: impl Iterator<Item = u32>,
    masks: &[Mask],
    most: usize,
) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for kind in kinds {
        let ty = &pool.types[kind as usize];
        for offer in offers(ty, masks) {
            let name = ty.instance.offerings[offer.index].capacity_type.as_str();
            if let Err(at) = found.binary_search(&name) {
                found.insert(at, name);
            }
        }
        if found.len() >= most {
            break;
        }
    }
    found
}
