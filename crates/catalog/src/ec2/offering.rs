//! Offerings of a machine in the zones of a region, and simulated spot prices.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::labels;
use requirements::{Requirement, Requirements};

use super::{AmiFamily, Machine, NodeSettings, Prices};
use crate::{CapacityType, Interner, Offering, Price};

/// A zone of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// `us-west-2a`.
    pub name: String,
    /// `usw2-az1`, where known.
    pub id: Option<String>,
}

/// A spot price that nobody charges: a part of the on-demand price, from 25.0 % to 50.0 %, that
/// depends on the family and the zone alone.
///
/// In per mille it is `250 + h mod 251`, where `h` is the 64-bit FNV-1a hash of `<family>/<zone>`.
pub fn spot_price(instance_type: &str, zone: &str, on_demand: Price) -> Price {
    let family = instance_type.split('.').next().unwrap_or(instance_type);
    let text = family.bytes().chain([b'/']).chain(zone.bytes());
    let hash = text.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    on_demand.scaled(250 + hash % 251, 1000)
}

/// A way to have a machine that is no reservation: a zone and a capacity type, and what a node's
/// labels then are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// Position of the zone in the region.
    pub position: usize,
    /// Name of the zone.
    pub zone: Arc<str>,
    /// On demand or spot.
    pub capacity_type: CapacityType,
    /// The labels.
    pub requirements: Arc<Requirements>,
}

/// Every zone with every capacity type, to be shared by all machines. A zone's id is a label of
/// nodes where it is given.
pub fn plain_offerings(zones: &[Zone], interner: &mut Interner) -> Vec<Plain> {
    let mut sets = Vec::with_capacity(zones.len() * 2);
    for (position, zone) in zones.iter().enumerate() {
        let name = interner.get(&zone.name);
        for capacity_type in [CapacityType::OnDemand, CapacityType::Spot] {
            let mut set: Requirements = [
                Requirement::single(labels::CAPACITY_TYPE, capacity_type.as_str()),
                Requirement::single(labels::ZONE, name.clone()),
            ]
            .into_iter()
            .chain(
                labels::RESERVATION_LABELS
                    .iter()
                    .map(|key| Requirement::does_not_exist(*key)),
            )
            .collect();
            let id = zone.id.as_deref();
            set.extend(id.map(|id| Requirement::single(labels::AWS_ZONE_ID, id)));
            sets.push(Plain {
                position,
                zone: name.clone(),
                capacity_type,
                requirements: Arc::new(interner.share(&set)),
            });
        }
    }
    sets
}

/// [`plain_offerings`] where only zones with a subnet have ids that nodes can know.
pub(super) fn with_subnets(
    zones: &[Zone],
    wanted: &BTreeSet<&str>,
    interner: &mut Interner,
) -> Vec<Plain> {
    let known = |zone: &Zone| Zone {
        name: zone.name.clone(),
        id: zone.id.clone().filter(|_| wanted.contains(&*zone.name)),
    };
    let zones: Vec<Zone> = zones.iter().map(known).collect();
    plain_offerings(&zones, interner)
}

/// One for each zone of the region and each capacity type of the machine. Those that can't be
/// launched are there, but unavailable: not offered in the zone, no subnet there, no price known,
/// or the image does not run on the machine.
pub(super) fn offerings(
    sets: &[Plain],
    machine: &Machine,
    settings: &NodeSettings,
    (here, prices): (&BTreeSet<&str>, Option<&Prices>),
) -> Vec<Offering> {
    let runs = runs_on(settings.family, machine);
    let sets = sets
        .iter()
        .filter(|set| machine.usage.has(set.capacity_type));
    sets.map(|set| {
        let price = prices.and_then(|prices| match set.capacity_type {
            CapacityType::Spot => prices.spot.get(set.position).copied(),
            CapacityType::OnDemand | CapacityType::Reserved => Some(prices.on_demand),
        });
        Offering {
            requirements: set.requirements.clone(),
            zone: set.zone.clone(),
            capacity_type: set.capacity_type,
            price: price.unwrap_or_default(),
            available: runs && price.is_some() && here.contains(&*set.zone),
            reservation_capacity: None,
            price_overlaid: false,
            overrides: None,
        }
    })
    .collect()
}

/// Whether an image of the family runs on the machine. Amazon Linux 2023 does not on the first ARM
/// machines; there is no Windows for ARM.
pub fn runs_on(family: AmiFamily, machine: &Machine) -> bool {
    match family {
        AmiFamily::Al2023 => machine.family() != "a1",
        family if family.is_windows() => machine.architecture == "amd64",
        _ => true,
    }
}
