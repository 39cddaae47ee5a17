//! What a replacement may be launched as, so that it is cheaper than what it replaces, whichever of
//! its types and offerings is had.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::labels::{CAPACITY_TYPE, INSTANCE_TYPE};
use catalog::{CapacityType, InstanceType, Price};
use scheduling::{Launch, PlannedClaim};

use super::prices::Prices;

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

/// The least that a claim surely costs: that of its types which costs least at most.
pub(crate) fn least(claim: &PlannedClaim, prices: &mut Prices) -> Option<Price> {
    let under = prices.under(&claim.requirements);
    let types = claim.instance_types.iter();
    types.filter_map(|ty| under.of(ty).worst).min()
}

/// Whether a claim may be launched with a capacity type.
pub(crate) fn admits(
    claim: &PlannedClaim,
    capacity_type: CapacityType,
    prices: &mut Prices,
) -> bool {
    let own = claim.requirements.get(CAPACITY_TYPE);
    if own.is_some_and(|own| !own.has(capacity_type.as_str())) {
        return false;
    }
    let under = prices.under(&claim.requirements);
    let mut types = claim.instance_types.iter();
    types.any(|ty| under.of(ty).has(capacity_type))
}

/// Lets a claim be launched as spot only, if it may be that.
pub(crate) fn pin_to_spot(claim: &mut PlannedClaim, prices: &mut Prices) {
    claim.requirements = prices.under(&claim.requirements).spot();
}

/// Leaves a claim the types that surely cost less than `below`, cheapest first; or says that none
/// is left.
pub(crate) fn keep_below(
    claim: &mut PlannedClaim,
    below: Price,
    prices: &mut Prices,
) -> Result<(), Dear> {
    let under = prices.under(&claim.requirements);
    let mut types: Vec<(Price, &Arc<InstanceType>)> = Vec::new();
    for ty in claim.instance_types.iter() {
        let offered = under.of(ty);
        if let (Some(worst), Some(cheapest)) = (offered.worst, offered.cheapest())
            && worst < below
        {
            types.push((cheapest.price, ty));
        }
    }
    // The list is by price already, but may have been of other capacity types.
    types.sort_by_key(|(price, _)| *price);
    let types = types.into_iter().map(|(_, ty)| ty.clone()).collect();
    set_types(claim, types, prices)
}

/// Leaves a spot claim for a single spot node no more types than it needs.
pub(crate) fn keep_few(claim: &mut PlannedClaim, prices: &mut Prices) -> Result<(), Dear> {
    let found = claim.instance_types.len();
    if found < SPOT_TYPES {
        return Err(Dear::FewSpotTypes { found });
    }
    let all = claim.instance_types.clone();
    let enough = (SPOT_TYPES..all.len()).find(|count| has_min_values(claim, &all[..*count]));
    let count = enough.unwrap_or(all.len());
    set_types(claim, all[..count].to_vec(), prices)
}

fn set_types(
    claim: &mut PlannedClaim,
    types: Vec<Arc<InstanceType>>,
    prices: &mut Prices,
) -> Result<(), Dear> {
    let Some(ty) = types.first() else {
        return Err(Dear::NoType);
    };
    let offered = prices.under(&claim.requirements).of(ty);
    let offering = offered.cheapest().ok_or(Dear::NoType)?;
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
