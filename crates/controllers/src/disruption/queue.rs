//! `disruption.queue`: brings commands in flight to their end, step by step.
//!
//! ```text
//!  accept ─▶ Begun ──start──▶ Waiting ──wait──▶ Leaving ──finish──▶ over
//!              │                 │                 │
//!              └──── rollback ───┴─────────────────┴──▶ Surplus ──▶ over
//! ```
//!
//! What is *not* here: the steps, each of which has a file of its own.

use std::sync::Arc;

use ::disruption::Command;
use cluster::{Intent, Snapshot};
use lifecycle::pool::replicas::Standing;
use runtime::Next;
use scheduling::{PlannedClaim, template_claim};

use super::flight::{After, Progress, Replacement, Size, Stage};
use super::{finish, rollback, start, wait};
use crate::provisioner::{self, create};
use crate::run::{Loop, serve};
use crate::shared::{Shared, lock};
use crate::static_pool;

/// Why a command was not taken on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("node {0} is in flight already")]
    InFlight(Arc<str>),
    #[error("nodepool {0} does not exist any more")]
    NoPool(Arc<str>),
    #[error("nodepool {0} has reached its limit of nodes")]
    Limit(String),
}

/// The loop.
pub(crate) fn served(shared: &Shared) -> Loop<'_> {
    let workers = shared.world.options.workers(100, 1_000);
    serve(
        shared,
        &shared.flights.queue,
        ("disruption.queue", workers),
        |number| reconcile(shared, number),
    )
}

/// Takes a command on. From here on nothing new is placed on its nodes, and nobody else makes a
/// machine for their pods: both count in one step, before anything is written.
pub(super) fn accept(
    shared: &Shared,
    snapshot: &Snapshot,
    command: Command,
) -> Result<(), Refused> {
    if let Some(node) = shared.flights.find(&command.candidates) {
        return Err(Refused::InFlight(node));
    }
    let planned = command.replacements.iter();
    let missing = planned
        .clone()
        .find(|one| snapshot.pool(&one.pool).is_none());
    if let Some(one) = missing {
        return Err(Refused::NoPool(one.pool.clone()));
    }
    reserve(shared, snapshot, &command.replacements)?;
    let replacements: Vec<Replacement> = planned
        .filter_map(|planned| replacement(shared, snapshot, planned))
        .collect();
    let claims = replacements.iter().filter_map(|one| {
        let state = snapshot.pool(&one.planned.pool)?;
        Some(create::announced(state, &one.claim, &one.planned))
    });
    let nodes = command.candidates.iter();
    shared.commit(Intent::Announce {
        claims: claims.collect(),
        leaving: nodes.map(|candidate| candidate.node.to_string()).collect(),
    });
    tracing::info!(
        command = %command,
        price_before = %command.price_before,
        price_after = %command.price_after,
        "disrupting nodes"
    );
    shared.flights.begin(command, replacements, shared.now());
    Ok(())
}

/// The claim that a replacement will be. One of a pool of fixed size is for no pods in particular,
/// so its provider chooses.
fn replacement(
    shared: &Shared,
    snapshot: &Snapshot,
    planned: &PlannedClaim,
) -> Option<Replacement> {
    let state = snapshot.pool(&planned.pool)?;
    let (claim, size) = if state.pool.spec.replicas.is_some() {
        let labels = provisioner::options(shared).taint_labels;
        let seed = shared.world.seed ^ snapshot.version;
        let claim = template_claim(state, &snapshot.vocabulary, labels, seed);
        (claim, Size::Fixed)
    } else {
        (planned.to_node_claim(&state.pool), Size::Dynamic)
    };
    Some(Replacement {
        claim: Arc::new(create::prepare(shared, claim)),
        planned: planned.clone(),
        size,
        progress: Progress::Announced,
    })
}

/// Sets room aside for replacements in pools of fixed size: for all of them or for none.
fn reserve(
    shared: &Shared,
    snapshot: &Snapshot,
    replacements: &[PlannedClaim],
) -> Result<(), Refused> {
    let mut held: Vec<(&str, u64)> = Vec::new();
    for planned in replacements {
        let state = snapshot.pool(&planned.pool);
        let Some(state) = state.filter(|state| state.pool.spec.replicas.is_some()) else {
            continue;
        };
        let name = state.name();
        let standing = Standing::of(static_pool::machines(snapshot, name));
        let mut reservations = lock(&shared.gated.statics.reservations);
        if reservations.reserve(&state.pool, standing, 1) == 0 {
            for (pool, count) in held {
                reservations.release(pool, count);
            }
            return Err(Refused::Limit(name.to_owned()));
        }
        held.push((name, 1));
    }
    Ok(())
}

/// Brings one command a step further.
async fn reconcile(shared: &Shared, number: u64) -> Next {
    let Some(mut flight) = shared.flights.get(number) else {
        return Next::AwaitChange;
    };
    let after = match flight.stage {
        Stage::Begun => start::start(shared, &mut flight).await,
        Stage::Waiting => wait::wait(shared, &mut flight).await,
        Stage::Leaving => finish::leave(shared, &mut flight).await,
        Stage::Surplus { until } => rollback::tidy(shared, &mut flight, until).await,
    };
    match after {
        After::Again(wait) => {
            shared.flights.put(flight);
            Next::After(wait)
        }
        After::Over => {
            shared.flights.remove(number);
            // Its nodes count no more, or count as others do.
            shared.disruption.notify_one();
            Next::AwaitChange
        }
    }
}
