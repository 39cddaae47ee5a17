//! The pod scheduler of the simulated cluster: filters as kube-scheduler has them, then the node
//! with the least in use.
//!
//! What is *not* here: preemption, soft preferences, topology spread, affinity between pods and
//! volumes. A pod that insists on one of the last three is left pending, and its condition says so.

pub(crate) mod fit;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::k8s::{Node, Pod, PodKey};
use model::{ResourceList, Timestamp};
use serde_json::json;

use crate::state::{State, created};
use crate::write::{Part, Target, Write};
use fit::{Misfit, Usage, check};

/// Binds every pending pod that fits somewhere; marks the others unschedulable, once.
pub(crate) fn schedule(state: &State, now: Timestamp) -> Vec<Write> {
    let mut pending: Vec<(&PodKey, &Arc<Pod>)> = state
        .pending
        .iter()
        .filter_map(|key| Some((key, state.pods.get(key)?)))
        .collect();
    pending.retain(|(_, pod)| is_ours(pod));
    pending.sort_by_key(|(key, pod)| {
        (
            -pod.spec.priority.unwrap_or(0),
            created(pod),
            (*key).clone(),
        )
    });
    let mut usage: BTreeMap<&str, Usage> = BTreeMap::new();
    let mut hopeless: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut writes = Vec::new();
    for (key, pod) in pending {
        // Pods that look alike fail alike: do not look at every node for each of them.
        let look = serde_json::to_vec(&pod.spec).unwrap_or_default();
        let outcome = if hopeless.contains(&look) {
            Err("no node fits: none fitted an equal pod".to_owned())
        } else {
            place(state, pod, &mut usage)
        };
        match outcome {
            Ok(node) => writes.push(Write::Bind {
                pod: Target::pod(&key.namespace, &key.name),
                node,
            }),
            Err(message) => {
                hopeless.insert(look);
                writes.extend(mark_unschedulable(pod, &message, now));
            }
        }
    }
    writes
}

fn is_ours(pod: &Pod) -> bool {
    let name = pod.spec.scheduler_name.as_str();
    (name.is_empty() || name == "default-scheduler") && pod.spec.scheduling_gates.is_empty()
}

fn place<'s>(
    state: &'s State,
    pod: &Pod,
    usage: &mut BTreeMap<&'s str, Usage>,
) -> Result<String, String> {
    if let Some(feature) = unsupported(pod) {
        return Err(format!(
            "the simulated scheduler does not place pods with {feature}"
        ));
    }
    let mut best: Option<(i64, &str)> = None;
    let mut misfits: BTreeMap<Misfit, usize> = BTreeMap::new();
    for (name, node) in &state.nodes {
        let used = usage.entry(name).or_insert_with(|| used_on(state, name));
        match check(pod, node, used) {
            Ok(()) => {
                let score = (share_used(node, &used.requests), name.as_str());
                if best.is_none_or(|best| score < best) {
                    best = Some(score);
                }
            }
            Err(misfit) => *misfits.entry(misfit).or_default() += 1,
        }
    }
    if let Some((_, name)) = best {
        usage.entry(name).or_default().add(pod);
        return Ok(name.to_owned());
    }
    let parts: Vec<String> = misfits
        .iter()
        .map(|(misfit, count)| format!("{count} node(s) {misfit}"))
        .collect();
    let nodes = state.nodes.len();
    Err(match parts.as_slice() {
        [] => "0/0 nodes are available.".to_owned(),
        parts => format!("0/{nodes} nodes are available: {}.", parts.join(", ")),
    })
}

fn used_on(state: &State, node: &str) -> Usage {
    let mut usage = Usage::default();
    for pod in state.pods_on(node).filter(|pod| !pod.is_terminal()) {
        usage.add(pod);
    }
    usage
}

/// Share of cpu and memory in use, in millionths of both together.
fn share_used(node: &Node, requests: &ResourceList) -> i64 {
    ["cpu", "memory"]
        .iter()
        .map(|resource| {
            let all = model::resources::get(&node.status.allocatable, resource).nanos();
            let used = model::resources::get(requests, resource).nanos();
            if all > 0 {
                (used.saturating_mul(1_000_000) / all) as i64
            } else {
                0
            }
        })
        .sum()
}

/// What a pod insists on that this scheduler does not know.
fn unsupported(pod: &Pod) -> Option<&'static str> {
    let affinity = pod.spec.affinity.as_ref();
    let between = |part: Option<&model::k8s::affinity::PodAffinity>| {
        part.is_some_and(|part| !part.required.is_empty())
    };
    if affinity.is_some_and(|affinity| {
        between(affinity.pod_affinity.as_ref()) || between(affinity.pod_anti_affinity.as_ref())
    }) {
        return Some("required affinity between pods");
    }
    let spread = &pod.spec.topology_spread_constraints;
    if spread
        .iter()
        .any(|constraint| constraint.when_unsatisfiable != "ScheduleAnyway")
    {
        return Some("hard topology spread constraints");
    }
    let claims = |volume: &model::k8s::pod::Volume| {
        volume.persistent_volume_claim.is_some() || volume.ephemeral.is_some()
    };
    if pod.spec.volumes.iter().any(claims) {
        return Some("persistent volume claims");
    }
    (!pod.spec.resource_claims.is_empty()).then_some("resource claims")
}

fn mark_unschedulable(pod: &Pod, message: &str, now: Timestamp) -> Option<Write> {
    let marked = pod
        .status
        .condition("PodScheduled")
        .is_some_and(|have| have.status == "False" && have.reason == "Unschedulable");
    (!marked).then(|| Write::Patch {
        target: Target::pod(pod.metadata.namespace(), &pod.metadata.name),
        part: Part::Status,
        patch: json!({ "status": { "phase": "Pending", "conditions": [{
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": now.to_string(),
        }] } }),
    })
}

#[cfg(test)]
mod tests;
