//! Nodes that are there and get pods.

use std::collections::BTreeSet;

use cluster::{NodeState, OwnerKind, Snapshot};
use scheduling::{Batch, ExistingPlacement};

use super::machine::Machine;
use super::violation::Violation;

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
    machine(snapshot, node).check(snapshot, &existing.pods, violations);
}

fn machine<'a>(snapshot: &'a Snapshot, node: &'a NodeState) -> Machine<'a> {
    let mut labels = node.labels().clone();
    labels
        .entry("kubernetes.io/hostname".to_owned())
        .or_insert_with(|| node.hostname().to_owned());
    let mut machine = Machine {
        name: node.name(),
        instance_type: "",
        labels,
        taints: node.taints(),
        allocatable: node.allocatable_list(),
        running: node.pods.iter().map(|pod| &**pod).collect(),
        daemons: Vec::new(),
    };
    let have: BTreeSet<(&str, &str)> = node
        .pods
        .iter()
        .filter(|pod| pod.shape.owner.kind == OwnerKind::DaemonSet)
        .map(|pod| (pod.namespace(), &*pod.shape.content.owner.name))
        .collect();
    for daemon in snapshot.daemons.iter() {
        let missing = !have.contains(&(&*daemon.key.namespace, &*daemon.key.name));
        if missing && machine.attracts(&daemon.shape.content, snapshot) {
            machine
                .daemons
                .push((daemon.key.to_string(), &daemon.shape.content));
        }
    }
    machine
}
