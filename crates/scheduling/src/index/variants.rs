//! What a pod asks of a node, as a chain of alternatives: preferences are requirements at first and
//! are given up one by one, in the reference's order.
//!
//! Two things differ from the reference, both so that no pod is left that has a place. Every
//! required term is tried once more without preferences at the end of the chain; the reference
//! gives a term up for good if it failed because of a preference. A pod's taint toleration may also
//! be widened for any of its terms, not only for the last.

use model::k8s::affinity::TopologySpreadConstraint;
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
    /// Which preferences about other pods count.
    pub(crate) kept: Kept,
}

/// Which preferences about other pods count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Kept {
    /// How many of the heaviest preferred pod affinity terms are given up.
    pub(crate) affinity_dropped: usize,
    /// How many of the heaviest preferred pod anti-affinity terms are given up.
    pub(crate) anti_affinity_dropped: usize,
    /// Positions of the spread constraints that count; those that must hold always do.
    pub(crate) spreads: Vec<usize>,
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
    spreads: &[TopologySpreadConstraint],
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
    let mut add = |requirements: Requirements, kept: &Kept, soft_taints: SoftTaints| {
        let variant = Variant {
            requirements,
            soft_taints,
            kept: kept.clone(),
        };
        if !chain.contains(&variant) {
            chain.push(variant);
        }
    };
    let steps = about_pods(spec, policy, spreads);
    let (all, steps) = steps
        .split_first()
        .unwrap_or_else(|| unreachable!("never empty"));
    let heaviest = preferred.first();
    for term in earlier.iter().chain([last]) {
        add(with(term, heaviest), all, SoftTaints::Stop);
    }
    let mut kept = all;
    let mut steps = steps.iter().peekable();
    while let Some(next) = steps.next_if(|next| next.spreads == all.spreads) {
        kept = next;
        add(with(last, heaviest), kept, SoftTaints::Stop);
    }
    for preference in preferred.iter().skip(1) {
        add(with(last, Some(preference)), kept, SoftTaints::Stop);
    }
    add(last.clone(), kept, SoftTaints::Stop);
    for next in steps {
        kept = next;
        add(last.clone(), kept, SoftTaints::Stop);
    }
    for term in earlier {
        add(term.clone(), kept, SoftTaints::Stop);
    }
    if soft == SoftTaints::Stop && !spec.tolerations.contains(&tolerate_soft()) {
        for term in std::iter::once(last).chain(earlier) {
            add(term.clone(), kept, SoftTaints::Tolerated);
        }
    }
    chain
}

/// What is kept of the preferences about other pods, step by step: pod affinity is given up first,
/// then anti-affinity, then spread, the heaviest of each kind first. Of spread constraints the
/// first goes, and the last takes its place.
fn about_pods(
    spec: &PodSpec,
    policy: PreferencePolicy,
    constraints: &[TopologySpreadConstraint],
) -> Vec<Kept> {
    let affinity = spec.affinity.as_ref();
    let near = affinity.and_then(|a| a.pod_affinity.as_ref());
    let away = affinity.and_then(|a| a.pod_anti_affinity.as_ref());
    let near = near.map_or(0, |terms| terms.preferred.len());
    let away = away.map_or(0, |terms| terms.preferred.len());
    let is_soft = |at: &usize| constraints[*at].when_unsatisfiable == "ScheduleAnyway";
    let mut kept = Kept {
        spreads: (0..constraints.len()).collect(),
        ..Kept::default()
    };
    if policy == PreferencePolicy::Ignore {
        kept.affinity_dropped = near;
        kept.anti_affinity_dropped = away;
        kept.spreads.retain(|at| !is_soft(at));
    }
    let mut steps = vec![kept.clone()];
    while kept.affinity_dropped < near {
        kept.affinity_dropped += 1;
        steps.push(kept.clone());
    }
    while kept.anti_affinity_dropped < away {
        kept.anti_affinity_dropped += 1;
        steps.push(kept.clone());
    }
    while let Some(first) = kept.spreads.iter().position(is_soft) {
        kept.spreads.swap_remove(first);
        steps.push(kept.clone());
    }
    steps
}

fn with(term: &Requirements, preference: Option<&Requirements>) -> Requirements {
    preference.map_or_else(|| term.clone(), |preference| term.intersect(preference))
}

#[cfg(test)]
mod tests;
