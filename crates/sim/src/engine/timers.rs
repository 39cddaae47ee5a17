//! What happens later: a queue of timers in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;
use model::k8s::PodKey;

/// Something that happens at a set time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A step of the scenario, by number.
    Step(usize),
    /// An instance's kubelet makes its Node, by provider id.
    Boot(String),
    /// A node's kubelet reports Ready.
    NodeReady(String),
    /// A bound pod runs, by key and uid.
    PodRuns(PodKey, String),
    /// A pod of a Job has done its work.
    PodDone(PodKey, String),
    /// A pod that is being deleted may be gone.
    PodEnds(PodKey, String),
    /// An instance is gone, by provider id.
    InstanceGone(String),
    /// A node's kubelet has been silent for too long, by name.
    NodeLost(String),
    /// A pod has been on a tainted node for as long as it tolerates, by key and uid.
    PodLeaves(PodKey, String),
    /// The figures of the cluster are written down.
    Sample,
}

/// Timers by time, in the order in which they were set. A timer that is set already is not set
/// again for the same time.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeMap<(Timestamp, u64), Timer>,
    set: BTreeSet<(Timestamp, Timer)>,
    count: u64,
}

impl Timers {
    pub(super) fn set(&mut self, at: Timestamp, timer: Timer) {
        if self.set.insert((at, timer.clone())) {
            self.queue.insert((at, self.count), timer);
            self.count += 1;
        }
    }

    /// When the next timer is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// The next timer that is due by now.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Timer> {
        let entry = self
            .queue
            .first_entry()
            .filter(|entry| entry.key().0 <= now)?;
        let ((at, _), timer) = entry.remove_entry();
        self.set.remove(&(at, timer.clone()));
        Some(timer)
    }
}
