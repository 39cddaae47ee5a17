//! From instance to Node and back.

use std::time::Duration;

use model::k8s::{Node, Taint, TaintEffect};
use serde_json::{Value, json};

use super::Engine;
use super::timers::Timer;
use crate::cloud::Machine;
use crate::kubelet::lost;
use crate::timeline::Happening;

impl Engine {
    /// Takes note of instances that were launched or ended since the last look.
    pub(super) fn take_launches(&mut self) {
        for machine in self.cloud.take_fresh() {
            let id = machine.instance.provider_id.clone();
            self.note(Happening::Launched {
                claim: machine.instance.claim_name.clone(),
                instance_type: machine.instance_type.name.to_string(),
                zone: machine.zone.clone(),
                capacity_type: machine.capacity_type.to_string(),
                price_per_hour: machine.price.dollars(),
                cheapest_of: machine.choices,
            });
            let boot = self.config.timing.boot + self.jitter(&id);
            self.timers.set(machine.launched + boot, Timer::Boot(id));
        }
        for (id, gone) in self.cloud.take_ending() {
            self.timers.set(gone, Timer::InstanceGone(id));
        }
    }

    /// How much longer than usual this instance boots: a function of the seed and its id.
    fn jitter(&self, id: &str) -> Duration {
        let most = self.config.timing.boot_jitter.as_millis() as u64;
        let mut hash = self.config.seed ^ 0xcbf2_9ce4_8422_2325;
        for byte in id.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Duration::from_millis(if most == 0 { 0 } else { (hash >> 16) % most })
    }

    /// The kubelet of a new instance makes its Node, with the labels and taints that the claim
    /// tells it to have.
    pub(super) fn boot(&mut self, provider_id: &str) {
        let now = self.clock.now();
        let Some(machine) = self.cloud.machine(provider_id) else {
            return;
        };
        if machine.gone.is_some_and(|gone| gone <= now) {
            return;
        }
        let node = self.node(&machine);
        self.create_node(&node);
    }

    fn node(&self, machine: &Machine) -> Value {
        let instance = &machine.instance;
        let claim = self.claims.get(&instance.claim_name);
        let mut labels = instance.labels.clone();
        let mut taints = vec![Taint::new(
            api::labels::UNREGISTERED_TAINT,
            "",
            TaintEffect::NoExecute,
        )];
        if let Some(claim) = claim {
            labels.extend(claim.metadata.labels.clone());
            taints.extend(
                claim
                    .spec
                    .taints
                    .iter()
                    .chain(&claim.spec.startup_taints)
                    .cloned(),
            );
        }
        labels.insert(api::labels::HOSTNAME.to_owned(), instance.node_name.clone());
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": { "name": instance.node_name, "labels": labels },
            "spec": { "providerID": instance.provider_id, "taints": taints },
            "status": {
                "capacity": instance.capacity,
                "allocatable": instance.allocatable,
                "conditions": [{
                    "type": "Ready",
                    "status": "False",
                    "reason": "KubeletNotReady",
                    "lastTransitionTime": self.clock.now().to_string(),
                }],
            },
        })
    }

    /// An instance is gone, and its kubelet with it. A Node that is left over goes once that has
    /// been noticed.
    pub(super) fn instance_gone(&mut self, provider_id: &str) {
        let now = self.clock.now();
        let Some(machine) = self.cloud.machine(provider_id) else {
            return;
        };
        if machine.gone.is_none_or(|gone| gone > now) || !self.records.end(provider_id) {
            return;
        }
        let node = machine.instance.node_name;
        let lived = now.since(machine.launched);
        self.note(Happening::NodeGone {
            node: node.clone(),
            lived_ms: lived.as_millis() as u64,
            cost: machine.price.dollars() * lived.as_secs_f64() / 3600.0,
        });
        self.silent.insert(node.clone());
        if self.state.nodes.contains_key(&node) {
            self.timers.set(now + lost::GRACE, Timer::NodeLost(node));
        }
    }

    /// A Node is new or changed: sets the timer of its first report.
    pub(super) fn watch_node(&mut self, node: &Node) {
        if !node.is_ready()
            && node
                .condition("Ready")
                .is_none_or(|ready| ready.status == "False")
        {
            let first = node.metadata.creation_timestamp.unwrap_or_default();
            let at = first + self.config.timing.ready;
            if at > self.clock.now() {
                self.timers
                    .set(at, Timer::NodeReady(node.metadata.name.clone()));
            }
        }
    }
}
