//! Why a node stays. `Display` is the text for events and people.

use std::fmt;
use std::sync::Arc;

use cluster::ObjectKey;
use cluster::disposition::Protection;
use model::Timestamp;
use model::k8s::PodKey;

use crate::Stays;

/// Why a node stays.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// Karpenter has not launched it.
    NotManaged,
    /// Its instance has not joined.
    NoNode,
    /// It is not complete.
    NotInitialized,
    /// It goes already.
    Going,
    /// Pods are expected on it.
    Nominated {
        /// Until when.
        until: Timestamp,
    },
    /// An attempt to take it down has failed a short while ago.
    Resting {
        /// Until when it is left alone.
        until: Timestamp,
    },
    /// Its annotation `karpenter.sh/do-not-disrupt` is `true`.
    DoNotDisrupt,
    /// It names no pool.
    NoPool,
    /// Its pool does not exist.
    PoolNotFound {
        /// The pool.
        pool: String,
    },
    /// The provider has no instance types for its pool (yet).
    NoInstanceTypes {
        /// The pool.
        pool: String,
    },
    /// A pod on it is protected by its annotation.
    ProtectedPod {
        /// The pod.
        pod: PodKey,
        /// How it is protected.
        protection: Protection,
    },
    /// A pod on it can't be evicted.
    BlockedPod {
        /// The pod.
        pod: PodKey,
        /// The disruption budgets that forbid it; several always do.
        budgets: Vec<ObjectKey>,
    },
    /// Its pool has a fixed number of nodes.
    Static,
    /// Its pool is never consolidated.
    ConsolidationOff {
        /// The pool.
        pool: String,
    },
    /// Pods came or went a short while ago.
    NotQuiet {
        /// When it will have been quiet for long enough; none while that is not known.
        until: Option<Timestamp>,
    },
    /// It has pods and its pool only gives up empty nodes.
    NotEmpty {
        /// The pool.
        pool: String,
        /// How many of its pods need a place elsewhere.
        pods: usize,
    },
    /// It keeps room for a capacity buffer.
    BufferPods {
        /// The node.
        node: Arc<str>,
    },
    /// It is not known yet for which nodes capacity buffers keep room.
    BuffersUnknown,
    /// It could go, but its pool's budgets allow no more.
    Budget {
        /// The pool.
        pool: Arc<str>,
        /// How many nodes may be going at once.
        allowed: u32,
        /// How many are.
        disrupting: u32,
    },
    /// Pods have come to it.
    HasPods {
        /// How many of its pods need a place elsewhere.
        pods: usize,
    },
    /// It has drifted, but new nodes of its pool do not join, so it is better than what would come.
    PoolUnhealthy {
        /// The pool.
        pool: Arc<str>,
        /// When one of the pool's nodes will be tried; none if one is being tried.
        trial: Option<Timestamp>,
    },
    /// It is to be replaced, but its pool first gives up nodes that it has too many.
    TooMany {
        /// The pool.
        pool: Arc<str>,
        /// How many nodes it has that stay.
        nodes: u64,
        /// How many it should have.
        replicas: u64,
    },
    /// It is to be replaced, but its pool's limit has no room for a node beside it.
    NoRoom {
        /// The pool.
        pool: Arc<str>,
        /// The most nodes that the pool may have.
        limit: u64,
        /// How many it has or will have.
        nodes: u64,
    },
    /// Consolidation leaves it where it is.
    Stays(Stays),
}

impl Why {
    /// Whether the node could go if only budgets allowed it.
    pub fn is_eligible(&self) -> bool {
        matches!(self, Self::Budget { .. })
    }

    /// Whether it is worth an event `DisruptionBlocked`: something that users may want to change.
    pub fn blocks(&self) -> bool {
        matches!(
            self,
            Self::NoNode
                | Self::NotInitialized
                | Self::Going
                | Self::Nominated { .. }
                | Self::Resting { .. }
                | Self::DoNotDisrupt
                | Self::NoPool
                | Self::PoolNotFound { .. }
                | Self::NoInstanceTypes { .. }
                | Self::ProtectedPod { .. }
                | Self::BlockedPod { .. }
                | Self::PoolUnhealthy { .. }
                | Self::NoRoom { .. }
        )
    }

