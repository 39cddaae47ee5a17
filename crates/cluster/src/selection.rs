//! Which pods Karpenter takes, which it leaves alone, and why: pure functions over values.
//!
//! A pod is *provisionable* if the scheduler has found no place for it and no one else is expected
//! to make one ([`untaken`]). A provisionable pod that asks for what cannot be is *ignored*, with
//! its [`PodProblem`]s. Two differences from the reference, both because the Kubernetes scheduler
//! will never bind such a pod, so a node for it would be for nothing: pods that have ended or are
//! being deleted are not provisionable.
//!
//! What is *not* here: whether a node fits (`scheduling`), and volumes.

use std::fmt;
use std::sync::Arc;

use requirements::{InvalidRequirement, Requirement, Vocabulary, pod};

use crate::{OwnerKind, PodContent, PodRecord, SchedulingStatus};

/// Why a pod is not provisionable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// It is bound to a node.
    Bound {
        /// The node.
        node: Arc<str>,
    },
    /// It has ended.
    Ended,
    /// It is being deleted.
    Deleting,
    /// The scheduler has not looked at it yet.
    Unseen,
    /// It waits for its scheduling gates.
    Gated,
    /// The scheduler gives another reason than `Unschedulable`, or has a node for it.
    NotUnschedulable,
    /// A node is being cleared for it by preemption.
    Preempting,
    /// A DaemonSet owns it: it goes with its node.
    DaemonSet,
    /// It is the mirror of a static pod.
    Static,
}

/// Why an unbound pod is not offered for placement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// It is not provisionable.
    Untaken(Untaken),
    /// A claim is on its way for it whose capacity is not known yet.
    Planned {
        /// Name of the claim.
        claim: Arc<str>,
    },
}

/// Why a provisionable pod is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodProblem {
    /// It asks not to run on Karpenter's nodes.
    OptedOut {
        /// The requirement that says so.
        requirement: Requirement,
    },
    /// A node selector or required node affinity is invalid.
    Requirement(InvalidRequirement),
    /// A required node affinity term selects by field.
    MatchFields,
}

impl PodProblem {
    /// Whether the pod's owner is told by an event. Who opted out knows.
    pub fn is_reported(&self) -> bool {
        !matches!(self, Self::OptedOut { .. })
    }
}

/// Why the pod is not provisionable; none if it is.
pub fn untaken(pod: &PodRecord) -> Option<Untaken> {
    if let Some(node) = &pod.node {
        return Some(Untaken::Bound { node: node.clone() });
    }
    match pod.shape.owner.kind {
        OwnerKind::DaemonSet => return Some(Untaken::DaemonSet),
        OwnerKind::Node => return Some(Untaken::Static),
        _ => {}
    }
    if pod.is_terminal() {
        return Some(Untaken::Ended);
    }
    if pod.is_terminating() {
        return Some(Untaken::Deleting);
    }
    match pod.scheduling {
        SchedulingStatus::Unseen => Some(Untaken::Unseen),
        SchedulingStatus::Gated => Some(Untaken::Gated),
        SchedulingStatus::Other => Some(Untaken::NotUnschedulable),
        SchedulingStatus::Unschedulable if pod.preempting => Some(Untaken::Preempting),
        SchedulingStatus::Unschedulable => None,
    }
}

/// Everything that is wrong with pods of this content, opting out first.
pub fn problems(content: &PodContent, vocabulary: &Vocabulary) -> Vec<PodProblem> {
    let spec = &content.spec;
    let mut problems = Vec::new();
    if let Some(requirement) = opt_out(content, vocabulary) {
        problems.push(PodProblem::OptedOut { requirement });
    }
    for (key, value) in &spec.node_selector {
        let wrong = vocabulary.validate(key, "In", std::slice::from_ref(value), None);
        problems.extend(wrong.into_iter().map(PodProblem::Requirement));
    }
    if pod::has_match_fields(spec) {
        problems.push(PodProblem::MatchFields);
    }
    let terms = spec
        .affinity
        .iter()
        .filter_map(|affinity| affinity.node_affinity.as_ref()?.required.as_ref())
        .flat_map(|required| &required.node_selector_terms);
    for expression in terms.flat_map(|term| &term.match_expressions) {
        let wrong = vocabulary.validate(
            &expression.key,
            &expression.operator,
            &expression.values,
            None,
        );
        problems.extend(wrong.into_iter().map(PodProblem::Requirement));
    }
    problems
}

/// The requirement by which a pod stays away from Karpenter's nodes: in its selector, its heaviest
/// preference or its first required term.
fn opt_out(content: &PodContent, vocabulary: &Vocabulary) -> Option<Requirement> {
    let mut all = pod::required(&content.spec, vocabulary)
        .into_iter()
        .next()
        .unwrap_or_else(|| pod::selector(&content.spec, vocabulary));
    if let Some((_, heaviest)) = pod::preferred(&content.spec, vocabulary).into_iter().next() {
        all = all.intersect(&heaviest);
    }
    pod::opt_out(&all).cloned()
}

impl fmt::Display for Untaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bound { node } => write!(f, "bound to node {node}"),
            Self::Ended => f.write_str("has ended"),
            Self::Deleting => f.write_str("is being deleted"),
            Self::Unseen => f.write_str("the scheduler has not looked at it yet"),
            Self::Gated => f.write_str("waits for its scheduling gates"),
            Self::NotUnschedulable => f.write_str("the scheduler does not call it unschedulable"),
            Self::Preempting => f.write_str("a node is being cleared for it by preemption"),
            Self::DaemonSet => f.write_str("is owned by a DaemonSet, so it goes with its node"),
            Self::Static => f.write_str("is the mirror of a static pod"),
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untaken(untaken) => untaken.fmt(f),
            Self::Planned { claim } => write!(f, "NodeClaim {claim} is on its way for it"),
        }
    }
}

impl fmt::Display for PodProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OptedOut { requirement } => write!(
                f,
                "configured to not run on a Karpenter provisioned node (requirement={requirement})"
            ),
            Self::Requirement(invalid) => invalid.fmt(f),
            Self::MatchFields => {
                f.write_str("node selector term with matchFields is not supported")
            }
        }
    }
}

#[cfg(test)]
mod tests;
