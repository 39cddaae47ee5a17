//! Planned nodes: whatever the provider launches for the claim, its pods must be able to run on it.

use std::collections::BTreeSet;
use std::rc::Rc;

use catalog::Price;
use cluster::{PodContent, PoolState, Snapshot};
use model::ResourceList;
use scheduling::{MinValuesOutcome, PlannedClaim};

use super::machine::{Machine, requested};
use super::requests;
use super::violation::Violation;
use super::volumes;
use super::ways::{OfType, Ways, listed, offerings};

/// At most so many types are listed.
const MAX_TYPES: usize = 600;

/// Checks one claim.
pub(super) fn check(
    snapshot: &Snapshot,
    ways: &mut Ways<'_>,
    claim: &PlannedClaim,
    violations: &mut Vec<Violation>,
) {
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
    let types: Vec<Rc<OfType>> = claim
        .instance_types
        .iter()
        .map(|instance_type| ways.of_type(pool, claim, instance_type))
        .collect();
    check_template(pool, claim, violations);
    check_list(pool, claim, &types, violations);
    check_launch(claim, &types, violations);
    check_min_values(pool, claim, violations);
    check_requests(claim, violations);
    check_types(snapshot, claim, &types, violations);
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
fn check_list(
    pool: &PoolState,
    claim: &PlannedClaim,
    types: &[Rc<OfType>],
    violations: &mut Vec<Violation>,
) {
    let node = || claim.name.clone();
    let mut wrong = |what: &'static str| {
        violations.push(Violation::TypeList { node: node(), what });
    };
    if types.is_empty() {
        wrong("empty");
    }
    if types.len() > MAX_TYPES {
        wrong("too long");
    }
    let prices: Vec<Price> = types
        .iter()
        .filter_map(|of_type| of_type.cheapest)
        .collect();
    if prices.windows(2).any(|pair| pair[0] > pair[1]) {
        wrong("not cheapest first");
    }
    let known: BTreeSet<&str> = pool.types.iter().map(|known| &*known.name).collect();
    for (instance_type, of_type) in claim.instance_types.iter().zip(types) {
        let name = || instance_type.name.to_string();
        if !known.contains(&*instance_type.name) {
            let instance_type = name();
            violations.push(Violation::UnknownType {
                node: node(),
                instance_type,
            });
        }
        if of_type.cheapest.is_none() {
            let instance_type = name();
            violations.push(Violation::NoOffering {
                node: node(),
                instance_type,
            });
        }
    }
}

/// The launch is the cheapest that the claim allows.
fn check_launch(claim: &PlannedClaim, types: &[Rc<OfType>], violations: &mut Vec<Violation>) {
    let launch = &claim.launch;
    let mut wrong = |what: String| {
        violations.push(Violation::Launch {
            node: claim.name.clone(),
            what,
        });
    };
    let named = claim
        .instance_types
        .iter()
        .filter(|instance_type| instance_type.name == launch.instance_type)
        .flat_map(|instance_type| offerings(claim, instance_type))
        .filter(|o| o.zone == launch.zone && o.capacity_type == launch.capacity_type)
        .map(|offering| offering.price)
        .min();
    match named {
        None => wrong(format!("{launch:?} is not among what it allows")),
        Some(price) if price != launch.price => {
            wrong(format!("{launch:?} costs {price:?} in the catalog"));
        }
        Some(_) => {}
    }
    let cheapest = types.iter().filter_map(|of_type| of_type.cheapest).min();
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
    for (resource, needed) in of_pods(claim) {
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

/// Every way in which the provider may launch the claim.
fn check_types(
    snapshot: &Snapshot,
    claim: &PlannedClaim,
    types: &[Rc<OfType>],
    violations: &mut Vec<Violation>,
) {
    let machine = Machine {
        name: &claim.name,
        instance_type: "",
        taints: &claim.taints,
    };
    machine.check_taints(&claim.pods, violations);
    let needed = of_pods(claim);
    let mut companies: BTreeSet<&[usize]> = BTreeSet::new();
    for (instance_type, of_type) in claim.instance_types.iter().zip(types) {
        let machine = Machine {
            instance_type: &instance_type.name,
            ..machine
        };
        // One way that does not work is enough to be told.
        let before = violations.len();
        if let Some((requirement, label)) = &of_type.breach {
            violations.push(Violation::PoolRequirement {
                node: claim.name.clone(),
                instance_type: instance_type.name.to_string(),
                requirement: requirement.clone(),
                label: label.clone(),
            });
        }
        let mut here: BTreeSet<&[usize]> = BTreeSet::new();
        for way in &of_type.ways {
            if violations.len() == before {
                machine.check_selection(snapshot, &claim.pods, &way.labels, violations);
                volumes::check_places(snapshot, &machine, &claim.pods, &way.labels, violations);
            }
            here.insert(&way.daemons);
        }
        for daemons in here {
            if violations.len() == before {
                let mut needed = needed.clone();
                add_daemons(snapshot, daemons, &mut needed);
                machine.check_room(&needed, &of_type.allocatable, violations);
            }
            companies.insert(daemons);
        }
    }
    let before = violations.len();
    for daemons in companies {
        let others: Vec<(String, &PodContent)> = daemons
            .iter()
            .map(|at| &snapshot.daemons[*at])
            .map(|daemon| (daemon.key.to_string(), &*daemon.shape.content))
            .collect();
        if violations.len() == before {
            machine.check_ports(&claim.pods, &others, violations);
        }
    }
}

fn add_daemons(snapshot: &Snapshot, daemons: &[usize], needed: &mut ResourceList) {
    for daemon in daemons.iter().map(|at| &snapshot.daemons[*at]) {
        for (resource, amount) in requests::of_pod(&daemon.shape.content) {
            *needed.entry(resource).or_default() += amount;
        }
    }
}

fn of_pods(claim: &PlannedClaim) -> ResourceList {
    requested(claim.pods.iter().map(|pod| &*pod.shape.content))
}
