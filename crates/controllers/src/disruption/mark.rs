//! What nodes and claims carry while a command is in flight: taint and condition.

use std::time::Duration;

use ::disruption::{Candidate, Reason};
use api::NodeClaim;
use cluster::{Change, Event, Gone};
use futures::{StreamExt, stream};
use lifecycle::conditions::{Conditions, Status, find};
use lifecycle::keys::disrupted_taint;
use model::k8s::{Node, Resource};
use runtime::client::{ApiError, ObjectKey};
use serde::de::DeserializeOwned;

use crate::shared::Shared;
use crate::write;

/// The condition that says why a node goes.
pub(super) const CONDITION: &str = "DisruptionReason";
/// How often a write is tried that others get in the way of.
const TRIES: u32 = 4;
/// Wait before the second try; grows fivefold with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(10);
/// How many nodes are written at a time.
const AT_ONCE: usize = 16;

/// Does the same with many nodes, a few at a time; results are in their order.
pub(super) async fn each<'a, T, R, Fut>(of: &'a [T], what: impl Fn(&'a T) -> Fut) -> Vec<R>
where
    Fut: Future<Output = R>,
{
    // Futures that hold a reference to a closure's argument can't be named in a stream's type, so
    // they are made first; none runs before its turn.
    let all: Vec<Fut> = of.iter().map(what).collect();
    stream::iter(all).buffered(AT_ONCE).collect().await
}

/// Taints a node and says why on its claim. What is gone already needs neither.
pub(super) async fn mark(
    shared: &Shared,
    candidate: &Candidate,
    reason: Reason,
) -> Result<(), ApiError> {
    let taint = disrupted_taint();
    change_node(shared, &candidate.node, |node| {
        node.spec.taints.retain(|held| !held.same_identity(&taint));
        node.spec.taints.push(taint.clone());
    })
    .await?;
    let now = shared.now();
    change_claim(shared, &candidate.claim, |claim| {
        let reason = reason.as_str();
        Conditions::of_claim(claim, now).set(CONDITION, Status::True, reason, reason);
    })
    .await
}

/// Takes taint and condition off a node that stays.
pub(super) async fn free(shared: &Shared, node: &str, claim: &str) -> Result<(), ApiError> {
    let taint = disrupted_taint();
    change_node(shared, node, |node| {
        if !node.metadata.is_deleting() {
            node.spec.taints.retain(|held| !held.same_identity(&taint));
        }
    })
    .await?;
    let now = shared.now();
    change_claim(shared, claim, |claim| {
        if find(&claim.status.conditions, CONDITION).is_some() {
            Conditions::of_claim(claim, now).clear(CONDITION);
        }
    })
    .await
}

async fn change_node(
    shared: &Shared,
    name: &str,
    change: impl Fn(&mut Node),
) -> Result<(), ApiError> {
    let write = || async {
        let Some(node) = shared.with(|cluster| cluster.node_object(name).cloned()) else {
            return Ok(());
        };
        let mut wanted = (*node).clone();
        change(&mut wanted);
        write::node(shared, &node, &wanted).await.map(|_| ())
    };
    patiently(write, || refresh(shared, name, Event::Node)).await
}

async fn change_claim(
    shared: &Shared,
    name: &str,
    change: impl Fn(&mut NodeClaim),
) -> Result<(), ApiError> {
    let write = || async {
        let Some(claim) = shared.claim(name) else {
            return Ok(());
        };
        let mut wanted = (*claim).clone();
        change(&mut wanted);
        write::claim(shared, &claim, &wanted).await.map(|_| ())
    };
    patiently(write, || refresh(shared, name, Event::NodeClaim)).await
}

/// Tries a write anew, from the object as it is then, while others get in the way of it or the
/// connection fails.
async fn patiently<F, G>(write: impl Fn() -> F, refresh: impl Fn() -> G) -> Result<(), ApiError>
where
    F: Future<Output = Result<(), ApiError>>,
    G: Future<Output = Result<(), ApiError>>,
{
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        let Err(error) = write().await else {
            return Ok(());
        };
        tracing::debug!(%error, "trying again");
        tokio::time::sleep(wait).await;
        wait *= 5;
        if error.is_conflict()
            && let Err(error) = refresh().await
        {
            tracing::debug!(%error, "reading an object anew failed");
        }
    }
    write().await
}

/// Reads an object that has changed, without waiting for the watch.
async fn refresh<T>(
    shared: &Shared,
    name: &str,
    event: impl Fn(Change<T>) -> Event,
) -> Result<(), ApiError>
where
    T: Resource + DeserializeOwned,
{
    let key = ObjectKey::cluster(name);
    let found: Option<T> = shared.world.client.find(&key).await?;
    shared.apply(event(match found {
        Some(object) => Change::Applied(object),
        None => Change::Deleted(Gone::named("", name)),
    }));
    Ok(())
}
