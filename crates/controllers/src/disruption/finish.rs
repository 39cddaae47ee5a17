//! The last step of a command: its nodes are asked for a last time whether they may go, and their
//! claims are deleted. From there on `node.termination` drains them.

use std::sync::Arc;

use ::disruption::Candidate;
use api::NodeClaim;
use runtime::client::ApiError;

use super::flight::{After, Flight};
use super::rollback::{self, Failure};
use super::{mark, report, start, wait};
use crate::nodeclaim;
use crate::shared::Shared;

/// How a deletion went.
enum Deleted {
    /// The claim goes, because of us.
    Yes(Arc<NodeClaim>),
    /// It was gone already or goes for another reason.
    Otherwise,
    /// The API server could not be asked, or refused.
    No(ApiError),
}

/// Asks a last time, and deletes.
pub(super) async fn leave(shared: &Shared, flight: &mut Flight) -> After {
    let staying = still_needed(shared, flight);
    if let Err(after) = rollback::without(shared, flight, staying).await {
        return after;
    }
    let asked = flight.asked.clone();
    let deletions = mark::each(&flight.going, |candidate| {
        delete(shared, candidate, asked.contains(&candidate.claim))
    });
    let deletions = deletions.await;
    let mut left = Vec::new();
    let mut last = None;
    for (candidate, deleted) in std::mem::take(&mut flight.going).into_iter().zip(deletions) {
        match deleted {
            Deleted::Yes(claim) => report::terminating(shared, flight, &candidate, &claim),
            Deleted::Otherwise => {
                tracing::debug!(node = &*candidate.node, "the node goes for another reason");
            }
            Deleted::No(error) => {
                flight.asked.insert(candidate.claim.clone());
                tracing::debug!(node = &*candidate.node, %error, "a deletion will be repeated");
                last = Some(error);
                left.push(candidate);
            }
        }
    }
    flight.going = left;
    let Some(error) = last else {
        report::succeeded(shared, flight);
        return After::Over;
    };
    if shared.now().since(flight.since) > shared.flights.patience() {
        return rollback::all(shared, flight, Failure::Delete(error)).await;
    }
    After::Again(wait::AGAIN)
}

/// Nodes that may not go any more, of those whose deletion was not asked for yet.
fn still_needed(shared: &Shared, flight: &mut Flight) -> Vec<(Candidate, Failure)> {
    let snapshot = shared.snapshot();
    let mut staying = Vec::new();
    let mut going = Vec::new();
    for candidate in std::mem::take(&mut flight.going) {
        let was_asked = flight.asked.contains(&candidate.claim);
        match start::may_go(shared, &snapshot, flight, &candidate) {
            Err(failure) if !was_asked => staying.push((candidate, failure)),
            _ => going.push(candidate),
        }
    }
    flight.going = going;
    staying
}

/// Deletes the claim of a node. `before`: whether that was asked for before, so that a claim that
/// goes already goes because of us.
async fn delete(shared: &Shared, candidate: &Candidate, before: bool) -> Deleted {
    let Some(claim) = shared.claim(&candidate.claim) else {
        return Deleted::Otherwise;
    };
    if claim.metadata.is_deleting() && !before {
        return Deleted::Otherwise;
    }
    match nodeclaim::delete(shared, &claim).await {
        Ok(false) => Deleted::Otherwise,
        Ok(true) => Deleted::Yes(claim),
        Err(error) => Deleted::No(error),
    }
}
