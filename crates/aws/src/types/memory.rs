//! Memory that nodes were seen to have, which is more exact than the estimate.
//!
//! It depends on the type and on the image, and is known by both: what was seen with an older image
//! does not count for a newer one. What is *not* here: watching nodes.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Quantity, Timestamp};

/// For how long it is believed.
pub const TTL: Duration = Duration::from_hours(60 * 24);

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// By type and image.
    seen: BTreeMap<String, BTreeMap<String, Seen>>,
    changes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    memory: Quantity,
    until: Timestamp,
}

impl Discovered {
    /// A node of a type that runs an image has so much memory. The least that was seen counts.
    pub fn observe(&mut self, instance_type: &str, image: &str, memory: Quantity, now: Timestamp) {
        let known = self.of(instance_type, image, now);
        if known.is_some_and(|known| memory > known) {
            return;
        }
        let until = now + TTL;
        let images = self.seen.entry(instance_type.to_owned()).or_default();
        images.insert(image.to_owned(), Seen { memory, until });
        self.changes += u64::from(known != Some(memory));
    }

    /// What is known of a type that runs an image.
    pub fn of(&self, instance_type: &str, image: &str, now: Timestamp) -> Option<Quantity> {
        let seen = self.seen.get(instance_type)?.get(image)?;
        (seen.until > now).then_some(seen.memory)
    }

    /// Whether anything is known of a type.
    pub fn knows(&self, instance_type: &str) -> bool {
        self.seen.contains_key(instance_type)
    }

    /// Grows with everything that is seen and was not known.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Forgets what is no longer believed.
    pub fn sweep(&mut self, now: Timestamp) {
        for images in self.seen.values_mut() {
            let before = images.len();
            images.retain(|_, seen| seen.until > now);
            self.changes += (before - images.len()) as u64;
        }
        self.seen.retain(|_, images| !images.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IT-33: less lowers it, more does not raise it, another image has its own.
    #[test]
    fn the_least_memory_that_was_seen_with_an_image_counts() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let mebibytes = Quantity::from_mebibytes;
        let mut seen = Discovered::default();
        let of = |seen: &Discovered, image: &str| seen.of("m5.large", image, now);
        seen.observe("m5.large", "ami-1", mebibytes(7800), now);
        assert_eq!(of(&seen, "ami-1"), Some(mebibytes(7800)));
        seen.observe("m5.large", "ami-1", mebibytes(7900), now);
        assert_eq!(of(&seen, "ami-1"), Some(mebibytes(7800)));
        seen.observe("m5.large", "ami-1", mebibytes(7700), now);
        assert_eq!(of(&seen, "ami-1"), Some(mebibytes(7700)));
        assert_eq!((of(&seen, "ami-2"), seen.changes()), (None, 2));
        assert_eq!(seen.of("m5.xlarge", "ami-1", now), None);
    }

    #[test]
    fn what_is_seen_again_is_believed_for_longer() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let day = Duration::from_hours(24);
        let memory = Quantity::from_mebibytes(7800);
        let mut seen = Discovered::default();
        seen.observe("m5.large", "ami-1", memory, start);
        seen.observe("m5.large", "ami-1", memory, start + 30 * day);
        assert_eq!(seen.changes(), 1, "nothing new");
        assert!(seen.of("m5.large", "ami-1", start + 89 * day).is_some());
        assert!(seen.of("m5.large", "ami-1", start + 90 * day).is_none());
        seen.sweep(start + 90 * day);
        assert_eq!((seen.knows("m5.large"), seen.changes()), (false, 2));
    }
}
