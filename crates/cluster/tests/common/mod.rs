//! Objects for tests, in as few words as possible.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test binary uses another part"
)]

use std::sync::Arc;

use api::{NodeClaim, NodePool};
use cluster::{Change, Cluster, Event, PodUpdate, Settings, UnknownReadiness};
use model::k8s::{DaemonSet, Node, Pod};
use requirements::Vocabulary;
use serde_json::{Value, json};

/// Lays `patch` over `base`, object by object.
pub(crate) fn merge(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}

fn object<T: serde::de::DeserializeOwned>(mut base: Value, patch: &Value) -> T {
    merge(&mut base, patch);
    serde_json::from_value(base).expect("test objects are valid")
}

/// A pod of 1 CPU in namespace `n`, pending and unschedulable.
pub(crate) fn pod(name: &str, patch: &Value) -> Pod {
    object(
        json!({
            "metadata": {"name": name, "namespace": "n", "uid": format!("pod-{name}")},
            "spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1"}}}]},
            "status": {"phase": "Pending", "conditions":
                [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
        }),
        patch,
    )
}

/// The pod's spec says that it runs on `node`.
pub(crate) fn bound(name: &str, node: &str) -> Pod {
    pod(
        name,
        &json!({"spec": {"nodeName": node}, "status": {"phase": "Running", "conditions": []}}),
    )
}

/// A pod of a DaemonSet on a node.
pub(crate) fn daemon_pod(name: &str, daemon_set: &str, node: &str) -> Pod {
    pod(
        name,
        &json!({"metadata": {"ownerReferences":
            [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": daemon_set, "uid": "d"}]},
            "spec": {"nodeName": node}, "status": {"phase": "Running", "conditions": []}}),
    )
}

/// A node of 4 CPUs that nobody manages.
pub(crate) fn node(name: &str, patch: &Value) -> Node {
    object(
        json!({
            "metadata": {"name": name, "uid": format!("node-{name}")},
            "spec": {},
            "status": {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}
        }),
        patch,
    )
}

/// A registered and initialized node of the pool `default`.
pub(crate) fn our_node(name: &str, provider_id: &str) -> Node {
    node(
        name,
        &json!({"metadata": {"labels": {"karpenter.sh/nodepool": "default",
            "karpenter.sh/registered": "true", "karpenter.sh/initialized": "true",
            "node.kubernetes.io/instance-type": "t"}}, "spec": {"providerID": provider_id}}),
    )
}

/// A claim of the pool `default`; without provider id it is not launched.
pub(crate) fn claim(name: &str, provider_id: &str) -> NodeClaim {
    claim_with(name, provider_id, &json!({}))
}

/// A claim of the pool `default`, changed.
pub(crate) fn claim_with(name: &str, provider_id: &str, patch: &Value) -> NodeClaim {
    let mut base = json!({
        "metadata": {"name": name, "uid": format!("claim-{name}"),
            "labels": {"karpenter.sh/nodepool": "default"}},
        "spec": {"requirements": [],
            "nodeClassRef": {"group": "g", "kind": "Class", "name": "default"}},
        "status": {}
    });
    if !provider_id.is_empty() {
        base["status"] = json!({"providerID": provider_id,
            "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110", "example.com/gpu": "2"},
            "allocatable": {"cpu": "3900m", "memory": "7Gi", "pods": "110", "example.com/gpu": "2"}});
    }
    object(base, patch)
}

/// A pool.
pub(crate) fn pool(name: &str, patch: &Value) -> NodePool {
    object(
        json!({"metadata": {"name": name, "uid": format!("pool-{name}")},
            "spec": {"template": {"spec": {"requirements": [],
                "nodeClassRef": {"group": "g", "kind": "Class", "name": "default"}}}}}),
        patch,
    )
}

/// A DaemonSet in namespace `n` whose template requests 100m.
pub(crate) fn daemon_set(name: &str, patch: &Value) -> DaemonSet {
    object(
        json!({"metadata": {"name": name, "namespace": "n", "uid": format!("ds-{name}")},
            "spec": {"template": {"spec": {"containers":
                [{"name": "d", "resources": {"limits": {"cpu": "100m"}}}]}}}}),
        patch,
    )
}

/// An empty cluster in which pools are ready unless they say otherwise.
pub(crate) fn cluster() -> Cluster {
    let settings = Settings {
        unknown_readiness: UnknownReadiness::Ready,
        ..Settings::default()
    };
    Cluster::new(Vocabulary::core(), settings)
}

/// Events, each followed by a check of everything.
pub(crate) trait Feed {
    /// Applies an event and checks everything.
    fn feed(&mut self, event: Event) -> &mut Self;

    /// A pod is new or changed.
    fn pod_is(&mut self, pod: &Pod) -> &mut Self {
        self.feed(Event::Pod(Change::Applied(PodUpdate::from(pod))))
    }

    /// A node is new or changed.
    fn node_is(&mut self, node: Node) -> &mut Self {
        self.feed(Event::Node(Change::Applied(node)))
    }

    /// A claim is new or changed.
    fn claim_is(&mut self, claim: NodeClaim) -> &mut Self {
        self.feed(Event::NodeClaim(Change::Applied(claim)))
    }

    /// A pool is new or changed.
    fn pool_is(&mut self, pool: NodePool) -> &mut Self {
        self.feed(Event::NodePool(Change::Applied(pool)))
    }
}

impl Feed for Cluster {
    fn feed(&mut self, event: Event) -> &mut Self {
        self.apply(event);
        self.sanity_check().expect("the state is consistent");
        self
    }
}

/// Names of pending pods, sorted.
pub(crate) fn pending(cluster: &mut Cluster) -> Vec<String> {
    let snapshot = cluster.snapshot();
    let mut names: Vec<String> = snapshot
        .pending
        .iter()
        .flat_map(|group| group.pods.iter())
        .map(|pod| pod.name.to_string())
        .collect();
    names.sort();
    names
}

/// CPU in millicores that pods request on a machine.
pub(crate) fn requested(cluster: &mut Cluster, node: &str) -> i64 {
    let snapshot = cluster.snapshot();
    snapshot
        .node(node)
        .expect("the node is known")
        .requested
        .get(cluster::ResourceId::CPU)
}

/// No instance types.
pub(crate) fn no_types() -> Arc<[Arc<catalog::InstanceType>]> {
    Arc::from(Vec::new())
}
