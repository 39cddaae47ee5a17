//! A map whose entries are good for a time, by the world's clock.
//!
//! What is *not* here: locks around calls (whoever fills a cache decides whether callers wait for
//! each other), and what happens to what is swept.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Timestamp;
use runtime::Clock;

/// Values by key, each good until its time. What has expired is not seen; [`Cache::sweep`] takes it
/// out.
pub struct Cache<K, V> {
    clock: Clock,
    ttl: Duration,
    entries: Mutex<BTreeMap<K, Entry<V>>>,
}

struct Entry<V> {
    value: V,
    expires: Timestamp,
}

impl<K: Ord + Clone, V: Clone> Cache<K, V> {
    /// An empty one, whose entries are good for `ttl` unless said otherwise.
    pub fn new(clock: Clock, ttl: Duration) -> Self {
        Self {
            clock,
            ttl,
            entries: Mutex::new(BTreeMap::new()),
        }
    }

    /// The value, if it is still good.
    pub fn get(&self, key: &K) -> Option<V> {
        let now = self.clock.now();
        let entries = self.entries();
        let entry = entries.get(key).filter(|entry| entry.expires > now)?;
        Some(entry.value.clone())
    }

    /// The value, if it is still good; then it is good for the whole time again.
    pub fn get_and_extend(&self, key: &K) -> Option<V> {
        let now = self.clock.now();
        let mut entries = self.entries();
        let entry = entries.get_mut(key).filter(|entry| entry.expires > now)?;
        entry.expires = now + self.ttl;
        Some(entry.value.clone())
    }

    /// Puts a value in, for the whole time from now.
    pub fn put(&self, key: K, value: V) {
        self.put_for(key, value, self.ttl);
    }

    /// Puts a value in, for `ttl` from now.
    pub fn put_for(&self, key: K, value: V, ttl: Duration) {
        let expires = self.clock.now() + ttl;
        self.entries().insert(key, Entry { value, expires });
    }

    /// Takes a value out, whether it is still good or not.
    pub fn remove(&self, key: &K) -> Option<V> {
        self.entries().remove(key).map(|entry| entry.value)
    }

    /// Takes everything out.
    pub fn clear(&self) {
        self.entries().clear();
    }

    /// Takes out what has expired, and returns it.
    pub fn sweep(&self) -> Vec<(K, V)> {
        let now = self.clock.now();
        let mut entries = self.entries();
        let expired: Vec<K> = entries
            .iter()
            .filter(|(_, entry)| entry.expires <= now)
            .map(|(key, _)| key.clone())
            .collect();
        expired
            .into_iter()
            .filter_map(|key| {
                let entry = entries.remove(&key)?;
                Some((key, entry.value))
            })
            .collect()
    }

    /// What is still good, by key.
    pub fn all(&self) -> Vec<(K, V)> {
        let now = self.clock.now();
        let entries = self.entries();
        let good = entries.iter().filter(|(_, entry)| entry.expires > now);
        good.map(|(key, entry)| (key.clone(), entry.value.clone()))
            .collect()
    }

    /// A panic elsewhere while the lock was held leaves whole entries.
    fn entries(&self) -> MutexGuard<'_, BTreeMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn cache() -> Cache<&'static str, u32> {
        let epoch = "2026-01-01T00:00:00Z".parse().expect("a time");
        Cache::new(Clock::simulated(epoch), MINUTE)
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_expired_is_not_seen_and_is_swept() {
        let cache = cache();
        cache.put("a", 1);
        cache.put_for("b", 2, 2 * MINUTE);
        assert_eq!(cache.get(&"a"), Some(1));
        tokio::time::advance(MINUTE).await;
        assert_eq!(cache.get(&"a"), None);
        assert_eq!(cache.all(), [("b", 2)]);
        assert_eq!(cache.sweep(), [("a", 1)]);
        assert_eq!(cache.sweep(), []);
        assert_eq!(cache.remove(&"b"), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_used_can_stay() {
        let cache = cache();
        cache.put("a", 1);
        for _ in 0..3 {
            tokio::time::advance(MINUTE / 2).await;
            assert_eq!(cache.get_and_extend(&"a"), Some(1));
        }
        tokio::time::advance(MINUTE).await;
        assert_eq!(cache.get_and_extend(&"a"), None);
        cache.put("a", 1);
        cache.clear();
        assert_eq!(cache.get(&"a"), None);
    }
}
