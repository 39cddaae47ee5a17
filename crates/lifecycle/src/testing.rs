//! Objects for tests.

use std::sync::Arc;

use api::{NodeClaim, NodePool};
use cluster::{Change, Cluster, Event, PodRecord, PodUpdate, Settings};
use model::Timestamp;
use model::k8s::{Node, Pod};
use requirements::Vocabulary;
use serde_json::{Value, json};

use crate::conditions::Conditions;
use crate::keys;

/// Seconds after the beginning of the test.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000_000 + seconds)
}

/// A pool.
pub(crate) fn pool(name: &str) -> NodePool {
    serde_json::from_value(json!({
        "metadata": {"name": name, "uid": name, "generation": 1},
        "spec": {"template": {"spec": {"requirements": [],
            "nodeClassRef": {"group": "g", "kind": "Class", "name": "default"}}}}
    }))
    .expect("a pool")
}

/// A claim of pool `p`, created at the beginning, with our finalizer.
pub(crate) fn claim(name: &str) -> NodeClaim {
    serde_json::from_value(json!({
        "metadata": {"name": name, "uid": format!("uid-{name}"), "generation": 1,
            "creationTimestamp": at(0).to_string(), "finalizers": [keys::TERMINATION],
            "labels": {"karpenter.sh/nodepool": "p"}},
        "spec": {"requirements": [],
            "nodeClassRef": {"group": "g", "kind": "Class", "name": "default"}}
    }))
    .expect("a claim")
}

/// A claim with instance `i-<name>`, launched at 10 s.
pub(crate) fn launched_claim(name: &str) -> NodeClaim {
    let mut claim = claim(name);
    claim.status.provider_id = format!("i-{name}");
    Conditions::of_claim(&mut claim, at(10)).set_true("Launched");
    claim
}

/// A node that has just joined as instance `i-<name>`.
pub(crate) fn node(name: &str) -> Node {
    serde_json::from_value(json!({
        "metadata": {"name": name, "uid": format!("node-{name}"),
            "creationTimestamp": at(20).to_string()},
        "spec": {"providerID": format!("i-{name}"),
            "taints": [{"key": "karpenter.sh/unregistered", "effect": "NoExecute"}]},
        "status": {"allocatable": {"cpu": "4"},
            "conditions": [{"type": "Ready", "status": "True"}]}
    }))
    .expect("a node")
}

/// A pod as the cluster holds it.
pub(crate) fn pod(patch: &Value) -> PodRecord {
    let mut base = json!({
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": "Running"}
    });
    merge(&mut base, patch);
    let pod: Pod = serde_json::from_value(base).expect("a pod");
    let key = pod.key();
    let mut cluster = Cluster::new(Vocabulary::core(), Settings::default());
    cluster.apply(Event::Pod(Change::Applied(PodUpdate::from(&pod))));
    PodRecord::clone(cluster.pod(&key.namespace, &key.name).expect("the pod"))
}

/// A running pod on a node.
pub(crate) fn bound(name: &str, node: &str) -> PodRecord {
    pod(&json!({"metadata": {"name": name, "uid": name}, "spec": {"nodeName": node}}))
}

/// A running pod of a DaemonSet on a node.
pub(crate) fn daemon(name: &str, node: &str) -> PodRecord {
    pod(
        &json!({"metadata": {"name": name, "uid": name, "ownerReferences":
        [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "d"}]},
        "spec": {"nodeName": node}}),
    )
}

/// Shared pods.
pub(crate) fn shared(pods: impl IntoIterator<Item = PodRecord>) -> Vec<Arc<PodRecord>> {
    pods.into_iter().map(Arc::new).collect()
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
