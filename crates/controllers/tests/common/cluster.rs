//! Kubelets and the pod scheduler, as far as the loops see them.

use std::sync::Arc;
use std::time::Duration;

use apiserver::{DeleteOptions, NODES, PODS, Part, Resource, Server, WriteOptions};
use model::{Quantity, Timestamp};
use runtime::Clock;
use serde_json::{Value, json};

use super::Cloud;

/// How long an instance takes to join.
const BOOT: Duration = Duration::from_secs(10);

/// Plays kubelet and scheduler, once a second.
pub struct Machinery {
    server: Server,
    cloud: Arc<Cloud>,
    clock: Clock,
}

impl Machinery {
    pub fn new(server: Server, cloud: Arc<Cloud>, clock: Clock) -> Self {
        Self {
            server,
            cloud,
            clock,
        }
    }

    pub async fn run(&self) {
        loop {
            self.kubelets();
            self.scheduler();
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    fn list(&self, resource: Resource<'_>) -> Vec<Arc<Value>> {
        let all = apiserver::Selectors::default();
        self.server
            .list(resource, None, &all)
            .expect("a list")
            .items
    }

    /// Instances become nodes, bound pods run, dead nodes are not ready. Pods that were asked to go
    /// are gone at once, or with the annotation `slow` when their grace is over; on nodes that are
    /// not ready they stay.
    fn kubelets(&self) {
        let machines = self.cloud.machines();
        let nodes = self.list(NODES);
        let has = |id: &str| nodes.iter().any(|node| node["spec"]["providerID"] == *id);
        for machine in &machines {
            let id = machine.instance.provider_id.as_str();
            if !has(id) && self.clock.now() >= machine.launched + BOOT && machine.gone.is_none() {
                self.join(&machine.instance);
            }
        }
        for node in &nodes {
            let id = node["spec"]["providerID"].as_str().unwrap_or_default();
            let alive = machines
                .iter()
                .any(|machine| machine.instance.provider_id == id);
            let ready = node["status"]["conditions"][0]["status"] == "True";
            if ready && alive {
                self.lift_not_ready(node);
            }
            if ready && !alive {
                let name = node["metadata"]["name"].as_str().expect("a name");
                let conditions = json!([{"type": "Ready", "status": "Unknown"}]);
                set_status(&self.server, NODES, name, "conditions", conditions);
            }
        }
        for pod in self.list(PODS) {
            let name = pod["metadata"]["name"].as_str().expect("a name");
            let deleted = !pod["metadata"]["deletionTimestamp"].is_null();
            let bound = !pod["spec"]["nodeName"].is_null();
            let deaf = nodes.iter().any(|node| {
                let here = node["metadata"]["name"] == pod["spec"]["nodeName"];
                here && node["status"]["conditions"][0]["status"] != "True"
            });
            if deleted && !deaf && self.has_ended(&pod) {
                let _ = self
                    .server
                    .delete(PODS, "default", name, &DeleteOptions::now());
            } else if bound && !deleted && pod["status"]["phase"] != "Running" {
                set_pod_status(
                    &self.server,
                    name,
                    json!({"phase": "Running",
                    "startTime": self.clock.now().to_string(),
                    "conditions": [{"type": "Ready", "status": "True"}]}),
                );
            }
        }
    }

    /// Whether a pod that was asked to go has done so.
    fn has_ended(&self, pod: &Value) -> bool {
        let meta = &pod["metadata"];
        let end = meta["deletionTimestamp"].as_str().expect("it is going");
        let end: Timestamp = end.parse().expect("a time");
        meta["annotations"]["slow"].is_null() || end <= self.clock.now()
    }

    /// The API server taints every new node; the node controller lifts that when the node is ready.
    fn lift_not_ready(&self, node: &Value) {
        let is = |taint: &Value| taint["key"] == "node.kubernetes.io/not-ready";
        let taints = node["spec"]["taints"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if !taints.iter().any(is) {
            return;
        }
        let name = node["metadata"]["name"].as_str().expect("a name");
        let left: Vec<Value> = taints.into_iter().filter(|taint| !is(taint)).collect();
        let options = WriteOptions::default();
        let lift = |node: &mut Value| node["spec"]["taints"] = left.into();
        self.server
            .modify(NODES, "", name, &options, lift)
            .expect("a change");
    }

    fn join(&self, instance: &controllers::Instance) {
        let amounts = |list: &model::ResourceList| serde_json::to_value(list).expect("amounts");
        let node = json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": instance.node_name,
                "labels": {"kubernetes.io/hostname": instance.node_name}},
            "spec": {"providerID": instance.provider_id,
                "taints": [{"key": "karpenter.sh/unregistered", "effect": "NoExecute"}]}});
        self.server.create(NODES, "", node).expect("a node");
        let status = json!({"capacity": amounts(&instance.capacity),
            "allocatable": amounts(&instance.allocatable),
            "conditions": [{"type": "Ready", "status": "True"}]});
        for (field, value) in status.as_object().expect("a map") {
            set_status(
                &self.server,
                NODES,
                &instance.node_name,
                field,
                value.clone(),
            );
        }
    }

    /// Binds each pending pod to the first node without taints that has room, or calls it
    /// unschedulable.
    fn scheduler(&self) {
        for pod in self.list(PODS) {
            let meta = &pod["metadata"];
            if !pod["spec"]["nodeName"].is_null() || !meta["deletionTimestamp"].is_null() {
                continue;
            }
            let name = meta["name"].as_str().expect("a name");
            if let Some(node) = self.room(&pod) {
                self.server.bind("default", name, &node).expect("a binding");
            } else if pod["status"]["conditions"].is_null() {
                set_pod_status(
                    &self.server,
                    name,
                    json!({"phase": "Pending", "conditions":
                    [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}),
                );
            }
        }
    }

    fn room(&self, pod: &Value) -> Option<String> {
        let cpu = |value: &Value| -> Quantity {
            value
                .as_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or_default()
        };
        let wanted =
            |pod: &Value| cpu(&pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]);
        let pods = self.list(PODS);
        self.list(NODES).iter().find_map(|node| {
            let name = node["metadata"]["name"].as_str()?;
            let open = node["spec"]["taints"].as_array().is_none_or(Vec::is_empty);
            let ready = node["status"]["conditions"][0]["status"] == "True";
            let here = pods.iter().filter(|pod| pod["spec"]["nodeName"] == *name);
            let used: Quantity = here
                .map(|pod| wanted(pod))
                .fold(Quantity::default(), |sum, amount| sum + amount);
            let free = cpu(&node["status"]["allocatable"]["cpu"]) - used;
            (open && ready && free >= wanted(pod)).then(|| name.to_owned())
        })
    }
}

/// Sets one field of an object's status.
pub fn set_status(server: &Server, resource: Resource<'_>, name: &str, field: &str, value: Value) {
    let options = WriteOptions {
        part: Part::Status,
        ..WriteOptions::default()
    };
    server
        .modify(resource, "", name, &options, |object| {
            object["status"][field] = value;
        })
        .expect("a status");
}

fn set_pod_status(server: &Server, name: &str, status: Value) {
    let options = WriteOptions {
        part: Part::Status,
        ..WriteOptions::default()
    };
    let written = server.modify(PODS, "default", name, &options, |pod| {
        pod["status"] = status;
    });
    written.expect("a status");
}

/// Lays `patch` over `base`, object by object.
pub fn merge(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}
