//! One pod as decisions see it: a shape that it shares with its like, and a small record of its
//! own.
//!
//! [`PodContent`] is what is written in a pod, canonical and shared. [`PodShape`] is the same with
//! an id and with what follows from it. [`PodFacts`] is what differs from pod to pod.
//!
//! Canonical means that what differs from pod to pod of one workload without deciding anything is
//! out of it: the node's name, names of token volumes, the node that the DaemonSet controller pins
//! its pods to, and labels that only number pods ([`OWN_LABELS`]). Those labels and the names of
//! persistent volume claims are kept beside it in [`OwnParts`], so nothing is lost: whoever selects
//! by labels asks [`PodRecord::matches`], which looks at both.
//!
//! What is *not* here: reading JSON (`decode`), which pods are taken (`selection`).

mod content;
mod facts;
mod interner;
mod shape;

pub use content::{Owner, OwnerKind, PodContent};
pub use facts::{OwnParts, Phase, PodFacts, PodUpdate, Readiness, SchedulingStatus, Uid};
pub use interner::Shapes;
pub use shape::{PodRecord, PodShape, ShapeId};

pub(crate) use content::{decisive_annotation, is_own_label, unpin};

/// Labels whose value differs from pod to pod of one workload by their very purpose.
pub const OWN_LABELS: [&str; 7] = [
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
];

/// Pod annotation that says which pods of a workload to give up first.
pub const POD_DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

#[cfg(test)]
mod tests;
