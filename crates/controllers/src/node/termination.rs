//! `node.termination`: taint, drain, volumes, instance, release.

use std::sync::Arc;
use std::time::Duration;

use ::lifecycle::node::{self, NodeFacts, NodeStep, NodeThen};
use api::NodeClaim;
use model::k8s::Node;
use runtime::Next;
use runtime::client::ApiError;

use super::{eviction, is_ours};
use crate::shared::Shared;
use crate::{calls, nodeclaim, tell, write};

/// Brings the end of one node a step further.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    let Some(node) = shared.with(|cluster| cluster.node_object(&name).cloned()) else {
        return Next::AwaitChange;
    };
    if !node.metadata.is_deleting() || !is_ours(shared, &node) {
        return Next::AwaitChange;
    }
    let claim = shared.claim_of(&node);
    let instance = if node::must_ask(&node) {
        match calls::state(shared, &node.spec.provider_id).await {
            None => return Next::Failed,
            known => known,
        }
    } else {
        None
    };
    let (pods, volumes) = shared.with(|cluster| {
        let pods = cluster
            .node(&name)
            .map(|node| node.pods.clone())
            .unwrap_or_default();
        (pods, cluster.volumes())
    });
    let facts = NodeFacts {
        claim: claim.as_deref(),
        pods: &pods,
        volumes: &volumes,
        instance,
    };
    let step = node::decide(&node, &facts, shared.now());
    match act(shared, &node, claim.as_ref(), step).await {
        Ok(next) => next,
        Err(error) => nodeclaim::after(&error, "node", &name),
    }
}

async fn act(
    shared: &Shared,
    node: &Arc<Node>,
    claim: Option<&Arc<NodeClaim>>,
    step: NodeStep,
) -> Result<Next, ApiError> {
    if step.delete_claim
        && let Some(claim) = claim
    {
        nodeclaim::delete(shared, claim).await?;
    }
    let mut held = Node::clone(node);
    if let Some(wanted) = &step.node {
        match write::node(shared, node, wanted).await? {
            Some(written) => held = written,
            None => return Ok(Next::AwaitChange),
        }
    }
    let mut held_claim = claim.cloned();
    if let (Some(claim), Some(wanted)) = (claim, &step.claim) {
        held_claim = write::claim(shared, claim, wanted).await?.map(Arc::new);
    }
    tell::publish(shared, &step.notices);
    tell::count(shared, &step.measures);
    eviction::enqueue(shared, node, claim.map(|claim| &**claim), &step);
    match step.then {
        NodeThen::Rest => Ok(Next::AwaitChange),
        NodeThen::Again(wait) => Ok(Next::After(wait)),
        NodeThen::EndInstance => {
            let Some(claim) = held_claim else {
                return Ok(Next::After(Duration::ZERO));
            };
            end(shared, &held, &claim).await
        }
    }
}

/// Ends the instance of a drained node, and releases the node once it is gone.
async fn end(shared: &Shared, held: &Node, claim: &NodeClaim) -> Result<Next, ApiError> {
    let Some(instance) = calls::end(shared, claim).await else {
        return Ok(Next::Failed);
    };
    let step = node::ended(held, claim, instance, shared.now());
    if let Some(wanted) = &step.claim {
        write::claim(shared, claim, wanted).await?;
    }
    if let Some(wanted) = &step.node
        && write::node(shared, held, wanted).await?.is_some()
    {
        tracing::info!(node = held.metadata.name, "deleted node");
        tell::count(shared, &step.measures);
    }
    match step.then {
        NodeThen::Again(wait) => Ok(Next::After(wait)),
        _ => Ok(Next::AwaitChange),
    }
}
