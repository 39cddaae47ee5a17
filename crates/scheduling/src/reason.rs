//! Why a candidate does not take a pod: the first thing that would have to change, with the amounts
//! that were compared. Rendered by `Display` at the edge; nothing matches on the text.

mod topology;

use std::fmt;
use std::sync::Arc;

use cluster::{HostPort, PodProblem, PoolProblem};
use devices::Refused;
use model::Quantity;
use requirements::taints::Untolerated;
use requirements::{Incompatible, Requirement};

use crate::volumes::{AttachLimit, VolumeProblem};

pub use topology::{TopologyKind, TopologyRefusal};

/// Why a candidate does not take a pod.
#[derive(Clone, Debug, PartialEq)]
pub enum Rejection {
    /// The pod has claims of dynamic resource allocation, which are ignored by the settings.
    ClaimsIgnored,
    /// The pod's claims can't be met.
    Devices(Refused),
    /// What the pod asks for can't be, or it stays away from our nodes.
    Pod(PodProblem),
    /// The pod's required node affinity has only empty terms, which match no node.
    EmptyAffinity,
    /// There is no NodePool at all.
    NoNodePools,
    /// New nodes were not to be planned.
    NewNodesForbidden,
    /// The pool is not ready, is being deleted, or keeps a fixed number of nodes.
    Pool(PoolProblem),
    /// No instance type that can be had meets the pool's own requirements.
    PoolAdmitsNothing {
        /// How many types the provider has.
        types: usize,
    },
    /// Taints that the pod does not tolerate.
    Taints(Untolerated),
    /// The pod's requirements contradict those of the pool or the labels of the node.
    Requirements(Incompatible),
    /// No instance type of the pool meets all requirements; without this one some would.
    NoTypeMeets {
        /// The requirement.
        requirement: Requirement,
        /// How many types the pool has.
        types: usize,
    },
    /// Some instance types meet each requirement, none meets all.
    NoTypeMeetsAll {
        /// How many types the pool has.
        types: usize,
    },
    /// Instance types meet all requirements, but none can be had in a zone and capacity type that
    /// the requirements leave.
    NoOffering {
        /// How many types meet the requirements.
        types: usize,
        /// Of how many of them only reserved capacity is left, which is not used yet.
        reserved_only: usize,
    },
    /// Even the largest instance type that meets the requirements is too small.
    TypeTooSmall {
        /// The resource that is short.
        resource: Arc<str>,
        /// What the pod requests.
        requested: Quantity,
        /// The most that any type leaves for pods, expected daemons taken off.
        most: Quantity,
        /// The type that has it.
        instance_type: Arc<str>,
    },
    /// Daemons take more than any instance type has.
    NoRoomBesideDaemons {
        /// How many types meet the requirements.
        types: usize,
    },
    /// Each resource fits some instance type, but no type has enough of all.
    NoTypeHoldsAll {
        /// How many types meet the requirements.
        types: usize,
    },
    /// Daemons hold a host port that the pod needs on every instance type that is large enough.
    DaemonPort {
        /// The pod's port.
        port: HostPort,
    },
    /// What is left of the pool's limit is too little for any instance type that holds the pod.
    Limit {
        /// The limited resource, or `nodes`.
        resource: Arc<str>,
        /// The limit.
        limit: Quantity,
        /// What nodes use, those planned in this pass included.
        used: Quantity,
        /// The least that another node would take.
        needed: Quantity,
    },
    /// The types that hold the pod, as far as a claim can list them, have too few different values
    /// of a label.
    MinValues {
        /// The label.
        key: Arc<str>,
        /// How many values the pool demands.
        least: usize,
        /// How many there are.
        found: usize,
        /// How many types a claim can list, where more hold the pod.
        cheapest: Option<usize>,
    },
    /// The node has too little left.
    NodeFull {
        /// The resource that is short.
        resource: Arc<str>,
        /// What the pod requests.
        requested: Quantity,
        /// What is left, expected daemons taken off.
        available: Quantity,
    },
    /// More is promised on the node than it has, so it takes nothing.
    Overcommitted {
        /// The resource.
        resource: Arc<str>,
        /// By how much.
        by: Quantity,
    },
    /// A pod on the node holds the port.
    HostPort {
        /// The pod's port.
        port: HostPort,
    },
    /// A pod that runs there does not tolerate pods like this beside it (required anti-affinity).
    UnwelcomeBeside {
        /// The pod that says so.
        pod: String,
        /// Over which label.
        topology_key: String,
    },
    /// A rule of the pod about other pods can't be kept.
    Topology(TopologyRefusal),
    /// The pod would fit as things are at the end of the pass, but not beside those placed before
    /// it. The next pass will look again.
    Outrun,
    /// A persistent volume claim of the pod can't be used as things are.
    Volume(VolumeProblem),
    /// A driver of the node can attach no further volume.
    AttachLimit(AttachLimit),
}

