//! `nodeclaim.garbagecollection`: what is left over when claim, instance or node is gone without
//! the others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ::lifecycle::Removal;
use ::lifecycle::gc::{
    InstanceFacts, claims_without_instance, instances_without_claim, nodes_without_claim,
};
use api::NodeClaim;
use model::k8s::Node;
use runtime::client::{ApiError, ObjectKey};

use crate::cloud::{Instance, InstanceState};
use crate::shared::Shared;
use crate::{calls, tell};

/// How often.
const INTERVAL: Duration = Duration::from_mins(2);

/// Looks for left-overs for ever.
pub(crate) async fn run(shared: &Shared) {
    shared.gate.wait().await;
    loop {
        if let Err(error) = pass(shared).await {
            tracing::warn!(%error, "collecting left-overs failed and will be repeated");
        }
        shared.world.clock.sleep(INTERVAL).await;
    }
}

/// Instances are listed before claims, so that an instance whose claim is young is not taken for
/// lost.
async fn pass(shared: &Shared) -> Result<(), ApiError> {
    let Some(instances) = calls::list(shared).await else {
        return Ok(());
    };
    let facts: Vec<InstanceFacts<'_>> = instances.iter().map(facts).collect();
    let (claims, nodes): (Vec<Arc<NodeClaim>>, Vec<Arc<Node>>) = shared.with(|cluster| {
        let ours = cluster
            .claims()
            .filter(|claim| shared.owns(&claim.spec.node_class_ref));
        (
            ours.cloned().collect(),
            cluster.node_objects().cloned().collect(),
        )
    });
    let node_of = |id: &str| {
        nodes
            .iter()
            .find(|node| node.spec.provider_id == id)
            .map(|n| &**n)
    };
    let claims_seen = || claims.iter().map(|claim| &**claim);
    for claim in claims_without_instance(claims_seen(), &facts, node_of) {
        tracing::info!(nodeclaim = claim.metadata.name, "its instance is gone");
        if super::delete(shared, claim).await? {
            tell::disrupted(shared, claim, Removal::GarbageCollected.as_str(), "");
        }
    }
    for lost in instances_without_claim(&facts, claims_seen(), shared.now()) {
        end_lost(shared, lost).await?;
    }
    let ids: BTreeSet<&str> = claims
        .iter()
        .map(|claim| claim.status.provider_id.as_str())
        .collect();
    for node in nodes_without_claim(nodes.iter().map(|node| &**node), &ids, &facts) {
        tracing::info!(
            node = node.metadata.name,
            "its claim and its instance are gone"
        );
        super::finalize::delete_node(shared, node).await?;
    }
    Ok(())
}

fn facts(instance: &Instance) -> InstanceFacts<'_> {
    InstanceFacts {
        provider_id: &instance.provider_id,
        claim_name: &instance.claim_name,
        claim_uid: &instance.claim_uid,
        created: instance.created,
        terminating: instance.state == InstanceState::Terminating,
    }
}

/// Ends an instance, once the API server has said that its claim is really gone.
async fn end_lost(shared: &Shared, lost: &InstanceFacts<'_>) -> Result<(), ApiError> {
    if !lost.claim_name.is_empty() {
        let key = ObjectKey::cluster(lost.claim_name);
        let claim: Option<NodeClaim> = shared.world.client.find(&key).await?;
        let same =
            |claim: &NodeClaim| lost.claim_uid.is_empty() || claim.metadata.uid == lost.claim_uid;
        if claim.is_some_and(|claim| same(&claim)) {
            return Ok(());
        }
    }
    tracing::info!(
        provider_id = lost.provider_id,
        "ending an instance whose claim is gone"
    );
    let mut claim = NodeClaim::default();
    lost.claim_name.clone_into(&mut claim.metadata.name);
    lost.claim_uid.clone_into(&mut claim.metadata.uid);
    lost.provider_id.clone_into(&mut claim.status.provider_id);
    calls::end(shared, &claim).await;
    let nodes = shared.with(|cluster| cluster.nodes_of(lost.provider_id));
    for node in nodes.iter().filter(|node| !node.metadata.is_deleting()) {
        super::finalize::delete_node(shared, node).await?;
    }
    Ok(())
}
