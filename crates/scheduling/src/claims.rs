//! Packed nodes as planned claims, and pods on nodes that are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::labels;
use catalog::{InstanceType, Price};
use cluster::{PodRecord, ResourceVec};
use requirements::{Requirement, Requirements};
use rustc_hash::FxHashMap;

use crate::index::Index;
use crate::index::pools::PROGRESS;
use crate::pack::{MinValuesCheck, NodeId, Packed, distinct_values, listed};
use crate::placement::{ExistingPlacement, Launch, MinValuesOutcome, PlannedClaim};
use crate::problem::{DemandId, Pool};
use crate::shelf::Shelf;
use crate::view::{ViewId, Views, cheapest_offer, may_run};

/// Planned claims, and nodes that are there with their new pods.
pub(crate) fn claims(
    index: &Index<'_>,
    views: &mut Views<'_>,
    packed: &Packed,
    seed: u64,
) -> (Vec<PlannedClaim>, Vec<ExistingPlacement>) {
    let mut contents = contents(index, packed);
    let first = index.problem.nodes.len();
    let planned = contents.split_off(first);
    let mut existing: Vec<ExistingPlacement> = contents
        .into_iter()
        .zip(&index.problem.nodes)
        .filter(|(content, _)| !content.pods.is_empty())
        .map(|(content, node)| ExistingPlacement {
            node: index.snapshot.nodes[node.source].name().clone(),
            pods: content.pods,
        })
        .collect();
    existing.sort_by(|a, b| a.node.cmp(&b.node));
    let mut writer = Writer {
        index,
        views,
        packed,
        seed,
        shelves: FxHashMap::default(),
        types: FxHashMap::default(),
        requirements: FxHashMap::default(),
    };
    let mut claims: Vec<(usize, PlannedClaim)> = planned
        .into_iter()
        .enumerate()
        .map(|(at, content)| writer.claim(first + at, content))
        .collect();
    claims.sort_by(|(pool_a, a), (pool_b, b)| {
        pool_a
            .cmp(pool_b)
            .then_with(|| first_pod(a).cmp(&first_pod(b)))
    });
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    for (pool, claim) in &mut claims {
        let number = numbers.entry(*pool).or_default();
        *number += 1;
        claim.name = format!("{}-{number}", claim.pool);
    }
    (
        claims.into_iter().map(|(_, claim)| claim).collect(),
        existing,
    )
}

fn first_pod(claim: &PlannedClaim) -> Option<(&str, &str)> {
    claim.pods.first().map(|pod| name(pod))
}

fn name(pod: &PodRecord) -> (&str, &str) {
    (pod.namespace(), &pod.name)
}

/// What a node was given.
#[derive(Default)]
struct Content {
    /// By namespace and name.
    pods: Vec<Arc<PodRecord>>,
    /// Sorted.
    demands: Vec<DemandId>,
    requests: ResourceVec,
}

/// Deals out the pods of each class in the order of the puts.
fn contents(index: &Index<'_>, packed: &Packed) -> Vec<Content> {
    let mut contents: Vec<Content> = Vec::new();
    contents.resize_with(packed.nodes.len(), Content::default);
    let mut dealt = vec![0_usize; index.pods.len()];
    for put in &packed.puts {
        let class = put.class as usize;
        let from = dealt[class];
        let to = from + put.count as usize;
        dealt[class] = to;
        let content = &mut contents[put.node];
        for pod in &index.pods[class][from..to] {
            content.requests.add(&pod.shape.requests);
            content.pods.push(pod.clone());
        }
        if let Err(at) = content.demands.binary_search(&put.demand) {
            content.demands.insert(at, put.demand);
        }
    }
    for content in &mut contents {
        content.pods.sort_by(|a, b| name(a).cmp(&name(b)));
    }
    contents
}

/// Instance types of a claim.
#[derive(Clone)]
struct Listing {
    types: Arc<[Arc<InstanceType>]>,
    kinds: Arc<[u32]>,
    launch: Launch,
    /// What daemons that come to all of these types request.
    daemons: ResourceVec,
    capacity_types: Requirement,
}

/// Writes claims, remembering what many of them have in common.
struct Writer<'a, 'p, 's> {
    index: &'a Index<'s>,
    views: &'a mut Views<'p>,
    packed: &'a Packed,
    seed: u64,
    shelves: FxHashMap<ViewId, Arc<Shelf>>,
    types: FxHashMap<(ViewId, Vec<usize>, usize), Listing>,
    requirements: FxHashMap<(usize, Vec<DemandId>), Requirements>,
}

