//! The queue as a plain data structure: every method takes the moment as an input.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::limit::Bucket;

/// How long a failed key waits: exponential per key, and a bucket that all failed keys share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Wait after the first failure.
    pub base: Duration,
    /// Longest wait.
    pub max: Duration,
    /// Rate per second and burst of the shared bucket; `None` for no bucket.
    pub bucket: Option<(f64, u32)>,
}

impl Backoff {
    /// From `base`, doubling, up to `max`, without a bucket.
    pub const fn exponential(base: Duration, max: Duration) -> Self {
        Self {
            base,
            max,
            bucket: None,
        }
    }

    /// Kubernetes' default: 5 ms to 1000 s, and 10 per second after a burst of 100.
    pub const fn standard() -> Self {
        let (base, max) = (Duration::from_millis(5), Duration::from_secs(1000));
        Self {
            base,
            max,
            bucket: Some((10.0, 100)),
        }
    }

    /// Shares a bucket of `rate` per second with `burst` among the failed keys.
    #[must_use]
    pub const fn with_bucket(self, rate: f64, burst: u32) -> Self {
        Self {
            bucket: Some((rate, burst)),
            ..self
        }
    }

    /// The wait after `failures` failures in a row, the last included.
    pub fn wait(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(40);
        let nanos = self.base.as_nanos().saturating_mul(1 << doublings);
        let wait = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        wait.min(self.max)
    }
}

/// Where each key stands. A key may be running and ready again, and besides have a time in
/// `delayed`.
#[derive(Debug)]
pub(super) struct State<K> {
    /// Keys to work on, first come first served.
    ready: VecDeque<K>,
    /// The keys in `ready`, to keep each in it once.
    waiting: BTreeSet<K>,
    /// Keys that become ready at a time; the sequence number keeps the order of equal times.
    delayed: BTreeMap<(Instant, u64), K>,
    /// For each key in `delayed`, where it is.
    due: BTreeMap<K, (Instant, u64)>,
    /// Keys that are being worked on.
    running: BTreeSet<K>,
    /// Keys that were added while being worked on.
    again: BTreeSet<K>,
    /// Failures in a row.
    failures: BTreeMap<K, u32>,
    backoff: Backoff,
    bucket: Option<Bucket>,
    sequence: u64,
    shut_down: bool,
}

impl<K: Ord + Clone> State<K> {
    pub(super) fn new(backoff: Backoff, now: Instant) -> Self {
        Self {
            ready: VecDeque::new(),
            waiting: BTreeSet::new(),
            delayed: BTreeMap::new(),
            due: BTreeMap::new(),
            running: BTreeSet::new(),
            again: BTreeSet::new(),
            failures: BTreeMap::new(),
            backoff,
            bucket: backoff
                .bucket
                .map(|(rate, burst)| Bucket::new(rate, burst, now)),
            sequence: 0,
            shut_down: false,
        }
    }

    /// Makes `key` ready, now or when the work on it is done.
    pub(super) fn add(&mut self, key: K) {
        if self.shut_down {
            return;
        }
        if self.running.contains(&key) {
            self.again.insert(key);
        } else if self.waiting.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    /// Makes `key` ready at `at`, unless it becomes so earlier anyway.
    pub(super) fn add_at(&mut self, key: K, at: Instant, now: Instant) {
        if self.shut_down {
            return;
        }
        if at <= now {
            return self.add(key);
        }
        if let Some(&(earlier, sequence)) = self.due.get(&key) {
            if earlier <= at {
                return;
            }
            self.delayed.remove(&(earlier, sequence));
        }
        self.sequence += 1;
        self.due.insert(key.clone(), (at, self.sequence));
        self.delayed.insert((at, self.sequence), key);
    }

    /// Makes `key` ready after its back-off.
    pub(super) fn add_failed(&mut self, key: K, now: Instant) {
        let failures = self.failures.entry(key.clone()).or_insert(0);
        *failures = failures.saturating_add(1);
        let own = self.backoff.wait(*failures);
        let shared = self
            .bucket
            .as_mut()
            .map_or(Duration::ZERO, |bucket| bucket.reserve(now));
        self.add_at(key, now + own.max(shared), now);
    }

    /// Resets the back-off of `key`.
    pub(super) fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Takes the next ready key and counts it as running.
    pub(super) fn take(&mut self, now: Instant) -> Option<K> {
        self.promote(now);
        let key = self.ready.pop_front()?;
        self.waiting.remove(&key);
        self.running.insert(key.clone());
        Some(key)
    }

    /// Ends the work on `key`, which becomes ready again if it was added meanwhile.
    pub(super) fn done(&mut self, key: &K) {
        self.running.remove(key);
        if self.again.remove(key) {
            self.add(key.clone());
        }
    }

    /// When the next delayed key becomes ready.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.keys().next().map(|&(at, _)| at)
    }

    pub(super) fn ready_len(&mut self, now: Instant) -> usize {
        self.promote(now);
        self.ready.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.delayed.is_empty() && self.running.is_empty()
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down
    }

    /// Forgets what waits; what runs may finish.
    pub(super) fn shut_down(&mut self) {
        self.shut_down = true;
        self.ready.clear();
        self.waiting.clear();
        self.delayed.clear();
        self.due.clear();
        self.again.clear();
    }

    fn promote(&mut self, now: Instant) {
        while let Some(entry) = self.delayed.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let key = entry.remove();
            self.due.remove(&key);
            self.add(key);
        }
    }

    /// Checks that the parts agree.
    #[cfg(test)]
    pub(super) fn sanity_check(&self) {
        let ready: BTreeSet<K> = self.ready.iter().cloned().collect();
        assert_eq!(ready.len(), self.ready.len(), "a key waits twice");
        assert!(ready == self.waiting, "the index of ready keys is wrong");
        assert_eq!(
            self.due.len(),
            self.delayed.len(),
            "the index of delayed keys is wrong"
        );
        assert!(self.running.is_disjoint(&ready), "a running key is ready");
        assert!(
            self.again.is_subset(&self.running),
            "a key waits for work that is done"
        );
    }
}
