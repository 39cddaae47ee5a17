//! Waiting for a condition, with an end.
//!
//! The one place of this crate that reads a clock: other processes live by it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(30);

/// Waits until `done` says yes; after `limit` gives up with an error that names `what`.
pub(crate) fn wait_for(
    what: &str,
    limit: Duration,
    mut done: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let start = now();
    while !done()? {
        if now().duration_since(start) > limit {
            bail!("gave up waiting for {what} after {} s", limit.as_secs());
        }
        thread::sleep(EVERY);
    }
    Ok(())
}

/// The time since the monotonic clock's `start`.
pub(crate) fn since(start: Instant) -> Duration {
    now().duration_since(start)
}

#[expect(
    clippy::disallowed_methods,
    reason = "real processes live by the real clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
