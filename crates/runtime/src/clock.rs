//! The clock of the world that the loops run in, and the only place that reads the wall clock; and
//! what takes a while to compute, which takes no time in a simulation.
//!
//! Durations are always waited for with tokio's timers, so a paused runtime makes hours pass in
//! milliseconds; a simulated clock derives its time of day from the same timers.

use std::time::Duration;

use model::Timestamp;
use tokio::time::Instant;

/// A handle on time; cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Wall,
    Simulated { epoch: Timestamp, started: Instant },
}

impl Clock {
    /// The machine's clock.
    pub fn wall() -> Self {
        Self {
            source: Source::Wall,
        }
    }

    /// A clock that shows `epoch` now and advances with tokio's timers.
    ///
    /// Must be called inside a runtime when that runtime is paused.
    pub fn simulated(epoch: Timestamp) -> Self {
        Self {
            source: Source::Simulated {
                epoch,
                started: Instant::now(),
            },
        }
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        match self.source {
            Source::Wall => wall_now(),
            Source::Simulated { epoch, started } => epoch + started.elapsed(),
        }
    }

    /// Does what keeps a processor busy for long. By the wall clock it has a thread of its own, so
    /// that nobody else is held up; on a simulated clock it takes no time, so it is done here and
    /// now, and what others do meanwhile does not depend on how fast the machine is.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        if let Source::Simulated { .. } = self.source {
            return work();
        }
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is being shut down, and whoever waits here with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Waits until the clock shows `at`; returns at once when that has passed.
    pub async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = self.until(at);
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    /// How long until the clock shows `at`; zero when that has passed.
    pub fn until(&self, at: Timestamp) -> Duration {
        let nanos = at.nanos().saturating_sub(self.now().nanos());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the wall clock"
)]
fn wall_now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_advances_with_the_timers() {
        let clock = Clock::simulated(Timestamp::from_seconds(1_000));
        assert_eq!(clock.now(), Timestamp::from_seconds(1_000));
        clock.sleep(Duration::from_hours(3)).await;
        assert_eq!(clock.now(), Timestamp::from_seconds(1_000 + 3 * 3_600));
    }

    #[tokio::test(start_paused = true)]
    async fn sleeping_until_a_moment_wakes_there_and_past_moments_do_not_wait() {
        let clock = Clock::simulated(Timestamp::from_seconds(50));
        clock.sleep_until(Timestamp::from_seconds(60)).await;
        assert_eq!(clock.now(), Timestamp::from_seconds(60));
        clock.sleep_until(Timestamp::from_seconds(10)).await;
        assert_eq!(clock.now(), Timestamp::from_seconds(60));
    }

    #[tokio::test]
    async fn what_is_computed_by_the_wall_clock_holds_nobody_up() {
        let (say, said) = std::sync::mpsc::channel();
        let clock = Clock::wall();
        let work = clock.compute(move || said.recv());
        let other = async { say.send(7) };
        let (result, sent) = tokio::join!(work, other);
        assert_eq!((result, sent), (Ok(7), Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_computed_in_a_simulation_is_done_before_anybody_else_goes_on() {
        let clock = Clock::simulated(Timestamp::from_seconds(50));
        let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let note = |what| {
            let order = order.clone();
            move || order.lock().expect("nobody has panicked").push(what)
        };
        let (first, second) = (clock.compute(note("work")), async { note("other")() });
        tokio::join!(first, second);
        assert_eq!(
            *order.lock().expect("nobody has panicked"),
            ["work", "other"]
        );
        assert_eq!(clock.now(), Timestamp::from_seconds(50));
    }

    #[tokio::test]
    #[should_panic(expected = "it was too much")]
    async fn who_waits_for_work_that_panics_panics_too() {
        Clock::wall().compute(|| panic!("it was too much")).await;
    }

    #[test]
    fn the_wall_clock_is_past_the_year_2020() {
        assert!(Clock::wall().now() > Timestamp::from_seconds(1_577_836_800));
    }
}
