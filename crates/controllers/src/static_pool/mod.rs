//! `static.provisioning` and `static.deprovisioning`: pools with a fixed number of nodes.
//!
//! What is *not* here: how many nodes are to come or go, and which (`lifecycle::pool::replicas`).

mod down;
mod up;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cluster::{NodeState, Snapshot};
use lifecycle::pool::replicas::Reservations;
use runtime::Queue;
use runtime::queue::Backoff;

use crate::run::{Loop, serve};
use crate::shared::Shared;

/// How often pools are looked at when nothing happens.
const INTERVAL: Duration = Duration::from_mins(1);
/// How many pools are worked on at once.
const CONCURRENCY: usize = 10;

/// What is known of pools of fixed size, and what is to be done.
pub(crate) struct Statics {
    up: Queue<String>,
    down: Queue<String>,
    /// Claims that are about to be created, here or in the place of nodes that drifted.
    pub(crate) reservations: Mutex<Reservations>,
    /// How many names have been given.
    created: AtomicU64,
}

impl Default for Statics {
    fn default() -> Self {
        Self {
            up: Queue::new(Backoff::standard()),
            down: Queue::new(Backoff::standard()),
            reservations: Mutex::default(),
            created: AtomicU64::new(0),
        }
    }
}

impl Statics {
    /// Hands out nothing more.
    pub(crate) fn shut_down(&self) {
        self.up.shut_down();
        self.down.shut_down();
    }
}

/// Looks at all pools of fixed size: a pool or a claim has changed.
pub(crate) fn wake(shared: &Shared) {
    let pools: Vec<String> = shared.with(|cluster| {
        let fixed = cluster.pools().filter(|pool| pool.spec.replicas.is_some());
        fixed.map(|pool| pool.metadata.name.clone()).collect()
    });
    for pool in pools {
        shared.gated.statics.up.add(pool.clone());
        shared.gated.statics.down.add(pool);
    }
}

/// The loops.
pub(crate) fn served(shared: &Shared) -> [Loop<'_>; 2] {
    let statics = &shared.gated.statics;
    [
        serve(
            shared,
            &statics.up,
            ("static.provisioning", CONCURRENCY),
            |name| up::reconcile(shared, name),
        ),
        serve(
            shared,
            &statics.down,
            ("static.deprovisioning", CONCURRENCY),
            |name| down::reconcile(shared, name),
        ),
    ]
}

/// The machines of a pool.
pub(crate) fn machines<'a>(snapshot: &'a Snapshot, pool: &str) -> Vec<&'a NodeState> {
    let all = snapshot.nodes.iter().map(|node| &**node);
    all.filter(|node| node.is_managed() && node.pool() == Some(pool))
        .collect()
}
