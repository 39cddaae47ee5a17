//! The request of a fleet, and the token by which EC2 knows it again.

use std::collections::BTreeSet;
use std::hash::Hash;

use api::Ec2NodeClass;
use catalog::CapacityType;

use super::Wanted;
use crate::Tags;
use crate::digest::Digest;
use crate::ec2::{FleetCapacity, FleetConfig, FleetRequest, Market, ResourceType};
use crate::template::{Reservation, tag_specifications};

/// How many types are recommended to a launch that could be spot but is on demand.
pub const FLEXIBILITY: usize = 5;

/// How a launch is paid for.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    /// The capacity type.
    pub capacity_type: CapacityType,
    /// A reservation of the kind that is used.
    pub reservation: Option<&'a Reservation>,
}

/// One instance of what is best among the configurations.
pub fn request(
    class: &Ec2NodeClass,
    wanted: &Wanted,
    terms: &Terms<'_>,
    configs: Vec<FleetConfig>,
    tags: &Tags,
) -> FleetRequest {
    let capacity = capacity(terms);
    let (on_demand, spot) = if wanted.has_overlay_prices {
        ("prioritized", "capacity-optimized-prioritized")
    } else {
        ("lowest-price", "price-capacity-optimized")
    };
    let is = |kind| (capacity == kind).then_some(());
    let kinds = [
        ResourceType::Instance,
        ResourceType::Volume,
        ResourceType::Fleet,
    ];
    FleetRequest {
        context: class.spec.context.clone().filter(|_| !wanted.is_relaxed),
        configs,
        capacity: 1,
        capacity_type: capacity,
        on_demand_strategy: is(FleetCapacity::OnDemand).map(|()| on_demand.to_owned()),
        spot_strategy: is(FleetCapacity::Spot).map(|()| spot.to_owned()),
        reservation_types: match capacity {
            FleetCapacity::ReservedCapacity => {
                vec![Market::InterruptibleReservation.as_str().to_owned()]
            }
            _ => Vec::new(),
        },
        tags: tag_specifications(&kinds, tags),
        dry_run: false,
        client_token: None,
    }
}

fn capacity(terms: &Terms<'_>) -> FleetCapacity {
    match terms.capacity_type {
        CapacityType::Spot => FleetCapacity::Spot,
        CapacityType::OnDemand => FleetCapacity::OnDemand,
        CapacityType::Reserved => match terms.reservation {
            Some(reservation) if reservation.is_block() => FleetCapacity::CapacityBlock,
            Some(reservation) if reservation.interruptible => FleetCapacity::ReservedCapacity,
            _ => FleetCapacity::OnDemand,
        },
    }
}

impl FleetRequest {
    /// What tells requests apart. Order in lists means nothing; nor does how many instances are
    /// asked for, and by which token.
    pub fn digest(&self) -> u128 {
        // Taken apart, so that a field that comes later can't be forgotten here.
        let Self {
            context,
            configs,
            capacity: _,
            capacity_type,
            on_demand_strategy,
            spot_strategy,
            reservation_types,
            tags,
            dry_run,
            client_token: _,
        } = self;
        let mut digest = Digest::default();
        (context, capacity_type, dry_run).hash(&mut digest);
        (on_demand_strategy, spot_strategy).hash(&mut digest);
        digest.add_set(configs.iter().map(|config| {
            let mut digest = Digest::default();
            config.template.hash(&mut digest);
            digest.add_set(&config.overrides);
            digest.value()
        }));
        digest.add_set(reservation_types);
        digest.add_set(tags);
        digest.value()
    }
}

/// The token of a request that is made for these claims: the same request for the same claims has
/// the same one, in every process, so that EC2 answers it with the same instances. `round` counts
/// the answers that did not give all of them an instance: what comes after is a new request.
pub fn token<'a>(
    request: &FleetRequest,
    claims: impl IntoIterator<Item = &'a str>,
    round: u32,
) -> String {
    let claims: BTreeSet<&str> = claims.into_iter().collect();
    let digest = Digest::of(&(request.digest(), claims, round));
    format!("karpenter-{digest:032x}")
}