/// From so many cores on, somebody may have meant millicores.
const A_MILLION_CORES: i64 = 1_000_000;

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClaimsIgnored => f.write_str(
                "pod has Dynamic Resource Allocation requirements that are not yet supported by Karpenter",
            ),
            Self::Devices(refused) => write!(f, "allocating dynamic resources, {refused}"),
            Self::Pod(problem) => problem.fmt(f),
            Self::Topology(refusal) => refusal.fmt(f),
            Self::Volume(problem) => problem.fmt(f),
            Self::AttachLimit(limit) => limit.fmt(f),
            Self::EmptyAffinity => {
                f.write_str("all terms of the required node affinity are empty: they match no node")
            }
            Self::NoNodePools => f.write_str("there is no NodePool"),
            Self::NewNodesForbidden => f.write_str("new nodes are not planned here"),
            Self::Pool(problem) => problem.fmt(f),
            Self::PoolAdmitsNothing { types } => write!(
                f,
                "nodepool requirements filtered out all available instance types, of {types}"
            ),
            Self::Taints(untolerated) => untolerated.fmt(f),
            Self::Requirements(incompatible) => incompatible.fmt(f),
            Self::NoTypeMeets { requirement, types } => {
                write!(f, "none of {types} instance types has {requirement}")
            }
            Self::NoTypeMeetsAll { types } => {
                write!(
                    f,
                    "none of {types} instance types met all requirements together"
                )
            }
            Self::NoOffering {
                types,
                reserved_only,
            } => no_offering(f, *types, *reserved_only),
            Self::NoRoomBesideDaemons { types } => {
                write!(
                    f,
                    "daemons leave no room on any of {types} instance types that meet the requirements"
                )
            }
            Self::NoTypeHoldsAll { types } => {
                write!(
                    f,
                    "none of {types} instance types that meet the requirements has enough of every resource"
                )
            }
            Self::DaemonPort { port } => {
                write!(
                    f,
                    "a daemon holds host port {port} on every instance type that is large enough"
                )
            }
            _ => self.fmt_amounts(f),
        }
    }
}

fn no_offering(f: &mut fmt::Formatter<'_>, types: usize, reserved_only: usize) -> fmt::Result {
    write!(
        f,
        "none of {types} instance types that meet the requirements is available in a zone and capacity type that they leave"
    )?;
    if reserved_only > 0 {
        write!(
            f,
            "; {reserved_only} as reserved capacity only, which is not used yet"
        )?;
    }
    Ok(())
}

impl Rejection {
    fn fmt_amounts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TypeTooSmall {
                resource,
                requested,
                most,
                instance_type,
            } => {
                write!(
                    f,
                    "requests {requested} {resource}; the most an instance type that meets the requirements leaves for pods is {most} ({instance_type})"
                )?;
                let millions = Quantity::from_units(A_MILLION_CORES);
                if &**resource == "cpu" && *requested >= millions {
                    f.write_str(" (CPU request >= 1 Million, m vs M typo?)")?;
                }
                Ok(())
            }
            Self::Limit {
                resource,
                limit,
                used,
                needed,
            } => {
                write!(
                    f,
                    "limit of {limit} {resource}: {used} are used, and another node takes at least {needed}"
                )
            }
            Self::MinValues {
                key,
                least,
                found,
                cheapest,
            } => {
                let those = cheapest.map_or(String::new(), |most| format!("cheapest {most} "));
                write!(
                    f,
                    "minValues requirement is not met for label {key}: {least} different values are demanded, the {those}instance types that hold the pod have {found}"
                )
            }
            Self::NodeFull {
                resource,
                requested,
                available,
            } => {
                write!(f, "requests {requested} {resource}, {available} left")
            }
            Self::Overcommitted { resource, by } => {
                write!(f, "is overcommitted by {by} {resource}, so it takes no pod")
            }
            Self::HostPort { port } => write!(f, "host port {port} is taken"),
            Self::UnwelcomeBeside { pod, topology_key } => {
                write!(
                    f,
                    "pod {pod} has a required anti-affinity over {topology_key} against pods like this"
                )
            }
            _ => f.write_str("there was no room left beside the pods placed before it"),
        }
    }
}
