//! A NodeClaim that is being deleted: its node goes first, then its instance, then the claim.
//!
//! What is *not* here: how the node goes (`node`).

use std::sync::Arc;
use std::time::Duration;

use api::{NillableDuration, NodeClaim};
use model::Timestamp;
use model::k8s::Node;

use crate::conditions::{Conditions, is_true, since};
use crate::keys;
use crate::measure::{Belongs, Measure};
use crate::notice::{News, Notice, Subject};

/// How long to wait before asking the cloud again whether an instance is gone.
pub const INSTANCE_WAIT: Duration = Duration::from_secs(5);

/// What the cloud says about an instance whose end was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// It is on its way out.
    Going,
    /// It does not exist.
    Gone,
}

/// The next step of a claim that is being deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum FinalizeStep {
    /// Somebody else holds the claim, or nobody does.
    Nothing,
    /// Write the claim, tell, and look again at once.
    Annotate {
        /// The claim as it should be.
        claim: Box<NodeClaim>,
        /// What to tell.
        notice: Notice,
    },
    /// Delete these nodes, and wait until all of the claim's nodes are gone.
    DeleteNodes(Vec<Arc<Node>>),
    /// Look whether the cloud has an instance that carries the claim's uid: the launch may have
    /// worked though its answer was never written down. If so, end it; then see [`ended`].
    FindInstance,
    /// Ask the cloud to end the instance, then see [`ended`].
    EndInstance,
    /// Write the claim and ask the cloud again after `wait`.
    Wait {
        /// The claim as it should be.
        claim: Box<NodeClaim>,
        /// How long to wait.
        wait: Duration,
    },
    /// Remove our finalizer.
    Release {
        /// The claim as it should be.
        claim: Box<NodeClaim>,
        /// What to count once that is written.
        measures: Vec<Measure>,
    },
}

/// The next step of a claim that is being deleted. `nodes` are those with its provider id.
pub fn decide(claim: &NodeClaim, nodes: &[Arc<Node>]) -> FinalizeStep {
    let Some(deleted) = claim.metadata.deletion_timestamp else {
        return FinalizeStep::Nothing;
    };
    if !claim.metadata.has_finalizer(keys::TERMINATION) {
        return FinalizeStep::Nothing;
    }
    let period = claim
        .spec
        .termination_grace_period
        .as_ref()
        .and_then(NillableDuration::get);
    if let Some(period) = period
        && !claim
            .metadata
            .annotations
            .contains_key(keys::TERMINATION_TIMESTAMP)
    {
        let at = (deleted + period).truncated_to_seconds();
        let mut changed = claim.clone();
        changed
            .metadata
            .annotations
            .insert(keys::TERMINATION_TIMESTAMP.to_owned(), at.to_string());
        let news = News::TerminationGracePeriodExpiring { at };
        let notice = Notice {
            about: Subject::of(claim),
            news,
        };
        return FinalizeStep::Annotate {
            claim: Box::new(changed),
            notice,
        };
    }
    if is_true(&claim.status.conditions, "Registered") && !nodes.is_empty() {
        let staying = nodes.iter().filter(|node| !node.metadata.is_deleting());
        return FinalizeStep::DeleteNodes(staying.cloned().collect());
    }
    if claim.status.provider_id.is_empty() {
        return FinalizeStep::FindInstance;
    }
    FinalizeStep::EndInstance
}

/// What follows from the cloud's answer to the end of a claim's instance.
pub fn ended(claim: &NodeClaim, instance: Instance, now: Timestamp) -> FinalizeStep {
    let mut changed = claim.clone();
    if instance == Instance::Going {
        Conditions::of_claim(&mut changed, now).set_true("InstanceTerminating");
        return FinalizeStep::Wait {
            claim: Box::new(changed),
            wait: INSTANCE_WAIT,
        };
    }
    let mut measures = Vec::new();
    let of = Belongs::of(&claim.metadata.labels);
    if let Some(began) = since(&claim.status.conditions, "InstanceTerminating") {
        let took = now.since(began);
        measures.push(Measure::InstanceTerminated {
            of: of.clone(),
            took,
        });
    }
    changed
        .metadata
        .finalizers
        .retain(|held| held != keys::TERMINATION);
    let deleted = claim.metadata.deletion_timestamp.unwrap_or(now);
    measures.push(Measure::ClaimTerminated {
        of,
        took: now.since(deleted),
    });
    FinalizeStep::Release {
        claim: Box::new(changed),
        measures,
    }
}

#[cfg(test)]
mod tests;
