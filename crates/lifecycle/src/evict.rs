//! One pod that has to leave its node: evict it, delete it, wait, or let it be.
//!
//! What is *not* here: which pods have to leave when (`node`), and the calls.

use std::time::Duration;

use cluster::PodRecord;
use cluster::disposition::{is_evictable, protection};
use model::Timestamp;

/// What is known about a pod that has to leave.
#[derive(Clone, Copy, Debug)]
pub struct Leaving<'a> {
    /// The pod.
    pub pod: &'a PodRecord,
    /// When its node will be gone at the latest.
    pub deadline: Option<Timestamp>,
    /// The longest grace period that the node's pool grants in a drain.
    pub longest_grace: Option<Duration>,
}

/// What to do with a pod that has to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// Nothing: it has ended, or is on its way out.
    LetBe,
    /// Ask again later: it is protected, and its node's deadline is far.
    Wait,
    /// Ask the eviction API.
    Evict {
        /// Seconds of grace in place of the pod's own.
        grace: Option<i64>,
    },
    /// Delete it, whatever protects it.
    Delete {
        /// Seconds of grace.
        grace: i64,
    },
}

/// What to do with a pod now.
pub fn decide(leaving: &Leaving<'_>, now: Timestamp) -> Eviction {
    let pod = leaving.pod;
    if let Some(deadline) = leaving.deadline
        && is_overdue(pod, deadline, now)
    {
        return Eviction::Delete {
            grace: grace_until(deadline, now),
        };
    }
    if !pod.is_active() {
        return Eviction::LetBe;
    }
    if !is_evictable(pod, now) {
        return if protection(pod, now).is_active() {
            Eviction::Wait
        } else {
            Eviction::LetBe
        };
    }
    let cap = leaving
        .longest_grace
        .map(|cap| i64::try_from(cap.as_secs()).unwrap_or(i64::MAX));
    let grace = cap.filter(|cap| *cap < grace_of(pod));
    Eviction::Evict { grace }
}

/// Whether only a deletion with less grace than the pod asks for gets it off its node in time.
///
/// A pod that is already going is overdue if it would be gone only after the deadline; one without
/// a grace period of its own never is.
pub fn is_overdue(pod: &PodRecord, deadline: Timestamp, now: Timestamp) -> bool {
    if let Some(deletion) = pod.deletion {
        return deletion > deadline;
    }
    match pod.shape.spec.termination_grace_period_seconds {
        None => false,
        Some(seconds) => now > deadline - seconds_to_duration(seconds),
    }
}

/// Whole seconds that are left, at least one.
fn grace_until(deadline: Timestamp, now: Timestamp) -> i64 {
    let left = i64::try_from(deadline.since(now).as_secs()).unwrap_or(i64::MAX);
    left.max(1)
}

/// The pod's own grace period; Kubernetes' default is 30 s.
fn grace_of(pod: &PodRecord) -> i64 {
    pod.shape
        .spec
        .termination_grace_period_seconds
        .unwrap_or(30)
}

fn seconds_to_duration(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests;
