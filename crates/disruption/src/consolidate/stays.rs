//! Why consolidation leaves a node where it is.

use std::fmt;
use std::sync::Arc;

use catalog::Price;
use model::Timestamp;
use model::k8s::PodKey;

/// Why consolidation leaves a node where it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Stays {
    /// Its pool does not know its instance type.
    UnknownType {
        /// The type; empty where the node does not say.
        instance_type: String,
    },
    /// It does not say how it is paid for.
    NoCapacityType,
    /// It does not say where it is.
    NoZone,
    /// Pods came a short while ago, and it is left alone for a time whatever its pool says.
    Settling {
        /// Until then.
        until: Timestamp,
    },
    /// A pod of it can't be placed anywhere.
    Unplaceable {
        /// The pod.
        pod: PodKey,
    },
    /// Pods would have no place.
    NowhereToGo {
        /// One of them, or one like it.
        pod: PodKey,
    },
    /// No cheaper nodes would do.
    NoCheaper {
        /// What it costs an hour; none if that is not known.
        price: Option<Price>,
    },
    /// Types that would be cheaper are fewer than `minValues` demands.
    MinValues,
    /// Spot nodes are not replaced by spot nodes.
    SpotToSpotOff,
    /// There are too few types for a spot node in its place.
    FewSpotTypes {
        /// How many there are.
        found: usize,
        /// How many it would take.
        needed: usize,
    },
    /// What it saves does not pay for the change in time.
    NotWorthIt {
        /// Saved an hour.
        saves: Price,
        /// What the change costs.
        costs: Price,
        /// In so many hours it would have to pay.
        hours: f64,
    },
    /// It could go by itself, but other changes come first.
    NotNow,
    /// A pending pod needs it.
    Needed {
        /// The pod.
        pod: PodKey,
    },
    /// Its pool's policy weighs what is saved against what is disturbed.
    Unbalanced {
        /// The pool.
        pool: Arc<str>,
        /// The share of savings by the share of disruption; at least a half is asked for.
        score: f64,
    },
}

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType { instance_type } => {
                write!(f, "Instance Type \"{instance_type}\" not found")
            }
            Self::NoCapacityType => {
                f.write_str("Node doesn't have required label (label=karpenter.sh/capacity-type)")
            }
            Self::NoZone => {
                f.write_str("Node doesn't have required label (label=topology.kubernetes.io/zone)")
            }
            Self::Settling { until } => {
                write!(
                    f,
                    "Pods came a short while ago; it is left alone until {until}"
                )
            }
            Self::Unplaceable { pod } => write!(f, "Pod can't be placed anywhere (Pod={pod})"),
            Self::NowhereToGo { pod } => write!(
                f,
                "Not all pods would schedule: neither other nodes nor new ones take pods like {pod}"
            ),
            Self::NoCheaper { price: Some(price) } => write!(
                f,
                "Can't replace with a cheaper node: it costs ${price} an hour, and no cheaper nodes \
                 hold what it holds"
            ),
            Self::NoCheaper { price: None } => {
                f.write_str("Can't replace with a cheaper node: what it costs is not known")
            }
            Self::MinValues => f.write_str(
                "Can't replace with a cheaper node: too few types are left for minValues",
            ),
            Self::SpotToSpotOff => f.write_str(
                "SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node",
            ),
            Self::FewSpotTypes { found, needed } => write!(
                f,
                "SpotToSpotConsolidation requires {needed} cheaper instance type options than the \
                 current candidate to consolidate, got {found}"
            ),
            Self::NotWorthIt {
                saves,
                costs,
                hours,
            } => write!(
                f,
                "Saves ${saves} an hour, which does not pay within {hours} h for a change that \
                 costs ${costs}"
            ),
            Self::NotNow => f.write_str("Could go; other changes save more and come first"),
            Self::Needed { pod } => write!(f, "Pod that is pending needs it (Pod={pod})"),
            Self::Unbalanced { pool, score } => write!(
                f,
                "Consolidation policy Balanced of NodePool \"{pool}\": score {score:.2} is less \
                 than 0.50"
            ),
        }
    }
}
