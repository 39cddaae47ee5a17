//! Which of several nodes is the best: the scores of kube-scheduler with its default weights.
//!
//! Each score is brought to 0 to 100 over the candidates, as Kubernetes does it. Where Kubernetes
//! draws lots between equal nodes, the first by name wins. What is *not* here: image locality, and
//! the spread that kube-scheduler prefers for pods that ask for none.

use model::k8s::{Node, TaintEffect};
use model::resources;
use requirements::taints::tolerates_any;

use super::fit::term_matches;
use super::index::Index;
use super::look::{Effect, Look};
use super::volumes::Plan;

/// A node that a pod could go to.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) slot: usize,
    pub(super) node: &'a Node,
    pub(super) plans: Vec<Plan>,
}

const TAINT_WEIGHT: i64 = 3;
const NODE_AFFINITY_WEIGHT: i64 = 2;
const SPREAD_WEIGHT: i64 = 2;
const POD_AFFINITY_WEIGHT: i64 = 2;

/// The best of the candidates.
pub(super) fn best<'a>(
    index: &Index,
    look: &Look,
    mut candidates: Vec<Candidate<'a>>,
) -> Option<Candidate<'a>> {
    if candidates.len() < 2 {
        return candidates.pop();
    }
    let mut scores: Vec<i64> = candidates
        .iter()
        .map(|one| free_and_balanced(index, look, one))
        .collect();
    let mut add = |weight: i64, part: Vec<i64>| {
        for (score, part) in scores.iter_mut().zip(part) {
            *score += weight * part;
        }
    };
    add(TAINT_WEIGHT, few_taints(look, &candidates));
    let affinity = look.spec.affinity.as_ref();
    let preferred = affinity.and_then(|affinity| affinity.node_affinity.as_ref());
    if preferred.is_some_and(|affinity| !affinity.preferred.is_empty()) {
        add(NODE_AFFINITY_WEIGHT, node_affinity(look, &candidates));
    }
    if !look.soft.is_empty() {
        add(SPREAD_WEIGHT, spread(index, look, &candidates));
    }
    if !(look.liked.is_empty() && look.met.is_empty()) {
        add(POD_AFFINITY_WEIGHT, pod_affinity(index, look, &candidates));
    }
    let name = |number: usize| std::cmp::Reverse(&candidates[number].node.metadata.name);
    let best = (0..candidates.len()).max_by_key(|&number| (scores[number], name(number)))?;
    Some(candidates.swap_remove(best))
}

/// `LeastAllocated` and `NodeResourcesBalancedAllocation`: the more of cpu and memory is left, and
/// the more evenly they are used, the better.
fn free_and_balanced(index: &Index, look: &Look, candidate: &Candidate<'_>) -> i64 {
    let entry = &index.nodes[candidate.slot];
    let requests = &index.rooms[look.room].needs.requests;
    let used = |resource: &str| -> i64 {
        let all = resources::get(&candidate.node.status.allocatable, resource).nanos();
        let used = resources::get(&entry.used, resource) + resources::get(requests, resource);
        if all <= 0 {
            return MILLION;
        }
        let share = used.nanos().saturating_mul(i128::from(MILLION)) / all;
        i64::try_from(share).unwrap_or(MILLION).clamp(0, MILLION)
    };
    let (cpu, memory) = (used(resources::CPU), used(resources::MEMORY));
    let free = (2 * MILLION - cpu - memory) / 20_000;
    let balanced = (MILLION - (cpu - memory).abs() / 2) / 10_000;
    free + balanced
}

const MILLION: i64 = 1_000_000;

