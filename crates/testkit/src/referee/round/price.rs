//! Prices: what is stated is so, and consolidation makes things cheaper whatever is launched.

use std::collections::BTreeSet;

use api::labels;
use catalog::{CapacityType, InstanceType, Offering, Price};
use cluster::NodeState;
use disruption::{Command, SpotToSpot};
use scheduling::{MinValuesOutcome, PlannedClaim};

use super::super::ways::offerings;
use super::facts::{self, price};
use super::{Fault, Look, Reason};

/// Types that a single spot node's replacement must be able to be.
const SPOT_TYPES: usize = 15;

/// Checks the prices of all commands.
pub(super) fn check(look: &Look<'_>, faults: &mut Vec<Fault>) {
    for (at, (command, why)) in look.commands().enumerate() {
        let nodes: Vec<&NodeState> = command
            .candidates
            .iter()
            .filter_map(|candidate| look.node(&candidate.node))
            .collect();
        let before: Price = nodes
            .iter()
            .filter_map(|node| price(look.snapshot, node))
            .sum();
        let after: Price = command
            .replacements
            .iter()
            .map(|claim| claim.launch.price)
            .sum();
        let stated = [
            ("before", command.price_before, before),
            ("after", command.price_after, after),
        ];
        for (what, stated, real) in stated.into_iter().filter(|(_, a, b)| a != b) {
            faults.push(Fault::Price {
                command: at,
                what,
                stated,
                real,
            });
        }
        if why == Reason::Underutilized && !command.replacements.is_empty() {
            cheaper(at, command, before, faults);
            same_type(look, at, command, &nodes, faults);
            spot(look, command, &nodes, faults);
        }
    }
}

/// Whichever types are launched, they cost less than what goes.
fn cheaper(at: usize, command: &Command, before: Price, faults: &mut Vec<Fault>) {
    let worst = |claim: &PlannedClaim| {
        let types = claim.instance_types.iter();
        types
            .filter_map(|known| worst(claim, known))
            .max()
            .unwrap_or(Price::MAX)
    };
    let worst: Price = command.replacements.iter().map(worst).sum();
    if worst >= before {
        faults.push(Fault::Dearer {
            command: at,
            worst,
            before,
        });
    }
    for claim in &command.replacements {
        if claim.min_values == MinValuesOutcome::Relaxed {
            faults.push(Fault::MinValues {
                claim: claim.name.clone(),
            });
        }
    }
}

/// What a launch of the type costs at most: reservations are used first, then spot.
fn worst(claim: &PlannedClaim, instance_type: &InstanceType) -> Option<Price> {
    let order = [
        CapacityType::Reserved,
        CapacityType::Spot,
        CapacityType::OnDemand,
    ];
    order.into_iter().find_map(|capacity_type| {
        offerings(claim, instance_type)
            .filter(|offering| offering.capacity_type == capacity_type)
            .map(|offering| offering.price)
            .max()
    })
}

/// Several nodes do not become one that one of them is already as good as.
fn same_type(
    look: &Look<'_>,
    at: usize,
    command: &Command,
    nodes: &[&NodeState],
    faults: &mut Vec<Fault>,
) {
    let [claim] = &command.replacements[..] else {
        return;
    };
    let launched: BTreeSet<&str> = claim
        .instance_types
        .iter()
        .map(|known| &*known.name)
        .collect();
    let bound = nodes
        .iter()
        .filter(|node| {
            node.instance_type()
                .is_some_and(|name| launched.contains(name))
        })
        .map(|node| own_price(look, node))
        .min();
    let Some(bound) = bound.filter(|_| nodes.len() > 1) else {
        return;
    };
    for instance_type in claim.instance_types.iter() {
        if let Some(worst) = worst(claim, instance_type).filter(|worst| *worst >= bound) {
            faults.push(Fault::SameType {
                command: at,
                instance_type: instance_type.name.to_string(),
                worst,
                bound,
            });
        }
    }
}

/// The cheapest offering of the node's type that its labels allow, to be had or not.
fn own_price(look: &Look<'_>, node: &NodeState) -> Price {
    let fits = |offering: &&Offering| {
        offering.requirements.iter().all(|requirement| {
            let label = node.label(requirement.key());
            label.is_none_or(|label| requirement.has(label))
        })
    };
    let known = facts::pool(look.snapshot, node).and_then(|pool| facts::instance_type(pool, node));
    let offerings = known.into_iter().flat_map(|known| &known.offerings);
    offerings
        .filter(fits)
        .map(|offering| offering.price)
        .min()
        .unwrap_or_default()
}

/// Spot is replaced by spot only if that is on, by one of many types, and what may be spot or on
/// demand becomes spot.
fn spot(look: &Look<'_>, command: &Command, nodes: &[&NodeState], faults: &mut Vec<Fault>) {
    let all_spot = nodes
        .iter()
        .all(|node| node.capacity_type() == Some(labels::SPOT));
    for claim in &command.replacements {
        let admits = |capacity_type: &str| {
            let wanted = claim.requirements.get(labels::CAPACITY_TYPE);
            wanted.is_none_or(|wanted| wanted.has(capacity_type))
        };
        let has_spot = claim
            .instance_types
            .iter()
            .any(|known| offerings(claim, known).any(|o| o.capacity_type == CapacityType::Spot));
        let name = || claim.name.clone();
        if has_spot && admits(labels::ON_DEMAND) {
            faults.push(Fault::NotPinned { claim: name() });
        }
        if !(all_spot && has_spot) {
            continue;
        }
        if look.spot_to_spot == SpotToSpot::Off {
            faults.push(Fault::SpotToSpot { claim: name() });
        }
        let types = claim.instance_types.len();
        let has_min_values = look.has_min_values(&claim.pool);
        if nodes.len() == 1 && (types < SPOT_TYPES || types > SPOT_TYPES && !has_min_values) {
            faults.push(Fault::SpotTypes {
                claim: name(),
                types,
                wanted: SPOT_TYPES,
            });
        }
    }
}
