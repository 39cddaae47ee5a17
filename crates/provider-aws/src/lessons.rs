//! What launches have shown, and where it is kept: offerings that could not be had, reservations
//! without room, an account that lacks the role for spot.
//!
//! What is *not* here: what errors mean (`aws::fleet`).

use std::sync::Arc;

use api::NodeClaim;
use aws::fleet::{Effects, Launched};
use runtime::recorder::{Notice, ObjectRef};
use runtime::{Clock, Recorder};

use crate::discovery::reservations::Reservations;
use crate::launch;
use crate::unavailable::{UnavailableOfferings, Why};

/// What is told where spot instances can't be launched.
const NO_SPOT_ROLE: &str = "Attempted to launch a spot instance but failed due to \
                            \"AuthFailure.ServiceLinkedRoleCreationNotPermitted\"";

/// Keeps what launches have shown.
pub struct Lessons {
    /// The time.
    pub clock: Clock,
    /// Where events go.
    pub recorder: Recorder,
    /// What could not be had lately.
    pub unavailable: Arc<UnavailableOfferings>,
    /// What is left of reservations.
    pub reservations: Arc<Reservations>,
}

impl launch::Lessons for Lessons {
    fn learn(&self, effects: &Effects, fleet: &str) {
        let reason = effects
            .failures
            .first()
            .map_or("", |failure| failure.reason);
        for mark in &effects.marks {
            let why = Why {
                reason,
                fleet_id: fleet,
            };
            self.unavailable.mark(mark.clone(), why);
        }
        let emptied = effects.emptied.iter().map(String::as_str);
        self.reservations.unavailable(emptied);
    }

    fn spot_role_missing(&self, claim: &NodeClaim) {
        let about = ObjectRef::of(claim);
        let notice = Notice::warning(about, "SpotServiceLinkedRoleMissing", NO_SPOT_ROLE);
        self.recorder.publish(notice);
    }

    fn launched(&self, launched: &Launched) {
        let made = &launched.instance;
        if let Some(reservation) = aws::instance::reserved(made) {
            let at = made.launched.unwrap_or_else(|| self.clock.now());
            self.reservations.launched(reservation.id, at);
        }
    }
}

#[cfg(test)]
mod tests;
