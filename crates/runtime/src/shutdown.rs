//! Orderly stop: one token that every loop watches, cancelled by SIGTERM or SIGINT.
//!
//! What is *not* here: what each part does when it stops (finish calls in flight, release the
//! lease, flush events); that is written where the part is.

use tokio_util::sync::CancellationToken;

/// Tells all parts of the process to stop; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// A token that nothing has triggered yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everyone to stop. Idempotent.
    pub fn trigger(&self) {
        self.token.cancel();
    }

    /// Whether a stop was asked for.
    pub fn is_triggered(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Completes when a stop is asked for; at once when it already was.
    pub async fn wait(&self) {
        self.token.cancelled().await;
    }

    /// A token that stops with this one, and can be stopped alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            token: self.token.child_token(),
        }
    }

    /// Runs `work` until it ends or a stop is asked for; `None` means it was cut short.
    pub async fn or_stop<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => None,
            value = work => Some(value),
        }
    }
}

/// Triggers `shutdown` at the first SIGTERM or SIGINT. Ends when a signal came or somebody else
/// triggered.
///
/// # Errors
/// The operating system refused to install the handlers.
pub async fn on_signals(shutdown: Shutdown) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        biased;
        () = shutdown.wait() => return Ok(()),
        _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "shutting down"),
        _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "shutting down"),
    }
    shutdown.trigger();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn work_is_cut_short_by_a_stop_and_finishes_without_one() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.or_stop(async { 7 }).await, Some(7));
        let stopper = shutdown.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stopper.trigger();
        });
        assert_eq!(shutdown.or_stop(std::future::pending::<()>()).await, None);
        assert!(shutdown.is_triggered());
        assert_eq!(shutdown.or_stop(async { 7 }).await, None);
    }

    #[tokio::test]
    async fn a_child_stops_alone_and_with_its_parent() {
        let parent = Shutdown::new();
        let (one, two) = (parent.child(), parent.child());
        one.trigger();
        assert!(one.is_triggered() && !parent.is_triggered() && !two.is_triggered());
        parent.trigger();
        assert!(two.is_triggered());
    }

    #[tokio::test]
    async fn the_signal_watcher_ends_when_somebody_else_triggers() {
        let shutdown = Shutdown::new();
        shutdown.trigger();
        on_signals(shutdown)
            .await
            .expect("handlers are allowed in tests");
    }
}
