//! What an earlier run, or a command that was taken back, has left on nodes that stay.

use cluster::NodeState;
use lifecycle::conditions::{Conditions, find};
use lifecycle::keys::disrupted_taint;
use runtime::client::ApiError;

use crate::shared::Shared;
use crate::write;

/// Takes taint and condition off nodes that nobody is about to remove.
pub(super) async fn clean(shared: &Shared) {
    let snapshot = shared.snapshot();
    let left: Vec<String> = snapshot
        .nodes
        .iter()
        .filter(|node| !node.is_marked() && is_left(node))
        .map(|node| node.name().to_string())
        .collect();
    for node in left {
        untaint(shared, &node).await;
    }
}

/// Whether a managed node carries taint or condition of a disruption.
fn is_left(state: &NodeState) -> bool {
    let (Some(node), Some(claim)) = (&state.node, &state.claim) else {
        return false;
    };
    let taint = disrupted_taint();
    let tainted = node
        .spec
        .taints
        .iter()
        .any(|held| held.same_identity(&taint));
    !node.metadata.is_deleting()
        && (tainted || find(&claim.status.conditions, "DisruptionReason").is_some())
}

/// Takes taint and condition off a node. Failures are left to the next look.
pub(super) async fn untaint(shared: &Shared, name: &str) {
    if let Err(error) = try_untaint(shared, name).await {
        tracing::debug!(node = name, %error, "cleaning up failed and will be repeated");
    }
}

async fn try_untaint(shared: &Shared, name: &str) -> Result<(), ApiError> {
    let state = shared.with(|cluster| cluster.node(name).cloned());
    let Some((Some(node), Some(claim))) = state.map(|s| (s.node.clone(), s.claim.clone())) else {
        return Ok(());
    };
    if !node.metadata.is_deleting() {
        let taint = disrupted_taint();
        let mut wanted = (*node).clone();
        wanted
            .spec
            .taints
            .retain(|held| !held.same_identity(&taint));
        write::node(shared, &node, &wanted).await?;
    }
    let mut wanted = (*claim).clone();
    if find(&wanted.status.conditions, "DisruptionReason").is_some() {
        Conditions::of_claim(&mut wanted, shared.now()).clear("DisruptionReason");
        write::claim(shared, &claim, &wanted).await?;
    }
    Ok(())
}
