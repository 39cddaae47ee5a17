//! What a replacement may be launched as, so that it is cheaper than what it replaces, whichever of
//! its types and offerings is had.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::labels::{CAPACITY_TYPE, INSTANCE_TYPE};
use catalog::{CapacityType, InstanceType, Offering, Price};
use requirements::{Requirement, Requirements};
use scheduling::{Launch, PlannedClaim};

/// How many types a single spot node's spot replacement must have, and the most that it gets: so
/// that it is not replaced again for the next cheaper type.
pub(crate) const SPOT_TYPES: usize = 15;

/// Why nothing is left of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dear {
    /// No type is surely cheaper.
    NoType,
    /// What is left breaks `minValues`.
    MinValues,
    /// A single spot node needs more spot types to choose from.
    FewSpotTypes {
        /// How many there are.
        found: usize,
    },
    /// Spot nodes are not replaced by spot nodes.
    SpotToSpotOff,
}

/// Offerings of a type that a claim may be launched as.
fn open<'t>(
    ty: &'t InstanceType,
    requirements: &'t Requirements,
) -> impl Iterator<Item = &'t Offering> + Clone {
    ty.offerings
        .iter()
        .filter(|offering| offering.available && requirements.overlaps(&offering.requirements))
}

/// The dearest that a type may be launched as: of the best capacity type that can be had, the
/// dearest offering.
pub(crate) fn worst_price(ty: &InstanceType, requirements: &Requirements) -> Option<Price> {
    let of = |wanted: CapacityType| {
        let all = open(ty, requirements).filter(move |o| o.capacity_type == wanted);
        all.map(|offering| offering.price).max()
    };
    [
        CapacityType::Reserved,
        CapacityType::Spot,
        CapacityType::OnDemand,
    ]
    .into_iter()
    .find_map(of)
}

/// The least that a claim surely costs: that of its types which costs least at most.
pub(crate) fn least(claim: &PlannedClaim) -> Option<Price> {
    let types = claim.instance_types.iter();
    types
        .filter_map(|ty| worst_price(ty, &claim.requirements))
        .min()
}

/// The cheapest that a type may be launched as.
fn cheapest<'t>(ty: &'t InstanceType, requirements: &'t Requirements) -> Option<&'t Offering> {
    open(ty, requirements).min_by_key(|offering| {
        (
            offering.price,
            offering.capacity_type,
            offering.zone.clone(),
        )
    })
}

/// Whether a claim may be launched with a capacity type.
pub(crate) fn admits(claim: &PlannedClaim, capacity_type: CapacityType) -> bool {
    let own = claim.requirements.get(CAPACITY_TYPE);
    own.is_none_or(|own| own.has(capacity_type.as_str()))
        && claim.instance_types.iter().any(|ty| {
            let mut all = open(ty, &claim.requirements);
            all.any(|offering| offering.capacity_type == capacity_type)
        })
}

/// Lets a claim be launched as spot only, if it may be that.
pub(crate) fn pin_to_spot(claim: &mut PlannedClaim) {
    let spot = Requirement::single(CAPACITY_TYPE, CapacityType::Spot.as_str());
    Arc::make_mut(&mut claim.requirements).set(spot);
}

/// Leaves a claim the types that surely cost less than `below`, cheapest first; or says that none
/// is left.
pub(crate) fn keep_below(claim: &mut PlannedClaim, below: Price) -> Result<(), Dear> {
    let requirements = claim.requirements.clone();
    let types = claim.instance_types.iter();
    let mut types: Vec<(Price, Arc<InstanceType>)> = types
        .filter(|ty| worst_price(ty, &requirements).is_some_and(|price| price < below))
        .filter_map(|ty| Some((cheapest(ty, &requirements)?.price, ty.clone())))
        .collect();
    // The list is by price already, but may have been of other capacity types.
    types.sort_by_key(|(price, _)| *price);
    let types: Vec<Arc<InstanceType>> = types.into_iter().map(|(_, ty)| ty).collect();
    set_types(claim, types)
}

/// Leaves a spot claim for a single spot node no more types than it needs.
pub(crate) fn keep_few(claim: &mut PlannedClaim) -> Result<(), Dear> {
    let found = claim.instance_types.len();
    if found < SPOT_TYPES {
        return Err(Dear::FewSpotTypes { found });
    }
    let all = claim.instance_types.clone();
    let enough = (SPOT_TYPES..all.len()).find(|count| has_min_values(claim, &all[..*count]));
    let count = enough.unwrap_or(all.len());
    set_types(claim, all[..count].to_vec())
}

fn set_types(claim: &mut PlannedClaim, types: Vec<Arc<InstanceType>>) -> Result<(), Dear> {
    let first = types
        .first()
        .and_then(|ty| Some((ty, cheapest(ty, &claim.requirements)?)));
    let Some((ty, offering)) = first else {
        return Err(Dear::NoType);
    };
    let launch = Launch {
        instance_type: ty.name.clone(),
        zone: offering.zone.clone(),
        capacity_type: offering.capacity_type,
        price: offering.price,
    };
    if !has_min_values(claim, &types) {
        return Err(Dear::MinValues);
    }
    claim.launch = launch;
    claim.instance_types = types.into();
    Ok(())
}

/// Whether types have as many different values of each key as the claim demands.
fn has_min_values(claim: &PlannedClaim, types: &[Arc<InstanceType>]) -> bool {
    claim.requirements.iter().all(|requirement| {
        let Some(least) = requirement.min_values() else {
            return true;
        };
        let key = requirement.key();
        let mut values: BTreeSet<&str> = BTreeSet::new();
        for ty in types {
            if &**key == INSTANCE_TYPE {
                values.insert(&ty.name);
            } else if let Some(of_type) = ty.requirements.get(key) {
                let admitted = of_type.values().iter().filter(|v| requirement.has(v));
                values.extend(admitted.map(|value| &**value));
            }
        }
        values.len() >= least as usize
    })
}
