//! The first step of a command: its nodes are tainted, it is asked once more whether they may go,
//! and their replacements are created.
//!
//! Nothing is lost between these writes: a command of which only a part was written is taken back,
//! by this run or by the next one.

use std::time::Duration;

use ::disruption::{Candidate, still_may_go};
use cluster::{Intent, Snapshot};
use futures::future::join_all;

use super::flight::{After, Flight, Progress, Size, Stage};
use super::rollback::{self, Failure};
use super::{mark, report, wait};
use crate::provisioner::create;
use crate::shared::{Shared, lock};
use crate::tell;

/// How long pods may still come to a node that was tainted: the pod scheduler and our watches are
/// behind by so much at most.
const SETTLE: Duration = Duration::from_secs(1);

/// Marks, asks, creates.
pub(super) async fn start(shared: &Shared, flight: &mut Flight) -> After {
    let reason = flight.command.reason;
    let marked = mark::each(&flight.going, |candidate| {
        mark::mark(shared, candidate, reason)
    });
    let marked = marked.await;
    let snapshot = shared.snapshot();
    let mut staying: Vec<(Candidate, Failure)> = Vec::new();
    let mut going = Vec::new();
    for (candidate, marked) in std::mem::take(&mut flight.going).into_iter().zip(marked) {
        let may = marked.map_err(|error| Failure::Mark {
            node: candidate.node.clone(),
            error,
        });
        match may.and_then(|()| may_go(shared, &snapshot, flight, &candidate)) {
            Ok(()) => going.push(candidate),
            Err(failure) => staying.push((candidate, failure)),
        }
    }
    flight.going = going;
    if let Err(after) = rollback::without(shared, flight, staying).await {
        return after;
    }
    if flight.is_replacing() {
        if let Err(failure) = create(shared, flight).await {
            return rollback::all(shared, flight, failure).await;
        }
        flight.stage = Stage::Waiting;
    } else {
        flight.stage = Stage::Leaving;
    }
    report::decided(shared, flight);
    nominate(shared, flight);
    After::Again(SETTLE)
}

/// Whether a node may still go. One that is gone, or goes whatever we say, need not be asked.
pub(super) fn may_go(
    shared: &Shared,
    snapshot: &Snapshot,
    flight: &Flight,
    candidate: &Candidate,
) -> Result<(), Failure> {
    let node = snapshot.node(&candidate.node);
    let Some(node) = node.filter(|node| !node.is_deleted()) else {
        return Ok(());
    };
    let may = still_may_go(snapshot, node, flight.command.reason, shared.now());
    may.map_err(|why| Failure::Stays {
        node: candidate.node.clone(),
        why,
    })
}

/// Creates the replacements; all of them are tried.
async fn create(shared: &Shared, flight: &mut Flight) -> Result<(), Failure> {
    let snapshot = shared.snapshot();
    let reason = flight.command.reason.label();
    let creations = flight
        .replacements
        .iter()
        .map(|one| create::perform(shared, &snapshot, &one.claim, &one.planned, reason));
    let results = join_all(creations).await;
    let mut failed = None;
    for (one, result) in flight.replacements.iter_mut().zip(results) {
        if one.size == Size::Fixed {
            // It is in the count now, or will not be.
            lock(&shared.gated.statics.reservations).release(&one.planned.pool, 1);
        }
        one.progress = Progress::Created;
        if let Err(failure) = result {
            one.progress = Progress::Lost;
            failed.get_or_insert(Failure::Create(failure));
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Keeps the nodes that the pods go to, and tells the pods.
fn nominate(shared: &Shared, flight: &Flight) {
    let until = wait::nomination(shared);
    let replacements = flight.replacements.iter().map(|one| one.name().to_owned());
    let targets = flight.command.moves.iter().map(|one| one.to.to_string());
    for node in targets.chain(replacements) {
        shared.commit(Intent::Nominate { node, until });
    }
    for one in &flight.command.moves {
        tell::nominated(shared, &one.pod, &format!("node/{}", one.to));
    }
}