/// `TaintToleration`: the fewer `PreferNoSchedule` taints are not tolerated, the better.
fn few_taints(look: &Look, candidates: &[Candidate<'_>]) -> Vec<i64> {
    let bad = candidates.iter().map(|one| {
        let taints = one.node.spec.taints.iter();
        let soft = taints.filter(|taint| taint.effect == TaintEffect::PreferNoSchedule);
        let bad = soft.filter(|taint| !tolerates_any(&look.spec.tolerations, taint));
        bad.count() as i64
    });
    let bad: Vec<i64> = bad.collect();
    let most = bad.iter().copied().max().unwrap_or(0);
    let score = |bad: &i64| {
        if most == 0 {
            100
        } else {
            100 - bad * 100 / most
        }
    };
    bad.iter().map(score).collect()
}

/// `NodeAffinity`: the weights of the preferred terms that match.
fn node_affinity(look: &Look, candidates: &[Candidate<'_>]) -> Vec<i64> {
    let affinity = look.spec.affinity.as_ref();
    let preferred = affinity.and_then(|affinity| affinity.node_affinity.as_ref());
    let sum = |one: &Candidate<'_>| -> i64 {
        let terms = preferred
            .into_iter()
            .flat_map(|affinity| &affinity.preferred);
        terms
            .filter(|term| term_matches(&term.preference, one.node))
            .map(|term| i64::from(term.weight))
            .sum()
    };
    let sums: Vec<i64> = candidates.iter().map(sum).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    sums.iter().map(|sum| sum * 100 / most).collect()
}

/// `PodTopologySpread`: the fewer pods are in the node's domains, the better; a constraint with
/// many domains counts for more. Nodes without the labels come last.
fn spread(index: &Index, look: &Look, candidates: &[Candidate<'_>]) -> Vec<i64> {
    let labels = |one: &Candidate<'_>| {
        let mut views = look.soft.iter().map(|(view, _)| &index.views[*view]);
        views.all(|view| one.node.metadata.labels.contains_key(view.topology_key()))
    };
    let weights: Vec<f64> = look
        .soft
        .iter()
        .map(|(view, _)| {
            let key = index.views[*view].topology_key();
            let with = candidates.iter().filter(|one| labels(one));
            let values: std::collections::BTreeSet<&String> = with
                .filter_map(|one| one.node.metadata.labels.get(key))
                .collect();
            (values.len() as f64 + 2.0).ln()
        })
        .collect();
    let cost = |one: &Candidate<'_>| -> Option<i64> {
        if !labels(one) {
            return None;
        }
        let mut sum = 0.0;
        for ((view, spread), weight) in look.soft.iter().zip(&weights) {
            let view = &index.views[*view];
            let have = if view.topology_key() == api::labels::HOSTNAME {
                view.on(one.slot)
            } else {
                view.near(one.node).unwrap_or(0)
            };
            sum += have as f64 * weight + (spread.max_skew - 1) as f64;
        }
        Some(sum.round() as i64)
    };
    let costs: Vec<Option<i64>> = candidates.iter().map(cost).collect();
    let (least, most) = (
        costs.iter().flatten().copied().min().unwrap_or(0),
        costs.iter().flatten().copied().max().unwrap_or(0),
    );
    let score = |cost: &Option<i64>| match cost {
        None => 0,
        Some(_) if most == 0 => 100,
        Some(cost) => 100 * (most + least - cost) / most,
    };
    costs.iter().map(score).collect()
}

/// `InterPodAffinity`: what the pod prefers, and what pods that are there prefer of it.
fn pod_affinity(index: &Index, look: &Look, candidates: &[Candidate<'_>]) -> Vec<i64> {
    let near = |view: usize, node: &Node| index.views[view].near(node).unwrap_or(0);
    let sum = |one: &Candidate<'_>| -> i64 {
        let own = look
            .liked
            .iter()
            .map(|(view, weight)| weight * near(*view, one.node));
        let of_others = look.met.iter().filter_map(|(view, effect)| match effect {
            Effect::Attracts(weight) => Some(weight * near(*view, one.node)),
            Effect::Forbids => None,
        });
        own.chain(of_others).sum()
    };
    let sums: Vec<i64> = candidates.iter().map(sum).collect();
    let (least, most) = (
        sums.iter().copied().min().unwrap_or(0),
        sums.iter().copied().max().unwrap_or(0),
    );
    let score = |sum: &i64| {
        if most > least {
            100 * (sum - least) / (most - least)
        } else {
            0
        }
    };
    sums.iter().map(score).collect()
}
