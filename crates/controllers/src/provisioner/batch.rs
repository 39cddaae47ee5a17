//! Gathering pods, so that those that come together are placed together.

use std::time::Duration;

use cluster::{Snapshot, Untaken, selection};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::shared::Shared;

/// How much shorter the quiet time is when every pod that is known has been looked at by the
/// scheduler, so that no other is known to be about to need a place.
const SOONER: u32 = 4;

/// A window that opens with the first reason to provision.
#[derive(Default)]
pub(crate) struct Batcher {
    triggered: Notify,
}

impl Batcher {
    /// There is one more reason to provision.
    pub(crate) fn trigger(&self) {
        self.triggered.notify_one();
    }

    /// Waits for a reason, for `retry` at most, and then until no further one has come for a while.
    /// With `retry` over there is nothing to gather, and the window closes at once.
    pub(crate) async fn gather(&self, shared: &Shared, retry: Option<Duration>) {
        let opened = match retry {
            None => {
                self.triggered.notified().await;
                Instant::now()
            }
            Some(retry) => tokio::select! {
                biased;
                () = self.triggered.notified() => Instant::now(),
                () = tokio::time::sleep(retry) => return,
            },
        };
        let options = &shared.world.options;
        let last = opened + options.batch_max_duration;
        loop {
            let idle = options.batch_idle_duration;
            let quiet = if more_expected(&shared.snapshot()) {
                idle
            } else {
                idle / SOONER
            };
            let until = last.min(Instant::now() + quiet);
            tokio::select! {
                biased;
                () = self.triggered.notified() => {}
                () = sleep_until(until) => break,
            }
        }
    }
}

/// Whether there are pods that may need a place once the scheduler has looked at them.
fn more_expected(snapshot: &Snapshot) -> bool {
    let unseen = |pod: &cluster::PodRecord| selection::untaken(pod) == Some(Untaken::Unseen);
    snapshot.waiting.iter().any(|pod| unseen(pod))
}
