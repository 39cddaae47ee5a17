//! A node: what is on it, how full it is, what it costs, and whether it goes.

use std::sync::Arc;

use cluster::disposition::is_reschedulable;
use cluster::{NodeState, Snapshot};
use model::{Quantity, resources};
use serde::Serialize;

use super::Case;

/// Hours of a month, as EC2's price pages have it.
const HOURS_PER_MONTH: f64 = 730.0;

/// All about a node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeExplanation {
    /// Name.
    pub(crate) node: String,
    /// Whether it stays, in one line.
    pub(crate) summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node_pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node_claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity_type: Option<String>,
    /// How far it has come.
    pub(crate) phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price_per_hour: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price_per_month: Option<f64>,
    /// Taints that pods must tolerate now.
    pub(crate) taints: Vec<String>,
    /// How full it is.
    pub(crate) fill: Vec<Fill>,
    /// Its pods.
    pub(crate) pods: Vec<PodOnNode>,
    /// Pending pods that would go to it.
    pub(crate) coming: Vec<String>,
    /// What disruption would do with it now.
    pub(crate) disruption: Fate,
}

/// One resource of a node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fill {
    pub(crate) resource: String,
    pub(crate) requested: Quantity,
    pub(crate) allocatable: Quantity,
    pub(crate) percent: f64,
}

/// A pod that is there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodOnNode {
    pub(crate) pod: String,
    pub(crate) cpu: Quantity,
    pub(crate) memory: Quantity,
    /// Whether it needs a place elsewhere when the node goes.
    pub(crate) moves: bool,
}

/// What disruption would do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fate {
    /// Whether the node would go.
    pub(crate) goes: bool,
    /// Why it goes or stays.
    pub(crate) reason: String,
    /// What the command saves an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) saves_per_hour: Option<f64>,
}

/// What a node costs an hour, if its pool knows its type.
pub(super) fn price_of(snapshot: &Snapshot, node: &NodeState) -> Option<f64> {
    let pool = snapshot.pool(node.pool()?)?;
    Some(disruption::cost::price(node, pool)?.dollars())
}

pub(super) fn explain(case: &Case<'_>, node: &NodeState) -> NodeExplanation {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let price = price_of(case.snapshot, node);
    let fate = fate(case, node);
    let coming = case
        .placement
        .existing
        .iter()
        .filter(|new| new.node == *node.name());
    let verb = if fate.goes { "would go now" } else { "stays" };
    NodeExplanation {
        node: node.name().to_string(),
        summary: format!("{verb}: {}", fate.reason),
        node_pool: text(node.pool()),
        node_claim: node.claim.as_ref().map(|claim| claim.metadata.name.clone()),
        instance_type: text(node.instance_type()),
        zone: text(node.zone()),
        capacity_type: text(node.capacity_type()),
        phase: phase(node),
        price_per_hour: price,
        price_per_month: price.map(|price| price * HOURS_PER_MONTH),
        taints: node.taints().iter().map(ToString::to_string).collect(),
        fill: fill(case.snapshot, node),
        pods: node
            .pods
            .iter()
            .map(|pod| {
                let requests = case.snapshot.dimensions.list(&pod.shape.requests);
                PodOnNode {
                    pod: pod.key().to_string(),
                    cpu: resources::get(&requests, resources::CPU),
                    memory: resources::get(&requests, resources::MEMORY),
                    moves: is_reschedulable(pod),
                }
            })
            .collect(),
        coming: coming
            .flat_map(|new| &new.pods)
            .map(|pod| pod.key().to_string())
            .collect(),
        disruption: fate,
    }
}

fn phase(node: &NodeState) -> &'static str {
    if node.is_marked() {
        "going"
    } else if !node.is_managed() {
        "not Karpenter's"
    } else if node.is_initialized() {
        "initialized"
    } else if node.is_registered() {
        "registered"
    } else if node.is_launched() {
        "launched"
    } else {
        "to be launched"
    }
}

fn fill(snapshot: &Snapshot, node: &NodeState) -> Vec<Fill> {
    let dimensions = &snapshot.dimensions;
    let amounts = node.allocatable.iter().filter(|(_, amount)| *amount > 0);
    amounts
        .map(|(id, amount)| {
            let requested = node.requested.get(id);
            Fill {
                resource: dimensions.name(id).to_owned(),
                requested: dimensions.quantity(id, requested),
                allocatable: dimensions.quantity(id, amount),
                percent: (requested as f64 * 1000.0 / amount as f64).round() / 10.0,
            }
        })
        .collect()
}

fn fate(case: &Case<'_>, node: &NodeState) -> Fate {
    let mut memory = disruption::Memory::default();
    let plan = disruption::plan(&mut memory, case.snapshot, case.look, case.now, case.seed);
    let name: &Arc<str> = node.name();
    let taken = plan.commands.iter().find(|command| {
        let mut candidates = command.candidates.iter();
        candidates.any(|candidate| candidate.node == *name)
    });
    if let Some(command) = taken {
        let saves = command.price_before.dollars() - command.price_after.dollars();
        return Fate {
            goes: true,
            reason: format!(
                "{} ({} of {})",
                command.reason.as_str(),
                command.decision().as_str(),
                view::format::count(command.candidates.len(), "node")
            ),
            saves_per_hour: Some(saves),
        };
    }
    let kept = plan.kept.iter().find(|kept| kept.node == *name);
    Fate {
        goes: false,
        reason: kept.map_or_else(
            || "nothing speaks against it".to_owned(),
            |kept| kept.reason.to_string(),
        ),
        saves_per_hour: None,
    }
}
