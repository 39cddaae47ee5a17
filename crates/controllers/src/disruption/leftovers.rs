//! What an earlier run, or a command that was taken back, has left on nodes that stay.

use cluster::{NodeState, Snapshot};
use lifecycle::conditions::find;
use lifecycle::keys::disrupted_taint;

use super::mark;
use crate::shared::Shared;

/// Takes taint and condition off nodes that nobody is about to remove; whether nothing is left. A
/// cluster without left-overs costs a look at each node in memory.
pub(super) async fn clean(shared: &Shared, snapshot: &Snapshot) -> bool {
    let left: Vec<(String, String)> = snapshot
        .nodes
        .iter()
        .filter(|node| !node.is_marked())
        .filter_map(|node| left_on(node))
        .collect();
    let freed = mark::each(&left, |(node, claim)| async move {
        let freed = mark::free(shared, node, claim).await;
        if let Err(error) = &freed {
            tracing::debug!(node, %error, "cleaning up failed and will be repeated");
        }
        freed.is_ok()
    });
    freed.await.into_iter().all(|freed| freed)
}

/// Node and claim of a machine that carries taint or condition of a disruption.
fn left_on(state: &NodeState) -> Option<(String, String)> {
    let (node, claim) = (state.node.as_ref()?, state.claim.as_ref()?);
    let has_condition = find(&claim.status.conditions, mark::CONDITION).is_some();
    let taint = disrupted_taint();
    let mut taints = node.spec.taints.iter();
    let is_left = has_condition || taints.any(|held| held.same_identity(&taint));
    (is_left && !node.metadata.is_deleting())
        .then(|| (node.metadata.name.clone(), claim.metadata.name.clone()))
}
