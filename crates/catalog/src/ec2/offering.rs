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

/// A zone with its position in the region, a capacity type, and what a node's labels then are.
struct OfferingSet {
    position: usize,
    zone: Arc<str>,
    capacity_type: CapacityType,
    requirements: Arc<Requirements>,
}

/// The requirements of every (zone, capacity type), shared by all machines.
pub(super) struct OfferingSets {
    sets: Vec<OfferingSet>,
}

impl OfferingSets {
    /// `wanted` are the zones with a subnet: only there the zone's id is known to nodes.
    pub(super) fn new(zones: &[Zone], wanted: &BTreeSet<&str>, interner: &mut Interner) -> Self {
        let mut sets = Vec::with_capacity(zones.len() * 2);
        for (position, zone) in zones.iter().enumerate() {
            let name = interner.get(&zone.name);
            let id = zone
                .id
                .as_deref()
                .filter(|_| wanted.contains(zone.name.as_str()));
            for capacity_type in [CapacityType::OnDemand, CapacityType::Spot] {
                let mut set: Requirements = [
                    Requirement::single(labels::CAPACITY_TYPE, capacity_type.as_str()),
                    Requirement::single(labels::ZONE, name.clone()),
                    Requirement::does_not_exist("karpenter.k8s.aws/capacity-reservation-id"),
                    Requirement::does_not_exist("karpenter.k8s.aws/capacity-reservation-type"),
                    Requirement::does_not_exist(
                        "karpenter.k8s.aws/capacity-reservation-interruptible",
                    ),
                ]
                .into_iter()
                .collect();
                set.extend(id.map(|id| Requirement::single("topology.k8s.aws/zone-id", id)));
                let (zone, requirements) = (name.clone(), Arc::new(set));
                sets.push(OfferingSet {
                    position,
                    zone,
                    capacity_type,
                    requirements,
                });
            }
        }
        Self { sets }
    }

    /// One for each zone of the region and each capacity type of the machine. Those that can't be
    /// launched are there, but unavailable: not offered in the zone, no subnet there, no price
    /// known, or the image does not run on the machine.
    pub(super) fn offerings(
        &self,
        machine: &Machine,
        settings: &NodeSettings,
        here: &BTreeSet<&str>,
        prices: Option<&Prices>,
    ) -> Vec<Offering> {
        let runs = runs_on(settings.family, machine);
        let sold = |capacity_type: CapacityType| match capacity_type {
            CapacityType::OnDemand => machine.usage.on_demand,
            CapacityType::Spot => machine.usage.spot,
            CapacityType::Reserved => false,
        };
        let sets = self.sets.iter().filter(|set| sold(set.capacity_type));
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
}

/// Whether an image of the family runs on the machine. Amazon Linux 2023 does not on the first ARM
/// machines; there is no Windows for ARM.
fn runs_on(family: AmiFamily, machine: &Machine) -> bool {
    match family {
        AmiFamily::Al2023 => machine.family() != "a1",
        family if family.is_windows() => machine.architecture == "amd64",
        _ => true,
    }
}
