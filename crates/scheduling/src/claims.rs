//! Packed nodes as planned claims, and pods on nodes that are there.
//!
//! Thousands of claims have most things in common, so what they are made of is made once per kind
//! and shared: lists of types, requirements, labels.

mod devices;
mod listing;
mod open;
mod overlays;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{labels, nodepool};
use cluster::PodRecord;
use requirements::{Operator, Requirement, Requirements};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::index::Index;
use crate::index::pools::PROGRESS;
use crate::pack::{MinValuesCheck, NodeId, Packed, distinct_values};
use crate::placement::{ExistingPlacement, MinValuesOutcome, PlannedClaim};
use crate::problem::DemandId;
use crate::types::CapacityTypes;
use crate::view::Views;

use listing::{Listing, Listings, Load};
use open::OpenLabels;
use overlays::Overlays;

/// Planned claims, and nodes that are there with their new pods.
pub(crate) fn claims(
    index: &Index<'_>,
    views: &Views<'_>,
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
        listings: Listings::new(index, views, packed),
        common: FxHashMap::default(),
        numbers: vec![0; index.pools.len()],
        overlays: Overlays::of(index),
        open: OpenLabels::of(index),
    };
    let mut claims = vec![0; index.pools.len()];
    for view in &packed.nodes.view[first..] {
        if let Some(pool) = views.pool(*view) {
            claims[pool] += 1;
        }
    }
    let mut by_pool: Vec<Vec<PlannedClaim>> = claims.into_iter().map(Vec::with_capacity).collect();
    for (at, content) in planned.into_iter().enumerate() {
        let node = first + at;
        if let Some(pool) = views.pool(packed.nodes.view[node]) {
            by_pool[pool].push(writer.claim(node, pool, content));
        }
    }
    let mut by_pool = by_pool.into_iter().filter(|claims| !claims.is_empty());
    let mut all = by_pool.next().unwrap_or_default();
    by_pool.for_each(|mut claims| all.append(&mut claims));
    (all, existing)
}

/// What a node was given.
#[derive(Clone, Default)]
struct Content {
    pods: Vec<Arc<PodRecord>>,
    /// Sorted.
    demands: Demands,
}

/// Demands of pods, of which there are mostly few.
type Demands = SmallVec<[DemandId; 4]>;

/// Deals out the pods of each class in the order of the puts.
fn contents(index: &Index<'_>, packed: &Packed) -> Vec<Content> {
    let empty = |pods: &u32| Content {
        pods: Vec::with_capacity(*pods as usize),
        demands: Demands::new(),
    };
    let mut contents: Vec<Content> = packed.nodes.pods.iter().map(empty).collect();
    let mut dealt = vec![0_usize; index.pods.len()];
    for put in &packed.puts {
        let class = put.class as usize;
        let from = dealt[class];
        let to = from + put.count as usize;
        dealt[class] = to;
        let content = &mut contents[put.node];
        content.pods.extend_from_slice(&index.pods[class][from..to]);
        if let Err(at) = content.demands.binary_search(&put.demand) {
            content.demands.insert(at, put.demand);
        }
    }
    contents
}

/// What claims of one pool, demands and list of types have in common.
struct Common {
    requirements: Arc<Requirements>,
    labels: Arc<BTreeMap<String, String>>,
    annotations: Arc<BTreeMap<String, String>>,
    outcome: MinValuesOutcome,
}

/// What decides [`Common`]: demands, the capacity types of the list, and the list itself where
/// `minValues` is lowered to what it has; and the node itself where pods have devices on it.
type CommonKey = (usize, Demands, CapacityTypes, Option<usize>, Option<NodeId>);

/// Writes claims.
struct Writer<'a, 'p, 's> {
    index: &'a Index<'s>,
    views: &'a Views<'p>,
    packed: &'a Packed,
    seed: u64,
    listings: Listings<'a, 'p, 's>,
    common: FxHashMap<CommonKey, Common>,
    /// Claims so far, by pool.
    numbers: Vec<usize>,
    overlays: Overlays,
    open: OpenLabels<'a>,
}