    /// Whether it is worth an event `Unconsolidatable`.
    pub fn is_unconsolidatable(&self) -> bool {
        matches!(
            self,
            Self::ConsolidationOff { .. }
                | Self::NotEmpty { .. }
                | Self::BufferPods { .. }
                | Self::Stays(_)
        )
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotManaged => f.write_str("Node is not managed by Karpenter"),
            Self::NoNode => f.write_str("Nodeclaim does not have an associated node"),
            Self::NotInitialized => f.write_str("Node isn't initialized"),
            Self::Going => f.write_str("Node is deleting or marked for deletion"),
            Self::Nominated { .. } => f.write_str("Node is nominated for a pending pod"),
            Self::Resting { until } => {
                write!(
                    f,
                    "An attempt to disrupt the node failed; none before {until}"
                )
            }
            Self::DoNotDisrupt => f.write_str(
                "Disruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation",
            ),
            Self::NoPool => {
                f.write_str("Node doesn't have required label (label=karpenter.sh/nodepool)")
            }
            Self::ProtectedPod { pod, .. } => write!(
                f,
                "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod={pod})"
            ),
            Self::BlockedPod { pod, budgets } => blocked(f, pod, budgets),
            Self::NotQuiet { until: Some(until) } => write!(
                f,
                "Pods came or went a short while ago; quiet for long enough at {until}"
            ),
            Self::NotQuiet { until: None } => f.write_str("Not quiet for long enough"),
            Self::Static => f.write_str("NodePool has a fixed number of nodes"),
            Self::BufferPods { node } => write!(f, "Node \"{node}\" has buffer pods"),
            Self::BuffersUnknown => {
                f.write_str("Capacity buffers have not been read yet, so none can be emptied")
            }
            Self::HasPods { pods } => write!(f, "{pods} pod(s) would have to move"),
            Self::Stays(stays) => stays.fmt(f),
            Self::PoolNotFound { .. }
            | Self::NoInstanceTypes { .. }
            | Self::ConsolidationOff { .. }
            | Self::NotEmpty { .. }
            | Self::Budget { .. }
            | Self::PoolUnhealthy { .. }
            | Self::TooMany { .. }
            | Self::NoRoom { .. } => self.of_pool(f),
        }
    }
}

impl Why {
    /// The text of what its pool keeps a node for.
    fn of_pool(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PoolNotFound { pool } => write!(f, "NodePool not found (NodePool={pool})"),
            Self::NoInstanceTypes { pool } => {
                write!(f, "NodePool has no instance types (NodePool={pool})")
            }
            Self::ConsolidationOff { pool } => {
                write!(f, "NodePool \"{pool}\" has consolidation disabled")
            }
            Self::NotEmpty { pool, .. } => write!(
                f,
                "NodePool \"{pool}\" has consolidation policy WhenEmpty, but node is not empty"
            ),
            Self::Budget {
                pool,
                allowed,
                disrupting,
            } => write!(
                f,
                "The budgets of NodePool \"{pool}\" allow {allowed} node(s) to go at once and \
                 {disrupting} are going"
            ),
            Self::PoolUnhealthy { pool, trial } => {
                write!(
                    f,
                    "New nodes of NodePool \"{pool}\" do not join (NodeRegistrationHealthy=False), \
                     so its drifted nodes stay"
                )?;
                match trial {
                    Some(at) => write!(f, "; one of them will be tried at {at}"),
                    None => f.write_str("; one is tried at a time"),
                }
            }
            Self::TooMany {
                pool,
                nodes,
                replicas,
            } => write!(
                f,
                "NodePool \"{pool}\" has {nodes} nodes and first shrinks to {replicas}"
            ),
            Self::NoRoom { pool, limit, nodes } => write!(
                f,
                "NodePool \"{pool}\" is limited to {limit} nodes and has {nodes}, so there is no \
                 room for a new one beside this"
            ),
            // What is no pool's doing has its text in `fmt`.
            _ => Ok(()),
        }
    }
}

fn blocked(f: &mut fmt::Formatter<'_>, pod: &PodKey, budgets: &[ObjectKey]) -> fmt::Result {
    let text = match budgets.len() {
        1 => "Pdb prevents pod evictions",
        _ => "Eviction does not support multiple PDBs",
    };
    let budgets: Vec<String> = budgets.iter().map(ToString::to_string).collect();
    let budgets = budgets.join(", ");
    write!(f, "{text} (Pod={pod}, PodDisruptionBudget={budgets})")
}
