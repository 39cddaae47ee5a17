//! `nodeclaim.disruption`: the conditions `Consolidatable` and `Drifted`.
//!
//! A claim is looked at when it changes (also when pods come to its node or leave it, which its
//! `lastPodEventTime` says), when its pool's spec or hash changes, and when its node class does.
//! What is *not* here: what the conditions should be (`disruption::quiet`, `lifecycle::drift`).

mod drifted;
mod wake;

use std::time::Duration;

use ::lifecycle::conditions::Conditions;
use ::lifecycle::drift::{self, Drift};
use api::nodeclaim::conditions::{CONSOLIDATABLE, DRIFTED};
use api::{NodeClaim, NodePool};
use disruption::quiet::{Quiet, decide};
use model::Timestamp;
use runtime::Next;

use crate::shared::Shared;
use crate::write;
use drifted::Look;

pub(crate) use drifted::Answers;
pub(crate) use wake::{Stamps, classes_changed, pools_changed};

/// Brings both conditions of one claim up to date, in one write.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    let Some(claim) = shared.claim(&name) else {
        shared.answers.forget(&name);
        return Next::AwaitChange;
    };
    if claim.metadata.is_deleting() || !shared.owns(&claim.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    let Some(pool) = claim.pool().and_then(|pool| shared.pool(pool)) else {
        return Next::AwaitChange;
    };
    let look = drifted::look(shared, &claim, &pool).await;
    let now = shared.now();
    let mut changed = NodeClaim::clone(&claim);
    let mut conditions = Conditions::of_claim(&mut changed, now);
    let was = (
        conditions.is_true(CONSOLIDATABLE),
        conditions.is_true(DRIFTED),
    );
    let quiet_in = consolidatable(&mut conditions, &claim, &pool, now);
    let (drift, again) = match look {
        Look::Known { drift, again } => (Some(drift), again),
        Look::Unclear { again } => (None, again),
    };
    if let Some(drift) = &drift {
        drift::note(&mut conditions, drift.as_ref());
    }
    let is = (
        conditions.is_true(CONSOLIDATABLE),
        conditions.is_true(DRIFTED),
    );
    if let Some(Some(drift)) = &drift
        && !was.1
    {
        say(&name, drift);
    }
    match write::claim(shared, &claim, &changed).await {
        Ok(_) => {
            if (is.0 && !was.0) || (is.1 && !was.1) {
                shared.disruption.notify_one();
            }
            next(again, quiet_in)
        }
        Err(error) => super::after(&error, "nodeclaim", &name),
    }
}

fn say(nodeclaim: &str, drift: &Drift) {
    tracing::debug!(nodeclaim, reason = drift.reason(), "the node has drifted");
}

/// The sooner of the two.
fn next(again: Next, quiet_in: Option<Duration>) -> Next {
    match (again, quiet_in) {
        (Next::AwaitChange, Some(wait)) => Next::After(wait),
        (Next::After(again), Some(wait)) => Next::After(again.min(wait)),
        (again, _) => again,
    }
}

/// Sets or clears the condition `Consolidatable`; gives how long to wait where it is too early.
fn consolidatable(
    conditions: &mut Conditions<'_>,
    claim: &NodeClaim,
    pool: &NodePool,
    now: Timestamp,
) -> Option<Duration> {
    match decide(claim, pool, now) {
        Quiet::NotOurs => None,
        Quiet::Yes => {
            if !conditions.is_true(CONSOLIDATABLE) {
                conditions.set_true(CONSOLIDATABLE);
            }
            None
        }
        Quiet::NotBefore(at) => {
            conditions.clear(CONSOLIDATABLE);
            Some(at.since(now))
        }
        Quiet::Never => {
            conditions.clear(CONSOLIDATABLE);
            None
        }
    }
}
