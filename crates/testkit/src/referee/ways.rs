//! All ways in which the provider may launch a planned node.
//!
//! A way is a set of labels that the node may then have, over the keys that anybody asks for. Ways
//! depend on a claim's requirements, labels and taints and on the instance type, which thousands of
//! claims have in common, so they are worked out once for each combination.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use catalog::{InstanceType, Offering, Price};
use cluster::{PoolState, Snapshot};
use model::{Quantity, ResourceList};
use requirements::Requirement;
use scheduling::{Placement, PlannedClaim};

use super::labels::{self, Labels, holds};
use super::machine::attracts;

/// Sets of labels looked at for one offering. More would need several labels with many values each.
const MAX_WAYS: usize = 256;

/// Ways to launch claims, as far as they are worked out.
pub(super) struct Ways<'a> {
    snapshot: &'a Snapshot,
    /// Label keys that anybody asks for.
    keys: BTreeSet<String>,
    /// By addresses of what they depend on, all of which outlive this.
    known: BTreeMap<[usize; 4], Rc<OfType>>,
    possible: BTreeMap<[usize; 4], Rc<Possible>>,
}

/// Values that a claim's node may have of each key; `None` for no such label.
pub(super) type Possible = BTreeMap<String, BTreeSet<Option<String>>>;

/// Ways to launch one type.
pub(super) struct OfType {
    /// The price of the cheapest offering; none if there is none.
    pub(super) cheapest: Option<Price>,
    pub(super) ways: Vec<Way>,
    /// What pods may ask for, whatever the offering.
    pub(super) allocatable: ResourceList,
    /// A requirement of the pool that some way does not meet, with the label.
    pub(super) breach: Option<(String, Option<String>)>,
}

/// One set of labels.
pub(super) struct Way {
    pub(super) labels: Labels,
    /// Daemon sets that put a pod on it, by their place in the snapshot.
    pub(super) daemons: Vec<usize>,
}

impl<'a> Ways<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, placement: &Placement) -> Self {
        Self {
            snapshot,
            keys: keys(snapshot, placement),
            known: BTreeMap::new(),
            possible: BTreeMap::new(),
        }
    }

    /// The ways to launch a type for a claim of a pool.
    pub(super) fn of_type(
        &mut self,
        pool: &PoolState,
        claim: &PlannedClaim,
        instance_type: &Arc<InstanceType>,
    ) -> Rc<OfType> {
        let key = [
            Arc::as_ptr(&claim.requirements).addr(),
            Arc::as_ptr(&claim.labels).addr(),
            claim.taints.as_ptr().addr(),
            Arc::as_ptr(instance_type).addr(),
        ];
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let of_type = Rc::new(self.work_out(pool, claim, instance_type));
        self.known.insert(key, of_type.clone());
        of_type
    }

    /// Values that the claim's node may have of the keys that anybody asks for.
    pub(super) fn possible(&mut self, pool: &PoolState, claim: &PlannedClaim) -> Rc<Possible> {
        let key = [
            Arc::as_ptr(&claim.requirements).addr(),
            Arc::as_ptr(&claim.labels).addr(),
            claim.taints.as_ptr().addr(),
            claim.instance_types.as_ptr().addr(),
        ];
        if let Some(known) = self.possible.get(&key) {
            return known.clone();
        }
        let mut possible = Possible::new();
        for instance_type in claim.instance_types.iter() {
            let of_type = self.of_type(pool, claim, instance_type);
            for (key, way) in self
                .keys
                .iter()
                .flat_map(|key| of_type.ways.iter().map(move |way| (key, way)))
            {
                let value = way.labels.get(key);
                let values = possible.entry(key.clone()).or_default();
                if !values.contains(&value.cloned()) {
                    values.insert(value.cloned());
                }
            }
        }
        let possible = Rc::new(possible);
        self.possible.insert(key, possible.clone());
        possible
    }

    fn work_out(
        &self,
        pool: &PoolState,
        claim: &PlannedClaim,
        instance_type: &InstanceType,
    ) -> OfType {
        let mut different: BTreeMap<Labels, &Offering> = BTreeMap::new();
        for offering in offerings(claim, instance_type) {
            let mut choices = choices(claim, instance_type, offering);
            choices.retain(|key, _| self.keys.contains(key));
            different.extend(worlds(choices).into_iter().map(|world| (world, offering)));
        }
        let breach = different
            .iter()
            .find_map(|(labels, offering)| breach(pool, (instance_type, offering), labels));
        let ways = different.into_keys().map(|labels| Way {
            daemons: self.daemons(claim, &labels),
            labels,
        });
        OfType {
            cheapest: offerings(claim, instance_type).map(|o| o.price).min(),
            ways: ways.collect(),
            allocatable: least(claim, instance_type),
            breach,
        }
    }

    fn daemons(&self, claim: &PlannedClaim, labels: &Labels) -> Vec<usize> {
        let daemons = self.snapshot.daemons.iter().enumerate();
        daemons
            .filter(|(_, daemon)| {
                attracts(&daemon.shape.content, &claim.taints, labels, self.snapshot)
            })
            .map(|(at, _)| at)
            .collect()
    }
}

