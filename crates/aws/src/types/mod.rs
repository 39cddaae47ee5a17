//! The instance types of a node class: from what EC2 offers in a region, what a class says and what
//! is known of prices and capacity to a list that pools can be planned with.
//!
//! - [`Region`]: the machines of a region and the zones that offer them.
//! - [`Setup`]: what of a class decides about its types; [`compatible`] says which it can't use.
//! - [`ClassTypes`]: the list of a class. It is kept, and only what changed is made anew.
//! - [`Discovered`]: memory that nodes were seen to have.
//!
//! What is *not* here: what a machine has (`catalog::ec2`), what expressions in settings of the
//! kubelet mean ([`crate::kubelet`]), asking AWS, and how long anything is kept (`provider-aws`).

mod compatible;
mod gauges;
mod kubelet;
mod list;
mod memory;
mod offerings;
mod overlays;
mod region;
mod setup;

use model::Quantity;

use crate::kubelet::Expressions;

pub use compatible::{Incompatible, compatible};
pub use gauges::{Gauge, Gauges, gauges};
pub use kubelet::{compiled, kubelet_of};
pub use list::{ClassTypes, Further, KubeletOf, Market};
pub use memory::{Discovered, TTL};
pub use overlays::{OverlayPrices, overlay_prices};
pub use region::{Region, ZoneSet};
pub use setup::{Setup, SetupZone};

/// Settings of the process that decide about types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Network interfaces that are kept from pods (`RESERVED_ENIS`).
    pub reserved_enis: u64,
    /// The part of the reported memory that is assumed to be unusable.
    pub memory_overhead: Quantity,
    /// Whether reservations are used (gate `ReservedCapacity`).
    pub reserved_capacity: bool,
    /// Whether settings of the kubelet can be expressions (gate `NodeClassCEL`).
    pub expressions: Expressions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reserved_enis: 0,
            memory_overhead: Quantity::from_millis(75),
            reserved_capacity: true,
            expressions: Expressions::Disabled,
        }
    }
}

/// Why a class has no list of types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// EC2 has not told of any type yet.
    #[error("no instance types found")]
    NoTypes,
    /// EC2 has not told where types are offered yet.
    #[error("no instance types offerings found")]
    NoOfferings,
    /// No subnet is known that instances of the class could be in.
    #[error("no subnets found")]
    NoSubnets,
    /// Settings of the kubelet have no meaning for a type.
    #[error("resolving instance type {instance_type}, {problem}")]
    Kubelet {
        /// The type.
        instance_type: String,
        /// What is wrong.
        problem: String,
    },
    /// Settings of the kubelet are not allowed.
    #[error("resolving kubelet configuration, {0}")]
    InvalidKubelet(String),
    /// There is no such type.
    #[error("instance type {0} not found in cache")]
    UnknownType(String),
}

#[cfg(test)]
mod tests;
