//! Planned nodes: whatever the provider launches for the claim, its pods must be able to run on it.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{InstanceType, Offering, Price};
use cluster::{PoolState, Snapshot};
use model::{Quantity, ResourceList};
use requirements::Requirement;
use scheduling::{MinValuesOutcome, PlannedClaim};

use super::labels::{Labels, holds};
use super::machine::Machine;
use super::requests;
use super::violation::Violation;

/// At most so many types are listed.
const MAX_TYPES: usize = 600;
/// Sets of labels looked at for one offering. More would need several labels with many values each.
const MAX_WORLDS: usize = 256;

/// Checks one claim.
pub(super) fn check(snapshot: &Snapshot, claim: &PlannedClaim, violations: &mut Vec<Violation>) {
    let Some(pool) = snapshot
        .pools
        .iter()
        .find(|pool| pool.name() == &*claim.pool)
    else {
        violations.push(Violation::Missing {
            node: claim.pool.to_string(),
        });
        return;
    };
    if let Some(problem) = &pool.problem {
        let reason = problem.to_string();
        violations.push(Violation::Unusable {
            node: claim.name.clone(),
            reason,
        });
    }
    if claim.pods.is_empty() {
        violations.push(Violation::Pointless {
            node: claim.name.clone(),
        });
    }
    check_template(pool, claim, violations);
    check_list(pool, claim, violations);
    check_launch(claim, violations);
    check_min_values(pool, claim, violations);
    check_requests(claim, violations);
    for instance_type in claim.instance_types.iter() {
        check_type(snapshot, pool, claim, instance_type, violations);
    }
}

/// The claim carries what the pool's template says.
fn check_template(pool: &PoolState, claim: &PlannedClaim, violations: &mut Vec<Violation>) {
    let template = &pool.pool.spec.template;
    let mut differ = |differs: bool, what: &'static str| {
        if differs {
            violations.push(Violation::Template {
                node: claim.name.clone(),
                what,
            });
        }
    };
    differ(*claim.taints != *template.spec.taints, "taints");
    differ(
        *claim.startup_taints != *template.spec.startup_taints,
        "startup taints",
    );
    let labels = &template.metadata.labels;
    differ(
        labels
            .iter()
            .any(|(key, value)| claim.labels.get(key) != Some(value)),
        "labels",
    );
    let pool_label = claim.labels.get("karpenter.sh/nodepool");
    differ(
        pool_label.map(String::as_str) != Some(pool.name()),
        "the pool's label",
    );
}

/// The list of types is one that the pool has, cheapest first.
fn check_list(pool: &PoolState, claim: &PlannedClaim, violations: &mut Vec<Violation>) {
    let node = || claim.name.clone();
    let types = &claim.instance_types;
    if types.is_empty() {
        violations.push(Violation::TypeList {
            node: node(),
            what: "empty",
        });
    }
    if types.len() > MAX_TYPES {
        violations.push(Violation::TypeList {
            node: node(),
            what: "too long",
        });
    }
    let mut prices = Vec::new();
    for instance_type in types.iter() {
        if !pool
            .types
            .iter()
            .any(|known| known.name == instance_type.name)
        {
            let instance_type = instance_type.name.to_string();
            violations.push(Violation::UnknownType {
                node: node(),
                instance_type,
            });
        }
        let cheapest = offerings(claim, instance_type)
            .map(|offering| offering.price)
            .min();
        if let Some(price) = cheapest {
            prices.push(price);
        } else {
            let instance_type = instance_type.name.to_string();
            violations.push(Violation::NoOffering {
                node: node(),
                instance_type,
            });
        }
    }
    if prices.windows(2).any(|pair| pair[0] > pair[1]) {
        violations.push(Violation::TypeList {
            node: node(),
            what: "not cheapest first",
        });
    }
}

/// The launch is the cheapest that the claim allows.
fn check_launch(claim: &PlannedClaim, violations: &mut Vec<Violation>) {
    let launch = &claim.launch;
    let mut wrong = |what: String| {
        violations.push(Violation::Launch {
            node: claim.name.clone(),
            what,
        });
    };
    let all = claim
        .instance_types
        .iter()
        .flat_map(|instance_type| offerings(claim, instance_type).map(move |o| (instance_type, o)));
    let mut cheapest: Option<Price> = None;
    let mut named = None;
    for (instance_type, offering) in all {
        cheapest = Some(cheapest.map_or(offering.price, |least| least.min(offering.price)));
        if instance_type.name == launch.instance_type
            && offering.zone == launch.zone
            && offering.capacity_type == launch.capacity_type
        {
            named = Some(named.map_or(offering.price, |least: Price| least.min(offering.price)));
        }
    }
    match named {
        None => wrong(format!("{launch:?} is not among what it allows")),
        Some(price) if price != launch.price => {
            wrong(format!("{launch:?} costs {price:?} in the catalog"));
        }
        Some(_) => {}
    }
    if cheapest.is_some_and(|cheapest| cheapest < launch.price) {
        wrong(format!("{launch:?} although {cheapest:?} is to be had"));
    }
}

