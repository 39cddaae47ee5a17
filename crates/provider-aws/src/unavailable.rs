//! What could not be had lately, shared by whoever launches and whoever offers.
//!
//! What is *not* here: for how long and what it means (`aws::unavailable`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws::unavailable::{Mark, TTL, Unavailable};
use model::Timestamp;
use runtime::Clock;

/// The marks of this process.
pub struct UnavailableOfferings {
    clock: Clock,
    marks: Mutex<Unavailable>,
}

/// Why something is marked, for the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Why<'a> {
    /// What happened: a code of EC2, or the kind of a message.
    pub reason: &'a str,
    /// The fleet that could not be had, if it was one.
    pub fleet_id: &'a str,
}

impl UnavailableOfferings {
    /// Nothing is marked.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            marks: Mutex::new(Unavailable::new()),
        }
    }

    /// Marks something from now on.
    pub fn mark(&self, mark: Mark, why: Why<'_>) {
        log(&mark, why);
        let now = self.clock.now();
        self.marks().mark(mark, now);
    }

    /// Takes a mark away before its time.
    pub fn unmark(&self, mark: &Mark) {
        self.marks().unmark(mark);
    }

    /// Asks something of the marks as they are now. What is over has been swept.
    pub fn with<A>(&self, ask: impl FnOnce(&Unavailable, Timestamp) -> A) -> A {
        let now = self.clock.now();
        let mut marks = self.marks();
        if marks.next_end().is_some_and(|end| end <= now) {
            marks.sweep(now);
        }
        ask(&marks, now)
    }

    /// A panic while the lock was held leaves whole marks.
    fn marks(&self) -> MutexGuard<'_, Unavailable> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(mark: &Mark, why: Why<'_>) {
    let Why { reason, fleet_id } = why;
    let ttl = model::duration::format_go(TTL);
    match mark {
        Mark::Offering {
            capacity_type,
            instance_type,
            zone,
            group,
        } => tracing::debug!(
            reason,
            "instance-type" = instance_type,
            "capacity-type" = capacity_type.as_str(),
            zone,
            "placement-group-id" = group.as_ref().map(|group| &*group.id),
            "placement-group-partition" = group.as_ref().and_then(|group| group.partition),
            ttl,
            "fleet-id" = fleet_id,
            "removing offering from offerings"
        ),
        Mark::CapacityType(capacity_type) => tracing::debug!(
            reason,
            "capacity-type" = capacity_type.as_str(),
            ttl,
            "fleet-id" = fleet_id,
            "removing capacity type from offerings"
        ),
        Mark::Subnet(subnet) => tracing::debug!(
            reason,
            subnet,
            ttl,
            "fleet-id" = fleet_id,
            "removing subnet from offerings"
        ),
    }
}
