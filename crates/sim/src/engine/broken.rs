//! Nodes that are not Ready any more: what the node lifecycle controller and the cloud's node
//! controller do with them and with their pods.

use apiserver::WriteOptions;
use model::k8s::Taint;
use serde_json::{Value, json};

use super::Engine;
use super::absorb::is_daemon;
use super::timers::Timer;
use crate::kubelet::{self, lost};
use crate::write::{Target, Write};

impl Engine {
    /// A kubelet has been silent for too long: its node is lost, and goes if there is no instance.
    pub(super) fn node_lost(&mut self, name: &str) {
        let Some(node) = self.state.nodes.get(name).cloned() else {
            return;
        };
        self.lose_node(name, "Unknown");
        let now = self.clock.now();
        let machine = self.cloud.machine(&node.spec.provider_id);
        let gone = machine.is_some_and(|machine| machine.gone.is_some_and(|gone| gone <= now));
        if gone && !node.metadata.is_deleting() {
            self.perform(vec![Write::Delete {
                target: Target::node(name),
                grace_seconds: None,
            }]);
        }
    }

    /// A node is not Ready any more: its condition, its taints, and what follows for its pods.
    pub(super) fn lose_node(&mut self, name: &str, status: &str) {
        let Some(node) = self.state.nodes.get(name).cloned() else {
            return;
        };
        let now = self.clock.now();
        let taints = lost::taints(status);
        let mut writes = vec![lost::not_ready(&node, status, now)];
        let pods: Vec<_> = self.state.pods_on(name).cloned().collect();
        for pod in pods.iter().filter(|pod| pod.status.phase == "Running") {
            writes.push(lost::pod_unready(pod, now));
        }
        self.perform(writes);
        let tainted = self.server.modify(
            apiserver::NODES,
            "",
            name,
            &WriteOptions::default(),
            |node| taint(node, &taints, &now.to_string()),
        );
        // A node that is gone by now needs no taints.
        drop(tainted);
        for pod in pods {
            if let Some(stay) = lost::stay(&pod, &taints) {
                let leaves = Timer::PodLeaves(pod.key(), pod.metadata.uid.clone());
                self.timers.set(now + stay, leaves);
            }
        }
    }

    /// A pod has been on a tainted node for as long as it tolerates.
    pub(super) fn pod_leaves(&mut self, pod: &model::k8s::Pod) {
        if pod.metadata.is_deleting() || pod.is_terminal() {
            return;
        }
        if !is_daemon(pod) {
            self.referee.lost(self.fate(&pod.spec.node_name));
        }
        self.perform(vec![Write::Delete {
            target: Target::pod(pod.metadata.namespace(), &pod.metadata.name),
            grace_seconds: None,
        }]);
    }

    /// The pod garbage collector: pods of a node that is no more are no more.
    pub(super) fn collect_orphans(&mut self, node: &str) {
        let fate = self.fate(node);
        let orphans: Vec<_> = self.state.pods_on(node).cloned().collect();
        let asked_for = |pod: &model::k8s::Pod| {
            pod.metadata.is_deleting() || pod.is_terminal() || is_daemon(pod)
        };
        for _ in orphans.iter().filter(|pod| !asked_for(pod)) {
            self.referee.lost(fate);
        }
        let writes = orphans.iter().map(|pod| kubelet::pod_gone(pod)).collect();
        self.perform(writes);
    }

    /// What became of a node whose pods are lost.
    fn fate(&self, node: &str) -> &'static str {
        self.broken.get(node).copied().unwrap_or("NodeGone")
    }
}

fn taint(node: &mut Value, taints: &[Taint], now: &str) {
    if !node["spec"]["taints"].is_array() {
        node["spec"]["taints"] = json!([]);
    }
    let Some(held) = node["spec"]["taints"].as_array_mut() else {
        return;
    };
    for taint in taints {
        let effect = taint.effect.as_str();
        if !held
            .iter()
            .any(|held| held["key"] == taint.key.as_str() && held["effect"] == effect)
        {
            held.push(json!({ "key": taint.key, "effect": effect, "timeAdded": now }));
        }
    }
}
