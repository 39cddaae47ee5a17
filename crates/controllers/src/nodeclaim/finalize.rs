//! The end of a claim: its nodes, then its instance, then its finalizer.

use std::sync::Arc;

use ::lifecycle::finalize::{self, FinalizeStep, Instance};
use api::NodeClaim;
use model::k8s::Node;
use runtime::Next;
use runtime::client::{ApiError, ObjectKey, Preconditions};

use crate::shared::Shared;
use crate::{calls, tell, write};

/// Brings the end of one claim a step further.
pub(super) async fn reconcile(shared: &Shared, claim: &NodeClaim) -> Next {
    let nodes = nodes_of(shared, claim);
    let step = finalize::decide(claim, &nodes);
    let name = claim.metadata.name.as_str();
    act(shared, claim, step)
        .await
        .unwrap_or_else(|error| super::after(&error, "nodeclaim", name))
}

/// Every node with the claim's provider id, also one that is not followed because a label was taken
/// off it: an instance must not end under a node that was not drained.
fn nodes_of(shared: &Shared, claim: &NodeClaim) -> Vec<Arc<Node>> {
    let id = claim.status.provider_id.as_str();
    if id.is_empty() {
        return Vec::new();
    }
    shared.with(|cluster| {
        let all = cluster
            .node_objects()
            .filter(|node| node.spec.provider_id == id);
        all.cloned().collect()
    })
}

async fn act(shared: &Shared, claim: &NodeClaim, step: FinalizeStep) -> Result<Next, ApiError> {
    let step = match step {
        FinalizeStep::EndInstance => match calls::end(shared, claim).await {
            Some(instance) => finalize::ended(claim, instance, shared.now()),
            None => return Ok(Next::Failed),
        },
        FinalizeStep::FindInstance => match find(shared, claim).await {
            Some(instance) => finalize::ended(claim, instance, shared.now()),
            None => return Ok(Next::Failed),
        },
        other => other,
    };
    match step {
        FinalizeStep::Nothing | FinalizeStep::EndInstance | FinalizeStep::FindInstance => {
            Ok(Next::AwaitChange)
        }
        FinalizeStep::Annotate {
            claim: wanted,
            notice,
        } => {
            write::claim(shared, claim, &wanted).await?;
            tell::publish(shared, &[notice]);
            Ok(Next::After(std::time::Duration::ZERO))
        }
        FinalizeStep::DeleteNodes(nodes) => {
            for node in nodes {
                delete_node(shared, &node).await?;
            }
            Ok(Next::AwaitChange)
        }
        FinalizeStep::Wait {
            claim: wanted,
            wait,
        } => {
            write::claim(shared, claim, &wanted).await?;
            Ok(Next::After(wait))
        }
        FinalizeStep::Release {
            claim: wanted,
            measures,
        } => {
            if write::claim(shared, claim, &wanted).await?.is_some() {
                tracing::info!(nodeclaim = claim.metadata.name, "deleted nodeclaim");
                tell::count(shared, &measures);
            }
            Ok(Next::AwaitChange)
        }
    }
}

/// Ends the instance of a claim whose launch was never written down, if there is one.
async fn find(shared: &Shared, claim: &NodeClaim) -> Option<Instance> {
    let instances = calls::list(shared).await?;
    let uid = &claim.metadata.uid;
    let Some(found) = instances
        .into_iter()
        .find(|instance| instance.claim_uid == *uid)
    else {
        return Some(Instance::Gone);
    };
    let mut launched = claim.clone();
    launched.status.provider_id = found.provider_id;
    calls::end(shared, &launched).await
}

/// Asks for a node's deletion; its finalizer holds it until it is drained.
pub(crate) async fn delete_node(shared: &Shared, node: &Node) -> Result<(), ApiError> {
    let key = ObjectKey::of(node);
    let only_if = Preconditions::same_object(node);
    match shared.world.client.delete::<Node>(&key, &only_if).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
