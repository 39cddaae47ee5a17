//! Taking commands back, whole or in part: nodes that stay are freed of what marks them, and
//! replacements that nobody needs are given up.
//!
//! What can't be written now is cleaned up by the next look.

use std::sync::Arc;
use std::time::Duration;

use ::disruption::{Candidate, Kept, Why};
use cluster::Intent;
use model::Timestamp;
use runtime::client::ApiError;

use super::flight::{After, Flight, Progress, Size, Stage};
use super::{mark, report};
use crate::nodeclaim;
use crate::provisioner::create;
use crate::shared::{Shared, lock};

/// How long replacements that nobody needs are looked after.
const LOOKED_AFTER: Duration = Duration::from_mins(1);
/// How often.
const AGAIN: Duration = Duration::from_secs(5);

/// Why nodes stay after all.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("node {node} could not be marked: {error}")]
    Mark { node: Arc<str>, error: ApiError },
    #[error("node {node} has to stay: {why}")]
    Stays { node: Arc<str>, why: Why },
    #[error(transparent)]
    Create(create::Failure),
    #[error("replacement {claim} is gone")]
    Replacement { claim: String },
    #[error("replacements did not become complete in time")]
    Late,
    #[error("a claim could not be deleted: {0}")]
    Delete(ApiError),
}

/// Lets some nodes stay. A command that only removes nodes goes on with the others, if there are
/// any; one that replaces nodes is taken back as a whole, for what it would create is made for all
/// of them.
pub(super) async fn without(
    shared: &Shared,
    flight: &mut Flight,
    staying: Vec<(Candidate, Failure)>,
) -> Result<(), After> {
    let mut failures = Vec::new();
    let mut candidates = Vec::new();
    for (candidate, failure) in staying {
        candidates.push(candidate);
        failures.push(failure);
    }
    if !flight.is_replacing() && !flight.going.is_empty() {
        for failure in &failures {
            tracing::info!(%failure, "a node stays after all");
        }
        tell(shared, &failures);
        free(shared, &candidates).await;
        return Ok(());
    }
    flight.going.extend(candidates);
    tell(shared, &failures);
    match failures.into_iter().next() {
        None => Ok(()),
        Some(failure) => Err(all(shared, flight, failure).await),
    }
}

/// Takes a command back: all of its nodes that do not go yet stay.
pub(super) async fn all(shared: &Shared, flight: &mut Flight, failure: Failure) -> After {
    tracing::info!(command = %flight.command, %failure, "a disruption is taken back");
    let going = std::mem::take(&mut flight.going);
    if !matches!(failure, Failure::Stays { .. }) {
        // What keeps a node is seen by the next look; this would only be tried again.
        let until = shared.flights.failed(&going, shared.now());
        let nodes = going.iter().map(|one| one.node.to_string()).collect();
        shared.commit(Intent::LetRest { nodes, until });
    }
    free(shared, &going).await;
    let announced = of(flight, Progress::Announced);
    if !announced.is_empty() {
        // Nothing was created yet.
        create::withdraw(shared, announced);
        for (pool, count) in flight.fixed() {
            lock(&shared.gated.statics.reservations).release(&pool, count);
        }
    }
    report::failed(shared, flight);
    let loose = |one: &super::flight::Replacement| {
        one.size == Size::Dynamic && one.progress == Progress::Created
    };
    flight.replacements.retain(loose);
    if flight.replacements.is_empty() {
        return After::Over;
    }
    flight.stage = Stage::Surplus {
        until: shared.now() + LOOKED_AFTER,
    };
    After::Again(Duration::ZERO)
}

/// Gives up replacements for which there is no use: nobody counts on them, and nothing can run on
/// them yet. One that has joined is a node like any other.
pub(super) async fn tidy(shared: &Shared, flight: &mut Flight, until: Timestamp) -> After {
    let mut left = Vec::new();
    for one in std::mem::take(&mut flight.replacements) {
        match give_up(shared, one.name()).await {
            Ok(Surplus::Settled) => {}
            Ok(Surplus::CountedOn) => left.push(one),
            Err(error) => {
                tracing::debug!(claim = one.name(), %error, "giving up a replacement");
                left.push(one);
            }
        }
    }
    flight.replacements = left;
    if flight.replacements.is_empty() || shared.now() >= until {
        return After::Over;
    }
    After::Again(AGAIN)
}

/// What became of a replacement that was not needed.
enum Surplus {
    /// It goes, or is a node like any other.
    Settled,
    /// Pods are expected on it.
    CountedOn,
}

async fn give_up(shared: &Shared, name: &str) -> Result<Surplus, ApiError> {
    let Some(claim) = shared.claim(name) else {
        return Ok(Surplus::Settled);
    };
    let snapshot = shared.snapshot();
    let state = snapshot.node(name);
    let has_joined = state.is_none_or(|state| state.node.is_some());
    if claim.metadata.is_deleting() || has_joined {
        return Ok(Surplus::Settled);
    }
    let nominated = state.is_some_and(|state| state.is_nominated(shared.now()));
    // Pods of nodes that stay need it no more, others do.
    let meant = snapshot.planned.iter();
    let mut meant = meant.filter(|(_, claim)| ***claim == *name);
    let awaited = meant.any(|(pod, _)| {
        let pod = shared.pod(&pod.namespace, &pod.name);
        pod.is_none_or(|pod| pod.node.is_none())
    });
    if nominated || awaited {
        return Ok(Surplus::CountedOn);
    }
    nodeclaim::delete(shared, &claim).await?;
    tracing::info!(nodeclaim = name, "gave up a replacement that is not needed");
    Ok(Surplus::Settled)
}

/// The replacements that have come so far.
fn of(flight: &Flight, progress: Progress) -> Vec<String> {
    let all = flight.replacements.iter();
    let these = all.filter(|one| one.progress == progress);
    these.map(|one| one.name().to_owned()).collect()
}

/// Frees nodes of what marks them, first in the API, then in the cluster's state.
async fn free(shared: &Shared, candidates: &[Candidate]) {
    let freed = mark::each(candidates, |candidate| async move {
        if let Err(error) = mark::free(shared, &candidate.node, &candidate.claim).await {
            let node = &*candidate.node;
            tracing::debug!(node, %error, "cleaning up failed and will be repeated");
        }
    });
    freed.await;
    let nodes = candidates.iter().map(|one| one.node.to_string());
    shared.commit(Intent::Unmark {
        nodes: nodes.collect(),
    });
}

/// Tells nodes why they stay.
fn tell(shared: &Shared, failures: &[Failure]) {
    for failure in failures {
        if let Failure::Stays { node, why } = failure {
            let kept = Kept {
                node: node.clone(),
                reason: why.clone(),
            };
            report::stays(shared, &kept);
        }
    }
}
