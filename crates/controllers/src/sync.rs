//! Whether everything that decisions are made from has been listed once.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Opens when every kind has been listed, and stays open.
pub(crate) struct Gate {
    missing: AtomicUsize,
    opened: Notify,
}

impl Gate {
    /// A gate that `kinds` lists open.
    pub(crate) fn new(kinds: usize) -> Self {
        Self {
            missing: AtomicUsize::new(kinds),
            opened: Notify::new(),
        }
    }

    /// One more kind has been listed. Each kind says so once.
    pub(crate) fn listed(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.opened.notify_waiters();
        }
    }

    /// Whether everything has been listed.
    pub(crate) fn is_open(&self) -> bool {
        self.missing.load(Ordering::Acquire) == 0
    }

    /// Waits until everything has been listed.
    pub(crate) async fn wait(&self) {
        let opened = self.opened.notified();
        tokio::pin!(opened);
        opened.as_mut().enable();
        if !self.is_open() {
            opened.await;
        }
    }
}
