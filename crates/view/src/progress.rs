//! A line on standard error that says what is going on, and vanishes when it is done.

use std::io::{IsTerminal as _, Write as _};

/// A progress line. On anything but a terminal it writes nothing, so that logs stay readable.
#[derive(Debug)]
pub struct Progress {
    enabled: bool,
    shown: bool,
}

impl Progress {
    /// A line on standard error, if that is a terminal.
    pub fn on_stderr() -> Self {
        Self {
            enabled: std::io::stderr().is_terminal(),
            shown: false,
        }
    }

    /// A line that is never shown.
    pub fn silent() -> Self {
        Self {
            enabled: false,
            shown: false,
        }
    }

    /// Replaces the line. A terminal that cannot be written to is no reason to stop.
    pub fn show(&mut self, text: &str) {
        if self.enabled {
            let _ = write!(std::io::stderr(), "\r\u{1b}[2K{text}");
            let _ = std::io::stderr().flush();
            self.shown = true;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\u{1b}[2K");
            let _ = std::io::stderr().flush();
        }
    }
}
