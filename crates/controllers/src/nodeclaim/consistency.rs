//! `nodeclaim.consistency`: the condition `ConsistentStateFound`.

use ::lifecycle::consistency::{INTERVAL, compare, concerns, judged, notices, wait};
use runtime::Next;

use crate::shared::Shared;
use crate::{tell, write};

/// Compares one claim with its node, if it is time. A comparison counts once it has been made and
/// written down: a node that can't be found puts nothing off.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    let compared = &shared.compared;
    let Some(claim) = shared.claim(&name) else {
        compared.forget(&name);
        return Next::AwaitChange;
    };
    if !shared.owns(&claim.spec.node_class_ref) || !concerns(&claim) {
        return Next::AwaitChange;
    }
    let now = shared.now();
    if let Some(wait) = wait(compared.get(&claim), now) {
        return Next::After(wait);
    }
    let nodes = shared.with(|cluster| cluster.nodes_of(&claim.status.provider_id));
    let [node] = &nodes[..] else {
        return Next::AwaitChange;
    };
    let issues = compare(&claim, node);
    match write::claim(shared, &claim, &judged(&claim, &issues, now)).await {
        Ok(None) => Next::AwaitChange,
        Ok(Some(_)) => {
            for issue in &issues {
                tracing::error!(nodeclaim = name, %issue, "the node is not what was promised");
            }
            tell::publish(shared, &notices(&claim, issues));
            compared.put(&claim, now);
            Next::After(INTERVAL)
        }
        Err(error) => super::after(&error, "nodeclaim", &name),
    }
}
