//! A Node that is being deleted: tainted, drained, its volumes detached, its instance ended,
//! released.
//!
//! [`decide`] looks at all of that at once and answers with the first thing that is not done yet.
//! Pods go in tiers (`drain`), volumes are waited for (`volumes`).
//!
//! What is *not* here: how one pod is made to leave (`evict`), and any call.

mod drain;
mod volumes;

use std::sync::Arc;
use std::time::Duration;

use api::NodeClaim;
use cluster::{PodRecord, Volumes};
use model::Timestamp;
use model::k8s::Node;

use crate::conditions::{Conditions, is_true};
use crate::finalize::{INSTANCE_WAIT, Instance};
use crate::keys;
use crate::measure::{Belongs, Measure};
use crate::notice::{News, Notice, Subject};

use volumes::Detachment;

/// How often a drain and volumes are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is known beside the node.
#[derive(Clone, Copy, Debug)]
pub struct NodeFacts<'a> {
    /// The node's claim; none if there is none, or several.
    pub claim: Option<&'a NodeClaim>,
    /// Pods bound to the node that have not ended.
    pub pods: &'a [Arc<PodRecord>],
    /// Volumes and their attachments.
    pub volumes: &'a Volumes,
    /// Whether the instance exists, as far as the cloud was asked: see [`must_ask`].
    pub instance: Option<Instance>,
}

/// What to write, tell, count and do for a node that is being deleted.
#[derive(Clone, Debug, Default)]
pub struct NodeStep {
    /// The node as it should be, if it is not.
    pub node: Option<Node>,
    /// The claim as it should be, if it is not.
    pub claim: Option<NodeClaim>,
    /// Whether the claim is to be deleted too.
    pub delete_claim: bool,
    /// Pods that have to leave now.
    pub leaving: Vec<Arc<PodRecord>>,
    /// When the node will be gone at the latest.
    pub deadline: Option<Timestamp>,
    /// What to tell.
    pub notices: Vec<Notice>,
    /// What to count once all is written.
    pub measures: Vec<Measure>,
    /// What to do when all is written.
    pub then: NodeThen,
}

/// What to do when a node's step is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeThen {
    /// Nothing until something changes.
    #[default]
    Rest,
    /// Look again after this time, or when something changes.
    Again(Duration),
    /// Ask the cloud to end the instance, then see [`ended`].
    EndInstance,
}

/// Whether the cloud has to be asked about the instance before [`decide`]: only of a node whose
/// kubelet is not heard of.
pub fn must_ask(node: &Node) -> bool {
    is_ours(node) && !node.is_ready()
}

fn is_ours(node: &Node) -> bool {
    node.metadata.is_deleting() && node.metadata.has_finalizer(keys::TERMINATION)
}

/// The next step of a node that is being deleted.
pub fn decide(node: &Node, facts: &NodeFacts<'_>, now: Timestamp) -> NodeStep {
    let mut step = NodeStep::default();
    if !is_ours(node) {
        return step;
    }
    step.delete_claim = facts
        .claim
        .is_some_and(|claim| !claim.metadata.is_deleting());
    if facts.instance == Some(Instance::Gone) && !node.is_ready() {
        release(&mut step, node, now);
        return step;
    }
    step.deadline = facts.claim.and_then(deadline);
    if let Some(at) = step.deadline {
        let news = News::TerminationGracePeriodExpiring { at };
        step.notices.push(Notice {
            about: Subject::of(node),
            news,
        });
    }
    step.node = tainted(node);
    let mut claim = facts.claim.cloned();
    let done = drain::drain(&mut step, node, facts, claim.as_mut(), now)
        && detach(&mut step, node, facts, claim.as_mut(), now);
    if done && facts.claim.is_some() {
        step.then = NodeThen::EndInstance;
    } else if done {
        release(&mut step, node, now);
    }
    step.claim = claim.filter(|claim| Some(claim) != facts.claim);
    step
}

/// What follows from the cloud's answer to the end of a node's instance.
pub fn ended(node: &Node, claim: &NodeClaim, instance: Instance, now: Timestamp) -> NodeStep {
    let mut step = NodeStep::default();
    let mut changed = claim.clone();
    Conditions::of_claim(&mut changed, now).set_true("InstanceTerminating");
    step.claim = Some(changed).filter(|changed| changed != claim);
    match instance {
        Instance::Going => step.then = NodeThen::Again(INSTANCE_WAIT),
        Instance::Gone => release(&mut step, node, now),
    }
    step
}

/// When the claim says that its node will be gone at the latest.
pub fn deadline(claim: &NodeClaim) -> Option<Timestamp> {
    claim
        .metadata
        .annotations
        .get(keys::TERMINATION_TIMESTAMP)?
        .parse()
        .ok()
}

/// The node with the taint that keeps new pods away, if it lacks that.
fn tainted(node: &Node) -> Option<Node> {
    let taint = keys::disrupted_taint();
    let has_taint = node
        .spec
        .taints
        .iter()
        .any(|held| held.same_identity(&taint));
    let label = node.metadata.labels.get(keys::EXCLUDE_BALANCERS);
    if has_taint && label.is_some_and(|value| value == "karpenter") {
        return None;
    }
    let mut node = node.clone();
    if !has_taint {
        node.spec.taints.retain(|held| held.key != taint.key);
        node.spec.taints.push(taint);
    }
    node.metadata
        .labels
        .insert(keys::EXCLUDE_BALANCERS.to_owned(), "karpenter".to_owned());
    Some(node)
}

/// Whether volumes need not be waited for any more; notes on the claim where that stands.
fn detach(
    step: &mut NodeStep,
    node: &Node,
    facts: &NodeFacts<'_>,
    claim: Option<&mut NodeClaim>,
    now: Timestamp,
) -> bool {
    let detachment = volumes::detachment(node, facts, step.deadline, now);
    if let Some(claim) = claim {
        let mut conditions = Conditions::of_claim(claim, now);
        let (status, reason) = detachment.condition();
        conditions.set("VolumesDetached", status, reason, detachment.message());
    }
    let Detachment::Waiting(attachments) = detachment else {
        return true;
    };
    let news = News::AwaitingVolumeDetachment { attachments };
    step.notices.push(Notice {
        about: Subject::of(node),
        news,
    });
    step.then = NodeThen::Again(LOOK_AGAIN);
    false
}

/// Lets the node go.
fn release(step: &mut NodeStep, node: &Node, now: Timestamp) {
    let mut released = step.node.take().unwrap_or_else(|| node.clone());
    released
        .metadata
        .finalizers
        .retain(|held| held != keys::TERMINATION);
    step.node = Some(released);
    let since = |at: Option<Timestamp>| at.map(|at| now.since(at)).unwrap_or_default();
    step.measures.push(Measure::NodeTerminated {
        of: Belongs::of(&node.metadata.labels),
        took: since(node.metadata.deletion_timestamp),
        lived: since(node.metadata.creation_timestamp),
    });
}

/// Whether a claim says that its node is drained.
pub fn is_drained(claim: &NodeClaim) -> bool {
    is_true(&claim.status.conditions, "Drained")
}

#[cfg(test)]
mod tests;
