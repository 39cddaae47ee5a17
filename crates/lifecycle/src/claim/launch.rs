//! The launch: from a claim to an instance.

use std::collections::BTreeMap;

use api::NodeClaim;
use model::{ResourceList, Timestamp};

use super::{ClaimStep, Then};
use crate::conditions::{Conditions, Status, status};
use crate::measure::Removal;
use crate::notice::{News, Notice, Subject, shorten};

/// What the cloud answered to a launch.
#[derive(Clone, Debug, PartialEq)]
pub enum Launch {
    /// There is an instance.
    Started(Box<Started>),
    /// Nothing that the claim allows can be had.
    NoCapacity {
        /// What the cloud said.
        error: String,
    },
    /// The node class can't be used.
    ClassNotReady {
        /// What the cloud said.
        error: String,
    },
    /// It failed, and may succeed later.
    Failed {
        /// Reason for the condition; none for the general one.
        reason: Option<String>,
        /// What the cloud said.
        error: String,
    },
}

/// An instance that was started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Started {
    /// Its id.
    pub provider_id: String,
    /// Its image.
    pub image_id: String,
    /// Labels that it decides.
    pub labels: BTreeMap<String, String>,
    /// Annotations for the claim.
    pub annotations: BTreeMap<String, String>,
    /// What the machine has.
    pub capacity: ResourceList,
    /// What pods may ask for.
    pub allocatable: ResourceList,
}

/// Whether the claim still needs a launch.
pub(super) fn is_wanted(claim: &NodeClaim) -> bool {
    status(&claim.status.conditions, "Launched") == Status::Unknown
}

/// What follows from the cloud's answer.
pub fn launched(claim: &NodeClaim, answer: Launch, now: Timestamp) -> ClaimStep {
    let mut step = ClaimStep::new(claim);
    match answer {
        Launch::Started(started) => adopt(&mut step.claim, *started, now),
        Launch::NoCapacity { error } => {
            let news = News::InsufficientCapacity {
                claim: claim.metadata.name.clone(),
                error,
            };
            step.notices.push(Notice {
                about: Subject::of(claim),
                news,
            });
            step.then = Then::Delete(Removal::InsufficientCapacity);
        }
        Launch::ClassNotReady { .. } => step.then = Then::Delete(Removal::NodeClassNotReady),
        Launch::Failed { reason, error } => {
            let reason = reason.as_deref().unwrap_or("LaunchFailed");
            let mut conditions = Conditions::of_claim(&mut step.claim, now);
            conditions.set("Launched", Status::Unknown, reason, &shorten(&error));
            step.then = Then::Retry;
        }
    }
    step
}

/// Writes into the claim what its instance is. The claim's own labels win over the instance's, the
/// instance's annotations over the claim's.
fn adopt(claim: &mut NodeClaim, started: Started, now: Timestamp) {
    for (key, value) in started.labels {
        claim.metadata.labels.entry(key).or_insert(value);
    }
    claim.metadata.annotations.extend(started.annotations);
    claim.status.provider_id = started.provider_id;
    claim.status.image_id = started.image_id;
    claim.status.capacity = started.capacity;
    claim.status.allocatable = started.allocatable;
    Conditions::of_claim(claim, now).set_true("Launched");
}
