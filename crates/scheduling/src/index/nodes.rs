//! Nodes that are there as numbers, and the pods that run on them counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::{NodeState, ResourceId, ResourceVec};
use model::k8s::{Taint, TaintEffect};
use requirements::{Requirements, taints};
use rustc_hash::FxHashSet;

use super::amounts::UNLIMITED;
use super::gather::{Parts, label};
use super::tolerations::Tolerances;
use super::topology::rules::Place;
use crate::mask::Keys;
use crate::memory::{self, Ground, Standing};
use crate::options::Batch;
use crate::problem::Existing;
use crate::shelf::Room;
use crate::topology::Topology;
use crate::volumes::{self, Attach};

/// Nodes that take nothing because more is promised on them than they have: position, resource,
/// and by how much.
pub(super) type Overcommitted = Vec<(usize, ResourceId, i64)>;

/// All nodes in numbers, piece by piece of their list; and how many were put in numbers now.
pub(super) fn standing(parts: &Parts<'_>, ground: &mut Ground) -> (Vec<Arc<[Standing]>>, usize) {
    let pieces = parts.snapshot.nodes.chunks();
    let mut left_over = ground.left_over(pieces);
    let mut made = 0;
    let mut of = |piece: &Arc<Vec<Arc<NodeState>>>| {
        if let Some(known) = ground.standing(piece) {
            return known;
        }
        let stands = |node: &Arc<NodeState>| {
            let known = left_over.remove(&Arc::as_ptr(node).addr());
            known.unwrap_or_else(|| {
                made += 1;
                stands(parts, node, ground)
            })
        };
        piece.iter().map(stands).collect()
    };
    let all: Vec<Arc<[Standing]>> = pieces.iter().map(&mut of).collect();
    ground.keep(pieces, &all);
    (all, made)
}

/// A node in numbers, as far as pods of the batch play no part.
fn stands(parts: &Parts<'_>, node: &NodeState, ground: &mut Ground) -> Standing {
    let taints = effective_taints(node);
    let expected: Vec<usize> = expected_daemons(parts, node, &taints);
    let room = room(parts, node, &expected);
    let missing = room.iter().find(|(_, amount)| *amount < 0);
    let keys = &parts.keys;
    let masks = (0..keys.len()).map(|id| keys.label(id, label(node, keys.key(id))));
    Standing {
        masks: ground.shared(masks.collect()),
        taints,
        room: match missing {
            Some((id, amount)) => Err((id, -amount)),
            None => Ok(parts.amounts.vector(&room).into()),
        },
        is_marked: node.is_marked(),
        is_initialized: node.is_initialized(),
    }
}

/// Nodes that may take pods: complete ones first, then by name.
pub(super) fn nodes(
    parts: &Parts<'_>,
    tolerances: &mut Tolerances,
    batch: &Batch,
    standing: &[Arc<[Standing]>],
) -> (Vec<Existing>, Overcommitted) {
    let snapshot = parts.snapshot;
    let held = if parts.amounts.drivers().is_empty() {
        BTreeMap::new()
    } else {
        volumes::held(&snapshot.volumes)
    };
    let without = batch.without.iter().filter_map(|n| snapshot.position(n));
    let without: FxHashSet<usize> = without.collect();
    let is_closed = |at: usize| batch.closed.get(at).copied().unwrap_or(false);
    let mut overcommitted = Overcommitted::new();
    let mut usable = Vec::with_capacity(snapshot.nodes.len());
    for initialized in [true, false] {
        let states = snapshot.nodes.iter();
        let all = states
            .zip(standing.iter().flat_map(|all| all.iter()))
            .enumerate();
        for (at, (state, stands)) in all {
            if stands.is_marked
                || stands.is_initialized != initialized
                || without.contains(&at)
                || is_closed(at)
            {
                continue;
            }
            match &stands.room {
                Ok(room) => {
                    usable.push(node(parts, tolerances, (at, state), (stands, room), &held));
                }
                Err((id, amount)) => overcommitted.push((at, *id, *amount)),
            }
        }
    }
    (usable, overcommitted)
}

/// A node that may take pods.
fn node(
    parts: &Parts<'_>,
    tolerances: &mut Tolerances,
    (at, node): (usize, &NodeState),
    (stands, room): (&Standing, &Room),
    held: &BTreeMap<&str, Attach>,
) -> Existing {
    // Ports of daemons that are expected do not count: the scheduler looks at pods that are
    // there.
    let mut bits = parts.bits.conflicting_on(node);
    let mut room = room.clone();
    if !parts.amounts.drivers().is_empty() {
        let attached = attached(parts, node, held);
        let first = room.len() - parts.amounts.drivers().len();
        for (at, left) in attachable(parts, node, &attached).enumerate() {
            room[first + at] = left;
        }
        bits.extend(parts.shared.bits(&attached));
    }
    Existing {
        source: at,
        taints: tolerances.column(&stands.taints),
        masks: stands.masks.clone(),
        room,
        bits: parts.bits.set(bits),
        counts: Vec::new(),
    }
}

