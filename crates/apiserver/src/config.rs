//! What a server is given from outside: time, seed, sizes. Nothing here reads a clock or draws at
//! random.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

/// The source of the current time: the wall clock in a sandbox, virtual time in a simulation.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Settings of a [`Server`](crate::Server).
#[derive(Clone)]
pub struct Config {
    /// Gives `creationTimestamp`, `deletionTimestamp` and the times of managed fields.
    pub now: Clock,
    /// Uids and generated names are a function of this seed and of the order of requests.
    pub seed: u64,
    /// Changes remembered for each resource; an older watch or continue token gets 410 Gone.
    pub event_log_capacity: usize,
    /// When `metadata.managedFields` is kept.
    pub field_tracking: FieldTracking,
    /// When dependents of deleted owners and contents of deleted namespaces are removed.
    pub garbage_collection: GarbageCollection,
}

/// When `metadata.managedFields` is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldTracking {
    /// From the first server-side apply to an object on; what was there before belongs to the
    /// manager `before-first-apply`. Cheap: objects that nobody applies carry no ownership.
    FromFirstApply,
    /// For every write, as a real server does.
    Always,
}

/// When dependents of deleted owners and contents of deleted namespaces are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GarbageCollection {
    /// Only in [`Server::collect_garbage`](crate::Server::collect_garbage): a simulation decides
    /// when its garbage collector acts.
    Manual,
    /// After each write: for use by hand and for tests.
    Immediate,
}

impl Config {
    /// A configuration with this clock and seed, and defaults for the rest: 20,000 remembered
    /// changes, ownership from the first apply on, garbage collected on demand.
    pub fn new(now: Clock, seed: u64) -> Self {
        Self {
            now,
            seed,
            event_log_capacity: 20_000,
            field_tracking: FieldTracking::FromFirstApply,
            garbage_collection: GarbageCollection::Manual,
        }
    }

    /// A configuration whose clock stands still at `now`.
    pub fn frozen(now: Timestamp, seed: u64) -> Self {
        Self::new(Arc::new(move || now), seed)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("seed", &self.seed)
            .field("event_log_capacity", &self.event_log_capacity)
            .field("field_tracking", &self.field_tracking)
            .field("garbage_collection", &self.garbage_collection)
            .finish_non_exhaustive()
    }
}
