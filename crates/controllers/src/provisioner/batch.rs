//! Gathering reasons to provision, so that pods that come together are placed together.
//!
//! A window opens with the first reason. A reason that is not in it yet starts the quiet time
//! anew, the same one again does not. It closes after `batch-idle-duration` of quiet and at the
//! latest after `batch-max-duration`; sooner when nothing more can be expected. See decision 6.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::PodRecord;
use cluster::pod::Uid;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::arrivals::{Outlook, Workload};
use crate::shared::{Shared, lock};

/// Which part of the quiet time is kept when nothing more can be expected: watches of different
/// kinds run at their own speed, so what is being written may show a little later.
const SETTLE: u32 = 10;

/// A reason to provision. The same one counts once in a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    /// A pod has no place.
    Pod(Uid),
    /// The pods of a node that goes will need a place.
    Node(Arc<str>),
    /// What a pool can launch has changed, or it has become ready.
    Pool(Arc<str>),
    /// A capacity buffer, by uid, wants room.
    Buffer(Arc<str>),
}

/// Gathers reasons.
#[derive(Default)]
pub(crate) struct Batcher {
    triggered: Notify,
    changed: Notify,
    batch: Mutex<Batch>,
}

/// What is in the window.
#[derive(Default)]
struct Batch {
    elements: BTreeSet<Element>,
    /// Who made its pods.
    workloads: BTreeSet<Workload>,
    /// Pods in it of which it is not known who makes more of them.
    loners: usize,
}

impl Batcher {
    /// There is a reason to provision.
    pub(crate) fn trigger(&self, element: Element) {
        if lock(&self.batch).elements.insert(element) {
            self.triggered.notify_one();
        }
    }

    /// A pod has no place.
    pub(crate) fn trigger_pod(&self, pod: &PodRecord) {
        let mut batch = lock(&self.batch);
        if batch.elements.insert(Element::Pod(pod.uid.clone())) {
            match Workload::of(pod) {
                Some(workload) => {
                    batch.workloads.insert(workload);
                }
                None => batch.loners += 1,
            }
            self.triggered.notify_one();
        }
    }

    /// What can be expected may have changed.
    pub(crate) fn reconsider(&self) {
        self.changed.notify_one();
    }

    /// Waits for a reason, for `retry` at most, and then until the window closes. With `retry` over
    /// there is nothing to gather, and the window closes at once.
    pub(crate) async fn gather(&self, shared: &Shared, retry: Option<Duration>) {
        match retry {
            None => self.triggered.notified().await,
            Some(retry) => tokio::select! {
                biased;
                () = self.triggered.notified() => {}
                () = tokio::time::sleep(retry) => return,
            },
        }
        let options = &shared.world.options;
        let (idle, max) = (options.batch_idle_duration, options.batch_max_duration);
        let mut window = Window::open(Instant::now(), idle, max);
        loop {
            let until = window.closes(self.outlook(shared), Instant::now());
            tokio::select! {
                biased;
                () = self.triggered.notified() => window.grow(Instant::now()),
                () = self.changed.notified() => {}
                () = sleep_until(until) => break,
            }
        }
        *lock(&self.batch) = Batch::default();
    }

    /// Whether more is to be expected than what is in the window.
    fn outlook(&self, shared: &Shared) -> Outlook {
        let batch = lock(&self.batch);
        let arrivals = lock(&shared.arrivals);
        let known = |workload| arrivals.knows(workload);
        if batch.loners > 0 || !batch.workloads.iter().all(known) {
            return Outlook::Open;
        }
        arrivals.outlook(shared.world.options.batch_idle_duration, shared.now())
    }
}

/// The times of one window.
#[derive(Debug)]
struct Window {
    idle: Duration,
    /// When it closes whatever comes.
    last: Instant,
    /// When it grew last.
    grown: Instant,
    /// Since when nothing more can be expected.
    complete: Option<Instant>,
}

impl Window {
    fn open(now: Instant, idle: Duration, max: Duration) -> Self {
        Self {
            idle,
            last: now + max,
            grown: now,
            complete: None,
        }
    }

    /// There is one more reason in it.
    fn grow(&mut self, now: Instant) {
        self.grown = now;
    }

    /// When it closes as things are.
    fn closes(&mut self, outlook: Outlook, now: Instant) -> Instant {
        self.complete = match outlook {
            Outlook::Open => None,
            Outlook::Complete => self.complete.or(Some(now)),
        };
        let idle = self.grown + self.idle;
        let settled = self
            .complete
            .map_or(idle, |since| since.max(self.grown) + self.idle / SETTLE);
        settled.min(idle).min(self.last)
    }
}

#[cfg(test)]
mod tests;
