//! An instance type and its offerings.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use model::resources::{self, HUGEPAGES_PREFIX, MEMORY};
use model::{Quantity, ResourceList};
use requirements::Requirements;
use serde::{Deserialize, Serialize};

use crate::{DynamicResources, Overrides, Price};

/// A kind of machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceType {
    /// Its name, unique in the catalog: `m5.large`.
    pub name: Arc<str>,
    /// What its nodes' labels can be.
    pub requirements: Requirements,
    /// Where and how it can be had, and for how much. Unavailable ones too.
    pub offerings: Vec<Offering>,
    /// What the machine has.
    pub capacity: ResourceList,
    /// What of it pods can't have.
    pub overhead: Overhead,
    /// Whether a node overlay has added to the capacity.
    pub capacity_overlaid: bool,
    /// Devices that drivers will publish on its nodes, where that is known.
    pub dynamic_resources: Option<Arc<DynamicResources>>,
}

/// A way to have an instance type: a zone and a capacity type, perhaps a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// What the labels of a node from this offering can be. Shared between types.
    pub requirements: Arc<Requirements>,
    /// The zone, as in `requirements`.
    pub zone: Arc<str>,
    /// The capacity type, as in `requirements`.
    pub capacity_type: CapacityType,
    /// Per hour.
    pub price: Price,
    /// Whether it can be launched at present.
    pub available: bool,
    /// For reserved capacity: how many instances are left in the reservation.
    pub reservation_capacity: Option<u32>,
    /// Whether the price is that of a node overlay and not the provider's.
    pub price_overlaid: bool,
    /// What its machines have in place of what the type says.
    pub overrides: Option<Arc<Overrides>>,
}

/// How a machine is paid for, and whether it can be taken away. The order is the order in which
/// they are preferred for launching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityType {
    /// Paid for in advance.
    Reserved,
    /// Cheap, and may be taken away.
    Spot,
    /// At list price.
    OnDemand,
}

/// A text names no capacity type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a capacity type; use one of reserved, spot, on-demand")]
pub struct UnknownCapacityType(pub String);

impl CapacityType {
    /// All, in order of preference.
    pub const ALL: [Self; 3] = [Self::Reserved, Self::Spot, Self::OnDemand];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Spot => "spot",
            Self::OnDemand => "on-demand",
        }
    }
}

impl fmt::Display for CapacityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for CapacityType {
    type Err = UnknownCapacityType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|capacity_type| capacity_type.as_str() == text)
            .ok_or_else(|| UnknownCapacityType(text.to_owned()))
    }
}

/// What of a machine's capacity pods can't have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overhead {
    /// For the kubelet and the container runtime.
    pub kube_reserved: ResourceList,
    /// For the operating system.
    pub system_reserved: ResourceList,
    /// Below which the kubelet evicts pods.
    pub eviction_threshold: ResourceList,
}

impl Overhead {
    /// The sum of the three.
    pub fn total(&self) -> ResourceList {
        let reserved = resources::add(&self.kube_reserved, &self.system_reserved);
        resources::add(&reserved, &self.eviction_threshold)
    }
}

impl InstanceType {
    /// What pods can have: capacity less overhead, and memory less what huge pages take of it.
    pub fn allocatable(&self) -> ResourceList {
        let amount =
            |resource: &String| Some((resource.clone(), self.allocatable_amount(resource)?));
        self.capacity.keys().filter_map(amount).collect()
    }

    /// What pods can have of one resource; none if the machine has no such thing.
    pub fn allocatable_amount(&self, resource: &str) -> Option<Quantity> {
        let overhead = &self.overhead;
        let taken = [
            &overhead.kube_reserved,
            &overhead.system_reserved,
            &overhead.eviction_threshold,
        ];
        let taken: Quantity = taken
            .map(|list| resources::get(list, resource))
            .into_iter()
            .sum();
        let left = *self.capacity.get(resource)? - taken;
        if resource != MEMORY {
            return Some(left);
        }
        let first = self.capacity.range(HUGEPAGES_PREFIX.to_owned()..);
        let huge = first.take_while(|(resource, _)| resource.starts_with(HUGEPAGES_PREFIX));
        let huge: Quantity = huge.map(|(_, amount)| *amount).sum();
        if huge.is_zero() {
            return Some(left);
        }
        Some((left - huge).max(Quantity::ZERO))
    }

    /// The offerings that can be launched at present.
    pub fn available_offerings(&self) -> impl Iterator<Item = &Offering> {
        self.offerings.iter().filter(|offering| offering.available)
    }
}

impl Offering {
    /// The reservation, if this is reserved capacity of EC2.
    pub fn reservation_id(&self) -> Option<&Arc<str>> {
        self.requirements
            .get(api::labels::CAPACITY_RESERVATION_ID)?
            .single_value()
    }
}

#[cfg(test)]
mod tests;
