//! What an instance of EC2 means to Karpenter: labels, capacity, and how it is paid for.
//!
//! What is *not* here: asking for instances, and the instance types.

use std::collections::BTreeMap;

use api::labels::{
    AWS_INSTANCE_TENANCY, AWS_ZONE_ID, CAPACITY_RESERVATION_ID, CAPACITY_RESERVATION_INTERRUPTIBLE,
    CAPACITY_RESERVATION_TYPE, CAPACITY_TYPE, INSTANCE_TYPE, NODEPOOL, PLACEMENT_GROUP_ID,
    PLACEMENT_GROUP_PARTITION, RESERVATION_LABELS, ZONE,
};
use api::{Ec2NodeClass, NodeClaim};
use catalog::{CapacityType, InstanceType};
use model::ResourceList;
use requirements::Requirements;

use crate::ec2::{Instance, Market, ReservationPreference};
use crate::resources::EFA;
use crate::{reservations, tags};

/// Lifecycle of a spot instance.
pub const SPOT: &str = "spot";

/// What is known besides an instance itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// Its type, as its pool may launch it.
    pub instance_type: Option<&'a InstanceType>,
    /// Its class.
    pub class: Option<&'a Ec2NodeClass>,
    /// Its claim.
    pub claim: Option<&'a NodeClaim>,
    /// Whether its placement group has partitions.
    pub partitioned: bool,
    /// Whether reserved capacity is told apart (gate `ReservedCapacity`).
    pub reserved_capacity: bool,
}

/// The reservation that an instance was launched into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved<'i> {
    /// Its id.
    pub id: &'i str,
    /// `default` or `capacity-block`.
    pub reservation_type: &'static str,
    /// Whether EC2 may take its capacity away.
    pub interruptible: bool,
}

/// The reservation that an instance was launched into on purpose. One that only happened to match
/// an open reservation is on demand.
pub fn reserved(instance: &Instance) -> Option<Reserved<'_>> {
    let id = instance.reservation_id.as_deref()?;
    let only = Some(ReservationPreference::Only.as_str());
    let is_on_purpose = instance.reservation_preference.as_deref() == only;
    (is_on_purpose && !is_spot(instance)).then(|| Reserved {
        id,
        reservation_type: if instance.lifecycle == reservations::CAPACITY_BLOCK {
            reservations::CAPACITY_BLOCK
        } else {
            reservations::DEFAULT
        },
        interruptible: instance.lifecycle == Market::InterruptibleReservation.as_str(),
    })
}

/// Either sign is enough: the answer of a fleet does not name the spot request.
fn is_spot(instance: &Instance) -> bool {
    instance.lifecycle == SPOT || !instance.spot_request_id.is_empty()
}

/// How an instance is paid for.
pub fn capacity_type(instance: &Instance, context: &Context<'_>) -> CapacityType {
    if is_spot(instance) {
        CapacityType::Spot
    } else if context.reserved_capacity && reserved(instance).is_some() {
        CapacityType::Reserved
    } else {
        CapacityType::OnDemand
    }
}

/// `default` or `dedicated`.
pub fn tenancy(instance: &Instance) -> &str {
    match instance.tenancy.as_str() {
        "" => "default",
        tenancy => tenancy,
    }
}

/// How many of an instance's interfaces are for EFA.
pub fn efa_count(instance: &Instance) -> usize {
    let for_efa = |kind: &&String| matches!(kind.as_str(), "efa" | "efa-only");
    instance.interfaces.iter().filter(for_efa).count()
}

/// The labels of an instance's claim and node.
pub fn labels(instance: &Instance, context: &Context<'_>) -> BTreeMap<String, String> {
    let mut labels = context
        .instance_type
        .map(|known| known.requirements.single_values())
        .unwrap_or_default();
    for key in RESERVATION_LABELS {
        labels.remove(*key);
    }
    let mut set = |key: &str, value: &str| {
        if !value.is_empty() {
            labels.insert(key.to_owned(), value.to_owned());
        }
    };
    set(INSTANCE_TYPE, &instance.instance_type);
    set(ZONE, &instance.zone);
    set(AWS_ZONE_ID, zone_id(instance, context.class));
    set(CAPACITY_TYPE, capacity_type(instance, context).as_str());
    set(AWS_INSTANCE_TENANCY, tenancy(instance));
    if let Some(reserved) = reserved(instance).filter(|_| context.reserved_capacity) {
        let interruptible = if reserved.interruptible {
            "true"
        } else {
            "false"
        };
        set(CAPACITY_RESERVATION_ID, reserved.id);
        set(CAPACITY_RESERVATION_TYPE, reserved.reservation_type);
        set(CAPACITY_RESERVATION_INTERRUPTIBLE, interruptible);
    }
    if let Some(pool) = instance.tags.get(tags::NODEPOOL) {
        set(NODEPOOL, pool);
    }
    if let Some(group) = &instance.placement_group_id {
        set(PLACEMENT_GROUP_ID, group);
        let partition = partition(instance, context);
        labels.extend(partition.map(|it| (PLACEMENT_GROUP_PARTITION.to_owned(), it)));
    }
    labels
}

/// Id of the zone of an instance, as its class knows it, else as EC2 says.
fn zone_id<'a>(instance: &'a Instance, class: Option<&'a Ec2NodeClass>) -> &'a str {
    let subnets = class.map_or(&[][..], |class| &class.status.subnets);
    let subnet = subnets.iter().find(|subnet| subnet.zone == instance.zone);
    let known = subnet
        .map(|subnet| subnet.zone_id.as_str())
        .filter(|id| !id.is_empty());
    known.unwrap_or(&instance.zone_id)
}

/// Value of the label with the partition: the instance's own; while that is not known, the only one
/// that the claim allows; else empty, and EC2 is asked once the node has joined.
fn partition(instance: &Instance, context: &Context<'_>) -> Option<String> {
    if let Some(number) = instance.partition.filter(|number| *number > 0) {
        return Some(number.to_string());
    }
    context.partitioned.then(|| {
        let claim = context.claim.map(|claim| &claim.spec.requirements);
        let wanted = Requirements::from_items(claim.into_iter().flatten());
        let only = wanted.get(PLACEMENT_GROUP_PARTITION);
        let only = only.and_then(|wanted| wanted.single_value());
        only.map(ToString::to_string).unwrap_or_default()
    })
}

/// What an instance has, of what its type has.
pub fn capacity(instance: &Instance, instance_type: &InstanceType) -> ResourceList {
    kept(instance, instance_type.capacity.clone())
}

/// What pods can have of an instance.
pub fn allocatable(instance: &Instance, instance_type: &InstanceType) -> ResourceList {
    kept(instance, instance_type.allocatable())
}

fn kept(instance: &Instance, mut amounts: ResourceList) -> ResourceList {
    let has_efa = efa_count(instance) > 0;
    amounts.retain(|resource, amount| !amount.is_zero() && (has_efa || resource != EFA));
    amounts
}

#[cfg(test)]
mod tests;
