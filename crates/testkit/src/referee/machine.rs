//! One machine with given labels, taints and room: do these pods run on it together?

use cluster::{PodContent, PodRecord, Snapshot};
use model::k8s::Taint;
use model::{Quantity, ResourceList};

use super::labels::{Labels, repelled_by, selects};
use super::violation::Violation;
use super::{affinity, requests};

/// A machine as it may come to be.
pub(super) struct Machine<'a> {
    pub(super) name: &'a str,
    /// Empty for a node that is there.
    pub(super) instance_type: &'a str,
    pub(super) labels: Labels,
    pub(super) taints: &'a [Taint],
    pub(super) allocatable: ResourceList,
    /// Pods that run there already.
    pub(super) running: Vec<&'a PodRecord>,
    /// Daemon pods that will come beside those that run.
    pub(super) daemons: Vec<(String, &'a PodContent)>,
}

impl Machine<'_> {
    /// Whether a daemon set puts a pod here. It does not mind `PreferNoSchedule`.
    pub(super) fn attracts(&self, daemon: &PodContent, snapshot: &Snapshot) -> bool {
        repelled_by(&daemon.spec.tolerations, self.taints).is_none()
            && selects(&daemon.spec, &self.labels, &snapshot.vocabulary)
    }

    /// Everything that forbids that `pods` run here beside what runs or comes anyway.
    pub(super) fn check(
        &self,
        snapshot: &Snapshot,
        pods: &[std::sync::Arc<PodRecord>],
        violations: &mut Vec<Violation>,
    ) {
        for pod in pods {
            self.check_pod(snapshot, pod, violations);
            affinity::check(snapshot, self, pod, violations);
        }
        self.check_room(pods, violations);
        self.check_ports(pods, violations);
    }

    fn check_pod(&self, snapshot: &Snapshot, pod: &PodRecord, violations: &mut Vec<Violation>) {
        let spec = &pod.shape.content.spec;
        if !selects(spec, &self.labels, &snapshot.vocabulary) {
            violations.push(Violation::Selection {
                node: self.name.to_owned(),
                instance_type: self.instance_type.to_owned(),
                pod: pod.key().to_string(),
                labels: format!("{:?}", self.labels),
            });
        }
        if let Some(taint) = repelled_by(&spec.tolerations, self.taints) {
            violations.push(Violation::Taint {
                node: self.name.to_owned(),
                pod: pod.key().to_string(),
                taint: taint.to_string(),
            });
        }
    }

    fn check_room(&self, pods: &[std::sync::Arc<PodRecord>], violations: &mut Vec<Violation>) {
        let mut requested = ResourceList::new();
        let placed = pods.iter().map(|pod| &*pod.shape.content);
        let running = self.running.iter().map(|pod| &*pod.shape.content);
        for pod in placed
            .chain(running)
            .chain(self.daemons.iter().map(|(_, pod)| *pod))
        {
            for (resource, amount) in requests::of_pod(pod) {
                *requested.entry(resource).or_default() += amount;
            }
        }
        for (resource, requested) in requested {
            let available = self.allocatable.get(&resource).copied().unwrap_or_default();
            if requested > available && requested > Quantity::ZERO {
                violations.push(Violation::Resources {
                    node: self.name.to_owned(),
                    instance_type: self.instance_type.to_owned(),
                    resource,
                    requested,
                    available,
                });
            }
        }
    }

    fn check_ports(&self, pods: &[std::sync::Arc<PodRecord>], violations: &mut Vec<Violation>) {
        let name = |pod: &PodRecord| (pod.key().to_string(), pod.shape.content.clone());
        let placed: Vec<_> = pods.iter().map(|pod| name(pod)).collect();
        let mut others: Vec<_> = self.running.iter().map(|pod| name(pod)).collect();
        for (daemon, content) in &self.daemons {
            others.push((daemon.clone(), (*content).clone().into()));
        }
        for (at, (first, content)) in placed.iter().enumerate() {
            for (second, other) in placed[at + 1..].iter().chain(&others) {
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
