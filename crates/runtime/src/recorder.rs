//! Kubernetes events: what is worth telling the person who looks at an object.
//!
//! [`Recorder::publish`] takes a [`Notice`], drops repetitions and excess, and never waits. An
//! [`Outbox`] writes what is left to the API server, folding similar events into one with a count,
//! as Kubernetes' own components do.
//!
//! What is *not* here: the events of the product (each is defined where it is decided).

mod correlate;
mod outbox;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{Timestamp, k8s::Resource};
use tokio::{sync::mpsc, time::Instant};

pub use outbox::{Event, Outbox};

use crate::{
    clock::Clock,
    limit::Bucket,
    metrics::{Metrics, names},
};

/// How long a repetition is dropped, unless the notice says otherwise.
pub const DEDUPE_WINDOW: Duration = Duration::from_mins(2);
/// How often expired entries are swept.
const SWEEP: Duration = Duration::from_secs(10);
/// Notices that may wait to be written; more are dropped and counted.
const QUEUE: usize = 1_000;

/// The object that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Group and version, as manifests write it.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for objects of cluster scope.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid; may be empty.
    pub uid: String,
}

impl ObjectRef {
    /// The reference to `object`.
    pub fn of<T: Resource>(object: &T) -> Self {
        let meta = object.meta();
        Self {
            api_version: T::api_version(),
            kind: T::KIND.into(),
            namespace: meta.namespace().into(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
        }
    }
}

/// Whether an event is worth worrying about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well.
    Normal,
    /// Something needs attention.
    Warning,
}

impl Severity {
    /// The text in the event's `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// A limit shared by all notices that name it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Which limit.
    pub name: &'static str,
    /// Notices per second.
    pub rate: f64,
    /// Notices at once.
    pub burst: u32,
}

/// An event as a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What it is about.
    pub about: ObjectRef,
    /// Whether to worry.
    pub severity: Severity,
    /// Machine-readable reason in `CamelCase`.
    pub reason: Cow<'static, str>,
    /// Text for people.
    pub message: String,
    /// Values that, with the reason, make two notices the same; empty means never the same.
    pub dedupe: Vec<String>,
    /// How long a repetition is dropped.
    pub window: Duration,
    /// The limit that this kind of notice is under.
    pub limit: Option<Limit>,
}

impl Notice {
    /// A normal notice that repeats per uid (or name, without one) of its object.
    pub fn normal(
        about: ObjectRef,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        let dedupe = vec![if about.uid.is_empty() {
            about.name.clone()
        } else {
            about.uid.clone()
        }];
        Self {
            about,
            severity: Severity::Normal,
            reason: reason.into(),
            message: message.into(),
            dedupe,
            window: DEDUPE_WINDOW,
            limit: None,
        }
    }

    /// Like [`normal`](Self::normal), but a warning.
    pub fn warning(
        about: ObjectRef,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::normal(about, reason, message)
        }
    }

    /// Says which values make two notices the same, in place of the object.
    #[must_use]
    pub fn dedupe_by(self, values: impl IntoIterator<Item = String>) -> Self {
        Self {
            dedupe: values.into_iter().collect(),
            ..self
        }
    }

    /// Never drops this notice as a repetition.
    #[must_use]
    pub fn always(self) -> Self {
        Self {
            dedupe: Vec::new(),
            ..self
        }
    }

    /// Drops repetitions for this long.
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// Puts the notice under a shared limit.
    #[must_use]
    pub fn limit(self, limit: Limit) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    fn key(&self) -> Option<String> {
        if self.dedupe.is_empty() {
            return None;
        }
        Some(format!(
            "{}-{}",
            self.reason.to_lowercase(),
            self.dedupe.join("-")
        ))
    }
}

/// Takes notices; cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    clock: Clock,
    filter: Arc<Mutex<Filter>>,
    sender: mpsc::Sender<Noted>,
    metrics: Option<Metrics>,
}

/// A notice and when it was published.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) notice: Notice,
    pub(crate) at: Timestamp,
}

impl Recorder {
    /// A recorder, and the outbox that writes what it passes on.
    pub fn new(clock: Clock, metrics: Option<Metrics>) -> (Self, Outbox) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let filter = Arc::new(Mutex::new(Filter::new(Instant::now())));
        let outbox = Outbox::new(receiver, metrics.clone());
        (
            Self {
                clock,
                filter,
                sender,
                metrics,
            },
            outbox,
        )
    }

    /// Publishes `notice`, unless it repeats one within its window or exceeds its limit. Never
    /// waits: a full queue drops the notice and counts that.
    pub fn publish(&self, notice: Notice) {
        let passed = {
            // The filter is consistent after each step, whatever happened to another holder.
            let mut filter = self.filter.lock().unwrap_or_else(PoisonError::into_inner);
            filter.passes(&notice, Instant::now())
        };
        if !passed {
            return;
        }
        let noted = Noted {
            notice,
            at: self.clock.now(),
        };
        if self.sender.try_send(noted).is_err()
            && let Some(metrics) = &self.metrics
        {
            metrics.add(&names::EVENTS_DROPPED, &["queue"], 1.0);
        }
    }
}

/// Drops repetitions, then what exceeds a limit: in this order, so an excess notice still counts as
/// the first of its repetitions.
#[derive(Debug)]
struct Filter {
    seen: BTreeMap<String, Instant>,
    limits: BTreeMap<&'static str, Bucket>,
    swept: Instant,
}

impl Filter {
    fn new(now: Instant) -> Self {
        Self {
            seen: BTreeMap::new(),
            limits: BTreeMap::new(),
            swept: now,
        }
    }

    fn passes(&mut self, notice: &Notice, now: Instant) -> bool {
        if now.saturating_duration_since(self.swept) >= SWEEP {
            self.seen.retain(|_, until| *until > now);
            self.swept = now;
        }
        if let Some(key) = notice.key() {
            if self.seen.get(&key).is_some_and(|until| *until > now) {
                return false;
            }
            self.seen.insert(key, now + notice.window);
        }
        notice.limit.is_none_or(|limit| {
            self.limits
                .entry(limit.name)
                .or_insert_with(|| Bucket::new(limit.rate, limit.burst, now))
                .try_take(now)
        })
    }
}

#[cfg(test)]
mod tests;
