//! EC2 instance types: from facts about a machine to capacity, overhead, labels and offerings; and
//! the table of facts that is built in.
//!
//! [`bundled`] needs no network and no account. Its on-demand prices are list prices of one day;
//! its spot prices are simulated ([`spot_price`]) and [`crate::PriceSource`] says so.
//!
//! What is *not* here: calls to AWS, discovered memory, reservations, placement groups, expressions
//! in kubelet settings (the provider), node class defaults (`api`).

mod capacity;
mod class;
mod figures;
mod labels;
mod machine;
mod offering;
mod settings;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::Quantity;

pub use capacity::{capacity, eni_limited_pods, estimated_memory, overhead, pods};
pub use figures::{Figures, complete, figures};
pub use labels::{Place, requirements};
pub use machine::{Accelerator, Gpu, Machine, NetworkCard, NeuronDevice, UsageClasses};
pub use offering::{Plain, Zone, plain_offerings, runs_on, spot_price};
pub use settings::{
    AmiFamily, EfaOnly, InstanceStore, InvalidThreshold, Kubelet, NodeSettings, Threshold,
};

use crate::{Catalog, InstanceType, Interner, Price, PriceSource, Provider};

/// The day of the on-demand list prices.
const PRICES_LISTED: &str = "2026-07-20";
/// The day of those in yuan.
const YUAN_PRICES_LISTED: &str = "2024-11-06";

/// What the built-in catalog is to be of.
#[derive(Debug, Clone, PartialEq)]
pub struct Ec2Options {
    /// The region.
    pub region: String,
    /// The zones in which there are subnets; empty: all of the region.
    pub zones: BTreeSet<String>,
    /// How nodes are set up.
    pub node: NodeSettings,
}

impl Default for Ec2Options {
    /// All four zones of us-west-2, nodes as they are by default.
    fn default() -> Self {
        Self {
            region: "us-west-2".to_owned(),
            zones: BTreeSet::new(),
            node: NodeSettings::default(),
        }
    }
}

/// Why there is no built-in catalog for some options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ec2Error {
    /// The region is not in the table.
    #[error("region {region:?} is not in the bundled table; it has {}", known.join(", "))]
    UnknownRegion {
        /// The region asked for.
        region: String,
        /// Those that are in it.
        known: Vec<String>,
    },
    /// The region has no such zone.
    #[error("zone {zone:?} is not in region {region}; it has {}", known.join(", "))]
    UnknownZone {
        /// The zone asked for.
        zone: String,
        /// The region.
        region: String,
        /// Its zones.
        known: Vec<String>,
    },
}

/// The instance types that the region offers, by name, from the built-in table.
pub fn bundled(options: &Ec2Options) -> Result<Catalog, Ec2Error> {
    let offered = table::zones(&options.region)?;
    let wanted = wanted_zones(options, &offered.zones)?;
    let list = table::PriceList::of(&options.region);
    let mut interner = Interner::default();
    let sets = offering::with_subnets(&offered.zones, &wanted, &mut interner);
    let mut types = Vec::with_capacity(offered.types.len());
    for row in table::rows() {
        let Some(zones) = offered.zones_of(row.name()) else {
            continue;
        };
        let machine = row.machine();
        let here: BTreeSet<&str> = zones
            .into_iter()
            .filter(|zone| wanted.contains(zone))
            .collect();
        let prices = row
            .price(list)
            .map(|on_demand| simulated(&machine, on_demand, &offered.zones));
        let place = labels::Place {
            region: &options.region,
            zones: &here,
            all: &offered.zones,
        };
        types.push(Arc::new(InstanceType {
            name: interner.get(&machine.name),
            requirements: labels::requirements(&machine, &options.node, &place, &mut interner),
            offerings: offering::offerings(
                &sets,
                &machine,
                &options.node,
                (&here, prices.as_ref()),
            ),
            capacity: capacity::capacity(&machine, &options.node),
            capacity_overlaid: false,
            dynamic_resources: None,
            overhead: capacity::overhead(&machine, &options.node),
        }));
    }
    let listed = if list == table::PriceList::CnNorth1 {
        YUAN_PRICES_LISTED
    } else {
        PRICES_LISTED
    };
    Ok(Catalog {
        types,
        price_source: PriceSource::BundledEc2 {
            listed,
            list_region: list.region(),
        },
        extra_labels: BTreeSet::new(),
        provider: Provider::Aws,
    })
}

/// The facts about all machines of the built-in table, by name, whatever the region.
pub fn bundled_machines() -> Vec<Machine> {
    table::rows().map(|row| row.machine()).collect()
}

/// The list price on demand, per type, that stands in until the provider knows better. Types
/// without one are absent; there are prices of types that the table does not have.
pub fn bundled_on_demand_prices(region: &str) -> BTreeMap<String, Price> {
    figures::prices(table::PriceList::of(region))
}

/// The regions of the built-in table, sorted.
pub fn bundled_regions() -> Vec<String> {
    table::regions().map(str::to_owned).collect()
}

/// Prices of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prices {
    on_demand: Price,
    /// By zone, in the order of the region's zones.
    spot: Vec<Price>,
}

fn simulated(machine: &Machine, on_demand: Price, zones: &[Zone]) -> Prices {
    let price = |zone: &Zone| spot_price(&machine.name, &zone.name, on_demand);
    Prices {
        on_demand,
        spot: zones.iter().map(price).collect(),
    }
}

fn wanted_zones<'a>(
    options: &Ec2Options,
    zones: &'a [Zone],
) -> Result<BTreeSet<&'a str>, Ec2Error> {
    let known: BTreeSet<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    if let Some(unknown) = options
        .zones
        .iter()
        .find(|zone| !known.contains(zone.as_str()))
    {
        return Err(Ec2Error::UnknownZone {
            zone: unknown.clone(),
            region: options.region.clone(),
            known: known.into_iter().map(str::to_owned).collect(),
        });
    }
    let all = options.zones.is_empty();
    Ok(known
        .into_iter()
        .filter(|zone| all || options.zones.contains(*zone))
        .collect())
}

/// Mebibytes as a quantity.
fn mebibytes(count: u64) -> Quantity {
    Quantity::from_mebibytes(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A count as a quantity.
fn count(count: u64) -> Quantity {
    Quantity::from_units(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
