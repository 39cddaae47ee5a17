//! What gauges show of the offerings of all pools.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::{CapacityType, InstanceType, Price};

/// A gauge for each type, way to buy it, and zone.
pub type Gauges = BTreeMap<(Arc<str>, CapacityType, Arc<str>), Gauge>;

/// What is shown of offerings that are alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    /// Whether any of them can be launched.
    pub available: bool,
    /// The price of the last of them.
    pub price: Price,
}

/// The gauges of the lists of all pools. Where reservations are used, what is not reserved is shown
/// as not available, for nothing.
pub fn gauges<'a>(
    lists: impl IntoIterator<Item = &'a [Arc<InstanceType>]>,
    reserved_capacity: bool,
) -> Gauges {
    let mut gauges = Gauges::new();
    for instance_type in lists.into_iter().flatten() {
        let mut zones = BTreeSet::new();
        for offering in &instance_type.offerings {
            zones.insert(&offering.zone);
            let key = (
                instance_type.name.clone(),
                offering.capacity_type,
                offering.zone.clone(),
            );
            let gauge = gauges.entry(key).or_default();
            gauge.available |= offering.available;
            gauge.price = offering.price;
        }
        if reserved_capacity {
            for zone in zones {
                let name = instance_type.name.clone();
                let key = (name, CapacityType::Reserved, zone.clone());
                gauges.entry(key).or_default();
            }
        }
    }
    gauges
}
