//! `karpenter_pods_state`: where each pod stands.
//!
//! A series is replaced when its pod or its pod's node changes. With cluster state observability
//! disabled there is none: one takes some hundred bytes.

use std::sync::Arc;

use api::labels::{ARCH, CAPACITY_TYPE, INSTANCE_TYPE, NODEPOOL, ZONE};
use cluster::pod::{Phase, Readiness};
use cluster::{NodeState, OwnerKind, PodRecord};
use runtime::metrics::names::PODS_STATE;

use crate::provisioner::Workload;
use crate::shared::Shared;

/// Shows these pods and no others.
pub(crate) fn show_all(shared: &Shared, pods: &[Arc<PodRecord>]) {
    if shared.world.options.disable_cluster_state_observability {
        return;
    }
    let series = pods.iter().map(|pod| {
        let labels = of(pod, node_of(shared, pod).as_deref());
        (labels.map(String::from).to_vec(), 1.0)
    });
    shared.world.metrics.replace(&PODS_STATE, series);
}

/// Shows a pod as it is now.
pub(crate) fn show(shared: &Shared, pod: &PodRecord) {
    if shared.world.options.disable_cluster_state_observability {
        return;
    }
    write(shared, pod, node_of(shared, pod).as_deref());
}

/// Shows the pods of a node that has changed.
pub(crate) fn show_on(shared: &Shared, node: &NodeState) {
    if shared.world.options.disable_cluster_state_observability {
        return;
    }
    for pod in &node.pods {
        write(shared, pod, Some(node));
    }
}

/// A pod is gone.
pub(crate) fn hide(shared: &Shared, pod: &PodRecord) {
    let key = [&*pod.name, pod.namespace()];
    shared.world.metrics.remove_first(&PODS_STATE, &key);
}

fn write(shared: &Shared, pod: &PodRecord, node: Option<&NodeState>) {
    let labels = of(pod, node);
    let labels: [&str; 13] = std::array::from_fn(|at| &*labels[at]);
    let metrics = &shared.world.metrics;
    if metrics.value(&PODS_STATE, &labels).is_none() {
        metrics.remove_first(&PODS_STATE, &labels[..2]);
        metrics.set(&PODS_STATE, &labels, 1.0);
    }
}

fn node_of(shared: &Shared, pod: &PodRecord) -> Option<Arc<NodeState>> {
    let name = pod.node.as_ref()?;
    shared.with(|cluster| cluster.node(name).cloned())
}

/// The labels, in the metric's order.
fn of(pod: &PodRecord, node: Option<&NodeState>) -> [Box<str>; 13] {
    let label = |key: &str| node.and_then(|node| node.label(key)).unwrap_or_default();
    let truth = |is: bool| if is { "true" } else { "false" };
    let owner = owner(pod);
    [
        &pod.name,
        pod.namespace(),
        &owner,
        pod.node.as_deref().unwrap_or_default(),
        truth(pod.node.is_some()),
        label(NODEPOOL),
        label(ZONE),
        label(ARCH),
        label(CAPACITY_TYPE),
        label(INSTANCE_TYPE),
        phase(pod.phase),
        truth(pod.ready == Readiness::Ready),
        truth(node.is_some_and(NodeState::is_managed)),
    ]
    .map(Box::from)
}

/// The path of the workload that made the pod, as dashboards know it; empty where it is of a kind
/// whose name is not kept.
fn owner(pod: &PodRecord) -> String {
    let (group, plural, name) = match pod.shape.owner.kind {
        OwnerKind::DaemonSet => ("apps/v1", "daemonsets", &*pod.shape.owner.name),
        OwnerKind::ReplicaSet => ("apps/v1", "replicasets", &*pod.shape.owner.name),
        OwnerKind::StatefulSet => ("apps/v1", "statefulsets", &*pod.shape.owner.name),
        OwnerKind::ReplicationController => {
            ("v1", "replicationcontrollers", &*pod.shape.owner.name)
        }
        OwnerKind::Job => match Workload::of(pod) {
            Some(job) => return path("batch/v1", pod.namespace(), "jobs", &job.name),
            None => return String::new(),
        },
        OwnerKind::Node | OwnerKind::Other | OwnerKind::None => return String::new(),
    };
    path(group, pod.namespace(), plural, name)
}

fn path(group: &str, namespace: &str, plural: &str, name: &str) -> String {
    format!("/apis/{group}/namespaces/{namespace}/{plural}/{name}")
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Pending => "Pending",
        Phase::Running => "Running",
        Phase::Succeeded => "Succeeded",
        Phase::Failed => "Failed",
        Phase::Unknown => "Unknown",
    }
}
