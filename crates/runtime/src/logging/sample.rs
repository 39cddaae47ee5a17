//! Thinning out of identical messages.

use std::collections::BTreeMap;

use model::Timestamp;
use tracing::Level;

/// Identical messages per second that are all written.
const FIRST: u32 = 100;
/// Of the others, one in so many.
const THEREAFTER: u32 = 100;

/// Counts messages of the current second.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    second: i64,
    counts: BTreeMap<(&'static str, String), u32>,
}

impl Sampler {
    /// Whether this message is written.
    pub(super) fn passes(&mut self, level: Level, message: &str, now: Timestamp) -> bool {
        if self.second != now.seconds() {
            self.second = now.seconds();
            self.counts.clear();
        }
        let count = self
            .counts
            .entry((level.as_str(), message.to_owned()))
            .or_insert(0);
        *count += 1;
        *count <= FIRST || (*count - FIRST).is_multiple_of(THEREAFTER)
    }
}
