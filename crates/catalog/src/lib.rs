//! Instance types, offerings, prices and overhead.
//!
//! A [`Catalog`] is what a provider can launch. [`kwok::standard`] makes the set of the KWOK
//! provider, [`file::parse`] reads one from JSON. [`choose`] has the questions that are put to a
//! list of types: what is cheapest, in which order, are there enough different ones.
//!
//! What is *not* here: live prices and availability (the providers), the indexes of the solver
//! (`scheduling`).

mod by_class;
pub mod choose;
mod dynamic;
pub mod ec2;
pub mod file;
mod instance_type;
mod intern;
pub mod kwok;
mod kwok_labels;
pub mod overlay;
pub mod overrides;
mod price;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use requirements::Vocabulary;

pub use by_class::Catalogs;
pub use dynamic::{AttributeBinding, DeviceName, DynamicResources, SliceTemplate};
pub use instance_type::{CapacityType, InstanceType, Offering, Overhead, UnknownCapacityType};
pub use intern::Interner;
pub use overrides::Overrides;
pub use price::Price;

/// The instance types that a provider offers.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The types, in the provider's order, which has no meaning.
    pub types: Vec<Arc<InstanceType>>,
    /// Where the prices come from.
    pub price_source: PriceSource,
    /// Label keys that this catalog makes well known, beyond the provider's own.
    pub extra_labels: BTreeSet<String>,
    /// Whose vocabulary its labels belong to.
    pub provider: Provider,
}

/// The provider whose labels a catalog uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon EC2.
    Aws,
    /// Kubernetes WithOut Kubelet: nodes without machines.
    Kwok,
}

/// Where prices come from. To be said wherever a price is shown that nobody charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSource {
    /// A file of the user's.
    File,
    /// The formula of the KWOK provider: nobody charges these.
    KwokFormula,
    /// The bundled EC2 table: real on-demand list prices of one day, and spot prices by a formula.
    BundledEc2 {
        /// The day of the price list, `2026-07-20`.
        listed: &'static str,
        /// The region whose list prices stand in where the region asked for has none.
        list_region: &'static str,
    },
    /// The provider's own answer.
    Live,
}

impl PriceSource {
    /// Whether a price of this capacity type is made up by a formula.
    pub fn is_simulated(self, capacity_type: CapacityType) -> bool {
        match self {
            Self::File | Self::Live => false,
            Self::KwokFormula => true,
            Self::BundledEc2 { .. } => capacity_type == CapacityType::Spot,
        }
    }
}

impl fmt::Display for PriceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("prices from the catalog file"),
            Self::KwokFormula => f.write_str("prices simulated by the KWOK formula"),
            Self::BundledEc2 {
                listed,
                list_region,
            } => write!(
                f,
                "on-demand list prices of {list_region} on {listed}; spot prices simulated"
            ),
            Self::Live => f.write_str("prices from the provider"),
        }
    }
}

impl Catalog {
    /// What its labels mean.
    pub fn vocabulary(&self) -> Vocabulary {
        match self.provider {
            Provider::Aws => Vocabulary::aws().with_well_known(&self.extra_labels),
            Provider::Kwok => Vocabulary::kwok(&self.extra_labels),
        }
    }

    /// The type of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<InstanceType>> {
        self.types
            .iter()
            .find(|instance_type| *instance_type.name == *name)
    }

    /// Every zone that any type is offered in, sorted.
    pub fn zones(&self) -> BTreeSet<Arc<str>> {
        let offerings = self
            .types
            .iter()
            .flat_map(|instance_type| &instance_type.offerings);
        offerings.map(|offering| offering.zone.clone()).collect()
    }
}
