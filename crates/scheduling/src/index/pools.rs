//! Pools as templates of nodes, and their instance types in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use api::labels;
use catalog::overrides::by_capacity;
use catalog::{CapacityType, InstanceType, Offering, Price};
use cluster::{PoolState, ResourceId, Snapshot};
use model::ResourceList;
use model::k8s::Taint;
use model::resources::NODES;
use requirements::{Key, Requirement, Requirements, Value, Vocabulary};
use rustc_hash::FxHashSet;

use crate::mask::{KeyId, Keys, Mask};
use crate::memory::{Common, TypeValues};
use crate::options::{Batch, TaintLabels};
use crate::problem::MinValues;
use crate::types::{Type, Types};

/// Labels that every node of ours gets while it comes up. They count while planning, so that
/// daemons that select on them are expected, and are not written.
pub(crate) const PROGRESS: [&str; 2] = [labels::INITIALIZED, labels::REGISTERED];

/// What every new node of a pool has in common.
#[derive(Debug)]
pub(crate) struct Template<'s> {
    /// Position in the snapshot's list of pools.
    pub(crate) source: usize,
    /// The pool.
    pub(crate) state: &'s PoolState,
    /// What does not change from pass to pass. The template dereferences to it.
    pub(crate) common: Arc<Common>,
    /// Values that its nodes may get of labels that it leaves open, where rules about other pods
    /// are over them.
    pub(crate) open: BTreeMap<Key, Vec<Value>>,
}

impl Deref for Template<'_> {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

/// What every new node of a pool has in common.
pub(crate) fn common(
    state: &PoolState,
    vocabulary: &Vocabulary,
    taint_labels: TaintLabels,
) -> Common {
    let all: Vec<Arc<InstanceType>> = by_capacity(&state.types).collect();
    let (devices, required): (Vec<Requirement>, Vec<Requirement>) = vocabulary
        .item_requirements(&state.pool.spec.template.spec.requirements)
        .iter()
        .cloned()
        .partition(|requirement| is_device(requirement.key(), &all, vocabulary));
    let mut requirements: Requirements = required.into_iter().collect();
    let labels = labels_of(state, &requirements, vocabulary, taint_labels);
    requirements.extend(vocabulary.label_requirements(&labels).iter().cloned());
    requirements.extend(PROGRESS.map(|key| Requirement::single(key, "true")));
    let mut types = all;
    types.retain(|ty| devices.iter().all(|device| has_device(ty, device)));
    let spec = &state.pool.spec.template.spec;
    Common {
        requirements,
        labels,
        name: state.name().into(),
        shared_taints: spec.taints.as_slice().into(),
        startup_taints: spec.startup_taints.as_slice().into(),
        asks: asks(&types),
        types: types.into(),
        values: TypeValues::default(),
    }
}

impl<'s> Template<'s> {
    /// The domains of a key that nodes of the pool could be in, whether they can be had now or not.
    pub(crate) fn domains(&self, id: KeyId, keys: &Keys) -> Mask {
        let key = keys.key(id);
        let own = self.requirements.get(key);
        let mut found = keys.nothing(id);
        let mut add = |values: &[Value]| {
            for value in values.iter().filter(|v| own.is_none_or(|own| own.has(v))) {
                if let Some(domain) = keys.domain(id, value) {
                    found = found.or(&keys.domain_mask(id, domain));
                }
            }
        };
        if let Some(own) = own.filter(|own| !own.is_complement()) {
            add(own.values());
        }
        add(self.open.get(key).map_or(&[], Vec::as_slice));
        let mut seen: Vec<&Requirement> = Vec::new();
        let mut hint = 0;
        for ty in self.types.iter() {
            if let Some(requirement) = ty.requirements.get_near(key, &mut hint)
                && !requirement.is_complement()
                && !seen.contains(&requirement)
            {
                seen.push(requirement);
                add(requirement.values());
            }
        }
        found
    }

    /// What its nodes may have of a key that it requires something of.
    pub(crate) fn mask(&self, id: KeyId, keys: &Keys, requirement: &Requirement) -> Mask {
        let Some(settled) = self.open.get(keys.key(id)) else {
            return keys.mask(id, requirement);
        };
        let values = settled.iter().filter_map(|value| keys.domain(id, value));
        let none = if requirement.admits_absence() {
            keys.absent(id)
        } else {
            keys.nothing(id)
        };
        values.fold(none, |all, domain| all.or(&keys.domain_mask(id, domain)))
    }

