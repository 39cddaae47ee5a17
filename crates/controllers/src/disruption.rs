//! `disruption`: looks which nodes may go, looks again a while later, and lets those go that still
//! may.
//!
//! What is *not* here: which nodes may go (`disruption` the crate), and how a node goes
//! (`node.termination`).

mod execute;
mod leftovers;
mod report;

use std::time::Duration;

use ::disruption::{Command, Memory, Options, Plan, SpotToSpot, plan, validate};
use runtime::metrics::names;
use tokio::time::Instant;

use crate::provisioner;
use crate::shared::Shared;

/// How often nodes are looked at when nothing happens.
const POLL: Duration = Duration::from_secs(10);
/// How long after something happened nodes are looked at, so that a burst is one reason.
const SOON: Duration = Duration::from_secs(1);
/// How long a command waits for its second look.
const VALIDATION: Duration = Duration::from_secs(15);

/// Looks for nodes that may go for ever.
pub(crate) async fn run(shared: &Shared) {
    shared.gate.wait().await;
    let mut memory = Memory::default();
    loop {
        let acted = pass(shared, &mut memory).await;
        if !acted {
            wait(shared).await;
        }
    }
}

/// Waits until something happened that may let a node go, or for the poll.
async fn wait(shared: &Shared) {
    let poll = Instant::now() + POLL;
    tokio::time::sleep(SOON).await;
    tokio::select! {
        biased;
        () = shared.disruption.notified() => {}
        () = tokio::time::sleep_until(poll) => {}
    }
}

/// One look; whether anything was done.
async fn pass(shared: &Shared, memory: &mut Memory) -> bool {
    leftovers::clean(shared).await;
    let began = Instant::now();
    let snapshot = shared.snapshot();
    let seed = shared.world.seed ^ snapshot.version;
    let plan = plan(memory, &snapshot, &options(shared), shared.now(), seed);
    report::looked(shared, &plan, began.elapsed());
    let Plan { commands, .. } = plan;
    let mut acted = false;
    for command in commands {
        acted |= carry_out(shared, memory, command).await;
    }
    acted
}

/// Looks at a command again, and performs what is left of it.
async fn carry_out(shared: &Shared, memory: &mut Memory, command: Command) -> bool {
    shared.world.clock.sleep(VALIDATION).await;
    let (snapshot, now) = (shared.snapshot(), shared.now());
    let validated = validate(memory, vec![command], &snapshot, &options(shared), now);
    for rejected in &validated.rejected {
        let kind = rejected.command.consolidation_type();
        let failed = rejected.command.candidates.len() as f64;
        let metrics = &shared.world.metrics;
        metrics.add(&names::DISRUPTION_FAILED_VALIDATIONS, &[kind], failed);
        report::kept(shared, &rejected.kept);
    }
    let mut acted = false;
    for command in &validated.commands {
        acted |= execute::execute(shared, command).await;
    }
    acted
}

/// Settings of a look.
fn options(shared: &Shared) -> Options {
    let gates = shared.world.options.feature_gates;
    Options {
        scheduling: provisioner::options(shared),
        spot_to_spot: if gates.spot_to_spot_consolidation {
            SpotToSpot::On
        } else {
            SpotToSpot::Off
        },
        ..Options::default()
    }
}