fn check_min_values(pool: &PoolState, claim: &PlannedClaim, violations: &mut Vec<Violation>) {
    if claim.min_values == MinValuesOutcome::Relaxed {
        return;
    }
    for item in &pool.pool.spec.template.spec.requirements {
        let Some(wanted) = item.min_values else {
            continue;
        };
        let values: BTreeSet<&str> = claim
            .instance_types
            .iter()
            .filter_map(|instance_type| instance_type.requirements.get(&item.key))
            .flat_map(listed)
            .collect();
        if values.len() < wanted as usize {
            violations.push(Violation::MinValues {
                node: claim.name.clone(),
                key: item.key.clone(),
                count: values.len(),
                wanted,
            });
        }
    }
}

fn check_requests(claim: &PlannedClaim, violations: &mut Vec<Violation>) {
    let mut needed = ResourceList::new();
    for pod in &claim.pods {
        for (resource, amount) in requests::of_pod(&pod.shape.content) {
            *needed.entry(resource).or_default() += amount;
        }
    }
    for (resource, needed) in needed {
        let stated = claim.requests.get(&resource).copied().unwrap_or_default();
        if stated < needed {
            let node = claim.name.clone();
            violations.push(Violation::Requests {
                node,
                resource,
                stated,
                needed,
            });
        }
    }
}

/// Every way in which the provider may launch this type.
fn check_type(
    snapshot: &Snapshot,
    pool: &PoolState,
    claim: &PlannedClaim,
    instance_type: &InstanceType,
    violations: &mut Vec<Violation>,
) {
    let before = violations.len();
    for offering in offerings(claim, instance_type) {
        for labels in worlds(claim, instance_type, offering) {
            check_pool_requirements(pool, claim, instance_type, &labels, violations);
            let mut machine = Machine {
                name: &claim.name,
                instance_type: &instance_type.name,
                labels,
                taints: &claim.taints,
                allocatable: allocatable(instance_type),
                running: Vec::new(),
                daemons: Vec::new(),
            };
            for daemon in snapshot.daemons.iter() {
                if machine.attracts(&daemon.shape.content, snapshot) {
                    machine
                        .daemons
                        .push((daemon.key.to_string(), &daemon.shape.content));
                }
            }
            machine.check(snapshot, &claim.pods, violations);
            // One way that does not work is enough to be told.
            if violations.len() > before {
                return;
            }
        }
    }
}

fn check_pool_requirements(
    pool: &PoolState,
    claim: &PlannedClaim,
    instance_type: &InstanceType,
    labels: &Labels,
    violations: &mut Vec<Violation>,
) {
    for item in &pool.pool.spec.template.spec.requirements {
        // A device's name is not a label: the amount of it that a type has is what is required.
        let devices = instance_type
            .capacity
            .get(&item.key)
            .map(ToString::to_string);
        let label = if api::labels::DEVICES.contains(&item.key.as_str()) {
            devices.as_deref()
        } else {
            labels.get(&item.key).map(String::as_str)
        };
        let operator = &item.operator;
        if !holds(operator, &item.values, label) {
            violations.push(Violation::PoolRequirement {
                node: claim.name.clone(),
                instance_type: instance_type.name.to_string(),
                requirement: format!("{} {operator} {:?}", item.key, item.values),
                label: label.map(str::to_owned),
            });
        }
    }
}

/// Capacity less overhead; huge pages come out of memory.
fn allocatable(instance_type: &InstanceType) -> ResourceList {
    let overhead = &instance_type.overhead;
    let mut room = instance_type.capacity.clone();
    for list in [
        &overhead.kube_reserved,
        &overhead.system_reserved,
        &overhead.eviction_threshold,
    ] {
        for (resource, amount) in list {
            if let Some(room) = room.get_mut(resource) {
                *room -= *amount;
            }
        }
    }
    for (resource, amount) in &instance_type.capacity {
        if resource.starts_with("hugepages-")
            && let Some(memory) = room.get_mut("memory")
        {
            *memory = (*memory - *amount).max(Quantity::ZERO);
        }
    }
    room
}

/// The offerings that the provider may choose: available, and within the claim's requirements.
fn offerings<'a>(
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
fn listed(requirement: &Requirement) -> impl Iterator<Item = &str> {
    let values = if requirement.is_complement() {
        &[]
    } else {
        requirement.values()
    };
    values.iter().map(|value| &**value)
}

/// All sets of labels that a node of this offering may have.
fn worlds(claim: &PlannedClaim, instance_type: &InstanceType, offering: &Offering) -> Vec<Labels> {
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
    let mut worlds = vec![Labels::new()];
    for (key, values) in choices {
        let values = &values[..values.len().min(MAX_WORLDS / worlds.len()).max(1)];
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
