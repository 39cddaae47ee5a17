//! `nodeclaim.lifecycle`: launch, registration, initialization and giving up.

use std::sync::Arc;

use ::lifecycle::claim::{self, ClaimFacts, ClaimStep, Health, Launch, Started, Then};
use ::lifecycle::pool::health;
use api::NodeClaim;
use model::k8s::{Node, ResourceSlice};
use runtime::Next;
use runtime::client::ApiError;

use super::hooks;
use crate::cloud::{CloudError, Launched};
use crate::shared::{Shared, lock};
use crate::{calls, tell, write};

/// Brings one claim a step further.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    let Some(claim) = shared.claim(&name) else {
        hooks::forget(shared, &name);
        return Next::AwaitChange;
    };
    if !shared.owns(&claim.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    if claim.metadata.is_deleting() {
        return super::finalize::reconcile(shared, &claim).await;
    }
    let nodes = shared.with(|cluster| cluster.nodes_of(&claim.status.provider_id));
    let slices = slices(shared, &nodes);
    let hooks = hooks::ask(shared, &claim, &nodes).await;
    let facts = ClaimFacts {
        slices: slices.as_deref(),
        hooks: &hooks,
        initialization_timeout: shared.world.options.initialization_timeout,
        ..ClaimFacts::of_nodes(&nodes)
    };
    let step = claim::decide(&claim, &facts, shared.now());
    let result = if step.then == Then::Launch {
        let answer = launch(shared, &claim).await;
        let step = claim::launched(&claim, answer, shared.now());
        act(shared, &claim, &nodes, step).await
    } else {
        act(shared, &claim, &nodes, step).await
    };
    result.unwrap_or_else(|error| super::after(&error, "nodeclaim", &name))
}

/// What drivers have published on the claim's node; none where devices are ignored.
fn slices(shared: &Shared, nodes: &[Arc<Node>]) -> Option<Vec<Arc<ResourceSlice>>> {
    if shared.world.options.ignore_dra_requests {
        return None;
    }
    let of = |node: &Arc<Node>| shared.with(|cluster| cluster.slices_of(&node.metadata.name));
    Some(nodes.iter().flat_map(of).collect())
}

/// Asks the cloud. Safe to repeat: the cloud finds the instance of an earlier try by the claim's
/// uid.
async fn launch(shared: &Shared, claim: &NodeClaim) -> Launch {
    let name = claim.metadata.name.as_str();
    match calls::create(shared, claim).await {
        Ok(launched) => {
            tracing::info!(
                nodeclaim = name,
                provider_id = launched.provider_id,
                "launched nodeclaim"
            );
            started(launched)
        }
        Err(error) => {
            tracing::warn!(nodeclaim = name, %error, "launching failed");
            refused(error)
        }
    }
}

fn started(launched: Launched) -> Launch {
    Launch::Started(Box::new(Started {
        provider_id: launched.provider_id,
        image_id: launched.image_id,
        labels: launched.labels,
        annotations: launched.annotations,
        capacity: launched.capacity,
        allocatable: launched.allocatable,
    }))
}

fn refused(error: CloudError) -> Launch {
    match error {
        CloudError::InsufficientCapacity(_) => Launch::NoCapacity {
            error: error.to_string(),
        },
        CloudError::NodeClassNotReady(_) => Launch::ClassNotReady {
            error: error.to_string(),
        },
        CloudError::Create { reason, message } => Launch::Failed {
            reason: Some(reason),
            error: message,
        },
        CloudError::NotFound(_) | CloudError::Throttled(_) | CloudError::Other(_) => {
            Launch::Failed {
                reason: None,
                error: error.to_string(),
            }
        }
    }
}

/// Writes what a step says: the node first, since the claim's conditions say that this has been
/// done.
async fn act(
    shared: &Shared,
    claim: &NodeClaim,
    nodes: &[Arc<Node>],
    step: ClaimStep,
) -> Result<Next, ApiError> {
    for failure in &step.failures {
        let name = claim.metadata.name.as_str();
        tracing::warn!(
            nodeclaim = name,
            error = failure,
            "a registration hook failed"
        );
    }
    if let (Some(wanted), [held, ..]) = (&step.node, nodes)
        && write::node(shared, held, wanted).await?.is_none()
    {
        return Ok(Next::Failed);
    }
    let Some(written) = write::claim(shared, claim, &step.claim).await? else {
        return Ok(Next::AwaitChange);
    };
    tell::publish(shared, &step.notices);
    tell::count(shared, &step.measures);
    if let Some(outcome) = step.health {
        note_health(shared, &step.claim, outcome).await?;
    }
    match step.then {
        Then::Rest | Then::Launch => Ok(Next::AwaitChange),
        Then::Again(wait) => Ok(Next::After(wait)),
        Then::Retry => Ok(Next::Failed),
        Then::Delete(removal) => {
            let name = claim.metadata.name.as_str();
            tracing::info!(
                nodeclaim = name,
                reason = removal.as_str(),
                "giving up nodeclaim"
            );
            if super::delete_unchanged(shared, &written).await? {
                tell::disrupted(shared, claim, removal.as_str(), "");
            }
            if let Some(pool) = claim.pool() {
                // What could not be had may be marked so by now.
                shared.queues.types.add(pool.to_owned());
            }
            Ok(Next::AwaitChange)
        }
    }
}

/// Notes how a claim of a pool fared, if the pool is still the one that it was made for.
async fn note_health(shared: &Shared, claim: &NodeClaim, outcome: Health) -> Result<(), ApiError> {
    let Some(pool) = claim.pool().and_then(|name| shared.pool(name)) else {
        return Ok(());
    };
    let owners = &claim.metadata.owner_references;
    let uid = &pool.metadata.uid;
    if !owners
        .iter()
        .any(|owner| owner.kind == "NodePool" && owner.uid == *uid)
    {
        return Ok(());
    }
    let changed = {
        let mut records = lock(&shared.health);
        let record = records.entry(uid.clone()).or_default();
        health::noted(record, &pool, claim, outcome, shared.now())
    };
    match write::pool(shared, &pool, &changed).await {
        // The pool's own loop sets the condition from the record when it comes by.
        Err(error) if error.is_conflict() => Ok(()),
        other => other.map(drop),
    }
}
