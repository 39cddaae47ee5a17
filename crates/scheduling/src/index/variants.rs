//! What a pod asks of a node, as a chain of alternatives: preferences are requirements at first and
//! are given up one by one, in the reference's order.
//!
//! Two things differ from the reference, both so that no pod is left that has a place. Every
//! required term is tried once more without preferences at the end of the chain; the reference
//! gives a term up for good if it failed because of a preference. A pod's taint toleration may also
//! be widened for any of its terms, not only for the last.

use model::k8s::{PodSpec, TaintEffect, Toleration};
use requirements::{Requirements, Vocabulary, pod};

use crate::options::PreferencePolicy;

/// Whether `PreferNoSchedule` taints stop a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SoftTaints {
    /// They do.
    Stop,
    /// They do not.
    Tolerated,
}

/// One alternative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    /// What the node must be.
    pub(crate) requirements: Requirements,
    /// Whether `PreferNoSchedule` taints stop the pod.
    pub(crate) soft_taints: SoftTaints,
}

/// The toleration of every `PreferNoSchedule` taint.
pub(crate) fn tolerate_soft() -> Toleration {
    Toleration {
        operator: "Exists".to_owned(),
        effect: Some(TaintEffect::PreferNoSchedule),
        ..Toleration::default()
    }
}

/// The alternatives of a pod in the order in which they are tried. Empty if no node can serve: the
/// required affinity has only empty terms. `soft` is `Stop` where some pool has a soft taint, so
/// that it matters.
pub(crate) fn variants(
    spec: &PodSpec,
    vocabulary: &Vocabulary,
    policy: PreferencePolicy,
    soft: SoftTaints,
) -> Vec<Variant> {
    let required = pod::required(spec, vocabulary);
    let preferred: Vec<Requirements> = match policy {
        PreferencePolicy::Respect => pod::preferred(spec, vocabulary)
            .into_iter()
            .map(|(_, requirements)| requirements)
            .collect(),
        PreferencePolicy::Ignore => Vec::new(),
    };
    let Some((last, earlier)) = required.split_last() else {
        return Vec::new();
    };
    let mut chain: Vec<Variant> = Vec::new();
    let mut add = |requirements: Requirements, soft_taints: SoftTaints| {
        let variant = Variant {
            requirements,
            soft_taints,
        };
        if !chain.contains(&variant) {
            chain.push(variant);
        }
    };
    for term in earlier {
        let heaviest = preferred.first();
        add(with(term, heaviest), SoftTaints::Stop);
    }
    for preference in &preferred {
        add(with(last, Some(preference)), SoftTaints::Stop);
    }
    add(last.clone(), SoftTaints::Stop);
    for term in earlier {
        add(term.clone(), SoftTaints::Stop);
    }
    if soft == SoftTaints::Stop && !spec.tolerations.contains(&tolerate_soft()) {
        for term in std::iter::once(last).chain(earlier) {
            add(term.clone(), SoftTaints::Tolerated);
        }
    }
    chain
}

fn with(term: &Requirements, preference: Option<&Requirements>) -> Requirements {
    preference.map_or_else(|| term.clone(), |preference| term.intersect(preference))
}

#[cfg(test)]
mod tests;
