//! The plan as a document: version 1 of the output contract (`docs/plan.md`). Fields may be added,
//! none is renamed or removed.

use std::collections::BTreeMap;

use catalog::Price;
use cluster::{PodRecord, Snapshot};
use model::k8s::Taint;
use model::{ResourceList, Timestamp};
use scheduling::{Placement, PlannedClaim};
use serde::Serialize;

/// Everything that `karp plan -o json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    version: u32,
    now: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provisioning: Option<Provisioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disruption: Option<Disruption>,
    pub(crate) stats: Stats,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provisioning {
    pub(crate) new_node_claims: Vec<Claim>,
    pub(crate) existing_nodes: Vec<ExistingNode>,
    pub(crate) unschedulable: Vec<Unschedulable>,
    pub(crate) price_per_hour: f64,
    pub(crate) lower_bound_per_hour: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) node_pool: String,
    pub(crate) pods: Vec<String>,
    pub(crate) instance_types: Vec<String>,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) requests: ResourceList,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) taints: Vec<Taint>,
    pub(crate) startup_taints: Vec<Taint>,
    pub(crate) launch: Launch,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Requirement {
    key: String,
    operator: String,
    values: Vec<String>,
    min_values: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Launch {
    pub(crate) instance_type: String,
    pub(crate) zone: String,
    pub(crate) capacity_type: String,
    pub(crate) price_per_hour: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct ExistingNode {
    pub(crate) name: String,
    pub(crate) pods: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Unschedulable {
    pub(crate) pod: String,
    pub(crate) reason: String,
    pub(crate) rejections: Vec<Rejection>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Rejection {
    pub(crate) candidate: String,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Disruption {
    pub(crate) commands: Vec<Command>,
    pub(crate) kept: Vec<Kept>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Command {
    pub(crate) reason: String,
    pub(crate) decision: String,
    pub(crate) candidates: Vec<String>,
    pub(crate) replacements: Vec<Claim>,
    pub(crate) moves: Vec<Move>,
    pub(crate) price_per_hour_before: f64,
    pub(crate) price_per_hour_after: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Move {
    pod: String,
    to: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    pub(crate) node: String,
    pub(crate) reason: String,
}

/// The only part that may differ from run to run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    pub(crate) pods: usize,
    pub(crate) nodes: usize,
    pub(crate) decode_ms: f64,
    pub(crate) solve_ms: f64,
    pub(crate) disruption_ms: f64,
    pub(crate) peak_rss_bytes: u64,
}

impl Document {
    pub(crate) fn new(
        now: Timestamp,
        placement: Option<&Placement>,
        plan: Option<&disruption::Plan>,
        snapshot: &Snapshot,
        stats: Stats,
    ) -> Self {
        Self {
            version: 1,
            now,
            provisioning: placement.map(|placement| provisioning(placement, snapshot)),
            disruption: plan.map(disruption),
            stats,
        }
    }

    /// How many pods have no place.
    pub(crate) fn unplaced(&self) -> usize {
        self.provisioning
            .as_ref()
            .map_or(0, |part| part.unschedulable.len())
    }
}

fn provisioning(placement: &Placement, snapshot: &Snapshot) -> Provisioning {
    let mut unschedulable: Vec<Unschedulable> = placement
        .unplaced
        .iter()
        .map(unplaced)
        .chain(ignored(snapshot))
        .collect();
    unschedulable.sort_by(|left, right| left.pod.cmp(&right.pod));
    unschedulable.dedup_by(|left, right| left.pod == right.pod);
    Provisioning {
        new_node_claims: placement.new_claims.iter().map(claim).collect(),
        existing_nodes: placement
            .existing
            .iter()
            .map(|node| ExistingNode {
                name: node.node.to_string(),
                pods: names(&node.pods),
            })
            .collect(),
        unschedulable,
        price_per_hour: placement.price().dollars(),
        lower_bound_per_hour: placement.lower_bound.map(Price::dollars),
    }
}

fn unplaced(unplaced: &scheduling::Unplaced) -> Unschedulable {
    let rejections: Vec<Rejection> = unplaced
        .refusals
        .iter()
        .map(|refusal| Rejection {
            candidate: refusal.candidate.to_string(),
            reason: refusal.rejection.to_string(),
        })
        .collect();
    let reason = match rejections.as_slice() {
        [] => "no candidate".to_owned(),
        [only] => format!("{}: {}", only.candidate, only.reason),
        [first, rest @ ..] => {
            format!(
                "{}: {} (and {} more)",
                first.candidate,
                first.reason,
                rest.len()
            )
        }
    };
    Unschedulable {
        pod: unplaced.pod.key().to_string(),
        reason,
        rejections,
    }
}

/// Pods that ask for what cannot be, or that keep away from our nodes.
fn ignored(snapshot: &Snapshot) -> impl Iterator<Item = Unschedulable> {
    snapshot.ignored.iter().flat_map(|group| {
        let problems = &group.shape.problems;
        let reason = problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        group.pods.iter().map(move |pod| Unschedulable {
            pod: pod.key().to_string(),
            reason: reason.clone(),
            rejections: Vec::new(),
        })
    })
}

fn disruption(plan: &disruption::Plan) -> Disruption {
    let commands = plan.commands.iter().map(|command| Command {
        reason: command.reason.as_str().to_owned(),
        decision: command.decision().as_str().to_owned(),
        candidates: command
            .candidates
            .iter()
            .map(|node| node.node.to_string())
            .collect(),
        replacements: command.replacements.iter().map(claim).collect(),
        moves: command
            .moves
            .iter()
            .map(|moved| Move {
                pod: moved.pod.key().to_string(),
                to: moved.to.to_string(),
            })
            .collect(),
        price_per_hour_before: command.price_before.dollars(),
        price_per_hour_after: command.price_after.dollars(),
    });
    let kept = plan.kept.iter().map(|kept| Kept {
        node: kept.node.to_string(),
        reason: kept.reason.to_string(),
    });
    Disruption {
        commands: commands.collect(),
        kept: kept.collect(),
    }
}

fn claim(planned: &PlannedClaim) -> Claim {
    let items = planned.requirements.to_items();
    let launch = &planned.launch;
    Claim {
        name: planned.name.clone(),
        node_pool: planned.pool.to_string(),
        pods: names(&planned.pods),
        instance_types: planned
            .instance_types
            .iter()
            .map(|ty| ty.name.to_string())
            .collect(),
        requirements: items
            .into_iter()
            .map(|item| Requirement {
                key: item.key,
                operator: item.operator.clone(),
                values: item.values,
                min_values: item.min_values,
            })
            .collect(),
        requests: ResourceList::clone(&planned.requests),
        labels: BTreeMap::clone(&planned.labels),
        annotations: BTreeMap::clone(&planned.annotations),
        taints: planned.taints.to_vec(),
        startup_taints: planned.startup_taints.to_vec(),
        launch: Launch {
            instance_type: launch.instance_type.to_string(),
            zone: launch.zone.to_string(),
            capacity_type: launch.capacity_type.to_string(),
            price_per_hour: launch.price.dollars(),
        },
    }
}

fn names(pods: &[std::sync::Arc<PodRecord>]) -> Vec<String> {
    pods.iter().map(|pod| pod.key().to_string()).collect()
}
