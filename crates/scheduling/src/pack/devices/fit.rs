//! Whether a planned node can have a pod's devices, and what it then is.

use std::sync::Arc;

use ::devices::{Allocation, Candidate, CandidateNode};
use api::labels::INSTANCE_TYPE;
use requirements::{Requirement, Requirements};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Answer, Ask, Placing};
use crate::pack::budget::{Choice, MinValuesCheck};
use crate::pack::open::NewNode;
use crate::shelf::Shelf;
use crate::view::{ViewId, Views};

/// A planned node with the pod on it.
pub(super) struct Fit {
    pub(super) id: Arc<str>,
    pub(super) pool: usize,
    pub(super) view: ViewId,
    pub(super) slot: usize,
    price: u64,
    /// What it costs more than before.
    pub(super) increase: u64,
    check: MinValuesCheck,
    pub(super) requirements: Requirements,
    pub(super) allocation: Allocation,
}

impl Fit {
    /// The node, if it is a new one.
    pub(super) fn new_node(&self) -> NewNode {
        let mut new = NewNode::of(self.pool, self.view, self.slot, self.price);
        new.set_check(self.check);
        new
    }
}

/// All types that views admit, each list made once.
#[derive(Default)]
pub(super) struct Shelves(FxHashMap<ViewId, Arc<Shelf>>);

impl Shelves {
    pub(super) fn of(&mut self, views: &Views<'_>, view: ViewId) -> Arc<Shelf> {
        let shelf = self.0.entry(view);
        let shelf = shelf.or_insert_with(|| views.full_shelf(view));
        shelf.clone()
    }
}

impl Placing<'_, '_, '_> {
    /// Looks for devices on an opened node, or on a new one. `view` is the node's with what the pod
    /// demands of it.
    pub(super) fn fit(&mut self, ask: Ask, opened: Option<usize>, view: ViewId) -> Answer {
        let Some(pool) = self.packing.views.pool(view) else {
            return Ok(None);
        };
        let request = &self.index.problem.classes[ask.class].request;
        let mut need = request.clone();
        let node = opened.map(|at| self.there.len() + at);
        if let Some(node) = node {
            for (need, used) in need.iter_mut().zip(self.packing.nodes.used(node)) {
                *need += used;
            }
        }
        let shelf = self.shelves.of(self.packing.views, view);
        let kinds = &self.index.problem.pools[pool].types;
        let holding = shelf.holding(&need);
        let names = holding.map(|slot| &kinds[shelf.slot(slot).kind as usize].instance.name);
        let mut types: Vec<Arc<str>> = Vec::new();
        let mut seen = FxHashSet::default();
        // A type stands once for each capacity that it can be had with.
        types.extend(names.filter(|name| seen.insert(*name)).cloned());
        if types.is_empty() {
            return Ok(None);
        }
        let id = match opened {
            Some(at) => self.opened[at].id.clone(),
            None => format!("new node {}", self.opened.len() + 1).into(),
        };
        let requirements = self.requirements(ask, opened, pool);
        let candidate = Candidate {
            id: &id,
            node: CandidateNode::Planned,
            node_pool: &self.index.pools[pool].template.name,
            requirements: &requirements,
            types: &types,
        };
        let allocation = self
            .allocator
            .allocate(&candidate, self.claims(ask.class))?;
        let narrow = Narrow {
            id,
            pool,
            view,
            need,
            node,
            requirements,
            allocation,
        };
        Ok(self.narrowed(narrow))
    }

    /// The node in the first of the places that its devices leave in which some type holds all.
    fn narrowed(&mut self, of: Narrow) -> Option<Fit> {
        let keys = &self.index.problem.keys;
        let names = self.of_one_mind(&of.allocation);
        let types = Requirement::any_of(INSTANCE_TYPE, names);
        for place in &of.allocation.alternatives {
            let mut masks = keys.masks(place);
            if let Some(key) = keys.find(INSTANCE_TYPE) {
                let only = keys.mask(key, &types);
                match masks.iter_mut().find(|(id, _)| *id == key) {
                    Some((_, mask)) => *mask = mask.and(&only),
                    None => masks.push((key, only)),
                }
            }
            let Some(view) = self.packing.views.narrowed(of.view, &masks) else {
                continue;
            };
            let Some((slot, check)) = self.cheapest_slot(&of, view) else {
                continue;
            };
            let price = self.packing.views.shelf(view).slot(slot).price;
            let before = of.node.map_or(0, |node| self.packing.nodes.price[node]);
            return Some(Fit {
                pool: of.pool,
                view,
                slot,
                price,
                increase: price.saturating_sub(before),
                check,
                requirements: of.requirements.intersect(place),
                id: of.id,
                allocation: of.allocation,
            });
        }
        None
    }

    fn cheapest_slot(&self, of: &Narrow, view: ViewId) -> Option<(usize, MinValuesCheck)> {
        let shelf = self.packing.views.shelf(view);
        let check = |node| self.packing.nodes.check[node];
        let mut choice = Choice {
            pool: &self.index.problem.pools[of.pool],
            left: self.packing.budgets.left(of.pool),
            held: of.node.and_then(|node| self.packing.nodes.kind(node)),
            check: of.node.map_or(MinValuesCheck::Enforced, check),
        };
        if let Some(slot) = choice.pick(shelf, &of.need) {
            return Some((slot, choice.check));
        }
        if of.node.is_some() || !self.packing.policy.relax_min_values {
            return None;
        }
        choice.check = MinValuesCheck::Relaxed;
        choice
            .pick(shelf, &of.need)
            .map(|slot| (slot, choice.check))
    }

    /// The types whose devices are published by the same drivers as those of the cheapest. The node
    /// waits for all drivers that its claim names, so types must not differ in them.
    fn of_one_mind(&self, allocation: &Allocation) -> Vec<Arc<str>> {
        let drivers = |name: &Arc<str>| self.allocator.promising(allocation, name);
        let cheapest = allocation.types.first().map(drivers);
        let types = allocation.types.iter();
        types
            .filter(|name| Some(drivers(name)) == cheapest)
            .cloned()
            .collect()
    }
}

/// A planned node that has the devices.
struct Narrow {
    id: Arc<str>,
    pool: usize,
    view: ViewId,
    /// What it has to hold.
    need: Vec<i64>,
    /// The node, if it was opened before.
    node: Option<usize>,
    requirements: Requirements,
    allocation: Allocation,
}
