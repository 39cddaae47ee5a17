//! What differs from pod to pod: name, place, state.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use api::labels::{BUFFER_FAKE_POD, BUFFER_NAME, BUFFER_NAMESPACE};
use model::Timestamp;
use model::k8s::PodKey;
use model::k8s::pod::{Pod, PodStatus};

use super::PodContent;

/// One pod as a watch or a file tells of it.
#[derive(Clone, Debug)]
pub struct PodUpdate {
    /// What it shares with its like.
    pub content: Arc<PodContent>,
    /// What is its own.
    pub facts: PodFacts,
}

/// What is a pod's own. Small: there may be hundreds of thousands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFacts {
    /// Name.
    pub name: Arc<str>,
    /// Unique id.
    pub uid: Uid,
    /// Version of the object, 0 where it has none.
    pub resource_version: u64,
    /// The node that it is bound to.
    pub node: Option<Arc<str>>,
    /// When it was created; the epoch where that is not said.
    pub created: Timestamp,
    /// When it is due to be gone, grace included; set once it is being deleted.
    pub deletion: Option<Timestamp>,
    /// When a kubelet took it on.
    pub started: Option<Timestamp>,
    /// Phase.
    pub phase: Phase,
    /// What the scheduler last said.
    pub scheduling: SchedulingStatus,
    /// Whether it is ready.
    pub ready: Readiness,
    /// Whether a node is being cleared for it by preemption.
    pub preempting: bool,
    /// Labels and claims that are its own.
    pub own: Option<Box<OwnParts>>,
}

/// Parts of what is written in a pod that only it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnParts {
    /// Labels of [`super::OWN_LABELS`].
    pub labels: BTreeMap<String, String>,
    /// Names of persistent volume claims, in order of the volumes.
    pub claims: Vec<String>,
    /// Resource claims that were made for it, by reference; none where none is needed.
    pub generated: BTreeMap<String, Option<String>>,
}

impl OwnParts {
    /// Boxed, unless there is nothing in it.
    pub fn into_box(self) -> Option<Box<Self>> {
        let is_empty =
            self.labels.is_empty() && self.claims.is_empty() && self.generated.is_empty();
        (!is_empty).then(|| Box::new(self))
    }
}

/// An object's unique id. API servers give UUIDs, which take 16 bytes; anything else is kept as
/// text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Uid {
    /// A UUID in the usual notation.
    Uuid([u8; 16]),
    /// Any other text; empty where the object has none.
    Text(Box<str>),
}

impl Uid {
    /// Reads a uid. Nothing is lost: `Display` gives back the same text.
    pub fn new(text: &str) -> Self {
        parse_uuid(text).map_or_else(|| Self::Text(text.into()), Self::Uuid)
    }

    /// Whether the object has none.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut uuid = [0; 16];
    let mut filled = 0;
    let mut at = 0;
    while at < bytes.len() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if bytes[at] != b'-' {
                return None;
            }
            at += 1;
            continue;
        }
        uuid[filled] = digit(bytes[at])? << 4 | digit(bytes[at + 1])?;
        filled += 1;
        at += 2;
    }
    Some(uuid)
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Uuid(uuid) => {
                for (index, byte) in uuid.iter().enumerate() {
                    let dash = if matches!(index, 4 | 6 | 8 | 10) {
                        "-"
                    } else {
                        ""
                    };
                    write!(f, "{dash}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// A pod's phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Accepted, not running yet. Also where nothing is said.
    #[default]
    Pending,
    /// Running.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// The kubelet is not heard of.
    Unknown,
}

impl Phase {
    /// The phase of that name.
    pub fn parse(text: &str) -> Self {
        match text {
            "" | "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// Whether the pod has ended and takes nothing of its node any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// What the condition `PodScheduled` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchedulingStatus {
    /// The scheduler has not looked at the pod yet.
    #[default]
    Unseen,
    /// No node has room: reason `Unschedulable`.
    Unschedulable,
    /// The pod waits for its scheduling gates: reason `SchedulingGated`.
    Gated,
    /// A node has been found, or some other reason is given.
    Other,
}

/// What the condition `Ready` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Readiness {
    /// Nothing.
    #[default]
    Unknown,
    /// `True`.
    Ready,
    /// `False`.
    NotReady,
}

impl SchedulingStatus {
    /// From the reason of the condition `PodScheduled`. Its status is not looked at.
    pub fn from_reason(reason: &str) -> Self {
        match reason {
            "Unschedulable" => Self::Unschedulable,
            "SchedulingGated" => Self::Gated,
            _ => Self::Other,
        }
    }

    fn of(status: &PodStatus) -> Self {
        status
            .condition("PodScheduled")
            .map_or(Self::Unseen, |c| Self::from_reason(&c.reason))
    }
}

impl Readiness {
    /// From the status of the condition `Ready`.
    pub fn from_status(status: &str) -> Self {
        match status {
            "True" => Self::Ready,
            "False" => Self::NotReady,
            _ => Self::Unknown,
        }
    }
}

impl From<&Pod> for PodUpdate {
    /// Takes a decoded pod apart. [`crate::decode::PodDecoder`] shares contents and is faster.
    fn from(pod: &Pod) -> Self {
        let (content, own) = PodContent::split(pod);
        Self {
            content: Arc::new(content),
            facts: PodFacts::of(pod, own),
        }
    }
}

impl PodUpdate {
    /// Takes a virtual pod of a capacity buffer apart. The annotations that mark it count only
    /// here, so that no pod of the API server can pass as one.
    pub fn virtual_of(pod: &Pod) -> Self {
        let (mut content, own) = PodContent::split(pod);
        let marks = [BUFFER_FAKE_POD, BUFFER_NAME, BUFFER_NAMESPACE];
        for key in marks {
            if let Some(value) = pod.metadata.annotations.get(key) {
                content.annotations.insert(key.to_owned(), value.clone());
            }
        }
        Self {
            content: Arc::new(content),
            facts: PodFacts::of(pod, own),
        }
    }

    /// Namespace and name.
    pub fn key(&self) -> PodKey {
        PodKey {
            namespace: self.content.namespace.as_ref().to_owned(),
            name: self.facts.name.as_ref().to_owned(),
        }
    }
}

impl PodFacts {
    /// What is the pod's own; `own` comes from [`PodContent::split`].
    pub fn of(pod: &Pod, own: Option<Box<OwnParts>>) -> Self {
        let node = pod.spec.node_name.as_str();
        Self {
            name: pod.metadata.name.as_str().into(),
            uid: Uid::new(&pod.metadata.uid),
            resource_version: pod.metadata.resource_version.parse().unwrap_or(0),
            node: (!node.is_empty()).then(|| node.into()),
            created: pod.metadata.creation_timestamp.unwrap_or(Timestamp::EPOCH),
            deletion: pod.metadata.deletion_timestamp,
            started: pod.status.start_time,
            phase: Phase::parse(&pod.status.phase),
            scheduling: SchedulingStatus::of(&pod.status),
            ready: pod
                .status
                .condition("Ready")
                .map_or(Readiness::Unknown, |c| Readiness::from_status(&c.status)),
            preempting: !pod.status.nominated_node_name.is_empty(),
            own,
        }
    }

    /// Whether it has ended.
    pub fn is_terminal(&self) -> bool {
        self.phase.is_terminal()
    }

    /// Whether its deletion has been asked for.
    pub fn is_terminating(&self) -> bool {
        self.deletion.is_some()
    }

    /// Neither ended nor being deleted.
    pub fn is_active(&self) -> bool {
        !self.is_terminal() && !self.is_terminating()
    }
}
