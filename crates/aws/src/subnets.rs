//! Which subnet of each zone a launch uses, by the addresses that are left there.
//!
//! EC2 is asked for free addresses now and then; what launches since then are expected to have
//! taken is remembered beside that. What is *not* here: when EC2 is asked (`provider-aws`), and
//! which subnets belong to a node class (its status says so).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use catalog::{CapacityType, InstanceType};
use model::Timestamp;
use model::resources::PODS;

use crate::ec2;

/// Free addresses of subnets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    read: BTreeMap<String, Read>,
    in_flight: BTreeMap<String, i64>,
}

/// What EC2 said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Read {
    free: i64,
    expires: Timestamp,
}

/// The subnet of a zone for one launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `subnet-...`.
    pub id: String,
    /// Name of its zone.
    pub zone: String,
    /// Id of its zone; empty if not known.
    pub zone_id: String,
    /// Free addresses as EC2 said them last.
    free: i64,
    /// Addresses that the launch is expected to take.
    predicted: i64,
}

/// The subnets of a launch, by the name of their zone.
pub type Choices = BTreeMap<String, Choice>;

impl Addresses {
    /// How long what EC2 said is good, where subnets are read every `refresh`.
    pub fn ttl(refresh: Duration) -> Duration {
        const LEAST: Duration = Duration::from_mins(5);
        LEAST.max(refresh + Duration::from_mins(4))
    }

    /// EC2 has said how many addresses are free; what launches before have taken is in that.
    pub fn read(&mut self, subnets: &[ec2::Subnet], ttl: Duration, now: Timestamp) {
        self.read.retain(|_, read| read.expires > now);
        for subnet in subnets {
            let free = subnet.free_addresses;
            let expires = now + ttl;
            self.read.insert(subnet.id.clone(), Read { free, expires });
            self.in_flight.remove(&subnet.id);
        }
    }

    /// Picks the subnet with the most addresses left in each zone (of equal ones the first) and
    /// counts off what one of these types is expected to take: as many as the least of them has
    /// pods, of those that can be had there.
    pub fn choose(
        &mut self,
        subnets: &[api::ec2nodeclass::Subnet],
        types: &[Arc<InstanceType>],
        capacity_type: CapacityType,
        now: Timestamp,
    ) -> Choices {
        let mut best: BTreeMap<&str, (&api::ec2nodeclass::Subnet, i64)> = BTreeMap::new();
        for subnet in subnets {
            let left = self.left(&subnet.id, now);
            let known = best.get(subnet.zone.as_str());
            if known.is_none_or(|(_, most)| left > *most) {
                best.insert(&subnet.zone, (subnet, left));
            }
        }
        let chosen = best.into_values().map(|(subnet, left)| {
            let predicted = predicted_use(types, capacity_type, &subnet.zone);
            self.in_flight.insert(subnet.id.clone(), left - predicted);
            let choice = Choice {
                id: subnet.id.clone(),
                zone: subnet.zone.clone(),
                zone_id: subnet.zone_id.clone(),
                free: self.free(&subnet.id, now),
                predicted,
            };
            (subnet.zone.clone(), choice)
        });
        chosen.collect()
    }

    /// Gives back what a launch was expected to take of subnets that it did not use, unless EC2 has
    /// said since then what is free.
    pub fn give_back(&mut self, choices: &Choices, used: &BTreeSet<&str>, now: Timestamp) {
        for choice in choices.values() {
            let id = choice.id.as_str();
            if used.contains(id) || self.free(id, now) != choice.free {
                continue;
            }
            if let Some(left) = self.in_flight.get_mut(id) {
                *left += choice.predicted;
            }
        }
    }

    /// EC2 has said that a subnet is full.
    pub fn exhaust(&mut self, id: &str) {
        if let Some(read) = self.read.get_mut(id) {
            read.free = 0;
        }
        self.in_flight.remove(id);
    }

    /// Addresses that are expected to be left; may be negative.
    pub fn left(&self, id: &str, now: Timestamp) -> i64 {
        let tracked = self.in_flight.get(id).copied();
        tracked.unwrap_or_else(|| self.free(id, now))
    }

    fn free(&self, id: &str, now: Timestamp) -> i64 {
        let read = self.read.get(id).filter(|read| read.expires > now);
        read.map_or(0, |read| read.free)
    }
}

/// The fewest pods of the types that can be had in the zone; zero if none can.
fn predicted_use(types: &[Arc<InstanceType>], capacity_type: CapacityType, zone: &str) -> i64 {
    let here = types.iter().filter(|instance_type| {
        let mut offerings = instance_type.available_offerings();
        offerings.any(|one| one.capacity_type == capacity_type && &*one.zone == zone)
    });
    let pods = here.filter_map(|instance_type| instance_type.capacity.get(PODS));
    pods.map(|pods| pods.units_ceil()).min().unwrap_or(0)
}

#[cfg(test)]
mod tests;
