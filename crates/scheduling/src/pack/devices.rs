//! Pods whose claims want devices: each is placed by itself, before all others.
//!
//! Nodes that are there come first; then growth of a node that was opened for such pods, or a new
//! one, whichever costs less. The allocator (the crate `devices`) says whether a node has devices
//! for a pod, and which instance types and places that leaves; the node is narrowed to them. What
//! the pod demands of the node counts in the search already.
//!
//! What is *not* here: pods without claims, which are packed around these (`first`).

mod fit;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::ObjectKey;
use requirements::{Requirement, Requirements};

use super::{Ask, NodeId, Packing};
use crate::claims::add_demand;
use crate::first::{First, FirstNode};
use crate::index::Index;
use crate::index::devices::{Claiming, Found, WithDevices};
use crate::policy::{Policy, order};
use crate::problem::DemandId;
use crate::view::Views;

use ::devices::{Allocator, Candidate, CandidateNode, Refused};
use fit::{Fit, Shelves};
use seen::Seen;

/// Places the pods with claims, for all packings of a pass. Nothing is done where there are none.
pub(crate) fn place(index: &mut Index<'_>, policy: &Policy) {
    index.problem.first = First::default();
    let Some(mut claiming) = index.claiming.take() else {
        return;
    };
    index.problem.first = placed(index, &mut claiming, policy);
    index.claiming = Some(claiming);
}

fn placed(index: &Index<'_>, claiming: &mut Claiming, policy: &Policy) -> First {
    let problem = &index.problem;
    let mut views = Views::new(problem);
    let mut placing = Placing {
        index,
        claiming,
        packing: Packing::new(problem, &mut views, policy),
        allocator: claiming.allocator.clone(),
        there: there(index),
        opened: Vec::new(),
        seen: Seen::new(claiming, problem),
        has_shared: claiming.allocator.has_shared(),
        shelves: Shelves::default(),
        found: Found::default(),
    };
    let mut left: Vec<usize> = order(problem, policy);
    left.retain(|class| placing.claiming.classes.contains_key(class));
    let mut refused: BTreeMap<usize, Found> = BTreeMap::new();
    loop {
        let before = left.len();
        left.retain(|class| {
            let is_placed = placing.place(*class);
            refused.insert(*class, std::mem::take(&mut placing.found));
            !is_placed
        });
        // Those that want to be near others may have a place now.
        if left.is_empty() || left.len() == before {
            break;
        }
    }
    left.sort_unstable();
    refused.retain(|class, _| left.contains(class));
    let (first, nodes) = placing.finish(left);
    claiming.nodes = nodes;
    claiming.refused = refused;
    first
}

/// A node that is there, as the allocator sees it.
struct There {
    id: Arc<str>,
    name: Option<Arc<str>>,
    is_ready: bool,
    pool: String,
    requirements: Requirements,
    instance_type: [Arc<str>; 1],
}

/// A node that was opened.
struct Opened {
    id: Arc<str>,
    pool: usize,
    requirements: Requirements,
    /// The types that it may become.
    types: BTreeSet<Arc<str>>,
}

struct Placing<'a, 'p, 's> {
    index: &'p Index<'s>,
    claiming: &'a Claiming,
    packing: Packing<'a, 'p>,
    allocator: Allocator,
    there: Vec<There>,
    opened: Vec<Opened>,
    seen: Seen,
    /// Whether several nodes can reach a device.
    has_shared: bool,
    shelves: Shelves,
    /// What the search has come to for the pod at hand.
    found: Found,
}

fn there(index: &Index<'_>) -> Vec<There> {
    let nodes = index.problem.nodes.iter();
    nodes
        .map(|node| {
            let state = &index.snapshot.nodes[node.source];
            let mut requirements = Requirements::from_labels(state.labels());
            let hostname = api::labels::HOSTNAME;
            requirements.set(Requirement::single(hostname, state.hostname()));
            let label = |key| state.label(key).unwrap_or_default();
            There {
                id: state.name().clone(),
                name: state.node.as_ref().map(|_| state.name().clone()),
                is_ready: state.is_initialized(),
                pool: label(api::labels::NODEPOOL).to_owned(),
                instance_type: [label(api::labels::INSTANCE_TYPE).into()],
                requirements,
            }
        })
        .collect()
}

