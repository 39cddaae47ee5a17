//! The instance types that the KWOK provider has when it is given none: made by a formula.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::labels;
use model::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS};
use model::{Quantity, ResourceList};
use requirements::{Requirement, Requirements};

use crate::{
    CapacityType, Catalog, InstanceType, Interner, Offering, Overhead, Price, PriceSource,
    Provider, kwok_labels,
};

/// Cores per type.
const CPUS: [i64; 12] = [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256];
/// Families, with gibibytes per core.
const FAMILIES: [(&str, i64); 3] = [("c", 2), ("s", 4), ("m", 8)];
const SYSTEMS: [&str; 2] = ["linux", "windows"];
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
const ZONES: [&str; 4] = ["test-zone-a", "test-zone-b", "test-zone-c", "test-zone-d"];

/// The standard set of 144 types: every number of cores, family, system and architecture, each in
/// four zones, on demand and spot.
pub fn standard() -> Catalog {
    let mut types = Vec::with_capacity(144);
    let mut texts = Interner::default();
    let offered = offering_requirements();
    for cpu in CPUS {
        for (family, factor) in FAMILIES {
            for system in SYSTEMS {
                for architecture in ARCHITECTURES {
                    let name = format!("{family}-{cpu}x-{architecture}-{system}");
                    let machine = Machine {
                        cpu,
                        memory_gib: cpu * factor,
                        system,
                        architecture,
                    };
                    let mut ty = instance_type(&name, &machine, &offered);
                    ty.requirements = texts.share(&ty.requirements);
                    types.push(Arc::new(ty));
                }
            }
        }
    }
    Catalog {
        types,
        price_source: PriceSource::KwokFormula,
        extra_labels: BTreeSet::new(),
        provider: Provider::Kwok,
    }
}

/// What a KWOK node keeps for itself: 100m CPU and 10Mi memory.
pub fn overhead() -> Overhead {
    Overhead {
        kube_reserved: ResourceList::from([
            (CPU.to_owned(), Quantity::from_millis(100)),
            (MEMORY.to_owned(), Quantity::from_mebibytes(10)),
        ]),
        ..Overhead::default()
    }
}

struct Machine {
    cpu: i64,
    memory_gib: i64,
    system: &'static str,
    architecture: &'static str,
}

impl Machine {
    /// 0.025 per core and 0.001 per 10^9 bytes of memory.
    fn on_demand_price(&self) -> Price {
        let bytes = self.memory_gib << 30;
        // A thousandth of a dollar per 10^9 bytes is a nano-dollar per 1000 bytes.
        Price::from_nanos((self.cpu * 25_000_000 + (bytes + 500) / 1000) as u64)
    }

    fn price(&self, capacity_type: CapacityType) -> Price {
        match capacity_type {
            CapacityType::Spot => self.on_demand_price().scaled(7, 10),
            CapacityType::Reserved | CapacityType::OnDemand => self.on_demand_price(),
        }
    }

    fn capacity(&self) -> ResourceList {
        ResourceList::from([
            (CPU.to_owned(), Quantity::from_units(self.cpu)),
            (
                MEMORY.to_owned(),
                Quantity::from_mebibytes(self.memory_gib * 1024),
            ),
            (
                PODS.to_owned(),
                Quantity::from_units((self.cpu * 16).clamp(0, 1024)),
            ),
            (
                EPHEMERAL_STORAGE.to_owned(),
                Quantity::from_mebibytes(20 * 1024),
            ),
        ])
    }
}

type OfferingRequirements = (Arc<str>, CapacityType, Arc<Requirements>);

fn offering_requirements() -> Vec<OfferingRequirements> {
    let mut all = Vec::new();
    for zone in ZONES {
        for capacity_type in [CapacityType::Spot, CapacityType::OnDemand] {
            let requirements = [
                Requirement::single(labels::CAPACITY_TYPE, capacity_type.as_str()),
                Requirement::single(labels::ZONE, zone),
            ];
            all.push((
                zone.into(),
                capacity_type,
                Arc::new(requirements.into_iter().collect()),
            ));
        }
    }
    all
}

fn instance_type(name: &str, machine: &Machine, offered: &[OfferingRequirements]) -> InstanceType {
    let capacity = machine.capacity();
    let mut requirements: Requirements =
        kwok_labels::derived(name, &capacity).into_iter().collect();
    requirements.extend([
        Requirement::single(labels::INSTANCE_TYPE, name),
        Requirement::single(labels::ARCH, machine.architecture),
        Requirement::single(labels::OS, machine.system),
        Requirement::any_of(labels::ZONE, ZONES),
        Requirement::any_of(labels::CAPACITY_TYPE, ["on-demand", "spot"]),
    ]);
    let offerings = offered
        .iter()
        .map(|(zone, capacity_type, requirements)| Offering {
            requirements: requirements.clone(),
            zone: zone.clone(),
            capacity_type: *capacity_type,
            price: machine.price(*capacity_type),
            available: true,
            reservation_capacity: None,
            price_overlaid: false,
            overrides: None,
        })
        .collect();
    InstanceType {
        name: name.into(),
        requirements,
        offerings,
        capacity,
        capacity_overlaid: false,
        dynamic_resources: None,
        overhead: overhead(),
    }
}

#[cfg(test)]
mod tests;
