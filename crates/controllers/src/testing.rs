//! Pods for tests of pure code.

use std::sync::Arc;

use cluster::{Change, Cluster, Event, PodRecord, PodUpdate, Settings, UnknownReadiness};
use model::k8s::Pod;
use requirements::Vocabulary;
use serde_json::{Value, json};

/// A pod of namespace `default` that the scheduler calls unschedulable, changed by patches.
pub(crate) fn pod(name: &str, patches: &[&Value]) -> Arc<PodRecord> {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "uid": name,
            "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": "Pending", "conditions":
            [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
    for patch in patches {
        merge(&mut pod, patch);
    }
    let pod: Pod = serde_json::from_value(pod).expect("a pod");
    let settings = Settings {
        node_classes: Vec::new(),
        unknown_readiness: UnknownReadiness::NotReady,
    };
    let mut cluster = Cluster::new(Vocabulary::core(), settings);
    cluster.apply(Event::Pod(Change::Applied(PodUpdate::from(&pod))));
    cluster.pod("default", name).expect("the pod").clone()
}

fn merge(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}
