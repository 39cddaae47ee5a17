//! `disruption`: looks which nodes may go, looks again a while later, and lets those go that still
//! may.
//!
//! What is *not* here: which nodes may go (`disruption` the crate), and how a node goes
//! (`node.termination`).

mod execute;
mod leftovers;
mod report;

use std::time::Duration;

use ::disruption::{Command, Plan, plan, validate};
use runtime::metrics::names;
use tokio::time::Instant;

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
    loop {
        let acted = pass(shared).await;
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
async fn pass(shared: &Shared) -> bool {
    leftovers::clean(shared).await;
    let began = Instant::now();
    let plan = plan(&shared.snapshot(), shared.now());
    report::looked(shared, &plan, began.elapsed());
    let Plan { commands, .. } = plan;
    let mut acted = false;
    for command in commands {
        acted |= carry_out(shared, command).await;
    }
    acted
}

/// Looks at a command again, and performs what is left of it.
async fn carry_out(shared: &Shared, command: Command) -> bool {
    shared.world.clock.sleep(VALIDATION).await;
    let kind = command.consolidation_type();
    let validated = validate(command, &shared.snapshot(), shared.now());
    if validated.failed > 0 {
        let failed = validated.failed as f64;
        shared
            .world
            .metrics
            .add(&names::DISRUPTION_FAILED_VALIDATIONS, &[kind], failed);
        report::kept(shared, &validated.dropped);
    }
    match validated.command {
        None => false,
        Some(command) => execute::execute(shared, &command).await,
    }
}