/// A node's taints; a cordoned node has one that its controller may not have written yet.
pub(crate) fn effective_taints(node: &NodeState) -> Vec<Taint> {
    let mut taints = node.taints().to_vec();
    if node
        .node
        .as_ref()
        .is_some_and(|node| node.spec.unschedulable)
    {
        let cordoned = Taint::new(
            "node.kubernetes.io/unschedulable",
            "",
            TaintEffect::NoSchedule,
        );
        if !taints.iter().any(|taint| taint.same_identity(&cordoned)) {
            taints.push(cordoned);
        }
    }
    taints
}

/// Daemon sets whose pods belong on a node, by position in the snapshot. Soft taints keep none
/// away.
fn expected_daemons(parts: &Parts<'_>, node: &NodeState, taints: &[Taint]) -> Vec<usize> {
    parts
        .daemons
        .iter()
        .filter(|part| {
            let spec = &parts.snapshot.daemons[part.source].shape.spec;
            let admits = |requirements: &Requirements| {
                requirements.iter().all(|r| r.admits(label(node, r.key())))
            };
            let hard = taints.iter();
            let hard = hard.filter(|taint| taint.effect != TaintEffect::PreferNoSchedule);
            taints::tolerate_all(&spec.tolerations, hard).is_ok()
                && part.alternatives.iter().any(admits)
        })
        .map(|part| part.source)
        .collect()
}

/// What is left for pods once the daemons that are expected have come.
fn room(parts: &Parts<'_>, node: &NodeState, expected: &[usize]) -> ResourceVec {
    let mut room = node.available();
    for daemon in expected.iter().map(|at| &parts.snapshot.daemons[*at]) {
        let mut to_come = daemon.shape.requests.clone();
        for there in node.daemons.iter().filter(|there| daemon.owns(there)) {
            to_come.subtract(&there.requests);
        }
        to_come.floor_at_zero();
        room.subtract(&to_come);
    }
    room
}

/// Volumes that a node has attached: those of its pods, and those that are still there.
fn attached(parts: &Parts<'_>, node: &NodeState, held: &BTreeMap<&str, Attach>) -> Attach {
    let mut attached = volumes::attached(node, &parts.snapshot.volumes);
    for (driver, claims) in held.get(&**node.name()).into_iter().flatten() {
        let known = attached.entry(driver.clone()).or_default();
        known.extend(claims.iter().cloned());
    }
    attached
}

/// How many more volumes a node can attach, by driver of the batch.
fn attachable(parts: &Parts<'_>, node: &NodeState, attached: &Attach) -> impl Iterator<Item = i64> {
    let limits = volumes::limits(node, &parts.snapshot.volumes);
    let left = parts.amounts.drivers().iter().map(|driver| {
        let used = attached.get(driver).map_or(0, BTreeSet::len);
        limits
            .get(driver)
            .map_or(UNLIMITED, |limit| limit.saturating_sub(used) as i64)
    });
    left.collect::<Vec<_>>().into_iter()
}

/// Counts pods that run, on nodes and in domains.
pub(super) fn count_running(
    remembered: &memory::Nodes,
    (keys, places): (&Keys, &[Place]),
    topology: &mut Topology,
    nodes: &mut [Existing],
) {
    if places.is_empty() {
        return;
    }
    let mut usable: Vec<Option<usize>> = vec![None; remembered.len()];
    for (at, node) in nodes.iter_mut().enumerate() {
        usable[node.source] = Some(at);
        node.counts = vec![0; topology.hosts.len()];
    }
    for (counter, place) in places.iter().enumerate() {
        for (first, tally) in remembered.tallies(counter) {
            match place {
                Place::Host(host) => {
                    topology.hosts[*host as usize].running += tally.anywhere;
                    for (at, count) in &tally.on_nodes {
                        if let Some(at) = usable[first + at] {
                            nodes[at].counts[*host as usize] += count;
                        }
                    }
                }
                Place::Domain(domain) => {
                    let of = &mut topology.domains[*domain as usize];
                    of.anywhere += tally.anywhere;
                    for (value, count) in &tally.by_value {
                        if let Some(domain) = keys.domain(of.key, value) {
                            of.running[domain] += count;
                        }
                    }
                }
            }
        }
    }
}