impl Writer<'_, '_, '_> {
    /// The claim of a planned node, with the position of its pool.
    fn claim(&mut self, node: NodeId, content: Content) -> (usize, PlannedClaim) {
        let view = self.packed.nodes.view[node];
        let pool = self
            .views
            .pool(view)
            .unwrap_or_else(|| unreachable!("a planned node has a pool"));
        let listing = self.listing(node, view, pool);
        let index = self.index;
        let template = &index.pools[pool].template;
        let mut requirements = self.requirements(pool, content.demands);
        requirements.add(listing.capacity_types);
        let outcome = self.relax(pool, node, &listing.kinds, &mut requirements);
        let vocabulary = &index.snapshot.vocabulary;
        let mut own_labels = template.labels.clone();
        own_labels.extend(requirements.labels(vocabulary, self.seed.wrapping_add(node as u64)));
        let mut requests = content.requests;
        requests.add(&listing.daemons);
        let spec = &template.state.pool.spec.template.spec;
        let claim = PlannedClaim {
            name: String::new(),
            pool: template.state.name().into(),
            pods: content.pods,
            instance_types: listing.types,
            requirements,
            requests: index.snapshot.dimensions.list(&requests),
            labels: own_labels,
            annotations: annotations(template.state, outcome),
            taints: spec.taints.clone(),
            startup_taints: spec.startup_taints.clone(),
            launch: listing.launch,
            min_values: outcome,
        };
        (pool, claim)
    }

    /// The types that hold what is on a node.
    fn listing(&mut self, node: NodeId, view: ViewId, pool: usize) -> Listing {
        let views = &*self.views;
        let shelf = self
            .shelves
            .entry(view)
            .or_insert_with(|| Arc::new(views.full_shelf(view)))
            .clone();
        let of = &self.index.problem.pools[pool];
        let holding = shelf.holding(self.packed.nodes.used(node));
        let kind = self.packed.nodes.kind(node);
        // Without limits and `minValues` a node is charged with the cheapest type that holds its pods.
        let charged = holding
            .iter()
            .position(|slot| Some(shelf.slot(*slot).kind) == kind);
        let charged = holding[charged.filter(|_| of.is_picky()).unwrap_or(0)];
        let key = (view, holding, charged);
        if let Some(listing) = self.types.get(&key) {
            return listing.clone();
        }
        let listing = self.new_listing(view, of, &shelf, &key.1, charged);
        self.types.insert(key, listing.clone());
        listing
    }

    fn new_listing(
        &self,
        view: ViewId,
        pool: &Pool,
        shelf: &Shelf,
        holding: &[usize],
        charged: usize,
    ) -> Listing {
        let kinds = listed(pool, shelf, holding, charged);
        let masks = self.views.masks(view);
        let cheapest = kinds.first().copied().unwrap_or(shelf.slot(charged).kind);
        let launched_type = &pool.types[cheapest as usize];
        let offer = cheapest_offer(launched_type, masks)
            .unwrap_or_else(|| unreachable!("a type on the shelf has an offering"));
        let offering = &launched_type.instance.offerings[offer.index];
        let launch = Launch {
            instance_type: launched_type.instance.name.clone(),
            zone: offering.zone.clone(),
            capacity_type: offering.capacity_type,
            price: Price::from_nanos(offer.price),
        };
        Listing {
            types: kinds
                .iter()
                .map(|kind| pool.types[*kind as usize].instance.clone())
                .collect(),
            daemons: self.daemons(pool, &kinds, view),
            capacity_types: capacity_types(pool, &kinds, masks),
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

    /// What a pool and demands together require, without what is only there while planning.
    fn requirements(&mut self, pool: usize, demands: Vec<DemandId>) -> Requirements {
        let index = self.index;
        self.requirements
            .entry((pool, demands))
            .or_insert_with_key(|(pool, demands)| {
                let mut all = index.pools[*pool].template.requirements.clone();
                for demand in demands {
                    all.extend(index.requirements[*demand as usize].iter().cloned());
                }
                for key in PROGRESS.into_iter().chain([labels::HOSTNAME]) {
                    all.remove(key);
                }
                all
            })
            .clone()
    }

    /// Lowers `minValues` that the listed types don't meet to what they do.
    fn relax(
        &self,
        pool: usize,
        node: NodeId,
        kinds: &[u32],
        requirements: &mut Requirements,
    ) -> MinValuesOutcome {
        if self.packed.nodes.check[node] == MinValuesCheck::Enforced {
            return MinValuesOutcome::Kept;
        }
        let of = &self.index.problem.pools[pool];
        let found = distinct_values(of, kinds);
        let keys = &self.index.pools[pool].min_value_keys;
        let mut outcome = MinValuesOutcome::Kept;
        for ((key, found), wanted) in keys.iter().zip(found).zip(&of.min_values) {
            if found < wanted.least
                && let Some(requirement) = requirements.get(key)
            {
                let mut lower = requirement.clone();
                lower.set_min_values(u32::try_from(found).ok());
                requirements.set(lower);
                outcome = MinValuesOutcome::Relaxed;
            }
        }
        outcome
    }
}

/// The capacity types in which some of the types can be had.
fn capacity_types(pool: &Pool, kinds: &[u32], masks: &[crate::mask::Mask]) -> Requirement {
    let mut found: Vec<&'static str> = Vec::new();
    for kind in kinds {
        let ty = &pool.types[*kind as usize];
        for offer in crate::view::offers(ty, masks) {
            let name = ty.instance.offerings[offer.index].capacity_type.as_str();
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    Requirement::any_of(labels::CAPACITY_TYPE, found)
}

fn annotations(state: &cluster::PoolState, outcome: MinValuesOutcome) -> BTreeMap<String, String> {
    let mut annotations = state.pool.spec.template.metadata.annotations.clone();
    for key in [labels::NODEPOOL_HASH, labels::NODEPOOL_HASH_VERSION] {
        if let Some(value) = state.pool.metadata.annotations.get(key) {
            annotations.insert(key.to_owned(), value.clone());
        }
    }
    let relaxed = outcome == MinValuesOutcome::Relaxed;
    annotations.insert(labels::MIN_VALUES_RELAXED.to_owned(), relaxed.to_string());
    annotations
}
