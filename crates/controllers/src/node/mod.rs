//! The loops of Nodes.

pub(crate) mod eviction;
pub(crate) mod health;
pub(crate) mod termination;

use model::k8s::Node;

use crate::shared::Shared;

/// Nodes of ours carry a label of one of our node class kinds, or are held by a claim of ours.
fn is_ours(shared: &Shared, node: &Node) -> bool {
    let kinds = shared.world.cloud.node_class_kinds();
    let labels = &node.metadata.labels;
    let labelled = kinds
        .iter()
        .any(|kind| labels.contains_key(&format!("{}/{}", kind.group, kind.kind.to_lowercase())));
    labelled
        || shared
            .claim_of(node)
            .is_some_and(|claim| shared.owns(&claim.spec.node_class_ref))
}