    /// Taints that its nodes have for good.
    pub(crate) fn taints(&self) -> &'s [Taint] {
        &self.state.pool.spec.template.spec.taints
    }
}

/// Whether a pool's requirement is about a device that instance types have, not about a label.
fn is_device(key: &str, types: &[Arc<InstanceType>], vocabulary: &Vocabulary) -> bool {
    if vocabulary.is_well_known(key) {
        return false;
    }
    labels::DEVICES.contains(&key) || types.iter().any(|ty| ty.capacity.contains_key(key))
}

fn has_device(ty: &InstanceType, device: &Requirement) -> bool {
    let amount = ty
        .capacity
        .get(&**device.key())
        .filter(|amount| !amount.is_zero());
    device.admits(
        amount
            .map(|amount| amount.units_floor().to_string())
            .as_deref(),
    )
}

/// Labels of a pool's claims: the template's, the pool's and node class' names, and those from
/// taints.
fn labels_of(
    state: &PoolState,
    requirements: &Requirements,
    vocabulary: &Vocabulary,
    taint_labels: TaintLabels,
) -> BTreeMap<String, String> {
    let template = &state.pool.spec.template;
    let mut all = template.metadata.labels.clone();
    all.insert(labels::NODEPOOL.to_owned(), state.name().to_owned());
    let class = &template.spec.node_class_ref;
    all.insert(class.label_key(), class.name.clone());
    if taint_labels == TaintLabels::FromTaints {
        for taint in &template.spec.taints {
            let value = taint.value();
            let free = !all.contains_key(&taint.key)
                && !requirements.contains(&taint.key)
                && !value.is_empty()
                && is_for_users(&taint.key, vocabulary);
            if free {
                all.insert(taint.key.clone(), value.to_owned());
            }
        }
    }
    all
}

/// Whether users may set a label of this key on a pool's nodes.
fn is_for_users(key: &str, vocabulary: &Vocabulary) -> bool {
    !vocabulary.is_well_known(key) && !vocabulary.is_restricted(key)
}

/// What offerings of types require, each once.
fn asks(types: &[Arc<InstanceType>]) -> Box<[Arc<Requirements>]> {
    let mut seen: FxHashSet<*const Requirements> = FxHashSet::default();
    let offerings = types.iter().flat_map(|ty| &ty.offerings);
    let all = offerings.map(|offering| &offering.requirements);
    let distinct = all.filter(|requirements| seen.insert(Arc::as_ptr(requirements)));
    distinct.cloned().collect()
}

/// The values that types and their offerings have of a key, so that each gets a bit of its own.
pub(crate) fn type_values(key: &Key, common: &Common) -> Arc<[Value]> {
    let mut hint = 0;
    let types = common.types.iter().map(|ty| &ty.requirements);
    let of_types = types.filter_map(|of| of.get_near(key, &mut hint));
    let of_offerings = common.asks.iter().filter_map(|asks| asks.get(key));
    // Texts are shared, so that most are known by their addresses.
    let mut seen: FxHashSet<*const u8> = FxHashSet::default();
    let values = of_types.chain(of_offerings).flat_map(Requirement::values);
    let distinct: BTreeSet<&Value> = values.filter(|value| seen.insert(value.as_ptr())).collect();
    distinct.into_iter().cloned().collect()
}

/// What of a reservation pools can have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reservation {
    /// Its id; of reserved capacity without one, the instance type and zone.
    pub(crate) id: Arc<str>,
    /// The requirement by which a claim asks for it, where it has an id.
    pub(crate) requirement: Option<Requirement>,
}

impl Reservation {
    /// The reservation of an offering, if it is reserved capacity.
    pub(crate) fn of(ty: &InstanceType, offering: &Offering) -> Option<Self> {
        if offering.capacity_type != CapacityType::Reserved {
            return None;
        }
        let id = offering.reservation_id();
        Some(Self {
            id: id.map_or_else(
                || format!("{}/{}", ty.name, offering.zone).into(),
                Arc::clone,
            ),
            requirement: id.map(|id| Requirement::single(labels::CAPACITY_RESERVATION_ID, &**id)),
        })
    }
}

