//! What is asked about devices before and after a search: where they can be used, and who publishes
//! them.

use std::collections::BTreeSet;
use std::sync::Arc;

use requirements::Requirements;

use crate::allocator::{Allocation, Allocator};

impl Allocator {
    /// All that the places of devices may ask of a node's labels.
    pub fn places(&self) -> Vec<Requirements> {
        let fixed = &self.fixed;
        let of_devices = fixed.devices.list.iter().filter_map(|dev| dev.places());
        let of_claims = fixed.claims.values().filter_map(|claim| claim.places());
        let mut all: Vec<Requirements> = Vec::new();
        for place in of_devices
            .chain(of_claims)
            .flat_map(|places| places.clone().into_alternatives())
        {
            if !all.contains(&place) {
                all.push(place);
            }
        }
        all
    }

    /// Whether more than one node can reach some published device.
    pub fn has_shared(&self) -> bool {
        self.fixed.devices.has_shared()
    }

    /// The drivers that have yet to publish what an allocation takes if its node becomes a type.
    pub fn promising(&self, allocation: &Allocation, instance_type: &str) -> BTreeSet<Arc<str>> {
        let devices = &self.fixed.devices;
        let picks = allocation.by_type.get(instance_type);
        let picks = picks.into_iter().flat_map(|(_, picks)| picks);
        picks
            .filter(|pick| devices.is_promised(pick.device))
            .map(|pick| devices.list[pick.device].id.driver.clone())
            .collect()
    }
}
