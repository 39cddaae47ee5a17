//! What keeps pods apart. Required anti-affinity of running pods counts for pods that are placed;
//! pods that demand affinity, anti-affinity or spread themselves are not placed by this version at
//! all.

use cluster::{NodeState, PodRecord, Snapshot};
use model::k8s::affinity::PodAffinityTerm;

use super::machine::Machine;
use super::violation::Violation;

/// What a pod demands that this version does not look at.
pub(super) fn not_built(pod: &PodRecord) -> Option<&'static str> {
    let spec = &pod.shape.content.spec;
    let hard = |constraint: &model::k8s::affinity::TopologySpreadConstraint| {
        constraint.when_unsatisfiable != "ScheduleAnyway"
    };
    let affinity = spec.affinity.as_ref();
    let near = affinity.and_then(|affinity| affinity.pod_affinity.as_ref());
    let apart = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    if spec.topology_spread_constraints.iter().any(hard) {
        Some("topology spread")
    } else if near.is_some_and(|near| !near.required.is_empty()) {
        Some("pod affinity")
    } else if apart.is_some_and(|apart| !apart.required.is_empty()) {
        Some("pod anti-affinity")
    } else if !spec.volumes.is_empty() {
        Some("volumes with claims")
    } else if !spec.resource_claims.is_empty() {
        Some("resource claims")
    } else {
        None
    }
}

/// Whether a running pod objects to the pod on this machine.
pub(super) fn check(
    snapshot: &Snapshot,
    machine: &Machine<'_>,
    pod: &PodRecord,
    violations: &mut Vec<Violation>,
) {
    for node in snapshot.nodes.iter() {
        for running in &node.pods {
            for term in required(running) {
                if matches(snapshot, running, term, pod) && same_domain(node, machine, term) {
                    violations.push(Violation::AntiAffinity {
                        node: machine.name.to_owned(),
                        pod: pod.key().to_string(),
                        running: running.key().to_string(),
                        topology_key: term.topology_key.clone(),
                    });
                }
            }
        }
    }
}

fn required(pod: &PodRecord) -> &[PodAffinityTerm] {
    let affinity = pod.shape.content.spec.affinity.as_ref();
    let apart = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    apart.map_or(&[], |apart| apart.required.as_slice())
}

/// Whether a running pod's term is about the pod. The pod itself, being moved, is no stranger.
fn matches(
    snapshot: &Snapshot,
    running: &PodRecord,
    term: &PodAffinityTerm,
    pod: &PodRecord,
) -> bool {
    if running.key() == pod.key() {
        return false;
    }
    let own = term.namespaces.is_empty() && term.namespace_selector.is_none();
    let selected = || {
        let selector = term.namespace_selector.as_ref()?;
        let key = cluster::ObjectKey::new("", pod.namespace());
        let labels = snapshot
            .namespaces
            .get(&key)
            .map(|n| n.metadata.labels.clone());
        Some(selector.matches(&labels.unwrap_or_default()))
    };
    let namespace = (own && running.namespace() == pod.namespace())
        || term.namespaces.iter().any(|name| name == pod.namespace())
        || selected().unwrap_or(false);
    let by_keys = term
        .match_label_keys
        .iter()
        .all(|key| running.label(key) == pod.label(key))
        && term
            .mismatch_label_keys
            .iter()
            .all(|key| running.label(key) != pod.label(key));
    let selector = term.label_selector.as_ref();
    namespace && by_keys && selector.is_some_and(|selector| pod.matches(selector))
}

fn same_domain(node: &NodeState, machine: &Machine<'_>, term: &PodAffinityTerm) -> bool {
    let theirs = node.label(&term.topology_key);
    theirs.is_some() && theirs == machine.labels.get(&term.topology_key).map(String::as_str)
}
