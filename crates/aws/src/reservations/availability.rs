//! How many instances reservations still have room for.

use std::collections::BTreeMap;
use std::time::Duration;

use model::Timestamp;

/// How long a count is good that EC2 does not tell again.
const KEPT: Duration = Duration::from_hours(24);

/// Room in reservations by id: what EC2 told last, less what was launched since, plus what was
/// ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    counts: BTreeMap<String, Count>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    available: u32,
    told: Timestamp,
}

impl Availability {
    /// EC2 tells how many there are.
    pub fn told(&mut self, id: &str, available: u32, now: Timestamp) {
        let count = Count {
            available,
            told: now,
        };
        self.counts.insert(id.to_owned(), count);
    }

    /// An instance was launched into a reservation at this time. If EC2 has told the count since,
    /// it has counted the instance.
    pub fn launched(&mut self, id: &str, at: Timestamp) {
        if let Some(count) = self.counts.get_mut(id)
            && count.told <= at
        {
            count.available = count.available.saturating_sub(1);
        }
    }

    /// An instance of a reservation is gone.
    pub fn terminated(&mut self, id: &str) {
        if let Some(count) = self.counts.get_mut(id) {
            count.available = count.available.saturating_add(1);
        }
    }

    /// There is no room in these.
    pub fn unavailable<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            if let Some(count) = self.counts.get_mut(id) {
                count.available = 0;
            }
        }
    }

    /// How many instances can be launched into a reservation; none if it is not known.
    pub fn available(&self, id: &str, now: Timestamp) -> u32 {
        let good = |count: &&Count| now.since(count.told) < KEPT;
        let count = self.counts.get(id).filter(good);
        count.map_or(0, |count| count.available)
    }

    /// Forgets counts that are too old.
    pub fn sweep(&mut self, now: Timestamp) {
        self.counts.retain(|_, count| now.since(count.told) < KEPT);
    }
}