/// The labels of a claim's node when it is launched as planned. Where something else is open, the
/// first value by name.
pub(super) fn as_launched(claim: &PlannedClaim) -> Labels {
    let launch = &claim.launch;
    let first = claim.instance_types.iter().find_map(|instance_type| {
        let same = |o: &&Offering| o.zone == launch.zone && o.capacity_type == launch.capacity_type;
        if instance_type.name != launch.instance_type {
            return None;
        }
        let offering = offerings(claim, instance_type).find(same)?;
        Some(choices(claim, instance_type, offering))
    });
    let choices = first.unwrap_or_default().into_iter();
    choices
        .filter_map(|(key, values)| Some((key, values.into_iter().min()?)))
        .collect()
}

/// The offerings that the provider may choose: available, and within the claim's requirements.
pub(super) fn offerings<'a>(
    claim: &'a PlannedClaim,
    instance_type: &'a InstanceType,
) -> impl Iterator<Item = &'a Offering> {
    instance_type.offerings.iter().filter(|offering| {
        offering.available
            && offering.requirements.iter().all(|requirement| {
                let wanted = claim.requirements.get(requirement.key());
                wanted.is_none_or(|wanted| listed(requirement).any(|value| wanted.has(value)))
            })
    })
}

/// The values that a requirement lists.
pub(super) fn listed(requirement: &Requirement) -> impl Iterator<Item = &str> {
    let values = if requirement.is_complement() {
        &[]
    } else {
        requirement.values()
    };
    values.iter().map(|value| &**value)
}

/// What the node of an offering may have of each key.
fn choices(
    claim: &PlannedClaim,
    instance_type: &InstanceType,
    offering: &Offering,
) -> BTreeMap<String, Vec<String>> {
    let mut choices: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for requirement in claim.requirements.iter() {
        if let (Some(value), None) = (
            requirement.single_value(),
            instance_type.requirements.get(requirement.key()),
        ) {
            choices.insert(requirement.key().to_string(), vec![value.to_string()]);
        }
    }
    for requirement in instance_type
        .requirements
        .iter()
        .chain(offering.requirements.iter())
    {
        let wanted = claim.requirements.get(requirement.key());
        let values: Vec<String> = listed(requirement)
            .filter(|value| wanted.is_none_or(|wanted| wanted.has(value)))
            .map(str::to_owned)
            .collect();
        if !values.is_empty() {
            choices.insert(requirement.key().to_string(), values);
        }
    }
    for (key, value) in claim.labels.iter() {
        choices.insert(key.clone(), vec![value.clone()]);
    }
    for progress in ["karpenter.sh/registered", "karpenter.sh/initialized"] {
        choices.insert(progress.to_owned(), vec!["true".to_owned()]);
    }
    choices
}

/// All sets of labels with one of the values for each key.
pub(super) fn worlds(choices: BTreeMap<String, Vec<String>>) -> Vec<Labels> {
    let mut worlds = vec![Labels::new()];
    for (key, values) in choices {
        let values = &values[..values.len().min(MAX_WAYS / worlds.len()).max(1)];
        worlds = worlds
            .into_iter()
            .flat_map(|world| {
                let key = &key;
                values.iter().map(move |value| {
                    let mut world = world.clone();
                    world.insert(key.clone(), value.clone());
                    world
                })
            })
            .collect();
    }
    worlds
}