impl There {
    fn candidate(&self) -> Candidate<'_> {
        let node = match self.name.as_deref() {
            Some(name) if self.is_ready => CandidateNode::Ready(name),
            name => CandidateNode::Starting(name),
        };
        Candidate {
            id: &self.id,
            node,
            node_pool: &self.pool,
            requirements: &self.requirements,
            types: &self.instance_type,
        }
    }
}

impl Placing<'_, '_, '_> {
    /// Places the pod of a class, if it can be.
    fn place(&mut self, class: usize) -> bool {
        let variants = self.index.problem.classes[class].variants.clone();
        variants.iter().any(|variant| {
            let ask = Ask {
                class,
                demand: variant.demand,
                rules: variant.rules,
            };
            let ask = self.packing.founding(ask).unwrap_or(ask);
            let asks = self.packing.pinned(ask);
            self.join_there(&asks) || self.grow_or_open(&asks)
        })
    }

    fn claims(&self, class: usize) -> &[ObjectKey] {
        self.claiming.classes.get(&class).map_or(&[], Vec::as_slice)
    }

    /// Puts the pod on the first node that is there and takes it.
    fn join_there(&mut self, asks: &[Ask]) -> bool {
        for node in 0..self.there.len() {
            for ask in asks {
                if self.join_one(*ask, node) {
                    return true;
                }
            }
        }
        false
    }

    fn join_one(&mut self, ask: Ask, node: NodeId) -> bool {
        let class = &self.index.problem.classes[ask.class];
        let before = self.packing.nodes.view[node];
        if self.packing.nodes.fit(node, class, 1) == 0 || !self.lets_in(ask, node) {
            return false;
        }
        let Some(view) = self.packing.views.step(before, ask.demand) else {
            return false;
        };
        if let Some(refused) = self.seen.refused(ask, node) {
            self.found.by_node.get_or_insert_with(|| refused.clone());
            return false;
        }
        let claims = self.claims(ask.class);
        let answer = self
            .allocator
            .allocate(&self.there[node].candidate(), claims);
        match answer {
            Ok(allocation) => {
                self.allocator.commit(allocation);
                self.packing.nodes.view[node] = view;
                self.put(ask, node);
                true
            }
            Err(refused) => {
                self.seen.note(ask, node, &refused);
                self.found.by_node.get_or_insert(refused);
                false
            }
        }
    }

    /// Whether host ports and rules about other pods let the pod onto a node.
    fn lets_in(&self, ask: Ask, node: NodeId) -> bool {
        self.packing.admits(ask, node) && self.packing.cap(ask, node) > 0
    }

    /// Puts the pod on a node that was opened before, or on a new one if that is cheaper.
    fn grow_or_open(&mut self, asks: &[Ask]) -> bool {
        let mut best: Option<(Ask, usize, Fit)> = None;
        for at in 0..self.opened.len() {
            for ask in asks {
                let bar = best.as_ref().map_or(u64::MAX, |(_, _, fit)| fit.increase);
                if bar == 0 {
                    break;
                }
                if let Some(fit) = self.growth(*ask, at).filter(|fit| fit.increase < bar) {
                    best = Some((*ask, at, fit));
                }
            }
        }
        if let Some((ask, at, fit)) = best.take_if(|(_, _, fit)| fit.increase == 0) {
            self.grow(ask, at, fit);
            return true;
        }
        let fee = self.packing.policy.node_fee;
        let new = asks
            .iter()
            .find_map(|ask| Some((*ask, self.new_node(*ask)?)));
        match (best, new) {
            (Some((_, _, growth)), Some((ask, new)))
                if growth.increase > new.increase.saturating_add(fee) =>
            {
                self.open(ask, new);
            }
            (Some((ask, at, growth)), _) => self.grow(ask, at, growth),
            (None, Some((ask, new))) => self.open(ask, new),
            (None, None) => return false,
        }
        true
    }

    fn growth(&mut self, ask: Ask, at: usize) -> Option<Fit> {
        let node = self.there.len() + at;
        if !self.lets_in(ask, node) || self.seen.refused(ask, node).is_some() {
            return None;
        }
        let view = self
            .packing
            .views
            .step(self.packing.nodes.view[node], ask.demand)?;
        match self.fit(ask, Some(at), view) {
            Ok(fit) => fit,
            Err(refused) => {
                self.seen.note(ask, node, &refused);
                None
            }
        }
    }

    /// A new node of the first pool that can have one.
    fn new_node(&mut self, ask: Ask) -> Option<Fit> {
        let rules = self.packing.rules(ask.rules);
        if rules.joins_others() || self.packing.fresh_cap(ask) == 0 {
            return None;
        }
        for pool in self.packing.open_pools() {
            let root = self.packing.views.root(pool);
            let view = root.and_then(|root| self.packing.views.step(root, ask.demand));
            let Some(view) = view else {
                continue;
            };
            match self.fit(ask, None, view) {
                Ok(Some(fit)) => return Some(fit),
                Ok(None) => {}
                Err(refused) => {
                    let name = self.index.pools[pool].template.name.clone();
                    self.found.by_pool.entry(name).or_insert(refused);
                }
            }
        }
        None
    }

    /// Everything that a node must be, with the pod on it.
    fn requirements(&self, ask: Ask, opened: Option<usize>, pool: usize) -> Requirements {
        let mut all = if let Some(at) = opened {
            self.opened[at].requirements.clone()
        } else {
            let pool = &self.index.pools[pool];
            let mut all = pool.template.requirements.clone();
            let reservation = pool.reservation.as_ref();
            all.extend(reservation.and_then(|r| r.requirement.clone()));
            all
        };
        add_demand(self.index, self.packing.views, ask.demand, &mut all);
        all
    }

    fn grow(&mut self, ask: Ask, at: usize, fit: Fit) {
        let node = self.there.len() + at;
        self.packing.counters.grown += 1;
        self.packing.resize(node, fit.view, fit.slot);
        self.settle(ask, at, fit);
    }

    fn open(&mut self, ask: Ask, fit: Fit) {
        self.packing.open_empty(fit.new_node());
        self.opened.push(Opened {
            id: fit.id.clone(),
            pool: fit.pool,
            requirements: Requirements::new(),
            types: BTreeSet::new(),
        });
        self.settle(ask, self.opened.len() - 1, fit);
    }

    /// Puts the pod on an opened node, and holds its devices for the types that are left.
    fn settle(&mut self, ask: Ask, at: usize, fit: Fit) {
        let node = self.there.len() + at;
        self.put(ask, node);
        self.allocator.commit(fit.allocation);
        let used = self.packing.nodes.used(node).to_vec();
        let shelf = self.shelves.of(self.packing.views, fit.view);
        let types = &self.index.problem.pools[fit.pool].types;
        let left = shelf
            .holding(&used)
            .map(|slot| &types[shelf.slot(slot).kind as usize].instance.name);
        let left: BTreeSet<Arc<str>> = left.cloned().collect();
        let opened = &mut self.opened[at];
        if self.has_shared && opened.types.len() > left.len() {
            self.seen.forget();
        }
        self.allocator.keep(&opened.id, |name| left.contains(name));
        opened.requirements = fit.requirements;
        opened.types = left;
    }

    /// Puts the pod somewhere. What it is pinned to is kept with the node, not with the pod.
    fn put(&mut self, ask: Ask, node: NodeId) {
        let mut demand: DemandId = ask.demand;
        while let Some(pin) = self.packing.views.pinned(demand) {
            demand = pin.demand;
        }
        self.packing.put(Ask { demand, ..ask }, node, 1);
    }

    fn finish(self, left: Vec<usize>) -> (First, Vec<WithDevices>) {
        let packing = self.packing;
        let first = self.there.len();
        let nodes = self.opened.iter().enumerate().map(|(at, opened)| {
            let node = first + at;
            let view = packing.nodes.view[node];
            FirstNode {
                pool: opened.pool,
                kind: packing.nodes.kind(node).unwrap_or_default(),
                masks: packing.views.masks(view).to_vec(),
                ports: packing.views.ports(view).to_vec(),
                check: packing.nodes.check[node],
            }
        });
        let first = First {
            classes: self.claiming.classes.keys().copied().collect(),
            left,
            nodes: nodes.collect(),
            puts: packing.puts,
        };
        let with_devices = self.opened.into_iter().map(|opened| WithDevices {
            drivers: self.allocator.drivers(&opened.id),
            requirements: opened.requirements,
        });
        (first, with_devices.collect())
    }
}

/// Why a node does not take the pod; nothing where it is not for want of devices.
type Answer = Result<Option<Fit>, Refused>;
