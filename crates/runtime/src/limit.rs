//! Token buckets: the client's rate limit, queue buckets and the limit of an event.
//!
//! The arithmetic is synchronous and takes the moment as an input; [`Limiter`] waits.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A token bucket: `rate` tokens per second flow in, at most `burst` are kept.
///
/// A reservation may take the bucket below zero; the debt is the time its owner must wait, so
/// waiting callers are served in order.
#[derive(Clone, Debug)]
pub struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket. `rate` is in tokens per second and must be positive.
    pub fn new(rate: f64, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst);
        Self {
            rate,
            burst,
            tokens: burst,
            at: now,
        }
    }

    /// Takes one token if there is one.
    pub fn try_take(&mut self, now: Instant) -> bool {
        self.refill(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// Takes one token, in debt if need be, and says how long to wait before using it.
    pub fn reserve(&mut self, now: Instant) -> Duration {
        self.refill(now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / self.rate)
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.at = self.at.max(now);
    }
}

/// A shared bucket whose callers wait for their token; cheap to clone.
#[derive(Clone, Debug)]
pub struct Limiter {
    bucket: Option<Arc<Mutex<Bucket>>>,
}

impl Limiter {
    /// No limit.
    pub fn unlimited() -> Self {
        Self { bucket: None }
    }

    /// `rate` tokens per second after an initial `burst`; a rate of zero or less is no limit.
    pub fn new(rate: f64, burst: u32) -> Self {
        if rate <= 0.0 {
            return Self::unlimited();
        }
        Self {
            bucket: Some(Arc::new(Mutex::new(Bucket::new(
                rate,
                burst,
                Instant::now(),
            )))),
        }
    }

    /// Waits for a token, in the order of the calls.
    pub async fn acquire(&self) {
        let Some(bucket) = &self.bucket else { return };
        let wait = lock(bucket).reserve(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes a token if there is one now.
    pub fn try_acquire(&self) -> bool {
        self.bucket
            .as_ref()
            .is_none_or(|bucket| lock(bucket).try_take(Instant::now()))
    }
}

/// A bucket stays usable when a holder of its lock panicked: its numbers are always consistent.
fn lock(bucket: &Mutex<Bucket>) -> std::sync::MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_the_rest_comes_at_the_rate() {
        let limiter = Limiter::new(10.0, 5);
        let started = Instant::now();
        for _ in 0..5 {
            limiter.acquire().await;
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        for _ in 0..20 {
            limiter.acquire().await;
        }
        let took = started.elapsed();
        assert!(
            took >= Duration::from_secs(2) && took < Duration::from_millis(2_100),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn trying_never_waits() {
        let limiter = Limiter::new(1.0, 1);
        assert!(limiter.try_acquire());
        assert!(!limiter.try_acquire());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(limiter.try_acquire());
        assert!(Limiter::new(0.0, 0).try_acquire(), "zero is no limit");
    }

    proptest! {
        #[test]
        fn no_window_ever_grants_more_than_burst_plus_rate(
            steps in prop::collection::vec(0_u64..400, 1..200),
            rate in 1_u32..50,
            burst in 1_u32..20,
        ) {
            let start = Instant::now();
            let mut bucket = Bucket::new(f64::from(rate), burst, start);
            let mut now = start;
            let mut granted = 0_u32;
            for step in steps {
                now += Duration::from_millis(step);
                if bucket.try_take(now) {
                    granted += 1;
                }
                let allowed = f64::from(burst) + f64::from(rate) * (now - start).as_secs_f64();
                prop_assert!(f64::from(granted) <= allowed + 1e-6);
            }
        }
    }
}
