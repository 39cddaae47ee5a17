//! A NodeClaim that lives: launch, registration, initialization, and giving up.
//!
//! [`decide`] takes the claim and what is known about its nodes, and answers with the claim and the
//! node as they should be and with what is to be done next. The launch itself is a call to the
//! cloud, so it is a step of its own: [`Then::Launch`], answered by [`launched`].
//!
//! What is *not* here: claims that are being deleted (`finalize`), and any call.

mod drivers;
mod hooks;
mod hydrate;
mod initialize;
mod launch;
mod liveness;
mod overdue;
mod register;

use std::sync::Arc;
use std::time::Duration;

use api::NodeClaim;
use model::Timestamp;
use model::k8s::{Node, ResourceSlice};

use crate::conditions::Conditions;
use crate::keys;
use crate::measure::{Measure, Removal};
use crate::notice::Notice;

pub use hooks::{HookAnswer, HookOutcome, HookState, ask_again_in, must_ask_hooks};
pub use launch::{Launch, Started, launched};
pub use liveness::{LAUNCH_TIMEOUT, REGISTRATION_TIMEOUT};
pub use overdue::INITIALIZATION_PATIENCE;

/// What is known beside the claim.
#[derive(Clone, Copy, Debug)]
pub struct ClaimFacts<'a> {
    /// Nodes with the claim's provider id, which should be one at most.
    pub nodes: &'a [Arc<Node>],
    /// What the provider's hooks have answered, if [`must_ask_hooks`].
    pub hooks: &'a [HookAnswer],
    /// How long a launch may fail.
    pub launch_timeout: Duration,
    /// How long a node may be registered without being complete, where its claim does not say; none
    /// for ever.
    pub initialization_timeout: Option<Duration>,
    /// What drivers of devices have published; none where devices are ignored.
    pub slices: Option<&'a [Arc<ResourceSlice>]>,
}

impl<'a> ClaimFacts<'a> {
    /// Facts with nothing but nodes.
    pub fn of_nodes(nodes: &'a [Arc<Node>]) -> Self {
        Self {
            nodes,
            hooks: &[],
            launch_timeout: LAUNCH_TIMEOUT,
            initialization_timeout: None,
            slices: None,
        }
    }
}

/// What to write, tell, count and do for a claim.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimStep {
    /// The claim as it should be; equal to what it is if nothing is to be written.
    pub claim: NodeClaim,
    /// The node as it should be, to be written before the claim.
    pub node: Option<Node>,
    /// What the pool's record of registrations learns.
    pub health: Option<Health>,
    /// What to tell.
    pub notices: Vec<Notice>,
    /// What to count.
    pub measures: Vec<Measure>,
    /// What others failed to do, for the log.
    pub failures: Vec<String>,
    /// What to do when all is written.
    pub then: Then,
}

/// What to do when a step is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// Nothing until something changes.
    #[default]
    Rest,
    /// Look again after this time, or when something changes.
    Again(Duration),
    /// Look again after a growing wait.
    Retry,
    /// Ask the cloud for an instance.
    Launch,
    /// Delete the claim.
    Delete(Removal),
}

/// What a pool's record of registrations learns from a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// A node of the pool registered.
    Registered,
    /// A claim of the pool was given up before its node registered.
    Failed,
}

impl ClaimStep {
    /// A step that changes nothing.
    pub(crate) fn new(claim: &NodeClaim) -> Self {
        Self {
            claim: claim.clone(),
            node: None,
            health: None,
            notices: Vec::new(),
            measures: Vec::new(),
            failures: Vec::new(),
            then: Then::Rest,
        }
    }

    /// Looks again after `wait` at the latest.
    pub(crate) fn again_in(&mut self, wait: Duration) {
        match self.then {
            Then::Rest => self.then = Then::Again(wait),
            Then::Again(sooner) => self.then = Then::Again(sooner.min(wait)),
            Then::Retry | Then::Launch | Then::Delete(_) => {}
        }
    }
}

/// The next step of a claim that is not being deleted.
pub fn decide(claim: &NodeClaim, facts: &ClaimFacts<'_>, now: Timestamp) -> ClaimStep {
    let mut step = ClaimStep::new(claim);
    if !claim.metadata.has_finalizer(keys::TERMINATION) {
        // Alone and first: without it an instance could be started and then forgotten.
        let meta = &mut step.claim.metadata;
        meta.finalizers.push(keys::TERMINATION.to_owned());
        let class = &claim.spec.node_class_ref;
        let label = meta.labels.entry(class.label_key());
        label.or_insert_with(|| class.name.clone());
        step.then = Then::Again(Duration::ZERO);
        return step;
    }
    if launch::is_wanted(claim) {
        liveness::check(&mut step, facts, now);
        if !matches!(step.then, Then::Delete(_)) {
            step.then = Then::Launch;
        }
        return step;
    }
    Conditions::of_claim(&mut step.claim, now).refresh("Launched");
    register::register(&mut step, facts, now);
    let lacks = initialize::initialize(&mut step, facts, now);
    liveness::check(&mut step, facts, now);
    hydrate::hydrate(&mut step, facts);
    if let Some(lacks) = lacks {
        overdue::check(&mut step, facts, lacks, now);
    }
    step
}

#[cfg(test)]
mod tests;
