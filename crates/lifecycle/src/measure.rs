//! What is worth counting, as values.
//!
//! What is *not* here: names of metrics (`runtime`).

use std::time::Duration;

use api::NodeClaim;

/// Why a claim was chosen for removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removal {
    /// Nothing that it allows can be had.
    InsufficientCapacity,
    /// Its node class can't be used.
    NodeClassNotReady,
    /// It was not launched in time.
    LaunchTimeout,
    /// Its node did not join in time.
    RegistrationTimeout,
    /// It has lived long enough.
    Expired,
    /// Its instance is gone.
    GarbageCollected,
    /// Its node was broken for too long.
    Unhealthy,
    /// Its node joined, but was not complete in time.
    InitializationTimeout,
}

impl Removal {
    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InsufficientCapacity => "insufficient_capacity",
            Self::NodeClassNotReady => "nodeclass_not_ready",
            Self::LaunchTimeout => "launch_timeout",
            Self::RegistrationTimeout => "registration_timeout",
            Self::Expired => "expired",
            Self::GarbageCollected => "garbage_collected",
            Self::Unhealthy => "unhealthy",
            Self::InitializationTimeout => "initialization_timeout",
        }
    }
}

/// Where a claim belongs, as metrics tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belongs {
    /// Its pool.
    pub pool: String,
    /// Its capacity type.
    pub capacity_type: String,
    /// Its zone.
    pub zone: String,
}

impl Belongs {
    /// From a claim's or a node's labels.
    pub fn of(labels: &std::collections::BTreeMap<String, String>) -> Self {
        let label = |key: &str| labels.get(key).cloned().unwrap_or_default();
        Self {
            pool: label(crate::keys::NODEPOOL),
            capacity_type: label(crate::keys::CAPACITY_TYPE),
            zone: label(crate::keys::ZONE),
        }
    }
}

/// How a claim ends, by its `terminationGracePeriod`: the label `termination_mode`.
pub fn termination_mode(claim: &NodeClaim) -> &'static str {
    match claim
        .spec
        .termination_grace_period
        .as_ref()
        .and_then(api::NillableDuration::get)
    {
        None => "graceful",
        Some(period) if period.is_zero() => "forceful",
        Some(_) => "eventual",
    }
}

/// Something to count.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// A node registered.
    NodeCreated(Belongs),
    /// A node was drained.
    NodeDrained(Belongs),
    /// A node is gone.
    NodeTerminated {
        /// Where it belonged.
        of: Belongs,
        /// Since its deletion.
        took: Duration,
        /// Since its creation.
        lived: Duration,
    },
    /// A claim is gone.
    ClaimTerminated {
        /// Where it belonged.
        of: Belongs,
        /// Since its deletion.
        took: Duration,
    },
    /// An instance is gone.
    InstanceTerminated {
        /// Where it belonged.
        of: Belongs,
        /// Since its end was first asked for.
        took: Duration,
    },
    /// A claim is deleted because its node was broken for too long.
    Repaired {
        /// Where it belonged.
        of: Belongs,
        /// The condition that said so, in snake case.
        condition: String,
        /// The image that the node ran.
        image: String,
    },
    /// The API server answered an eviction.
    EvictionAnswered {
        /// HTTP status.
        code: u16,
    },
    /// A pod was evicted, or deleted to meet a deadline.
    PodDrained {
        /// Why its node goes.
        reason: String,
    },
}
