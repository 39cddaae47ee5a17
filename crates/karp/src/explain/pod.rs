//! A pod: where it is or goes and for how much, or why it goes nowhere.

use std::sync::Arc;

use cluster::PodRecord;
use model::ResourceList;
use scheduling::PlannedClaim;
use serde::Serialize;

use super::Case;
use super::node::price_of;
use super::preferences::{Preference, preferences};
use super::probe::{Answer, candidates, holds, same};

/// Instance types that are named; the rest is counted.
const NAMED_TYPES: usize = 5;

/// All about a pod.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodExplanation {
    /// Namespace and name.
    pub(crate) pod: String,
    /// Where it stands.
    pub(crate) state: PodState,
    /// The same in one line.
    pub(crate) summary: String,
    /// What it requests.
    pub(crate) requests: ResourceList,
    /// Where it is or goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Placed>,
    /// What it prefers, and whether its place meets it.
    pub(crate) preferences: Vec<Preference>,
    /// What every pool and node says to it.
    pub(crate) candidates: Vec<Answer>,
}

/// Where a pod stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PodState {
    /// It is on a node.
    Bound,
    /// It is not for Karpenter to place, now or at all.
    NotTaken,
    /// It asks for what cannot be, or keeps away from Karpenter's nodes.
    Ignored,
    /// It would go to a node that is there.
    ToExistingNode,
    /// It would go to a new node.
    ToNewNode,
    /// No node takes it.
    WithoutPlace,
}

/// A node that a pod is on or goes to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Placed {
    /// Name of the node, or of the planned claim.
    pub(crate) node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node_pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity_type: Option<String>,
    /// Pods on it, this one included.
    pub(crate) pods: usize,
    /// The whole node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price_per_hour: Option<f64>,
    /// The pod's part of it: by its share of what the pods there request, CPU and memory weighing
    /// the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pod_price_per_hour: Option<f64>,
    /// How many types a new node may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) types: Option<usize>,
    /// The cheapest of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cheapest_types: Vec<String>,
}

impl PodExplanation {
    /// Whether the pod is left without a place.
    pub(crate) fn is_without_place(&self) -> bool {
        matches!(self.state, PodState::WithoutPlace | PodState::Ignored)
    }
}

pub(super) fn explain(case: &Case<'_>, pod: &Arc<PodRecord>) -> PodExplanation {
    let (state, summary, place) = standing(case, pod);
    let asked = matches!(
        state,
        PodState::ToExistingNode | PodState::ToNewNode | PodState::WithoutPlace
    );
    PodExplanation {
        pod: pod.key().to_string(),
        state,
        summary,
        requests: case.snapshot.dimensions.list(&pod.shape.requests),
        place,
        preferences: preferences(case, pod),
        candidates: match state {
            PodState::WithoutPlace => refusals(case, pod),
            _ if asked => candidates(case, pod),
            _ => Vec::new(),
        },
    }
}

fn standing(case: &Case<'_>, pod: &PodRecord) -> (PodState, String, Option<Placed>) {
    let snapshot = case.snapshot;
    if let Some(node) = &pod.node {
        let place = snapshot.node(node).map(|_| on_node(case, node, pod));
        return (PodState::Bound, format!("runs on node {node}"), place);
    }
    if let Some(existing) = case
        .placement
        .existing
        .iter()
        .find(|node| holds(&node.pods, pod))
    {
        let node = &existing.node;
        let summary = format!("goes to node {node}, which is there and costs nothing more");
        return (
            PodState::ToExistingNode,
            summary,
            Some(on_node(case, node, pod)),
        );
    }
    if let Some(claim) = case
        .placement
        .new_claims
        .iter()
        .find(|claim| holds(&claim.pods, pod))
    {
        let launch = &claim.launch;
        let summary = format!(
            "goes to a new node of nodepool {}: {} in {}, {}",
            claim.pool, launch.instance_type, launch.zone, launch.capacity_type
        );
        return (
            PodState::ToNewNode,
            summary,
            Some(on_claim(case, claim, pod)),
        );
    }
    if !pod.shape.problems.is_empty() && snapshot.why_waiting(pod).is_none() {
        let problems: Vec<String> = pod.shape.problems.iter().map(ToString::to_string).collect();
        return (PodState::Ignored, problems.join("; "), None);
    }
    if let Some(why) = snapshot.why_waiting(pod) {
        return (PodState::NotTaken, format!("not placed now: {why}"), None);
    }
    (
        PodState::WithoutPlace,
        "has no place: no pool and no node takes it".to_owned(),
        None,
    )
}

