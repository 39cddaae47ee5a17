//! `disruption`: looks which nodes may go, looks again a while later, and lets those go that still
//! may.
//!
//! The loop here only decides. A command that is to be performed is handed to the queue, where it
//! is in flight until its nodes go or stay after all; the loop does not wait for it. Nodes of
//! commands in flight are marked in the cluster's state, so no other command takes them.
//!
//! What is *not* here: which nodes may go (`disruption` the crate), and how a node goes
//! (`node.termination`).

mod decide;
mod finish;
mod flight;
mod leftovers;
mod mark;
pub(crate) mod queue;
mod report;
mod rollback;
mod start;
mod wait;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::disruption::{Command, Options, Payback, Plan, SpotToSpot};
use cluster::Snapshot;
use model::Timestamp;
use scheduling::default_spread;
use tokio::time::Instant;

use crate::provisioner::{self, claims};
use crate::shared::{Shared, lock};

pub(crate) use decide::{Decide, Product};
pub(crate) use flight::Flights;

/// How often it is asked whether anything has changed.
const POLL: Duration = Duration::from_secs(10);
/// The least pause after a look that has begun nothing, so that a burst of changes is few reasons
/// to look again. What happens later than that is looked at as soon as it happens.
const SOON: Duration = Duration::from_secs(5);
/// The least pause where it is known when an answer changes.
const LEAST: Duration = Duration::from_secs(1);
/// At least so many times as long as a look took is the pause after it: a busy cluster is not worth
/// more than a tenth of a processor.
const SHARE: u32 = 9;
/// How long a command waits for its second look.
const VALIDATION: Duration = Duration::from_secs(15);
/// After this time nodes are looked at even if nothing seems to have changed.
const LATEST: Duration = Duration::from_mins(5);

/// Looks for nodes that may go for ever.
pub(crate) async fn run(shared: &Shared, decide: Box<dyn Decide>) {
    shared.gate.wait().await;
    let mut lookout = Lookout {
        decide: Arc::new(Mutex::new(decide)),
        told: report::Told::default(),
        seen: None,
        took: Duration::ZERO,
    };
    loop {
        let acted = lookout.pass(shared).await;
        if !acted {
            lookout.wait(shared).await;
        }
    }
}

/// Who looks.
struct Lookout {
    /// Computes beside everything else that goes on.
    decide: Arc<Mutex<Box<dyn Decide>>>,
    told: report::Told,
    /// The last look; none if another one is due whatever happens.
    seen: Option<Seen>,
    /// How long the last look took.
    took: Duration,
}

/// A look at the cluster.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Which state was looked at.
    version: u64,
    /// When the same state may have another answer.
    until: Timestamp,
}

impl Lookout {
    /// Waits until something happens that may let a node go, until an answer may have changed, or
    /// for the poll.
    async fn wait(&self, shared: &Shared) {
        let left = self.seen.map(|seen| shared.world.clock.until(seen.until));
        let poll = left.unwrap_or(POLL).clamp(LEAST, POLL);
        let soon = (self.took * SHARE).clamp(SOON.min(poll), POLL);
        let end = Instant::now() + poll;
        tokio::time::sleep(soon).await;
        tokio::select! {
            biased;
            () = shared.disruption.notified() => {}
            () = tokio::time::sleep_until(end) => {}
        }
    }

    /// One look, if there is anything new to see; whether anything was begun.
    async fn pass(&mut self, shared: &Shared) -> bool {
        let snapshot = shared.snapshot();
        let same = |seen: &Seen| seen.version == snapshot.version && shared.now() < seen.until;
        if self.seen.as_ref().is_some_and(same) {
            return false;
        }
        let cleaned = leftovers::clean(shared, &snapshot).await;
        if let Some(nodeclaim) = claims::unknown(shared, &snapshot) {
            // It may be the replacement of a node that would be replaced once more.
            tracing::debug!(nodeclaim, "waiting for a claim of an earlier run to launch");
            return false;
        }
        let (snapshot, now) = (shared.snapshot(), shared.now());
        let began = Instant::now();
        let plan = self.plan(shared, &snapshot, now).await;
        self.took = began.elapsed();
        report::looked(shared, &plan, self.took);
        self.told.looked(shared, &plan.kept);
        self.seen = cleaned.then(|| Seen {
            version: snapshot.version,
            until: plan.next.unwrap_or(Timestamp::MAX).min(now + LATEST),
        });
        let commands = plan.commands.into_iter();
        let (later, now): (Vec<_>, Vec<_>) =
            commands.partition(|command| command.reason.is_looked_at_again());
        let mut acted = perform(shared, &snapshot, now);
        if !later.is_empty() {
            shared.world.clock.sleep(VALIDATION).await;
            acted |= self.look_again(shared, later).await;
        }
        acted
    }

    /// What to do now.
    async fn plan(&self, shared: &Shared, snapshot: &Snapshot, now: Timestamp) -> Plan {
        let (decide, snapshot, options) = (self.decide.clone(), snapshot.clone(), options(shared));
        let seed = shared.world.seed ^ snapshot.version;
        let spread = shared.world.options.scheduler.spread();
        let work = move || {
            let seen = default_spread::applied_everywhere(&snapshot, &spread);
            lock(&decide).plan(&seen, &options, now, seed)
        };
        shared.world.clock.compute(work).await
    }

    /// Looks at commands again, all of them together, and begins with what is left of them;
    /// whether that is anything.
    async fn look_again(&mut self, shared: &Shared, commands: Vec<Command>) -> bool {
        let (snapshot, now) = (shared.snapshot(), shared.now());
        let (decide, options, looked_at) = (self.decide.clone(), options(shared), snapshot.clone());
        let spread = shared.world.options.scheduler.spread();
        let work = move || {
            let seen = default_spread::applied_everywhere(&looked_at, &spread);
            lock(&decide).validate(commands, &seen, &options, now)
        };
        let validated = shared.world.clock.compute(work).await;
        for rejected in &validated.rejected {
            report::rejected(shared, rejected);
            self.told.kept(shared, &rejected.kept);
        }
        perform(shared, &snapshot, validated.commands)
    }
}

/// Begins with commands; whether there are any that could be begun.
fn perform(shared: &Shared, snapshot: &Snapshot, commands: Vec<Command>) -> bool {
    let mut begun = false;
    for command in commands {
        match queue::accept(shared, snapshot, command) {
            Ok(()) => begun = true,
            Err(refused) => tracing::info!(%refused, "a disruption was not begun"),
        }
    }
    begun
}

/// Settings of a look.
fn options(shared: &Shared) -> Options {
    let set = &shared.world.options;
    let gates = set.feature_gates;
    Options {
        scheduling: provisioner::options(shared),
        spot_to_spot: if gates.spot_to_spot_consolidation {
            SpotToSpot::On
        } else {
            SpotToSpot::Off
        },
        payback: Payback {
            within: set.consolidation_payback,
            ..Payback::default()
        },
        settle: set.consolidation_settle,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

#[cfg(test)]
mod tests;
