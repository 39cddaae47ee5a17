//! Nodes that are there as numbers, and the pods that run on them counted.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{NodeState, ResourceId, ResourceVec};
use model::k8s::{Taint, TaintEffect};
use requirements::{Requirements, taints};

use super::amounts::UNLIMITED;
use super::gather::{Parts, label};
use super::tolerations::Tolerances;
use super::topology::rules::Place;
use super::topology::running::Running;
use crate::mask::Keys;
use crate::options::Batch;
use crate::problem::Existing;
use crate::topology::Topology;
use crate::volumes::{self, Attach};

/// Nodes that take nothing because more is promised on them than they have: position, resource,
/// and by how much.
pub(super) type Overcommitted = Vec<(usize, ResourceId, i64)>;

/// Nodes that may take pods: complete ones first, then by name.
pub(super) fn nodes(
    parts: &Parts<'_>,
    tolerances: &mut Tolerances,
    batch: &Batch,
) -> (Vec<Existing>, Overcommitted) {
    let snapshot = parts.snapshot;
    let held = volumes::held(&snapshot.volumes);
    let mut nodes: Vec<(usize, &NodeState)> = snapshot
        .nodes
        .iter()
        .enumerate()
        .map(|(at, node)| (at, &**node))
        .filter(|(_, node)| !node.is_marked() && !batch.without.contains(&**node.name()))
        .collect();
    nodes.sort_by_key(|(at, node)| (!node.is_initialized(), *at));
    let mut overcommitted = Overcommitted::new();
    let mut usable = Vec::with_capacity(nodes.len());
    for (at, state) in nodes {
        match node(parts, tolerances, (at, state), &held) {
            Ok(node) => usable.push(node),
            Err((id, amount)) => overcommitted.push((at, id, amount)),
        }
    }
    (usable, overcommitted)
}

/// A node; an error if more is promised on it than it has.
fn node(
    parts: &Parts<'_>,
    tolerances: &mut Tolerances,
    (at, node): (usize, &NodeState),
    held: &BTreeMap<&str, Attach>,
) -> Result<Existing, (ResourceId, i64)> {
    let taints = effective_taints(node);
    let expected: Vec<usize> = expected_daemons(parts, node, &taints);
    let room = room(parts, node, &expected);
    if let Some((id, amount)) = room.iter().find(|(_, amount)| *amount < 0) {
        return Err((id, -amount));
    }
    let keys = &parts.keys;
    let masks = (0..keys.len())
        .map(|id| keys.label(id, label(node, keys.key(id))))
        .collect();
    // Ports of daemons that are expected do not count: the scheduler looks at pods that are
    // there.
    let mut bits = parts.bits.conflicting(&node.host_ports);
    let mut in_numbers = parts.amounts.vector(&room);
    if !parts.amounts.drivers().is_empty() {
        let attached = attached(parts, node, held);
        let first = in_numbers.len() - parts.amounts.drivers().len();
        for (at, left) in attachable(parts, node, &attached).enumerate() {
            in_numbers[first + at] = left;
        }
        bits.extend(parts.shared.bits(&attached));
    }
    Ok(Existing {
        source: at,
        taints: tolerances.column(&taints),
        masks,
        room: in_numbers,
        bits: parts.bits.set(bits),
        counts: Vec::new(),
    })
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
    mut running: Running<'_>,
    snapshot: &cluster::Snapshot,
    (keys, places): (&Keys, &[Place]),
    topology: &mut Topology,
    nodes: &mut [Existing],
) {
    if places.is_empty() {
        return;
    }
    let mut usable: Vec<Option<usize>> = vec![None; snapshot.nodes.len()];
    for (at, node) in nodes.iter_mut().enumerate() {
        usable[node.source] = Some(at);
        node.counts = vec![0; topology.hosts.len()];
    }
    for (source, node) in snapshot.nodes.iter().enumerate() {
        for (counter, count) in running.tally(node, snapshot) {
            match places[counter] {
                Place::Host(host) => {
                    topology.hosts[host as usize].running += count;
                    if let Some(at) = usable[source] {
                        nodes[at].counts[host as usize] += count;
                    }
                }
                Place::Domain(domain) => {
                    let of = &mut topology.domains[domain as usize];
                    of.anywhere += count;
                    let value = label(node, keys.key(of.key));
                    if let Some(domain) = value.and_then(|value| keys.domain(of.key, value))
                        && running.looks_at(counter, node)
                    {
                        of.running[domain] += count;
                    }
                }
            }
        }
    }
}