fn refusals(case: &Case<'_>, pod: &PodRecord) -> Vec<Answer> {
    let unplaced = case
        .placement
        .unplaced
        .iter()
        .find(|unplaced| same(&unplaced.pod, pod));
    let refusals = unplaced
        .map(|unplaced| &*unplaced.refusals)
        .unwrap_or_default();
    refusals
        .iter()
        .map(|refusal| Answer {
            candidate: refusal.candidate.to_string(),
            takes: false,
            reason: refusal.rejection.to_string(),
            price_per_hour: None,
        })
        .collect()
}

fn on_node(case: &Case<'_>, name: &str, pod: &PodRecord) -> Placed {
    let node = case.snapshot.node(name);
    let new = case
        .placement
        .existing
        .iter()
        .find(|existing| &*existing.node == name);
    let running = node.map(|node| node.pods.as_slice()).unwrap_or_default();
    let coming = new.map(|new| new.pods.as_slice()).unwrap_or_default();
    let pods: Vec<&PodRecord> = running.iter().chain(coming).map(Arc::as_ref).collect();
    let text = |value: Option<&str>| value.map(str::to_owned);
    let price = node.and_then(|node| price_of(case.snapshot, node));
    Placed {
        node: name.to_owned(),
        node_pool: node.and_then(|node| text(node.pool())),
        instance_type: node.and_then(|node| text(node.instance_type())),
        zone: node.and_then(|node| text(node.zone())),
        capacity_type: node.and_then(|node| text(node.capacity_type())),
        pods: pods.len(),
        price_per_hour: price,
        pod_price_per_hour: price.map(|price| price * share(case, &pods, pod)),
        types: None,
        cheapest_types: Vec::new(),
    }
}

fn on_claim(case: &Case<'_>, claim: &PlannedClaim, pod: &PodRecord) -> Placed {
    let launch = &claim.launch;
    let pods: Vec<&PodRecord> = claim.pods.iter().map(Arc::as_ref).collect();
    let price = launch.price.dollars();
    let names = claim.instance_types.iter().map(|ty| ty.name.to_string());
    Placed {
        node: claim.name.clone(),
        node_pool: Some(claim.pool.to_string()),
        instance_type: Some(launch.instance_type.to_string()),
        zone: Some(launch.zone.to_string()),
        capacity_type: Some(launch.capacity_type.to_string()),
        pods: pods.len(),
        price_per_hour: Some(price),
        pod_price_per_hour: Some(price * share(case, &pods, pod)),
        types: Some(claim.instance_types.len()),
        cheapest_types: names.take(NAMED_TYPES).collect(),
    }
}

/// A pod's part of what pods request: the mean of its parts of CPU and of memory, or of the one of
/// them that is requested at all.
fn share(case: &Case<'_>, pods: &[&PodRecord], pod: &PodRecord) -> f64 {
    let parts: Vec<f64> = ["cpu", "memory"]
        .into_iter()
        .filter_map(|name| {
            let id = case.snapshot.dimensions.get(name)?;
            let total: i64 = pods.iter().map(|pod| pod.shape.requests.get(id)).sum();
            (total > 0).then(|| pod.shape.requests.get(id) as f64 / total as f64)
        })
        .collect();
    if parts.is_empty() {
        return 1.0 / pods.len().max(1) as f64;
    }
    parts.iter().sum::<f64>() / parts.len() as f64
}