/// A requirement of the pool that a node with these labels does not meet.
pub(super) fn breach(
    pool: &PoolState,
    (instance_type, offering): (&InstanceType, &Offering),
    labels: &Labels,
) -> Option<(String, Option<String>)> {
    pool.pool
        .spec
        .template
        .spec
        .requirements
        .iter()
        .find_map(|item| {
            // A device's name is not a label: the amount of it that a type has is what is required.
            let overrides = offering.overrides.as_ref();
            let devices = overrides
                .and_then(|overrides| overrides.capacity.get(&item.key))
                .or_else(|| instance_type.capacity.get(&item.key))
                .map(ToString::to_string);
            let label = if api::labels::DEVICES.contains(&item.key.as_str()) {
                devices.as_deref()
            } else {
                labels.get(&item.key).map(String::as_str)
            };
            let (key, operator, values) = (&item.key, &item.operator, &item.values);
            let requirement = || {
                (
                    format!("{key} {operator} {values:?}"),
                    label.map(str::to_owned),
                )
            };
            (!holds(operator, values, label)).then(requirement)
        })
}

/// Capacity less overhead; huge pages come out of memory.
pub(super) fn allocatable(instance_type: &InstanceType, offering: &Offering) -> ResourceList {
    let overhead = &instance_type.overhead;
    let mut taken = ResourceList::new();
    for list in [
        &overhead.kube_reserved,
        &overhead.system_reserved,
        &overhead.eviction_threshold,
    ] {
        for (resource, amount) in list {
            *taken.entry(resource.clone()).or_default() += *amount;
        }
    }
    let mut capacity = instance_type.capacity.clone();
    // The offering's word counts before the type's.
    if let Some(overrides) = &offering.overrides {
        capacity.extend(overrides.capacity.clone());
        taken.extend(overrides.overhead.clone());
    }
    let mut room = capacity.clone();
    for (resource, amount) in taken {
        if let Some(room) = room.get_mut(&resource) {
            *room -= amount;
        }
    }
    for (resource, amount) in &capacity {
        if resource.starts_with("hugepages-")
            && let Some(memory) = room.get_mut("memory")
        {
            *memory = (*memory - *amount).max(Quantity::ZERO);
        }
    }
    room
}

/// The least of each resource that any of the offerings leaves for pods.
fn least(claim: &PlannedClaim, instance_type: &InstanceType) -> ResourceList {
    let mut different: Vec<&Offering> = offerings(claim, instance_type).collect();
    different.dedup_by_key(|offering| &offering.overrides);
    let mut lists = different
        .into_iter()
        .map(|offering| allocatable(instance_type, offering));
    let mut least = lists.next().unwrap_or_default();
    for list in lists {
        least.retain(|resource, _| list.contains_key(resource));
        for (resource, amount) in &mut least {
            *amount = (*amount).min(list[resource]);
        }
    }
    least
}

/// Label keys that pools, daemon sets, placed and running pods or volumes ask for.
fn keys(snapshot: &Snapshot, placement: &Placement) -> BTreeSet<String> {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    for pool in snapshot.pools.iter() {
        let requirements = &pool.pool.spec.template.spec.requirements;
        keys.extend(requirements.iter().map(|item| item.key.clone()));
    }
    let claims = placement.new_claims.iter().flat_map(|claim| &claim.pods);
    let existing = placement.existing.iter().flat_map(|node| &node.pods);
    let running = snapshot.nodes.iter().flat_map(|node| &node.pods);
    let pods = claims.chain(existing).chain(running).map(|pod| &pod.shape);
    let daemons = snapshot.daemons.iter().map(|daemon| &daemon.shape);
    let mut seen = BTreeSet::new();
    for shape in pods.chain(daemons).filter(|shape| seen.insert(shape.id)) {
        let spec = &shape.content.spec;
        keys.extend(labels::keys(spec).map(str::to_owned));
        keys.extend(super::terms::topology_keys(spec).map(str::to_owned));
    }
    let of_volumes = snapshot.volumes.volumes.values().filter_map(|volume| {
        let affinity = volume.spec.node_affinity.as_ref()?;
        Some(&affinity.required.as_ref()?.node_selector_terms)
    });
    let expressions = of_volumes
        .flatten()
        .flat_map(|term| &term.match_expressions);
    keys.extend(expressions.map(|expression| expression.key.clone()));
    let of_classes = snapshot.volumes.classes.values();
    let terms = of_classes.flat_map(|class| &class.allowed_topologies);
    let expressions = terms.flat_map(|term| &term.match_label_expressions);
    keys.extend(expressions.map(|expression| expression.key.clone()));
    let usual = keys
        .iter()
        .map(|key| snapshot.vocabulary.normalize(key).to_owned());
    let usual: Vec<String> = usual.collect();
    keys.extend(usual);
    keys
}
