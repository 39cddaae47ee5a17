//! The keyed work queue and the loop that serves it.
//!
//! A key waits at most once, is never worked on twice at a time, and comes back when it was added
//! while being worked on. Order is a function of the calls and of time alone: no hashing, no random
//! choice, so that a simulated world repeats itself.
//!
//! What is *not* here: what a key means and what is done about it.

mod state;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::Notify, time::Instant};

pub use state::Backoff;
use state::State;

use crate::metrics::{Metrics, names};

/// A queue of keys; cheap to clone, clones share the queue.
#[derive(Clone, Debug)]
pub struct Queue<K> {
    shared: Arc<Shared<K>>,
}

#[derive(Debug)]
struct Shared<K> {
    state: Mutex<State<K>>,
    changed: Notify,
}

/// What a worker says when it is done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing until somebody adds the key again.
    AwaitChange,
    /// Again after this time.
    After(Duration),
    /// Again after the key's back-off, which grows until another answer is given.
    Failed,
}

impl<K: Ord + Clone> Queue<K> {
    /// An empty queue that retries failed keys by `backoff`.
    pub fn new(backoff: Backoff) -> Self {
        let state = Mutex::new(State::new(backoff, Instant::now()));
        Self {
            shared: Arc::new(Shared {
                state,
                changed: Notify::new(),
            }),
        }
    }

    /// Adds `key`, unless it already waits.
    pub fn add(&self, key: K) {
        self.change(|state| state.add(key));
    }

    /// Adds `key` after `delay`; of several delays the shortest counts.
    pub fn add_after(&self, key: K, delay: Duration) {
        self.change(|state| state.add_at(key, Instant::now() + delay, Instant::now()));
    }

    /// Adds `key` after its back-off, and lets that grow.
    pub fn add_failed(&self, key: K) {
        self.change(|state| state.add_failed(key, Instant::now()));
    }

    /// Resets the back-off of `key`.
    pub fn forget(&self, key: &K) {
        self.lock().forget(key);
    }

    /// The next key to work on; [`finish`](Self::finish) it. `None` once the queue is shut down.
    pub async fn next(&self) -> Option<K> {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let due = {
                let mut state = self.lock();
                if state.is_shut_down() {
                    return None;
                }
                if let Some(key) = state.take(Instant::now()) {
                    return Some(key);
                }
                state.next_due()
            };
            match due {
                None => changed.await,
                Some(due) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = tokio::time::sleep_until(due) => {}
                },
            }
        }
    }

    /// Says that the work on `key` is done, and what comes next.
    pub fn finish(&self, key: K, next: Next) {
        self.change(|state| {
            let now = Instant::now();
            state.done(&key);
            match next {
                Next::AwaitChange => state.forget(&key),
                Next::After(delay) => {
                    state.forget(&key);
                    state.add_at(key, now + delay, now);
                }
                Next::Failed => state.add_failed(key, now),
            }
        });
    }

    /// Hands out no more keys. Work that has begun may finish.
    pub fn shut_down(&self) {
        self.change(State::shut_down);
    }

    /// Keys that are ready to be worked on (not those that wait for their time).
    pub fn len(&self) -> usize {
        self.lock().ready_len(Instant::now())
    }

    /// Whether nothing is ready, delayed or being worked on.
    pub fn is_idle(&self) -> bool {
        self.lock().is_idle()
    }

    /// Whether no key is ready.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn change(&self, with: impl FnOnce(&mut State<K>)) {
        with(&mut self.lock());
        self.shared.changed.notify_waiters();
    }

    /// The state is only changed by methods that can't leave it half changed, so a panic elsewhere
    /// while the lock was held does no harm.
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a queue is served.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Name in metrics and logs, such as `nodeclaim.lifecycle`.
    pub name: &'static str,
    /// Keys that may be worked on at a time; at least one.
    pub concurrency: usize,
    /// Where the work is counted.
    pub metrics: Option<Metrics>,
}

/// Serves `queue` until it is shut down and the work that had begun is finished.
///
/// All work runs inside this one future, so on a current-thread runtime the order of everything
/// depends on the calls and timers alone.
pub async fn run_loop<K, F, Fut>(queue: &Queue<K>, worker: &Worker, handler: F)
where
    K: Ord + Clone,
    F: Fn(K) -> Fut,
    Fut: Future<Output = Next>,
{
    let concurrency = worker.concurrency.max(1);
    worker.set(&names::WORKERS_MAX, concurrency);
    let mut running = FuturesUnordered::new();
    loop {
        worker.set(&names::WORKERS_ACTIVE, running.len());
        worker.show_depth(queue);
        tokio::select! {
            biased;
            Some((key, next, started)) = running.next(), if !running.is_empty() => {
                worker.count(next, started);
                queue.finish(key, next);
            }
            key = queue.next(), if running.len() < concurrency => {
                let Some(key) = key else { break };
                let work = handler(key.clone());
                running.push(async move {
                    let started = Instant::now();
                    (key, work.await, started)
                });
            }
        }
    }
    while let Some((key, next, started)) = running.next().await {
        worker.count(next, started);
        queue.finish(key, next);
    }
    worker.set(&names::WORKERS_ACTIVE, 0);
}

impl Worker {
    fn set(&self, gauge: &'static crate::metrics::Definition, value: usize) {
        if let Some(metrics) = &self.metrics {
            metrics.set(gauge, &[self.name], value as f64);
        }
    }

    fn show_depth<K: Ord + Clone>(&self, queue: &Queue<K>) {
        if let Some(metrics) = &self.metrics {
            let labels = [self.name, self.name, ""];
            metrics.set(&names::QUEUE_DEPTH, &labels, queue.len() as f64);
        }
    }

    fn count(&self, next: Next, started: Instant) {
        let Some(metrics) = &self.metrics else { return };
        let result = match next {
            Next::AwaitChange => "success",
            Next::After(_) => "requeue_after",
            Next::Failed => "error",
        };
        metrics.add(&names::RECONCILES, &[self.name, result], 1.0);
        if next == Next::Failed {
            metrics.add(&names::RECONCILE_ERRORS, &[self.name], 1.0);
        }
        let took = started.elapsed().as_secs_f64();
        metrics.observe(&names::RECONCILE_SECONDS, &[self.name], took);
        let labels = [self.name, self.name];
        metrics.add(&names::QUEUE_ADDED, &labels, 1.0);
        metrics.observe(&names::QUEUE_WORK_SECONDS, &labels, took);
        if next == Next::Failed {
            metrics.add(&names::QUEUE_RETRIES, &labels, 1.0);
        }
    }
}

#[cfg(test)]
mod tests;
