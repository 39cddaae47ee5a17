//! Requirements that a pod's node selector and node affinity stand for.
//!
//! What is *not* here: in which order alternatives are tried and preferences given up
//! (`scheduling`), pod affinity and spread. `matchFields` are not looked at: see
//! [`has_match_fields`].

use api::labels;
use model::k8s::affinity::NodeAffinity;
use model::k8s::{NodeSelectorTerm, PodSpec};

use crate::{Requirement, Requirements, Vocabulary};

/// The node selector alone.
pub fn selector(spec: &PodSpec, vocabulary: &Vocabulary) -> Requirements {
    vocabulary.label_requirements(&spec.node_selector)
}

/// What must hold: one set per required node affinity term, each with the node selector; one of
/// them must be met. A pod without required affinity has one, the node selector. A pod whose
/// required terms are all empty has none, and can run nowhere: an empty term matches no node.
pub fn required(spec: &PodSpec, vocabulary: &Vocabulary) -> Vec<Requirements> {
    let base = selector(spec, vocabulary);
    let Some(required) = node_affinity(spec).and_then(|affinity| affinity.required.as_ref()) else {
        return vec![base];
    };
    required
        .node_selector_terms
        .iter()
        .filter(|term| !is_empty(term))
        .map(|item| base.intersect(&term(item, vocabulary)))
        .collect()
}

/// What should hold: weights and terms, heaviest first, equal weights in their order.
pub fn preferred(spec: &PodSpec, vocabulary: &Vocabulary) -> Vec<(i32, Requirements)> {
    let mut terms: Vec<(i32, Requirements)> = node_affinity(spec)
        .into_iter()
        .flat_map(|affinity| &affinity.preferred)
        .map(|preferred| (preferred.weight, term(&preferred.preference, vocabulary)))
        .collect();
    terms.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    terms
}

/// The expressions of one term. An operator that does not exist admits nothing.
pub fn term(term: &NodeSelectorTerm, vocabulary: &Vocabulary) -> Requirements {
    term.match_expressions
        .iter()
        .map(|expression| {
            let values = expression.values.iter().map(String::as_str);
            vocabulary.written(&expression.key, &expression.operator, values, None)
        })
        .collect()
}

/// Whether any required term selects by field, which plans for new nodes can't honour.
pub fn has_match_fields(spec: &PodSpec) -> bool {
    node_affinity(spec)
        .and_then(|affinity| affinity.required.as_ref())
        .is_some_and(|r| {
            r.node_selector_terms
                .iter()
                .any(|term| !term.match_fields.is_empty())
        })
}

/// The requirement by which a pod says that it will not run on our nodes, if it says so:
/// `karpenter.sh/nodepool DoesNotExist` in the set that applies first.
pub fn opt_out(requirements: &Requirements) -> Option<&Requirement> {
    requirements
        .get(labels::NODEPOOL)
        .filter(|requirement| requirement.admits_absence() && !requirement.admits_some_value())
}

fn node_affinity(spec: &PodSpec) -> Option<&NodeAffinity> {
    spec.affinity.as_ref()?.node_affinity.as_ref()
}

fn is_empty(term: &NodeSelectorTerm) -> bool {
    term.match_expressions.is_empty() && term.match_fields.is_empty()
}

#[cfg(test)]
mod tests;
