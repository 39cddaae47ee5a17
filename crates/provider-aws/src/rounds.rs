//! What is done again and again: a round says when the next one is due, after failures the waits
//! grow.

use std::fmt::Display;
use std::time::Duration;

use runtime::metrics::names;
use runtime::queue::Backoff;
use runtime::{Clock, Metrics, Shutdown};

/// How long to wait after failures.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_mins(2));

/// A loop of rounds.
pub(crate) struct Rounds<'a> {
    /// Its name in logs and metrics.
    pub(crate) name: &'static str,
    /// The time.
    pub(crate) clock: &'a Clock,
    /// Where rounds are counted.
    pub(crate) metrics: &'a Metrics,
}

impl Rounds<'_> {
    /// Does `round` again and again until `shutdown`. It says how long to wait; after a failure the
    /// wait grows. A round that has begun is finished first.
    pub(crate) async fn run<F, Fut, E>(&self, shutdown: &Shutdown, mut round: F)
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<Duration, E>>,
        E: Display,
    {
        let mut failures = 0;
        while !shutdown.is_triggered() {
            let wait = match round().await {
                Ok(wait) => {
                    failures = 0;
                    let done = [self.name, "requeue_after"];
                    self.metrics.add(&names::RECONCILES, &done, 1.0);
                    wait
                }
                Err(error) => {
                    failures += 1;
                    tracing::error!(controller = self.name, %error, "failed, will be tried again");
                    count_failure(self.metrics, self.name);
                    BACKOFF.wait(failures)
                }
            };
            let _ = shutdown.or_stop(self.clock.sleep(wait)).await;
        }
    }
}

/// Counts something that failed and is tried again.
pub(crate) fn count_failure(metrics: &Metrics, controller: &str) {
    metrics.add(&names::RECONCILES, &[controller, "error"], 1.0);
    metrics.add(&names::RECONCILE_ERRORS, &[controller], 1.0);
}