impl Writer<'_, '_, '_> {
    /// The claim of a planned node.
    fn claim(&mut self, node: NodeId, pool: usize, content: Content) -> PlannedClaim {
        let Load {
            at,
            listing,
            requests,
        } = self.listings.of(node, pool);
        let index = self.index;
        let template = &*index.pools[pool].template;
        let group = index.problem.pools[pool].group;
        self.numbers[group] += 1;
        let relaxed = self.packed.nodes.check[node] == MinValuesCheck::Relaxed;
        let with_devices = index.with_devices(node);
        let key: CommonKey = (
            pool,
            content.demands,
            listing.capacity_types,
            relaxed.then_some(at),
            with_devices.map(|_| node),
        );
        let (packed, seed) = (self.packed, self.seed);
        let views = (self.views, packed.nodes.view[node]);
        let open = |all: &Requirements| self.open.choose(index, views, packed, all);
        let common = self
            .common
            .entry(key)
            .or_insert_with_key(|key| common((index, views.0), key, &listing, (seed, open)));
        let annotations = self.overlays.marked(at, &listing, &common.annotations);
        let annotations = devices::marked(annotations, with_devices);
        PlannedClaim {
            name: [template.state.name(), "-", &self.numbers[group].to_string()].concat(),
            pool: template.name.clone(),
            pods: content.pods,
            instance_types: listing.types.clone(),
            requirements: common.requirements.clone(),
            requests,
            labels: common.labels.clone(),
            annotations,
            taints: template.shared_taints.clone(),
            startup_taints: template.startup_taints.clone(),
            launch: listing.launch.clone(),
            min_values: common.outcome,
        }
    }
}

/// Adds what a demand requires of the node.
pub(crate) fn add_demand(
    index: &Index<'_>,
    views: &Views<'_>,
    demand: DemandId,
    all: &mut Requirements,
) {
    let Some(pin) = views.pinned(demand) else {
        all.extend(index.requirements[demand as usize].iter().cloned());
        return;
    };
    add_demand(index, views, pin.demand, all);
    let keys = &index.problem.keys;
    let key = keys.key(pin.key).clone();
    all.add(if pin.domain < keys.domains(pin.key) {
        Requirement::single(key, &**keys.domain_value(pin.key, pin.domain))
    } else {
        Requirement::new(key, Operator::DoesNotExist, [""; 0], None)
    });
}

/// `open` chooses labels where rules about other pods are over what requirements leave open, the
/// seed where nothing is.
fn common(
    (index, views): (&Index<'_>, &Views<'_>),
    key: &CommonKey,
    listing: &Listing,
    (seed, open): (u64, impl Fn(&Requirements) -> Vec<(String, String)>),
) -> Common {
    let (pool, demands, _, relaxed, with_devices) = key;
    let template = &index.pools[*pool].template;
    let mut all = template.requirements.clone();
    for demand in demands {
        add_demand(index, views, *demand, &mut all);
    }
    if let Some(node) = with_devices.and_then(|node| index.with_devices(node)) {
        all.extend(node.requirements.iter().cloned());
    }
    for key in PROGRESS.into_iter().chain([labels::HOSTNAME]) {
        all.remove(key);
    }
    all.add(Requirement::clone(&listing.one_of_them));
    if let Some(reservation) = &index.pools[*pool].reservation {
        all.extend(reservation.requirement.clone());
    }
    let outcome = if relaxed.is_some() {
        relax(index, *pool, &listing.kinds, &mut all)
    } else {
        MinValuesOutcome::Kept
    };
    let mut own_labels = template.labels.clone();
    let vocabulary = &index.snapshot.vocabulary;
    own_labels.extend(all.labels(&template.requirements, vocabulary, seed));
    own_labels.extend(open(&all));
    Common {
        requirements: Arc::new(all),
        labels: Arc::new(own_labels),
        annotations: Arc::new(annotations(template.state, outcome)),
        outcome,
    }
}

/// Lowers `minValues` that the listed types don't meet to what they do.
fn relax(
    index: &Index<'_>,
    pool: usize,
    kinds: &[u32],
    requirements: &mut Requirements,
) -> MinValuesOutcome {
    let of = &index.problem.pools[pool];
    let found = distinct_values(of, kinds);
    let keys = &index.pools[pool].min_value_keys;
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

/// Annotations that every claim of a pool has.
pub(crate) fn pool_annotations(state: &cluster::PoolState) -> BTreeMap<String, String> {
    let mut annotations = state.pool.spec.template.metadata.annotations.clone();
    let version = nodepool::NODEPOOL_HASH_VERSION.to_owned();
    annotations.insert(labels::NODEPOOL_HASH.to_owned(), state.pool.hash());
    annotations.insert(labels::NODEPOOL_HASH_VERSION.to_owned(), version);
    annotations
}

fn annotations(state: &cluster::PoolState, outcome: MinValuesOutcome) -> BTreeMap<String, String> {
    let mut annotations = pool_annotations(state);
    let relaxed = outcome == MinValuesOutcome::Relaxed;
    annotations.insert(labels::MIN_VALUES_RELAXED.to_owned(), relaxed.to_string());
    annotations
}
