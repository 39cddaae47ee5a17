//! Nodes that have joined and never become complete: somebody is told, and a deadline may end them.
//!
//! Such a node is not a candidate for disruption, and nothing else looks at it: a startup taint
//! that nobody lifts would keep it for ever. What is *not* here: what a node lacks (`initialize`).

use std::time::Duration;

use api::{NillableDuration, NodeClaim};
use model::Timestamp;

use super::{ClaimFacts, ClaimStep, Then};
use crate::conditions::{is_true, since};
use crate::keys::INITIALIZATION_TIMEOUT;
use crate::measure::Removal;
use crate::notice::{InitializationLimit, News, Notice, Subject};

/// How long after its registration a node that is not complete is worth a warning. It is repeated
/// as often.
pub const INITIALIZATION_PATIENCE: Duration = Duration::from_mins(15);

/// Since when the claim's node has been registered without being complete.
fn began(claim: &NodeClaim) -> Option<Timestamp> {
    let conditions = &claim.status.conditions;
    let waits = is_true(conditions, "Registered") && !is_true(conditions, "Initialized");
    waits.then(|| since(conditions, "Registered")).flatten()
}

/// What a node lacks, with the time since when, once that is long. It names a time and no age, so
/// that it is written once.
pub(super) fn explain(claim: &NodeClaim, lacks: &str, now: Timestamp) -> String {
    match began(claim).filter(|began| now.since(*began) >= INITIALIZATION_PATIENCE) {
        None => lacks.to_owned(),
        Some(began) => {
            format!("{lacks}; the node has not been complete since it registered at {began}")
        }
    }
}

/// Warns of a node that takes too long, and gives it up where there is a deadline.
pub(super) fn check(step: &mut ClaimStep, facts: &ClaimFacts<'_>, lacks: String, now: Timestamp) {
    let Some(began) = began(&step.claim) else {
        return;
    };
    let limit = limit(&step.claim, facts.initialization_timeout, began);
    if let InitializationLimit::At(at) = limit {
        if now >= at {
            step.then = Then::Delete(Removal::InitializationTimeout);
            return;
        }
        step.again_in(at.since(now));
    }
    let age = now.since(began);
    if age < INITIALIZATION_PATIENCE {
        step.again_in(INITIALIZATION_PATIENCE.saturating_sub(age));
        return;
    }
    step.again_in(INITIALIZATION_PATIENCE);
    let news = News::InitializationOverdue {
        lacks,
        age: Duration::from_secs(age.as_secs()),
        limit,
    };
    let node = facts.nodes.iter().map(|node| Subject::of(&**node));
    let subjects: Vec<Subject> = std::iter::once(Subject::of(&step.claim))
        .chain(node)
        .collect();
    step.notices
        .extend(subjects.into_iter().map(|about| Notice {
            about,
            news: news.clone(),
        }));
}

/// When the node is given up: what the claim's annotation says, else the setting.
fn limit(claim: &NodeClaim, setting: Option<Duration>, began: Timestamp) -> InitializationLimit {
    let timeout = match claim.metadata.annotations.get(INITIALIZATION_TIMEOUT) {
        None => setting,
        Some(value) => match value.parse::<NillableDuration>() {
            Ok(timeout) => timeout.get(),
            Err(_) => {
                return InitializationLimit::Unreadable {
                    value: value.clone(),
                };
            }
        },
    };
    match timeout.filter(|timeout| !timeout.is_zero()) {
        None => InitializationLimit::None,
        Some(timeout) => InitializationLimit::At(began + timeout),
    }
}

#[cfg(test)]
mod tests;
