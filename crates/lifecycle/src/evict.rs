//! One pod that has to leave its node: evict it, delete it, wait, or let it be.
//!
//! What is *not* here: which pods have to leave when (`node`), and the calls.

use std::time::Duration;

use api::{NillableDuration, NodeClaim};
use cluster::PodRecord;
use cluster::disposition::{is_evictable, protection};
use model::Timestamp;

use crate::conditions::find;
use crate::node::deadline;

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
    /// Delete it again, with less grace: it is going, but more slowly than its pool grants.
    Shorten {
        /// Seconds of grace.
        grace: i64,
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
        let grace = grace_until(deadline, now);
        return if ends_within(pod, grace, now) {
            Eviction::LetBe
        } else {
            Eviction::Delete { grace }
        };
    }
    // No grace at all would take the pod off the API server while it still runs.
    let cap = leaving.longest_grace.map(|cap| whole_seconds(cap).max(1));
    if pod.is_terminating() && !pod.is_terminal() {
        return match cap.filter(|cap| !ends_within(pod, *cap, now)) {
            Some(grace) => Eviction::Shorten { grace },
            None => Eviction::LetBe,
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
    whole_seconds(deadline.since(now)).max(1)
}

/// Whether a pod is going and will be gone after so many seconds anyway, so that deleting it again
/// would change nothing.
fn ends_within(pod: &PodRecord, seconds: i64, now: Timestamp) -> bool {
    pod.deletion
        .is_some_and(|end| end <= now + seconds_to_duration(seconds))
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// The deadline of a pod that has to leave by `new` and had to by `known`: it may become earlier,
/// and neither later nor none.
pub fn tightened(known: Option<Timestamp>, new: Option<Timestamp>) -> Option<Timestamp> {
    known.into_iter().chain(new).min()
}

/// Why a claim's node goes: the label `reason` of what is counted about its pods.
pub fn reason(claim: &NodeClaim) -> &str {
    let disrupted = find(&claim.status.conditions, "DisruptionReason");
    match disrupted.filter(|held| held.is_true()) {
        Some(held) => &held.reason,
        None => "Forceful Termination",
    }
}

/// Whether the drain of a claim's node is one that its pool's `maxPodGracePeriod` applies to: not
/// where somebody has set a deadline beside the claim's own, as repair does and a cloud that takes
/// its machine back. Then pods have as long as there is.
pub fn is_voluntary(claim: &NodeClaim) -> bool {
    let own = claim.spec.termination_grace_period.as_ref();
    let own = own.and_then(NillableDuration::get);
    let own = claim.metadata.deletion_timestamp.zip(own);
    let own = own.map(|(deleted, period)| (deleted + period).truncated_to_seconds());
    match deadline(claim) {
        None => true,
        deadline => deadline == own,
    }
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
