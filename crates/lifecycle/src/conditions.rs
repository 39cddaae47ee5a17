//! Status conditions of claims and pools: thin names for the engine in `api`.
//!
//! What is *not* here: how `Ready` follows from the others (`api::condition`), and when each is
//! set.

use api::condition::{self, Condition, Subject};
use api::{NodeClaim, NodePool};
use model::Timestamp;

pub use api::condition::{READY, find, is_true};

/// Reason of a condition that nobody has looked at yet.
pub const AWAITING: &str = "AwaitingReconciliation";

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It is not known yet whether it holds.
    Unknown,
}

impl Status {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => condition::TRUE,
            Self::False => condition::FALSE,
            Self::Unknown => condition::UNKNOWN,
        }
    }
}

/// The status of a condition; [`Status::Unknown`] where it is missing.
pub fn status(conditions: &[Condition], r#type: &str) -> Status {
    match find(conditions, r#type) {
        Some(held) if held.is_true() => Status::True,
        Some(held) if held.is_false() => Status::False,
        _ => Status::Unknown,
    }
}

/// When a condition last changed its status.
pub fn since(conditions: &[Condition], r#type: &str) -> Option<Timestamp> {
    find(conditions, r#type).and_then(|held| held.last_transition_time)
}

/// The conditions of one object, to be changed at one time. Times are whole seconds, as they come
/// back from the API server.
#[derive(Debug)]
pub struct Conditions<'a> {
    list: &'a mut Vec<Condition>,
    subject: Subject<'static>,
}

impl<'a> Conditions<'a> {
    /// The conditions of a claim.
    pub fn of_claim(claim: &'a mut NodeClaim, now: Timestamp) -> Self {
        let subject = claim.subject(now.truncated_to_seconds());
        Self {
            list: &mut claim.status.conditions,
            subject,
        }
    }

    /// The conditions of a pool.
    pub fn of_pool(pool: &'a mut NodePool, now: Timestamp) -> Self {
        let subject = pool.subject(now.truncated_to_seconds());
        Self {
            list: &mut pool.status.conditions,
            subject,
        }
    }

    /// Whether a condition is `True`.
    pub fn is_true(&self, r#type: &str) -> bool {
        is_true(self.list, r#type)
    }

    /// The reason of a condition that is `True`.
    pub fn reason(&self, r#type: &str) -> Option<&str> {
        let held = find(self.list, r#type).filter(|held| held.is_true())?;
        Some(&held.reason)
    }

    /// Sets a condition to `True`; its type is also the reason.
    pub fn set_true(&mut self, r#type: &str) {
        condition::set_true(self.list, &self.subject, r#type);
    }

    /// Sets a condition. The time of transition stays when the status does.
    pub fn set(&mut self, r#type: &str, status: Status, reason: &str, message: &str) {
        condition::set(
            self.list,
            &self.subject,
            (r#type, status.as_str()),
            reason,
            message,
        );
    }

    /// Says that a condition still holds for the present generation, whatever its status.
    pub fn refresh(&mut self, r#type: &str) {
        let Some(held) = find(self.list, r#type).cloned() else {
            return;
        };
        let status = status(self.list, r#type);
        self.set(r#type, status, &held.reason, &held.message);
    }

    /// Removes a condition that `Ready` does not depend on.
    pub fn clear(&mut self, r#type: &str) {
        condition::clear(self.list, &self.subject, r#type);
    }
}