/// Reservations that a pool's types have instances of, each with how many: those first whose
/// instances cost least, then in order of their types.
pub(crate) fn reservations(template: &Template<'_>) -> Vec<(Reservation, u32)> {
    let mut found: Vec<(Reservation, u32)> = Vec::new();
    let mut prices: Vec<Price> = Vec::new();
    for ty in template.types.iter() {
        for offering in ty.available_offerings() {
            let left = offering.reservation_capacity.unwrap_or(0);
            let Some(reservation) = Reservation::of(ty, offering).filter(|_| left > 0) else {
                continue;
            };
            if let Some(at) = found.iter().position(|(known, _)| *known == reservation) {
                found[at].1 = left.min(found[at].1);
                prices[at] = offering.price.min(prices[at]);
            } else {
                found.push((reservation, left));
                prices.push(offering.price);
            }
        }
    }
    let mut found: Vec<_> = prices.into_iter().zip(found).collect();
    found.sort_by_key(|(price, _)| *price);
    found.into_iter().map(|(_, found)| found).collect()
}

/// A limit of a pool.
#[derive(Clone, Debug)]
pub(crate) struct Limited {
    /// The resource's name, or `nodes`.
    pub(crate) resource: Arc<str>,
    /// Its id, where any pod or node has named it.
    pub(crate) id: Option<ResourceId>,
}

impl Limited {
    /// What a node with this capacity takes from the limit.
    pub(crate) fn charge(&self, capacity: &ResourceList) -> i64 {
        if &*self.resource == NODES {
            return 1;
        }
        let amount = capacity.get(&*self.resource).copied().unwrap_or_default();
        match self.id {
            Some(ResourceId::CPU) => amount.millis_ceil(),
            _ => amount.units_ceil(),
        }
    }
}

/// What nodes take from the limits of their pools that are to be gone by then, by pool.
pub(crate) fn freed(snapshot: &Snapshot, batch: &Batch) -> BTreeMap<String, ResourceList> {
    let mut freed: BTreeMap<String, ResourceList> = BTreeMap::new();
    let gone = batch.without.iter();
    for node in gone.filter_map(|name| snapshot.node(name)) {
        if let Some(pool) = node.pool().filter(|_| !node.is_marked()) {
            let of_pool = freed.entry(pool.to_owned()).or_default();
            model::resources::add_to(of_pool, &node.pool_usage());
        }
    }
    freed
}

/// The limits of a pool, and what is left of each for this pass, if this was free again.
pub(crate) fn limits(
    state: &PoolState,
    snapshot: &Snapshot,
    freed: Option<&ResourceList>,
) -> (Vec<Limited>, Vec<i64>) {
    state
        .pool
        .spec
        .limits
        .iter()
        .map(|(resource, limit)| {
            let limited = Limited {
                resource: resource.as_str().into(),
                id: snapshot.dimensions.get(resource),
            };
            let used = model::resources::get(&state.used, resource)
                + model::resources::get(&state.in_flight, resource);
            let freed = freed.map(|freed| model::resources::get(freed, resource));
            let left = *limit - used + freed.unwrap_or_default();
            let left = match limited.id {
                Some(ResourceId::CPU) => left.millis_floor(),
                _ => left.units_floor(),
            };
            (limited, left)
        })
        .unzip()
}

/// The `minValues` of a pool, over these of its types.
pub(crate) fn min_values(template: &Template<'_>, types: &Types) -> Vec<(Arc<str>, MinValues)> {
    template
        .requirements
        .iter()
        .filter_map(|requirement| {
            let least = requirement.min_values()? as usize;
            let key = requirement.key();
            let values: BTreeSet<&Arc<str>> = template
                .types
                .iter()
                .filter_map(|ty| ty.requirements.get(key))
                .flat_map(Requirement::values)
                .collect();
            let values: Vec<&Arc<str>> = values.into_iter().collect();
            let of_type = |ty: &Type| {
                ty.instance
                    .requirements
                    .get(key)
                    .into_iter()
                    .flat_map(Requirement::values)
                    .filter_map(|value| values.binary_search(&value).ok())
                    .map(|at| at as u32)
                    .collect()
            };
            let min_values = MinValues {
                least,
                values: types.iter().map(of_type).collect(),
            };
            Some((key.clone(), min_values))
        })
        .collect()
}
