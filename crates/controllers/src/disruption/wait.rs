//! Waiting until the replacements of a command are complete.

use std::time::Duration;

use api::NodeClaim;
use cluster::{Change, Event, Intent};
use lifecycle::conditions::is_true;
use model::Timestamp;
use runtime::client::{ApiError, ObjectKey};

use super::flight::{After, Flight, Progress, Stage};
use super::rollback::{self, Failure};
use super::{finish, report};
use crate::shared::Shared;

/// How often replacements are looked at.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// Looks at the replacements; goes on when all of them are complete.
pub(super) async fn wait(shared: &Shared, flight: &mut Flight) -> After {
    for at in 0..flight.replacements.len() {
        let one = &flight.replacements[at];
        if one.progress == Progress::Initialized {
            continue;
        }
        match look(shared, one.name()).await {
            Ok(Seen::Complete) => flight.replacements[at].progress = Progress::Initialized,
            Ok(Seen::Coming(claim)) => report::waiting(shared, &claim),
            Ok(Seen::Unknown) => {}
            Ok(Seen::Gone) => {
                let claim = one.name().to_owned();
                flight.replacements[at].progress = Progress::Lost;
                return rollback::all(shared, flight, Failure::Replacement { claim }).await;
            }
            Err(error) => tracing::debug!(claim = one.name(), %error, "asking for a replacement"),
        }
    }
    let mut all = flight.replacements.iter();
    if all.all(|one| one.progress == Progress::Initialized) {
        keep(shared, flight);
        flight.stage = Stage::Leaving;
        return finish::leave(shared, flight).await;
    }
    // Only while something is missing: what is complete is never too late.
    if shared.now().since(flight.since) > shared.flights.patience() {
        return rollback::all(shared, flight, Failure::Late).await;
    }
    After::Again(AGAIN)
}

/// Until when nodes that were chosen for pods are kept, from now on.
pub(super) fn nomination(shared: &Shared) -> Timestamp {
    let longest = shared.world.options.batch_max_duration * 2;
    shared.now() + longest.max(Duration::from_secs(10))
}

/// Keeps replacements, which are empty, until their pods come.
fn keep(shared: &Shared, flight: &Flight) {
    let until = nomination(shared);
    for one in &flight.replacements {
        let node = one.name().to_owned();
        shared.commit(Intent::Nominate { node, until });
    }
}

/// What there is of a replacement.
enum Seen {
    /// It is complete.
    Complete,
    /// It is not complete yet.
    Coming(Box<NodeClaim>),
    /// It is there, but not in the cluster's state yet.
    Unknown,
    /// It is gone or goes.
    Gone,
}

/// Looks for a replacement, with the API server where the cluster's state does not know it: its
/// watch may be behind.
async fn look(shared: &Shared, name: &str) -> Result<Seen, ApiError> {
    let Some(claim) = shared.claim(name) else {
        let key = ObjectKey::cluster(name);
        let found: Option<NodeClaim> = shared.world.client.find(&key).await?;
        let Some(claim) = found else {
            return Ok(Seen::Gone);
        };
        shared.apply(Event::NodeClaim(Change::Applied(claim)));
        return Ok(Seen::Unknown);
    };
    if is_true(&claim.status.conditions, "Initialized") {
        return Ok(Seen::Complete);
    }
    if claim.metadata.is_deleting() {
        return Ok(Seen::Gone);
    }
    Ok(Seen::Coming(Box::new((*claim).clone())))
}
