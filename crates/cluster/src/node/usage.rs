//! Pods coming to a machine and going.

use std::sync::Arc;

use super::NodeState;
use crate::ResourceVec;
use crate::pod::{OwnerKind, PodRecord, PodShape};

impl NodeState {
    /// Where a pod stands, or would.
    fn find(&self, pod: &PodRecord) -> Result<usize, usize> {
        let key = (pod.namespace(), &*pod.name);
        self.pods
            .binary_search_by(|probe| (probe.namespace(), &*probe.name).cmp(&key))
    }

    /// Adds a pod, or replaces the one of the same name.
    pub(crate) fn add_pod(&mut self, pod: Arc<PodRecord>) {
        match self.find(&pod) {
            Ok(at) if Arc::ptr_eq(&self.pods[at].shape, &pod.shape) => self.pods[at] = pod,
            Ok(_) => {
                self.remove_pod(&pod);
                self.add_pod(pod);
            }
            Err(at) => {
                self.requested.add(&pod.shape.requests);
                if pod.shape.owner.kind == OwnerKind::DaemonSet {
                    self.daemon_requested.add(&pod.shape.requests);
                    self.daemons.push(pod.shape.clone());
                }
                self.host_ports.extend(pod.shape.host_ports.iter().cloned());
                self.host_ports.sort();
                self.pods.insert(at, pod);
            }
        }
    }

    /// Takes out the pod of that name, if it is here.
    pub(crate) fn remove_pod(&mut self, pod: &PodRecord) {
        let Ok(at) = self.find(pod) else { return };
        let gone = self.pods.remove(at);
        self.requested.subtract(&gone.shape.requests);
        if gone.shape.owner.kind == OwnerKind::DaemonSet {
            self.daemon_requested.subtract(&gone.shape.requests);
            let shape = |daemon: &Arc<PodShape>| Arc::ptr_eq(daemon, &gone.shape);
            if let Some(at) = self.daemons.iter().position(shape) {
                self.daemons.swap_remove(at);
            }
        }
        if !gone.shape.host_ports.is_empty() {
            self.host_ports = self
                .pods
                .iter()
                .flat_map(|pod| pod.shape.host_ports.iter().cloned())
                .collect();
            self.host_ports.sort();
        }
    }

    /// What the pods here request, counted afresh: all, and those of DaemonSets.
    pub(crate) fn count_requests(&self) -> (ResourceVec, ResourceVec) {
        let mut all = ResourceVec::default();
        let mut daemons = ResourceVec::default();
        for pod in &self.pods {
            all.add(&pod.shape.requests);
            if pod.shape.owner.kind == OwnerKind::DaemonSet {
                daemons.add(&pod.shape.requests);
            }
        }
        (all, daemons)
    }
}
