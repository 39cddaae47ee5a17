//! Liveness: a claim that is not launched or does not join in time is given up.

use std::time::Duration;

use model::Timestamp;

use super::{ClaimFacts, ClaimStep, Health, Then};
use crate::conditions::{is_true, since};
use crate::measure::Removal;

/// How long a launch may fail. The clock starts when the condition `Launched` last changed.
pub const LAUNCH_TIMEOUT: Duration = Duration::from_mins(5);
/// How long a node may take to join. The clock starts when the condition `Registered` last changed,
/// which is the claim's creation.
pub const REGISTRATION_TIMEOUT: Duration = Duration::from_mins(15);

/// Gives the claim up if its time is over, else says when it will be.
pub(super) fn check(step: &mut ClaimStep, facts: &ClaimFacts<'_>, now: Timestamp) {
    let conditions = &step.claim.status.conditions;
    if is_true(conditions, "Registered") {
        return;
    }
    let created = step.claim.metadata.creation_timestamp.unwrap_or(now);
    let began = |r#type: &str| since(conditions, r#type).unwrap_or(created);
    let (limit, removal) = if is_true(conditions, "Launched") {
        (
            began("Registered") + REGISTRATION_TIMEOUT,
            Removal::RegistrationTimeout,
        )
    } else {
        (
            began("Launched") + facts.launch_timeout,
            Removal::LaunchTimeout,
        )
    };
    if now < limit {
        step.again_in(limit.since(now));
    } else {
        step.health = Some(Health::Failed);
        step.then = Then::Delete(removal);
    }
}
