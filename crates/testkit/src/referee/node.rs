//! Nodes that are there and get pods.

use std::collections::BTreeSet;

use cluster::{NodeState, OwnerKind, PodContent, Snapshot};
use scheduling::{Batch, ExistingPlacement};

use super::labels::Labels;
use super::machine::{Machine, attracts, requested};
use super::violation::Violation;
use super::volumes;

/// Checks one node with its new pods.
pub(super) fn check(
    snapshot: &Snapshot,
    batch: &Batch,
    existing: &ExistingPlacement,
    violations: &mut Vec<Violation>,
) {
    let name = existing.node.to_string();
    let Some(node) = snapshot
        .nodes
        .iter()
        .find(|node| *node.name() == existing.node)
    else {
        violations.push(Violation::Missing { node: name });
        return;
    };
    if existing.pods.is_empty() {
        violations.push(Violation::Pointless { node: name.clone() });
    }
    if node.is_marked() || batch.without.contains(&name) {
        let reason = "it is going".to_owned();
        violations.push(Violation::Unusable {
            node: name.clone(),
            reason,
        });
    }
    let machine = Machine {
        name: node.name(),
        instance_type: "",
        taints: node.taints(),
    };
    let pods = &existing.pods;
    let labels = labels(node);
    machine.check_selection(snapshot, pods, &labels, violations);
    machine.check_taints(pods, violations);
    let mut others: Vec<(String, &PodContent)> = node
        .pods
        .iter()
        .map(|pod| (pod.key().to_string(), &*pod.shape.content))
        .collect();
    // The scheduler looks at ports of pods that are there, not of daemons that may come.
    machine.check_ports(pods, &others, violations);
    others.extend(missing_daemons(snapshot, node, &labels));
    let placed = pods.iter().map(|pod| &*pod.shape.content);
    let needed = requested(placed.chain(others.iter().map(|(_, pod)| *pod)));
    machine.check_room(&needed, &node.allocatable_list(), violations);
    volumes::check_places(snapshot, &machine, pods, &labels, violations);
    volumes::check_attached(snapshot, node, pods, violations);
}

/// Labels of a node, its name as hostname where it has none.
pub(super) fn labels(node: &NodeState) -> Labels {
    let mut labels = node.labels().clone();
    labels
        .entry("kubernetes.io/hostname".to_owned())
        .or_insert_with(|| node.hostname().to_owned());
    labels
}

/// Daemon pods that will come beside those that run.
fn missing_daemons<'a>(
    snapshot: &'a Snapshot,
    node: &NodeState,
    labels: &Labels,
) -> Vec<(String, &'a PodContent)> {
    let have: BTreeSet<(&str, &str)> = node
        .pods
        .iter()
        .filter(|pod| pod.shape.owner.kind == OwnerKind::DaemonSet)
        .map(|pod| (pod.namespace(), &*pod.shape.content.owner.name))
        .collect();
    snapshot
        .daemons
        .iter()
        .filter(|daemon| !have.contains(&(&*daemon.key.namespace, &*daemon.key.name)))
        .filter(|daemon| attracts(&daemon.shape.content, node.taints(), labels, snapshot))
        .map(|daemon| (daemon.key.to_string(), &*daemon.shape.content))
        .collect()
}
