//! One pod against each candidate, as if no other pod were waiting.

use std::sync::Arc;

use cluster::{PendingGroup, PodRecord, PoolState, Snapshot};
use scheduling::{Batch, Candidate, NewNodes, Rejection};
use serde::Serialize;

use super::Case;

/// What a candidate says to the pod.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    /// `nodepool/default`, `node/n1 and 3 more`.
    pub(crate) candidate: String,
    /// Whether it would take the pod if no other were waiting.
    pub(crate) takes: bool,
    /// What it would be, or the first thing that would have to change.
    pub(crate) reason: String,
    /// The price of a new node for this pod alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price_per_hour: Option<f64>,
}

/// The answers of all nodes that are there and of all pools.
pub(crate) fn candidates(case: &Case<'_>, pod: &Arc<PodRecord>) -> Vec<Answer> {
    let alone = alone(case.snapshot, pod);
    let mut answers = nodes(case, &alone, pod);
    let fits_a_node = answers.iter().any(|answer| answer.takes);
    for pool in case.snapshot.pools.iter() {
        answers.push(of_pool(case, &alone, pod, pool, fits_a_node));
    }
    answers
}

fn alone(snapshot: &Snapshot, pod: &Arc<PodRecord>) -> Snapshot {
    let group = PendingGroup {
        shape: pod.shape.clone(),
        pods: [pod.clone()].into(),
    };
    Snapshot {
        pending: [Arc::new(group)].into(),
        ..snapshot.clone()
    }
}

fn nodes(case: &Case<'_>, alone: &Snapshot, pod: &PodRecord) -> Vec<Answer> {
    if alone.nodes.is_empty() {
        return Vec::new();
    }
    let batch = Batch {
        new_nodes: NewNodes::Forbidden,
        ..Batch::default()
    };
    let placement = case.solve(alone, &batch);
    let here = placement
        .existing
        .iter()
        .filter(|node| holds(&node.pods, pod));
    let taking = here.map(|node| Answer {
        candidate: format!("node/{}", node.node),
        takes: true,
        reason: "has room for it".to_owned(),
        price_per_hour: None,
    });
    let unplaced = placement
        .unplaced
        .iter()
        .filter(|unplaced| same(&unplaced.pod, pod));
    let refusals = unplaced.flat_map(|unplaced| unplaced.refusals.iter());
    let refusing = refusals.filter(|refusal| refusal.rejection != Rejection::NewNodesForbidden);
    taking
        .chain(refusing.map(|refusal| Answer {
            candidate: refusal.candidate.to_string(),
            takes: false,
            reason: refusal.rejection.to_string(),
            price_per_hour: None,
        }))
        .collect()
}

fn of_pool(
    case: &Case<'_>,
    alone: &Snapshot,
    pod: &PodRecord,
    pool: &Arc<PoolState>,
    fits_a_node: bool,
) -> Answer {
    let mut asked = Snapshot {
        pools: [pool.clone()].into(),
        ..alone.clone()
    };
    if fits_a_node {
        // Or else that node would take it. Pods that run do not count for its rules then.
        asked.nodes = [].into();
    }
    let mut placement = case.solve(&asked, &Batch::default());
    let rules = |unplaced: &scheduling::Unplaced| {
        let mut refusals = unplaced.refusals.iter();
        refusals.any(|refusal| matches!(refusal.rejection, Rejection::Topology(_)))
    };
    if placement.unplaced.iter().any(rules) {
        // It may wait for pods that wait like itself.
        asked.pending = case.snapshot.pending.clone();
        placement = case.solve(&asked, &Batch::default());
    }
    let candidate = format!("nodepool/{}", pool.name());
    if let Some(claim) = placement
        .new_claims
        .iter()
        .find(|claim| holds(&claim.pods, pod))
    {
        let launch = &claim.launch;
        return Answer {
            candidate,
            takes: true,
            reason: format!(
                "a new {} ({}, {}), cheapest of {}",
                launch.instance_type,
                launch.zone,
                launch.capacity_type,
                view::format::count(claim.instance_types.len(), "type")
            ),
            price_per_hour: Some(launch.price.dollars()),
        };
    }
    let unplaced = placement
        .unplaced
        .iter()
        .find(|unplaced| same(&unplaced.pod, pod));
    let refusals = unplaced
        .map(|unplaced| &*unplaced.refusals)
        .unwrap_or_default();
    let of_pools = |candidate: &Candidate| !matches!(candidate, Candidate::Nodes { .. });
    let refusal = refusals.iter().find(|refusal| of_pools(&refusal.candidate));
    Answer {
        candidate,
        takes: false,
        reason: refusal.map_or_else(
            || "was not asked".to_owned(),
            |refusal| refusal.rejection.to_string(),
        ),
        price_per_hour: None,
    }
}

/// Whether a pod is among others.
pub(super) fn holds(pods: &[Arc<PodRecord>], pod: &PodRecord) -> bool {
    pods.iter().any(|other| same(other, pod))
}

/// Whether two records are of one pod.
pub(super) fn same(left: &PodRecord, right: &PodRecord) -> bool {
    left.name == right.name && left.namespace() == right.namespace()
}
