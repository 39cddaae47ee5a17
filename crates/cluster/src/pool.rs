//! One NodePool with what it can launch and what it has.

use std::fmt;
use std::sync::Arc;

use api::NodePool;
use catalog::InstanceType;
use model::{Quantity, ResourceList, resources};

/// A NodePool, its instance types, and what its nodes add up to.
#[derive(Clone, Debug)]
pub struct PoolState {
    /// The object.
    pub pool: Arc<NodePool>,
    /// What the provider can launch for it, unavailable types included; empty until it has said.
    pub types: Arc<[Arc<InstanceType>]>,
    /// Why nothing is launched for pending pods; none if the pool may be used.
    pub problem: Option<PoolProblem>,
    /// Capacity of its nodes that are not marked for deletion, and their number as `nodes`. Exact.
    /// A claim that is not launched yet counts as one node without capacity.
    pub used: ResourceList,
    /// What claims that are not launched yet may come to have at most: for each, the largest
    /// amounts among the types that it may become. One that is only announced counts with what it
    /// takes from limits, as a node too. Limits are checked against `used` and this.
    pub in_flight: ResourceList,
}

/// Why a pool launches nothing for pending pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolProblem {
    /// It is being deleted.
    Deleting,
    /// It has a fixed number of nodes.
    Static,
    /// Its node class is of another provider.
    OtherProvider {
        /// Group of the class.
        group: String,
        /// Kind of the class.
        kind: String,
    },
    /// Its condition `Ready` is not `True`.
    NotReady {
        /// Reason of the condition; empty if the condition is missing.
        reason: String,
        /// Message of the condition.
        message: String,
    },
    /// It has not been seen yet what node overlays make of its instance types.
    AwaitingOverlays,
    /// The provider has no instance types for it.
    NoTypes,
}

impl PoolState {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.pool.metadata.name
    }

    /// Its weight; a higher one goes first.
    pub fn weight(&self) -> i64 {
        self.pool.spec.weight.map_or(0, i64::from)
    }

    /// The instance type of this name.
    pub fn instance_type(&self, name: &str) -> Option<&Arc<InstanceType>> {
        self.types
            .iter()
            .find(|instance_type| &*instance_type.name == name)
    }

    /// What a new claim with these types takes from each of the pool's limits at most.
    pub fn most_taken(&self, types: &[Arc<InstanceType>]) -> ResourceList {
        let limits = self.pool.spec.limits.keys();
        let most = |resource: &String| {
            if resource == resources::NODES {
                return Quantity::from_units(1);
            }
            let special = types.iter().flat_map(|ty| {
                let special = ty.offerings.iter().filter(|o| o.overrides.is_some());
                special.map(|offering| resources::get(&ty.capacity_of(offering), resource))
            });
            let amounts = types
                .iter()
                .map(|ty| resources::get(&ty.capacity, resource));
            amounts.chain(special).max().unwrap_or_default()
        };
        limits
            .map(|resource| (resource.clone(), most(resource)))
            .collect()
    }

    /// The first of its limits that would not hold with so much more, and what would be used then.
    pub fn over_limit(&self, more: &ResourceList) -> Option<(&str, Quantity)> {
        self.pool.spec.limits.iter().find_map(|(resource, limit)| {
            let of = |list: &ResourceList| resources::get(list, resource);
            let usage = of(&self.used) + of(&self.in_flight) + of(more);
            (usage > *limit).then_some((resource.as_str(), usage))
        })
    }
}

impl fmt::Display for PoolProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleting => f.write_str("is being deleted"),
            Self::Static => f.write_str("has a fixed number of replicas"),
            Self::OtherProvider { group, kind } => {
                write!(f, "has a node class of another provider ({kind}.{group})")
            }
            Self::NotReady { reason, message } if reason.is_empty() && message.is_empty() => {
                f.write_str("is not ready: nobody has checked it yet")
            }
            Self::NotReady { reason, message } => write!(f, "is not ready: {reason}: {message}"),
            Self::AwaitingOverlays => f.write_str("is awaiting the evaluation of node overlays"),
            Self::NoTypes => f.write_str("has no instance types"),
        }
    }
}
