//! The label that names the node class, on claims and nodes that were made before there was one or
//! that somebody has taken it off.

use model::k8s::Node;

use super::{ClaimFacts, ClaimStep};

/// Puts the label on the claim and on its node.
pub(super) fn hydrate(step: &mut ClaimStep, facts: &ClaimFacts<'_>) {
    let class = step.claim.spec.node_class_ref.clone();
    if [&class.group, &class.kind, &class.name]
        .iter()
        .any(|part| part.is_empty())
    {
        return;
    }
    let key = class.label_key();
    let held = &mut step.claim.metadata.labels;
    if held.get(&key) != Some(&class.name) {
        held.insert(key.clone(), class.name.clone());
    }
    let [node] = facts.nodes else { return };
    let node = step.node.as_ref().unwrap_or(node);
    if node.metadata.labels.get(&key) != Some(&class.name) {
        let mut wanted = Node::clone(node);
        wanted.metadata.labels.insert(key, class.name);
        step.node = Some(wanted);
    }
}
