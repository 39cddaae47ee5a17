//! `static.deprovisioning`: gives up the nodes that a pool of fixed size has too many.

use std::sync::Arc;

use ::disruption::cost::reschedule_cost;
use cluster::Intent;
use futures::future::join_all;
use lifecycle::pool::replicas::{Standing, excess, to_give_up};
use runtime::Next;
use runtime::client::ApiError;

use super::{INTERVAL, machines};
use crate::nodeclaim;
use crate::shared::Shared;

/// Gives up what one pool has too many.
pub(super) async fn reconcile(shared: &Shared, name: String) -> Next {
    let snapshot = shared.snapshot();
    let Some(state) = snapshot.pool(&name) else {
        return Next::AwaitChange;
    };
    if !shared.owns(&state.pool.spec.template.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    let machines = machines(&snapshot, &name);
    let count = match excess(&state.pool, Standing::of(machines.iter().copied())) {
        Err(_idle) => return Next::AwaitChange,
        Ok(0) => return Next::After(INTERVAL),
        Ok(count) => count,
    };
    let chosen = to_give_up(machines, count, shared.now(), reschedule_cost);
    tracing::info!(
        nodepool = name,
        replicas = state.pool.spec.replicas,
        count = chosen.len(),
        "deprovisioning nodeclaims to satisfy replica count"
    );
    // From here on nothing is placed on them, and they are not chosen again.
    shared.commit(Intent::MarkForDeletion {
        nodes: names(&chosen),
    });
    let deletions = chosen.iter().map(|claim| delete(shared, claim));
    let mut failed = Vec::new();
    for (claim, result) in chosen.iter().zip(join_all(deletions).await) {
        if let Err(error) = result {
            tracing::warn!(nodepool = name, nodeclaim = &**claim, %error, "deleting a nodeclaim failed");
            failed.push(claim.clone());
        }
    }
    if failed.is_empty() {
        return Next::After(INTERVAL);
    }
    shared.commit(Intent::Unmark {
        nodes: names(&failed),
    });
    Next::Failed
}

async fn delete(shared: &Shared, name: &str) -> Result<(), ApiError> {
    if let Some(claim) = shared.claim(name) {
        nodeclaim::delete(shared, &claim).await?;
    }
    Ok(())
}

fn names(claims: &[Arc<str>]) -> Vec<String> {
    claims.iter().map(ToString::to_string).collect()
}
