//! The pod scheduler of the simulated cluster: filters and scores as kube-scheduler has them.
//!
//! Written from the documentation of Kubernetes and sharing no code with Karpenter's solver, so
//! that what the solver promises is checked by another mind.
//!
//! What is *not* here: preemption, and dynamic resource allocation (such pods are left pending, and
//! their condition says so).

mod defaults;
mod domains;
pub(crate) mod fit;
mod index;
mod look;
mod place;
mod score;
mod selection;
mod volumes;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Timestamp;
use model::k8s::{Pod, PodKey};
use serde_json::json;

pub(crate) use defaults::as_taken;
pub(crate) use index::Index;
use place::{Found, find};
use volumes::Plan;

use crate::state::{State, created};
use crate::storage::Storage;
use crate::storage::provision::{self, Place};
use crate::write::{Part, Target, Write};

/// Pods that wait, in the order of their turn: priority, age, name.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: BTreeMap<(i32, Timestamp, PodKey), Waiting>,
    turns: BTreeMap<PodKey, (i32, Timestamp, PodKey)>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    look: usize,
    /// Whether the pod has been told that it is unschedulable.
    told: bool,
}

impl Queue {
    /// Takes in a pod, new or changed.
    pub(crate) fn put(&mut self, pod: &Pod, index: &mut Index) {
        let key = pod.key();
        self.remove(&key);
        let name = pod.spec.scheduler_name.as_str();
        let ours = (name.is_empty() || name == "default-scheduler")
            && pod.spec.scheduling_gates.is_empty();
        if !ours || pod.is_bound() || pod.is_terminal() || pod.metadata.is_deleting() {
            return;
        }
        let turn = (-pod.spec.priority.unwrap_or(0), created(pod), key.clone());
        let condition = pod.status.condition("PodScheduled");
        let waiting = Waiting {
            look: index.look(pod),
            told: condition
                .is_some_and(|have| have.status == "False" && have.reason == "Unschedulable"),
        };
        self.waiting.insert(turn.clone(), waiting);
        self.turns.insert(key, turn);
    }

    /// Forgets a pod.
    pub(crate) fn remove(&mut self, key: &PodKey) {
        if let Some(turn) = self.turns.remove(key) {
            self.waiting.remove(&turn);
        }
    }
}

/// Binds every pending pod that fits somewhere; marks the others unschedulable, once.
pub(crate) fn schedule(state: &mut State, now: Timestamp) -> Vec<Write> {
    let mut writes = Vec::new();
    let mut turns: Vec<Turn> = state
        .queue
        .waiting
        .iter()
        .map(|((_, _, key), waiting)| (key.clone(), *waiting))
        .collect();
    // A pod that waits although it has been given a node: the binding was refused.
    for (key, _) in &turns {
        state.index.remove_pod(key);
    }
    let mut refused: BTreeMap<PodKey, String> = BTreeMap::new();
    loop {
        let round = go_round(state, turns, &mut refused);
        // What has been placed may be what others wait for.
        turns = round.left;
        turns.retain(|(_, waiting)| state.index.looks[waiting.look].depends_on_others());
        let placed = !round.writes.is_empty();
        writes.extend(round.writes);
        if !placed || turns.is_empty() {
            break;
        }
    }
    for (key, message) in refused {
        if let Some(pod) = state.pods.get(&key) {
            writes.push(mark_unschedulable(pod, &message, now));
        }
    }
    writes
}

type Turn = (PodKey, Waiting);

/// What came of trying each pod once.
struct Round {
    writes: Vec<Write>,
    left: Vec<Turn>,
}

/// Tries each pod once. `refused` says why the last try failed, of pods that have not been told.
fn go_round(state: &mut State, turns: Vec<Turn>, refused: &mut BTreeMap<PodKey, String>) -> Round {
    let (mut writes, mut left) = (Vec::new(), Vec::new());
    // Pods that look alike fail alike, unless each has claims of its own.
    let mut hopeless: BTreeMap<usize, String> = BTreeMap::new();
    for (key, waiting) in turns {
        let look = waiting.look;
        let why = if let Some(why) = hopeless.get(&look) {
            why.clone()
        } else {
            let Some(pod) = state.pods.get(&key).cloned() else {
                continue;
            };
            match find(&mut state.index, &state.storage, &pod, look) {
                Ok(found) => {
                    refused.remove(&key);
                    writes.extend(assume(state, &pod, look, &found));
                    continue;
                }
                Err(refusal) => {
                    let why = refusal.to_string();
                    let mut volumes = pod.spec.volumes.iter();
                    if volumes.all(|volume| volume.ephemeral.is_none()) {
                        hopeless.insert(look, why.clone());
                    }
                    why
                }
            }
        };
        if !waiting.told {
            refused.insert(key.clone(), why);
        }
        left.push((key, waiting));
    }
    Round { writes, left }
}

/// Takes a pod to be where it will be, and says what makes it so: its claims first.
fn assume(state: &mut State, pod: &Arc<Pod>, look: usize, found: &Found) -> Vec<Write> {
    let mut writes = Vec::new();
    let Some(node) = state.index.nodes[found.slot].node.clone() else {
        return writes;
    };
    for plan in &found.plans {
        writes.extend(fulfil(&mut state.storage, plan, &node));
    }
    state.index.place(pod.key(), pod, look, found.slot);
    writes.push(Write::Bind {
        pod: Target::pod(pod.metadata.namespace(), &pod.metadata.name),
        node: node.metadata.name.clone(),
    });
    writes
}

fn fulfil(storage: &mut Storage, plan: &Plan, node: &model::k8s::Node) -> Vec<Write> {
    let place = Place::Node {
        name: &node.metadata.name,
        labels: &node.metadata.labels,
    };
    match plan {
        Plan::Bind(claim, volume) => provision::bind(storage, claim, volume, place),
        Plan::Make(claim, class) => provision::make(storage, claim, class, place),
    }
}

fn mark_unschedulable(pod: &Pod, message: &str, now: Timestamp) -> Write {
    Write::Patch {
        target: Target::pod(pod.metadata.namespace(), &pod.metadata.name),
        part: Part::Status,
        patch: json!({ "status": { "phase": "Pending", "conditions": [{
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": now.to_string(),
        }] } }),
    }
}

#[cfg(test)]
mod tests;
