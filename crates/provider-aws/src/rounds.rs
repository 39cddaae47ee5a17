//! What is done again and again, in the same intervals, and sooner after failures.

use std::fmt::Display;
use std::time::Duration;

use runtime::queue::Backoff;
use runtime::{Clock, Shutdown};

/// How long to wait after failures.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_mins(15));

/// Does `round` at once and then in intervals until `shutdown`; after failures with growing waits.
pub(crate) async fn rounds<F, Fut, E>(
    name: &str,
    clock: &Clock,
    shutdown: &Shutdown,
    interval: Duration,
    mut round: F,
) where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut failures = 0;
    loop {
        let Some(outcome) = shutdown.or_stop(round()).await else {
            return;
        };
        let wait = match outcome {
            Ok(()) => {
                failures = 0;
                interval
            }
            Err(error) => {
                failures += 1;
                tracing::error!(controller = name, %error, "failed, will be tried again");
                BACKOFF.wait(failures).min(interval)
            }
        };
        if shutdown.or_stop(clock.sleep(wait)).await.is_none() {
            return;
        }
    }
}
