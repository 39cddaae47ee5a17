//! Calls of many that are made as one: callers wait a moment for each other.
//!
//! [`Batcher`] gathers requests by a key and hands each caller its own answer; [`Fleets`],
//! [`Instances`] and [`Terminations`] are the three calls that are made this way. Nothing runs by
//! itself: whoever waits for an answer carries the call on, and a call that nobody waits for any
//! more is dropped. What is *not* here: how often EC2 may be called ([`crate::limits`]).

mod fleets;
mod instances;
mod terminations;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use runtime::Clock;
use runtime::metrics::{Metrics, names};
use tokio::sync::{Notify, Semaphore};

pub use fleets::{FleetAnswer, Fleets};
pub use instances::Instances;
pub use terminations::Terminations;

/// Most batches of one kind that are under way at a time.
pub const WORKERS: usize = 100;

/// For how long requests are gathered.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// As long as the next one comes within this time,
    pub idle: Duration,
    /// but no longer than this,
    pub longest: Duration,
    /// and no more than so many.
    pub items: usize,
}

/// What is to be done with the requests of a batch: one answer for each, in their order.
type Execute<R, A> = Arc<dyn Fn(Vec<R>) -> BoxFuture<'static, Vec<A>> + Send + Sync>;

/// Gathers requests into batches. Cheap to clone; clones gather together.
pub struct Batcher<K, R, A> {
    inner: Arc<Inner<K, R, A>>,
}

struct Inner<K, R, A> {
    name: &'static str,
    window: Window,
    clock: Clock,
    metrics: Metrics,
    workers: Semaphore,
    execute: Execute<R, A>,
    gathering: Mutex<Option<Gathering<K, R, A>>>,
}

/// Requests that have come since the last batches were sent.
struct Gathering<K, R, A> {
    count: usize,
    came: Arc<Notify>,
    closed: Shared<BoxFuture<'static, ()>>,
    buckets: BTreeMap<K, Bucket<R, A>>,
}

/// Requests of one key.
struct Bucket<R, A> {
    entries: Arc<Mutex<Vec<Entry<R>>>>,
    answers: Shared<BoxFuture<'static, Arc<[A]>>>,
}

impl<R, A> Clone for Bucket<R, A> {
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            answers: self.answers.clone(),
        }
    }
}

/// A request. Whoever made it holds the place, which says at the end which answer is theirs.
struct Entry<R> {
    request: R,
    place: Weak<Place>,
}

type Place = OnceLock<usize>;

impl<K, R, A> Clone for Batcher<K, R, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<K, R, A> Batcher<K, R, A>
where
    K: Ord + Send + 'static,
    R: Send + 'static,
    A: Clone + Send + Sync + 'static,
{
    /// A batcher under a name for metrics.
    pub fn new(
        name: &'static str,
        window: Window,
        clock: Clock,
        metrics: Metrics,
        execute: impl Fn(Vec<R>) -> BoxFuture<'static, Vec<A>> + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner {
            name,
            window,
            clock,
            metrics,
            workers: Semaphore::new(WORKERS),
            execute: Arc::new(execute),
            gathering: Mutex::new(None),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Has a request done together with others of its key. None if the batch had fewer answers than
    /// requests. A caller that is dropped before the batch is sent is not in it.
    pub async fn call(&self, key: K, request: R) -> Option<A> {
        let place = Arc::new(Place::new());
        let answers = self.enter(key, request, &place);
        let answers = answers.await;
        answers.get(*place.get()?).cloned()
    }

    fn enter(
        &self,
        key: K,
        request: R,
        place: &Arc<Place>,
    ) -> Shared<BoxFuture<'static, Arc<[A]>>> {
        let mut gathering = self.inner.gathering();
        let gathering = gathering.get_or_insert_with(|| Gathering::new(&self.inner));
        let closed = &gathering.closed;
        let bucket = gathering
            .buckets
            .entry(key)
            .or_insert_with(|| Bucket::new(&self.inner, closed.clone()));
        lock(&bucket.entries).push(Entry {
            request,
            place: Arc::downgrade(place),
        });
        gathering.count += 1;
        gathering.came.notify_one();
        bucket.answers.clone()
    }
}

impl<K, R, A> Inner<K, R, A> {
    fn gathering(&self) -> MutexGuard<'_, Option<Gathering<K, R, A>>> {
        lock(&self.gathering)
    }
}

impl<K, R, A> Gathering<K, R, A>
where
    K: Ord + Send + 'static,
    R: Send + 'static,
    A: Clone + Send + Sync + 'static,
{
    fn new(inner: &Arc<Inner<K, R, A>>) -> Self {
        let came = Arc::new(Notify::new());
        let window = gather(Arc::downgrade(inner), came.clone());
        Self {
            count: 0,
            came,
            closed: window.boxed().shared(),
            buckets: BTreeMap::new(),
        }
    }
}

impl<R, A> Bucket<R, A>
where
    R: Send + 'static,
    A: Clone + Send + Sync + 'static,
{
    fn new<K: Ord + Send + 'static>(
        inner: &Arc<Inner<K, R, A>>,
        closed: Shared<BoxFuture<'static, ()>>,
    ) -> Self {
        let entries = Arc::new(Mutex::new(Vec::new()));
        let answers = send(Arc::downgrade(inner), closed, entries.clone());
        Self {
            entries,
            answers: answers.boxed().shared(),
        }
    }
}

/// Waits until the window closes, and closes it: what comes then is gathered anew.
async fn gather<K, R, A>(inner: Weak<Inner<K, R, A>>, came: Arc<Notify>) {
    let Some((clock, window)) = inner
        .upgrade()
        .map(|inner| (inner.clock.clone(), inner.window))
    else {
        return;
    };
    let started = clock.now();
    let longest = clock.sleep(window.longest);
    tokio::pin!(longest);
    let is_full = || {
        let inner = inner.upgrade();
        inner.is_none_or(|inner| {
            let gathering = inner.gathering();
            gathering
                .as_ref()
                .is_none_or(|gathering| gathering.count >= window.items)
        })
    };
    while !is_full() {
        tokio::select! {
            biased;
            () = &mut longest => break,
            () = came.notified() => {}
            () = clock.sleep(window.idle) => break,
        }
    }
    let Some(inner) = inner.upgrade() else { return };
    inner.gathering().take();
    let seconds = clock.now().since(started).as_secs_f64();
    inner
        .metrics
        .observe(&names::BATCH_SECONDS, &[inner.name], seconds);
}

/// Sends a bucket once the window is closed, with those that still wait for an answer.
async fn send<K, R, A>(
    inner: Weak<Inner<K, R, A>>,
    closed: Shared<BoxFuture<'static, ()>>,
    entries: Arc<Mutex<Vec<Entry<R>>>>,
) -> Arc<[A]> {
    closed.await;
    let Some(inner) = inner.upgrade() else {
        return Arc::new([]);
    };
    // Never closed, so there always is a permit in the end.
    let _worker = inner.workers.acquire().await;
    let mut requests = Vec::new();
    for entry in std::mem::take(&mut *lock(&entries)) {
        if let Some(place) = entry.place.upgrade()
            && place.set(requests.len()).is_ok()
        {
            requests.push(entry.request);
        }
    }
    if requests.is_empty() {
        return Arc::new([]);
    }
    let size = requests.len() as f64;
    inner
        .metrics
        .observe(&names::BATCH_SIZE, &[inner.name], size);
    (inner.execute)(requests).await.into()
}

/// A panic elsewhere while a lock was held leaves whole entries.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
