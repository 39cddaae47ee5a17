//! One machine with given labels, taints and room: do these pods run on it together?

use std::sync::Arc;

use cluster::{PodContent, PodRecord, Snapshot};
use model::k8s::Taint;
use model::{Quantity, ResourceList};

use super::labels::{Labels, repelled_by, selects};
use super::requests;
use super::violation::Violation;

/// A machine as it may come to be.
#[derive(Clone, Copy)]
pub(super) struct Machine<'a> {
    pub(super) name: &'a str,
    /// Empty for a node that is there.
    pub(super) instance_type: &'a str,
    pub(super) taints: &'a [Taint],
}

/// Whether a daemon set puts a pod on such a node. It does not mind `PreferNoSchedule`. Those with
/// resource claims are left out: whether they are expected is a setting.
pub(super) fn attracts(
    daemon: &PodContent,
    taints: &[Taint],
    labels: &Labels,
    snapshot: &Snapshot,
) -> bool {
    !daemon.spec.has_resource_claims()
        && repelled_by(&daemon.spec.tolerations, taints).is_none()
        && selects(&daemon.spec, labels, &snapshot.vocabulary)
}

/// What pods request together.
pub(super) fn requested<'a>(pods: impl Iterator<Item = &'a PodContent>) -> ResourceList {
    let mut sum = ResourceList::new();
    for pod in pods {
        for (resource, amount) in requests::of_pod(pod) {
            *sum.entry(resource).or_default() += amount;
        }
    }
    sum
}

impl Machine<'_> {
    /// Each pod selects a node with these labels.
    pub(super) fn check_selection(
        &self,
        snapshot: &Snapshot,
        pods: &[Arc<PodRecord>],
        labels: &Labels,
        violations: &mut Vec<Violation>,
    ) {
        for pod in pods {
            let spec = &pod.shape.content.spec;
            if !selects(spec, labels, &snapshot.vocabulary) {
                violations.push(Violation::Selection {
                    node: self.name.to_owned(),
                    instance_type: self.instance_type.to_owned(),
                    pod: pod.key().to_string(),
                    labels: format!("{labels:?}"),
                });
            }
        }
    }

    /// Each pod tolerates the taints.
    pub(super) fn check_taints(&self, pods: &[Arc<PodRecord>], violations: &mut Vec<Violation>) {
        for pod in pods {
            let spec = &pod.shape.content.spec;
            if let Some(taint) = repelled_by(&spec.tolerations, self.taints) {
                violations.push(Violation::Taint {
                    node: self.name.to_owned(),
                    pod: pod.key().to_string(),
                    taint: taint.to_string(),
                });
            }
        }
    }

    /// There is as much of everything as is requested.
    pub(super) fn check_room(
        &self,
        requested: &ResourceList,
        allocatable: &ResourceList,
        violations: &mut Vec<Violation>,
    ) {
        for (resource, requested) in requested {
            let available = allocatable.get(resource).copied().unwrap_or_default();
            if *requested > available && *requested > Quantity::ZERO {
                violations.push(Violation::Resources {
                    node: self.name.to_owned(),
                    instance_type: self.instance_type.to_owned(),
                    resource: resource.clone(),
                    requested: *requested,
                    available,
                });
            }
        }
    }

    /// No two pods want one port, and none wants one of `others`.
    pub(super) fn check_ports(
        &self,
        pods: &[Arc<PodRecord>],
        others: &[(String, &PodContent)],
        violations: &mut Vec<Violation>,
    ) {
        let placed: Vec<(String, &PodContent)> = pods
            .iter()
            .filter(|pod| !requests::ports(&pod.shape.content).is_empty())
            .map(|pod| (pod.key().to_string(), &*pod.shape.content))
            .collect();
        for (at, (first, content)) in placed.iter().enumerate() {
            for (second, other) in placed[at + 1..].iter().chain(others) {
                if let Some(port) = requests::clash(content, other) {
                    violations.push(Violation::Port {
                        node: self.name.to_owned(),
                        first: first.clone(),
                        second: second.clone(),
                        port,
                    });
                }
            }
        }
    }
}
