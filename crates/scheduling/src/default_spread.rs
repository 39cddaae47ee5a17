//! Topology spread for pods that declare none: constraints of the configuration, with a selector
//! that is deduced from the Services that select a pod and from the workload that manages it.
//!
//! What is *not* here: reading the configuration (`runtime`), and spreading.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{ObjectKey, OwnerKind, PodRecord, Selectors};
use model::k8s::LabelSelector;
use model::k8s::affinity::TopologySpreadConstraint;
use model::k8s::selector::LabelSelectorRequirement;

/// The constraints that a pod is placed with although it declares none: each default with the pod's
/// own selector. None if the pod has constraints, or nothing says which pods it belongs with.
///
/// Pods of one shape that have no labels of their own (`PodFacts.own`) get the same.
pub fn constraints(
    pod: &PodRecord,
    selectors: &Selectors,
    defaults: &[TopologySpreadConstraint],
) -> Vec<TopologySpreadConstraint> {
    if defaults.is_empty() || !pod.shape.spec.topology_spread_constraints.is_empty() {
        return Vec::new();
    }
    let selector = deduce(pod, selectors);
    if selector.is_empty() {
        return Vec::new();
    }
    let with_selector = |default: &TopologySpreadConstraint| TopologySpreadConstraint {
        label_selector: Some(selector.clone()),
        ..default.clone()
    };
    defaults.iter().map(with_selector).collect()
}

/// Which pods a pod belongs with; empty if nothing says.
fn deduce(pod: &PodRecord, selectors: &Selectors) -> LabelSelector {
    let mut deduced = LabelSelector::default();
    for service in selectors.services_in(&pod.shape.namespace) {
        let wanted = &service.spec.selector;
        if wanted.iter().all(|(k, v)| pod.label(k) == Some(v)) {
            add(&mut deduced.match_labels, wanted);
        }
    }
    let owner = &pod.shape.owner;
    if !owner.controls {
        return deduced;
    }
    let key = ObjectKey {
        namespace: pod.shape.namespace.clone(),
        name: Arc::from(&*owner.name),
    };
    let workload = match owner.kind {
        OwnerKind::ReplicationController => {
            if let Some(controller) = selectors.replication_controllers.get(&key) {
                add(&mut deduced.match_labels, &controller.spec.selector);
            }
            None
        }
        OwnerKind::ReplicaSet => selectors
            .replica_sets
            .get(&key)
            .and_then(|set| set.spec.selector.as_ref()),
        OwnerKind::StatefulSet => selectors
            .stateful_sets
            .get(&key)
            .and_then(|set| set.spec.selector.as_ref()),
        _ => None,
    };
    if let Some(workload) = workload {
        let equal = workload.match_labels.iter();
        let equal = equal.map(|(key, value)| LabelSelectorRequirement {
            key: key.clone(),
            operator: "In".to_owned(),
            values: vec![value.clone()],
        });
        deduced.match_expressions.extend(equal);
        let verbatim = workload.match_expressions.iter().cloned();
        deduced.match_expressions.extend(verbatim);
    }
    deduced
}

fn add(to: &mut BTreeMap<String, String>, labels: &BTreeMap<String, String>) {
    to.extend(labels.iter().map(|(k, v)| (k.clone(), v.clone())));
}

#[cfg(test)]
mod tests;
