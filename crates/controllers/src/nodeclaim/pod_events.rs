//! `nodeclaim.podevents`: when pods last came to a claim's node or left it.

use ::lifecycle::podevents::note;
use runtime::Next;

use crate::shared::Shared;
use crate::write;

/// Writes the time to the claim of the node on which something happened.
pub(crate) async fn reconcile(shared: &Shared, node: String) -> Next {
    let claim = shared.with(|cluster| cluster.node(&node).and_then(|node| node.claim.clone()));
    let Some(claim) = claim.filter(|claim| shared.owns(&claim.spec.node_class_ref)) else {
        return Next::AwaitChange;
    };
    let Some(changed) = note(&claim, shared.now()) else {
        return Next::AwaitChange;
    };
    match write::claim(shared, &claim, &changed).await {
        Ok(_) => Next::AwaitChange,
        Err(error) => super::after(&error, "node", &node),
    }
}
