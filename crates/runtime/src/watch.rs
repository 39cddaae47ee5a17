//! List and watch of one kind as a stream of events that never ends.
//!
//! The stream begins with [`Event::Reset`], the whole truth, and goes on with changes; another
//! `Reset` comes whenever the thread was lost (the server forgot the version, a page expired).
//! Consumers hold the state; nothing is cached here. Decoding is pluggable ([`Decode`]), so that a
//! hundred thousand pods can be interned as they come.
//!
//! What is *not* here: what an event changes (`cluster`), and filters other than the server's.

mod decode;
mod lines;

use std::{collections::VecDeque, time::Duration};

use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

pub use decode::{Decode, DecodeError, JsonDecoder, Versioned};

use crate::{
    client::{ApiError, ByteStream, Client, Kind, Query, Select},
    metrics::{Metrics, names},
};
use decode::{Change, read_line, read_page};
use lines::Lines;

/// What happened to the objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<T> {
    /// These are all objects there are; forget any other.
    Reset(Vec<T>),
    /// An object was created or changed.
    Applied(T),
    /// An object is gone; this was its last state.
    Deleted(T),
}

/// What is watched, and how patiently.
#[derive(Clone, Debug)]
pub struct Config {
    /// The kind.
    pub kind: Kind,
    /// Which of its objects.
    pub select: Select,
    /// Objects on a page of the initial list.
    pub page_size: u32,
    /// How long the server is asked to keep a watch open. One that stays silent for this long and
    /// half a minute more is taken for dead.
    pub server_timeout: Duration,
    /// First wait after a failure; doubles up to `longest_wait`.
    pub first_wait: Duration,
    /// Longest wait after failures.
    pub longest_wait: Duration,
    /// Seed of the jitter that keeps many watchers from coming back together.
    pub seed: u64,
    /// Where restarts are counted.
    pub metrics: Option<Metrics>,
}

impl Config {
    /// Everything of `kind`, with the usual patience.
    pub fn all(kind: Kind) -> Self {
        Self {
            kind,
            select: Select::all(),
            page_size: 500,
            server_timeout: Duration::from_secs(290),
            first_wait: Duration::from_millis(800),
            longest_wait: Duration::from_secs(30),
            seed: 0,
            metrics: None,
        }
    }

    /// Restricts to what `select` names.
    #[must_use]
    pub fn select(self, select: Select) -> Self {
        Self { select, ..self }
    }

    /// Seeds the jitter.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Counts restarts in `metrics`.
    #[must_use]
    pub fn metrics(self, metrics: Metrics) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }
}

/// How long a watch may be silent beyond the server's time limit.
const SILENCE: Duration = Duration::from_secs(30);

/// A running list and watch.
pub struct Watcher<D: Decode> {
    client: Client,
    config: Config,
    decoder: D,
    state: State,
    pending: VecDeque<Event<D::Item>>,
    failures: u32,
    jitter: u64,
}

/// Where the watcher stands.
enum State {
    /// Nothing is known: list.
    Unknown,
    /// The truth at this version is known: watch from there.
    Known { version: String },
    /// Changes after this version are streaming in.
    Streaming {
        version: String,
        lines: Lines<ByteStream>,
        opened: Instant,
    },
}

/// Why a watch stopped.
#[derive(Debug)]
enum Stop {
    /// The server closed it, as it does after its time limit.
    Closed,
    /// Nothing came for too long.
    Silent,
    /// The version is too old, or something can't be understood: list again.
    Lost(String),
    /// The call failed.
    Failed(ApiError),
}

impl<D: Decode> Watcher<D> {
    /// A watcher that has not begun.
    pub fn new(client: Client, config: Config, decoder: D) -> Self {
        let jitter = config.seed ^ 0x9e37_79b9_7f4a_7c15;
        let (state, pending, failures) = (State::Unknown, VecDeque::new(), 0);
        Self {
            client,
            config,
            decoder,
            state,
            pending,
            failures,
            jitter,
        }
    }

