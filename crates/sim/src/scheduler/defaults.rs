//! The scheduler's own constraints for pods that declare no topology spread.
//!
//! What is *not* here: Services, which would add to whom a pod is spread among.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::k8s::affinity::TopologySpreadConstraint;
use model::k8s::{LabelSelector, Pod};
use serde::Deserialize as _;

use crate::state::{Workload, WorkloadKey};

/// The pod as the scheduler takes it: one of a ReplicaSet or StatefulSet that declares no spread
/// has the constraints of the configuration, over the pods that the workload selects.
pub(crate) fn as_taken<'p>(
    pod: &'p Pod,
    defaults: &[TopologySpreadConstraint],
    workloads: &BTreeMap<WorkloadKey, Workload>,
) -> Cow<'p, Pod> {
    if defaults.is_empty() || !pod.spec.topology_spread_constraints.is_empty() {
        return Cow::Borrowed(pod);
    }
    let Some(selector) = selector(pod, workloads) else {
        return Cow::Borrowed(pod);
    };
    let mut pod = pod.clone();
    pod.spec.topology_spread_constraints = defaults
        .iter()
        .map(|default| TopologySpreadConstraint {
            label_selector: Some(selector.clone()),
            ..default.clone()
        })
        .collect();
    Cow::Owned(pod)
}

fn selector(pod: &Pod, workloads: &BTreeMap<WorkloadKey, Workload>) -> Option<LabelSelector> {
    let owner = pod.metadata.controller()?;
    let key = WorkloadKey {
        kind: owner.kind.clone(),
        namespace: pod.metadata.namespace().to_owned(),
        name: owner.name.clone(),
    };
    let spreads = ["ReplicaSet", "StatefulSet"].contains(&&*owner.kind);
    let workload = workloads.get(&key).filter(|_| spreads)?;
    let selector = workload.pointer("/spec/selector")?;
    LabelSelector::deserialize(selector).ok()
}
