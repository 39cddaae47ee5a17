//! What is worth telling the person who looks at an object, as values.
//!
//! What is *not* here: dropping repetitions and writing Kubernetes events (`runtime`).

use std::fmt;
use std::time::Duration;

use model::duration::format_go;
use model::k8s::{PodKey, Resource};
use model::{ObjectMeta, Timestamp};

use crate::consistency::Issue;
use crate::keys::INITIALIZATION_TIMEOUT;

/// How long news of what lasts is not told again.
const LONG_WINDOW: Duration = Duration::from_mins(15);

/// Longest text of an error in a notice or a condition, in bytes.
const LONGEST: usize = 300;

/// Something to tell about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The object.
    pub about: Subject,
    /// What there is to tell.
    pub news: News,
}

/// The object that a notice is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Group and version, as manifests write it.
    pub api_version: String,
    /// Kind.
    pub kind: &'static str,
    /// Namespace; empty for objects of cluster scope.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid; may be empty.
    pub uid: String,
}

impl Subject {
    /// An object.
    pub fn of<T: Resource>(object: &T) -> Self {
        let meta: &ObjectMeta = object.meta();
        Self {
            api_version: T::api_version(),
            kind: T::KIND,
            namespace: meta.namespace().to_owned(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
        }
    }

    /// A pod of which only name and uid are known.
    pub fn pod(key: &PodKey, uid: String) -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "Pod",
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid,
        }
    }
}

/// What becomes of a node that joined and is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitializationLimit {
    /// It stays.
    None,
    /// It stays, because what the claim's annotation says is no duration.
    Unreadable {
        /// What it says.
        value: String,
    },
    /// It is deleted then.
    At(Timestamp),
}

impl fmt::Display for InitializationLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "it stays, since {INITIALIZATION_TIMEOUT} says no limit"),
            Self::Unreadable { value } => {
                write!(
                    f,
                    "it stays, since {INITIALIZATION_TIMEOUT} is no duration: {value:?}"
                )
            }
            Self::At(at) => write!(f, "it is deleted at {at} unless it is by then"),
        }
    }
}

/// Whether to worry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// All is well.
    Normal,
    /// Something needs attention.
    Warning,
}

/// What there is to tell. `Display` is the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing that a claim allows could be had.
    InsufficientCapacity {
        /// The claim.
        claim: String,
        /// What the cloud said.
        error: String,
    },
    /// A node joined without the taint that keeps pods away until it is registered.
    UnregisteredTaintMissing,
    /// A node has less than its claim was promised.
    FailedConsistencyCheck {
        /// What is wrong.
        issue: Issue,
    },
    /// All pods of the node will be gone by a time.
    TerminationGracePeriodExpiring {
        /// The time.
        at: Timestamp,
    },
    /// Pods are still waiting to be evicted.
    Draining {
        /// How many.
        waiting: usize,
    },
    /// A disruption budget forbids an eviction.
    EvictionBlocked {
        /// The pod.
        pod: PodKey,
        /// What the API server said.
        error: String,
    },
    /// Volumes are still attached.
    AwaitingVolumeDetachment {
        /// Names of the attachments.
        attachments: Vec<String>,
    },
    /// A pod that is going gets less grace than it asked for, because its node's pool caps that.
    GraceCapped {
        /// Seconds of grace that are left.
        granted: i64,
    },
    /// So many nodes are broken that none is repaired.
    RepairBlocked {
        /// How many are broken.
        broken: usize,
        /// Of how many.
        nodes: usize,
        /// The pool that they are of; none for the whole cluster.
        pool: Option<String>,
    },
    /// A node joined long ago and is still not complete.
    InitializationOverdue {
        /// What it lacks.
        lacks: String,
        /// How long ago it joined.
        age: Duration,
        /// What becomes of it.
        limit: InitializationLimit,
    },
    /// A pod was evicted.
    Evicted {
        /// Why its node goes.
        reason: String,
    },
    /// A pod was deleted to meet its node's deadline.
    Disrupted {
        /// The node's deadline.
        deadline: Timestamp,
        /// Seconds of grace that it got.
        granted: i64,
        /// Seconds of grace that it asks for.
        asked: Option<i64>,
    },
}