    /// The next event. Failures are logged, counted, and waited out. Dropping the future loses
    /// nothing but a list that was being read.
    pub async fn next(&mut self) -> Event<D::Item> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return event;
            }
            if let Err(stop) = self.step().await {
                self.stopped(stop).await;
            }
        }
    }

    /// One transition: list, open, or read.
    async fn step(&mut self) -> Result<(), Stop> {
        match &mut self.state {
            State::Unknown => {
                let (items, version) = self.list().await?;
                self.pending.push_back(Event::Reset(items));
                self.state = State::Known { version };
            }
            State::Known { version } => {
                let version = version.clone();
                let path = watch_path(&self.config, &version);
                let stream = self
                    .client
                    .open_watch(path)
                    .await
                    .map_err(|error| match error {
                        ApiError::Gone(status) => Stop::Lost(status.to_string()),
                        error => Stop::Failed(error),
                    })?;
                let (lines, opened) = (Lines::new(stream), Instant::now());
                self.state = State::Streaming {
                    version,
                    lines,
                    opened,
                };
            }
            State::Streaming {
                version,
                lines,
                opened,
            } => {
                let silence = self.config.server_timeout + SILENCE;
                let line = match tokio::time::timeout(silence, lines.next()).await {
                    Err(_elapsed) => return Err(Stop::Silent),
                    Ok(None) => return Err(Stop::Closed),
                    Ok(Some(Err(error))) => return Err(Stop::Failed(error)),
                    Ok(Some(Ok(line))) => line,
                };
                // What streams for a while is healthy; what closes at once is not.
                if opened.elapsed() > self.config.first_wait {
                    self.failures = 0;
                }
                match read_line(&mut self.decoder, &line) {
                    Ok(Change::Event(event, at)) => {
                        *version = at;
                        self.failures = 0;
                        self.pending.push_back(event);
                    }
                    Ok(Change::Bookmark(at)) => *version = at,
                    Ok(Change::Error(status)) => {
                        return Err(match ApiError::from_status(status) {
                            ApiError::Gone(status) => Stop::Lost(status.to_string()),
                            error => Stop::Failed(error),
                        });
                    }
                    Err(DecodeError(cause)) => return Err(Stop::Lost(cause)),
                }
            }
        }
        Ok(())
    }

    async fn list(&mut self) -> Result<(Vec<D::Item>, String), Stop> {
        let path = self
            .config
            .kind
            .collection_path(&self.config.select.namespace);
        let (mut items, mut token) = (Vec::new(), String::new());
        loop {
            let mut query: Query = self.config.select.query();
            query.add("limit", &self.config.page_size.to_string());
            query.add("continue", &token);
            let page = self.client.page(self.config.kind, query.on(&path)).await;
            let page = page.map_err(Stop::Failed)?;
            let meta = read_page(&mut self.decoder, &page, &mut items)
                .map_err(|DecodeError(cause)| Stop::Lost(cause))?;
            if meta.token.is_empty() {
                return Ok((items, meta.resource_version));
            }
            token = meta.token;
        }
    }

    /// Decides where to go on after a stop, and waits if that is called for.
    async fn stopped(&mut self, stop: Stop) {
        let kind = self.config.kind.kind;
        let version = match std::mem::replace(&mut self.state, State::Unknown) {
            State::Unknown => None,
            State::Known { version } | State::Streaming { version, .. } => Some(version),
        };
        let cause = match &stop {
            Stop::Closed => "closed",
            Stop::Silent => "silent",
            Stop::Lost(_) => "lost",
            Stop::Failed(_) => "failed",
        };
        if let Some(metrics) = &self.config.metrics {
            metrics.add(&names::WATCH_RESTARTS, &[kind, cause], 1.0);
        }
        match stop {
            Stop::Closed | Stop::Silent => {
                tracing::debug!(kind, cause, "opening the watch again");
                self.resume(version);
                if self.failures == 0 {
                    self.failures = 1;
                    return;
                }
            }
            Stop::Lost(why) => tracing::warn!(kind, error = why, "listing again"),
            Stop::Failed(ApiError::NotFound(status)) => {
                tracing::debug!(kind, error = %status, "the kind is not served yet");
            }
            Stop::Failed(error) => {
                tracing::warn!(kind, %error, "watch failed");
                self.resume(version);
            }
        }
        let wait = self.wait();
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(wait).await;
    }

    fn resume(&mut self, version: Option<String>) {
        if let Some(version) = version {
            self.state = State::Known { version };
        }
    }

    /// Exponential, with up to half of it taken off at random.
    fn wait(&mut self) -> Duration {
        let factor = 1_u32 << self.failures.min(16);
        let whole = self
            .config
            .first_wait
            .saturating_mul(factor)
            .min(self.config.longest_wait);
        // xorshift64: enough to keep watchers apart, and a function of the seed.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        let share = (self.jitter >> 11) as f64 / (1_u64 << 53) as f64;
        whole.mul_f64(1.0 - share / 2.0)
    }
}

fn watch_path(config: &Config, version: &str) -> String {
    let mut query = config.select.query();
    query.add("watch", "true");
    query.add("allowWatchBookmarks", "true");
    query.add(
        "timeoutSeconds",
        &config.server_timeout.as_secs().to_string(),
    );
    query.add("resourceVersion", version);
    query.on(&config.kind.collection_path(&config.select.namespace))
}

/// Runs a watcher on a task of its own and hands its events over a channel that holds `capacity`.
/// A slow consumer holds the stream back. The task ends when the receiver is dropped.
pub fn spawn<D>(
    mut watcher: Watcher<D>,
    capacity: usize,
) -> (mpsc::Receiver<Event<D::Item>>, JoinHandle<()>)
where
    D: Decode + Send + 'static,
    D::Item: Send + 'static,
{
    let (sender, receiver) = mpsc::channel(capacity);
    let task = tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                biased;
                () = sender.closed() => return,
                event = watcher.next() => event,
            };
            if sender.send(event).await.is_err() {
                return;
            }
        }
    });
    (receiver, task)
}

#[cfg(test)]
mod tests;
