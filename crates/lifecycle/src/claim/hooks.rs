//! Registration hooks: what a provider has to do before a node may be registered.
//!
//! What is *not* here: the hooks themselves (`controllers::cloud::RegistrationHook`), and asking
//! them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::NodeClaim;
use model::k8s::Node;

use super::Then;
use crate::conditions::{Status, is_true, status};

/// How long the answer of a hook that failed, or that does not say when to ask, is good for at
/// least.
const RETRY: Duration = Duration::from_secs(1);

/// What a hook has achieved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookOutcome {
    /// Whether it is done.
    pub state: HookState,
    /// Labels for the claim and its node.
    pub labels: BTreeMap<String, String>,
    /// Annotations for the claim and its node.
    pub annotations: BTreeMap<String, String>,
}

/// Whether a hook is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HookState {
    /// The node may be registered, as far as this hook is concerned.
    #[default]
    Done,
    /// Ask again after a growing wait.
    Pending,
    /// Ask again after this time.
    PendingFor(Duration),
}

impl HookOutcome {
    /// It is done.
    pub fn done() -> Self {
        Self::default()
    }

    /// It is not done; ask again after a growing wait.
    pub fn pending() -> Self {
        Self {
            state: HookState::Pending,
            ..Self::default()
        }
    }

    /// It is not done; ask again after `wait`.
    pub fn pending_for(wait: Duration) -> Self {
        Self {
            state: HookState::PendingFor(wait),
            ..Self::default()
        }
    }

    /// With a label for the claim and its node.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }
}

/// What a hook has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookAnswer {
    /// Its name.
    pub name: String,
    /// What it has achieved, or what went wrong.
    pub result: Result<HookOutcome, String>,
}

/// Whether the hooks are to be asked before [`decide`](super::decide): only of a claim whose one
/// node has joined and is not registered.
pub fn must_ask_hooks(claim: &NodeClaim, nodes: &[Arc<Node>]) -> bool {
    let conditions = &claim.status.conditions;
    let waits = status(conditions, "Registered") == Status::Unknown;
    nodes.len() == 1 && waits && is_true(conditions, "Launched")
}

/// What keeps a node from being registered.
#[derive(Debug)]
pub(super) struct Pending {
    /// Names of the hooks that are not done, in their order.
    pub(super) names: Vec<String>,
    /// What went wrong with which.
    pub(super) failures: Vec<String>,
    /// When to ask again.
    pub(super) then: Then,
}

/// What keeps a node from being registered; none if all hooks are done.
pub(super) fn pending(answers: &[HookAnswer]) -> Option<Pending> {
    let mut names = Vec::new();
    let mut failures = Vec::new();
    let mut soonest: Option<Duration> = None;
    for HookAnswer { name, result } in answers {
        match result {
            Err(error) => failures.push(format!("{name}: {error}")),
            Ok(outcome) => match outcome.state {
                HookState::Done => continue,
                HookState::PendingFor(wait) if !wait.is_zero() => {
                    soonest = Some(soonest.map_or(wait, |soonest| soonest.min(wait)));
                }
                HookState::Pending | HookState::PendingFor(_) => {}
            },
        }
        names.push(name.clone());
    }
    if names.is_empty() {
        return None;
    }
    let then = match soonest {
        Some(wait) if failures.is_empty() => Then::Again(wait),
        _ => Then::Retry,
    };
    Some(Pending {
        names,
        failures,
        then,
    })
}

/// How long the answers are good for: none if there is nothing left to ask. Whatever wakes the
/// claim meanwhile is no reason to ask again.
pub fn ask_again_in(answers: &[HookAnswer]) -> Option<Duration> {
    pending(answers).map(|pending| match pending.then {
        Then::Again(wait) => wait,
        _ => RETRY,
    })
}

/// Writes into the claim what the hooks found out.
pub(super) fn adopt(claim: &mut NodeClaim, answers: &[HookAnswer]) {
    for outcome in answers
        .iter()
        .filter_map(|answer| answer.result.as_ref().ok())
    {
        claim.metadata.labels.extend(outcome.labels.clone());
        claim
            .metadata
            .annotations
            .extend(outcome.annotations.clone());
    }
}

#[cfg(test)]
mod tests;