impl News {
    /// Machine-readable reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InsufficientCapacity { .. } => "InsufficientCapacityError",
            Self::UnregisteredTaintMissing => "UnregisteredTaintMissing",
            Self::FailedConsistencyCheck { .. } => "FailedConsistencyCheck",
            Self::TerminationGracePeriodExpiring { .. } => "TerminationGracePeriodExpiring",
            Self::Draining { .. } | Self::EvictionBlocked { .. } => "FailedDraining",
            Self::AwaitingVolumeDetachment { .. } => "AwaitingVolumeDetachment",
            Self::Evicted { .. } => "Evicted",
            Self::Disrupted { .. } | Self::GraceCapped { .. } => "Disrupted",
            Self::RepairBlocked { .. } => "NodeRepairBlocked",
            Self::InitializationOverdue { .. } => "InitializationOverdue",
        }
    }

    /// Whether to worry.
    pub fn severity(&self) -> Severity {
        match self {
            Self::AwaitingVolumeDetachment { .. }
            | Self::Evicted { .. }
            | Self::GraceCapped { .. }
            | Self::Disrupted { .. } => Severity::Normal,
            _ => Severity::Warning,
        }
    }

    /// Whether the object's name, rather than its uid, tells repetitions.
    pub fn repeats_by_name(&self) -> bool {
        !matches!(
            self,
            Self::InsufficientCapacity { .. }
                | Self::UnregisteredTaintMissing
                | Self::FailedConsistencyCheck { .. }
                | Self::RepairBlocked { .. }
                | Self::InitializationOverdue { .. }
        )
    }

    /// Whether two notices about one object are repetitions only if they say the same.
    pub fn repeats_by_text(&self) -> bool {
        matches!(self, Self::FailedConsistencyCheck { .. })
    }

    /// How long a repetition is not worth telling, where that is not the usual time.
    pub fn window(&self) -> Option<Duration> {
        let long = matches!(
            self,
            Self::RepairBlocked { .. } | Self::InitializationOverdue { .. }
        );
        long.then_some(LONG_WINDOW)
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsufficientCapacity { claim, error } => {
                write!(f, "NodeClaim {claim} event: {}", shorten(error))
            }
            Self::UnregisteredTaintMissing => f.write_str(
                "Missing karpenter.sh/unregistered taint which prevents registration related race \
                 conditions on Karpenter-managed nodes",
            ),
            Self::FailedConsistencyCheck { issue } => issue.fmt(f),
            Self::TerminationGracePeriodExpiring { at } => {
                write!(f, "All pods will be deleted by {at}")
            }
            Self::Draining { waiting } => {
                write!(
                    f,
                    "Failed to drain node, {waiting} pods are waiting to be evicted"
                )
            }
            Self::EvictionBlocked { pod, error } => {
                write!(
                    f,
                    "Failed to drain node, pod {pod} cannot be evicted: {}",
                    shorten(error)
                )
            }
            Self::AwaitingVolumeDetachment { attachments } => write_attachments(f, attachments),
            Self::Evicted { reason } => write!(f, "Evicted pod: {reason}"),
            Self::GraceCapped { granted } => write!(
                f,
                "Shortening the grace of a pod that is going to {granted} seconds, the \
                 maxPodGracePeriod of its node's NodePool"
            ),
            Self::RepairBlocked {
                broken,
                nodes,
                pool,
            } => {
                let pool = pool.as_ref().map(|pool| format!("nodepool {pool}"));
                let scope = pool.as_deref().unwrap_or("cluster");
                write!(
                    f,
                    "more than 20% nodes are unhealthy in the {scope}: {broken} of {nodes}"
                )
            }
            Self::InitializationOverdue { lacks, age, limit } => write!(
                f,
                "Node registered {} ago and is not initialized: {lacks}; {limit}",
                format_go(*age)
            ),
            Self::Disrupted {
                deadline,
                granted,
                asked,
            } => {
                let asked = asked.map_or_else(|| "default".to_owned(), |n| n.to_string());
                write!(
                    f,
                    "Deleting the pod to accommodate the terminationTime {deadline} of the node. The \
                     pod was granted {granted} seconds of grace-period of its {asked} \
                     terminationGracePeriodSeconds. This bypasses the PDB of the pod and the \
                     do-not-disrupt annotation."
                )
            }
        }
    }
}

/// The first attachments by name, and how many there are beside them.
fn write_attachments(f: &mut fmt::Formatter<'_>, attachments: &[String]) -> fmt::Result {
    let names: Vec<&str> = attachments.iter().take(5).map(String::as_str).collect();
    let names = names.join(", ");
    write!(f, "Awaiting deletion of bound volumeattachments ({names}")?;
    match attachments.len().saturating_sub(5) {
        0 => f.write_str(")"),
        others => write!(f, " and {others} other(s))"),
    }
}

/// A text that is not longer than an event or a condition should be: 300 bytes and dots.
pub fn shorten(text: &str) -> String {
    if text.len() < LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}...", &text[..end])
}
