//! What the simulated cluster's own components know: an index over the objects of the API server.
//!
//! It is fed by the server's change stream and read by the parts that play the rest of Kubernetes.
//! What is *not* here: Karpenter's own view (`cluster`), which learns everything through its own
//! watches, as on a real cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::Timestamp;
use model::k8s::affinity::TopologySpreadConstraint;
use model::k8s::{Node, Pod, PodDisruptionBudget, PodKey};
use serde_json::Value;

use crate::scheduler::{Index, Queue, as_taken};
use crate::storage::Storage;

/// A workload object: Deployment, ReplicaSet, StatefulSet, DaemonSet or Job.
pub(crate) type Workload = Arc<Value>;

/// Kind, namespace and name of a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkloadKey {
    /// Kind.
    pub(crate) kind: String,
    /// Namespace.
    pub(crate) namespace: String,
    /// Name.
    pub(crate) name: String,
}

/// The index.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// All pods.
    pub(crate) pods: BTreeMap<PodKey, Arc<Pod>>,
    /// All nodes.
    pub(crate) nodes: BTreeMap<String, Arc<Node>>,
    /// All workloads.
    pub(crate) workloads: BTreeMap<WorkloadKey, Workload>,
    /// All disruption budgets, by namespace and name.
    pub(crate) budgets: BTreeMap<(String, String), Arc<PodDisruptionBudget>>,
    /// Pods by the uid of their controlling owner.
    pub(crate) pods_by_owner: BTreeMap<String, BTreeSet<PodKey>>,
    /// Bound pods by node.
    pub(crate) pods_by_node: BTreeMap<String, BTreeSet<PodKey>>,
    /// Pods that wait for a node.
    pub(crate) pending: BTreeSet<PodKey>,
    /// ReplicaSets by the uid of the Deployment that owns them.
    pub(crate) replica_sets_by_owner: BTreeMap<String, BTreeSet<WorkloadKey>>,
    /// Volumes and claims.
    pub(crate) storage: Storage,
    /// The scheduler's memory.
    pub(crate) index: Index,
    /// The scheduler's queue.
    pub(crate) queue: Queue,
    /// What the scheduler spreads pods by that declare nothing.
    pub(crate) spread: Arc<[TopologySpreadConstraint]>,
}

impl State {
    /// Takes in a pod, new or changed; returns what it was before.
    pub(crate) fn put_pod(&mut self, pod: Pod) -> Option<Arc<Pod>> {
        let key = pod.key();
        let old = self.unlink_pod(&key);
        self.index.put_pod(&pod);
        self.queue.put(
            &as_taken(&pod, &self.spread, &self.workloads),
            &mut self.index,
        );
        if let Some(owner) = pod.metadata.controller() {
            self.pods_by_owner
                .entry(owner.uid.clone())
                .or_default()
                .insert(key.clone());
        }
        if pod.is_bound() {
            self.pods_by_node
                .entry(pod.spec.node_name.clone())
                .or_default()
                .insert(key.clone());
        } else if !pod.is_terminal() && !pod.metadata.is_deleting() {
            self.pending.insert(key.clone());
        }
        self.pods.insert(key, Arc::new(pod));
        old
    }

    /// Forgets a pod; returns what it was.
    pub(crate) fn remove_pod(&mut self, key: &PodKey) -> Option<Arc<Pod>> {
        self.index.remove_pod(key);
        self.queue.remove(key);
        self.unlink_pod(key)
    }

    /// Takes in a node, new or changed; returns what it was before.
    pub(crate) fn put_node(&mut self, node: Node) -> Option<Arc<Node>> {
        let node = Arc::new(node);
        self.index.put_node(node.clone());
        self.nodes.insert(node.metadata.name.clone(), node)
    }

    /// Forgets a node.
    pub(crate) fn remove_node(&mut self, name: &str) {
        self.index.remove_node(name);
        self.nodes.remove(name);
    }

    fn unlink_pod(&mut self, key: &PodKey) -> Option<Arc<Pod>> {
        let old = self.pods.remove(key)?;
        if let Some(owner) = old.metadata.controller() {
            discard(&mut self.pods_by_owner, &owner.uid, key);
        }
        if old.is_bound() {
            discard(&mut self.pods_by_node, &old.spec.node_name, key);
        }
        self.pending.remove(key);
        Some(old)
    }

    /// Takes in a workload; returns what it was before.
    pub(crate) fn put_workload(&mut self, key: WorkloadKey, object: Value) -> Option<Workload> {
        if let Some(owner) = controller_uid(&object)
            && key.kind == "ReplicaSet"
        {
            self.replica_sets_by_owner
                .entry(owner.to_owned())
                .or_default()
                .insert(key.clone());
        }
        self.workloads.insert(key, Arc::new(object))
    }

    /// Forgets a workload; returns what it was.
    pub(crate) fn remove_workload(&mut self, key: &WorkloadKey) -> Option<Workload> {
        let old = self.workloads.remove(key)?;
        if let Some(owner) = controller_uid(&old) {
            discard(&mut self.replica_sets_by_owner, owner, key);
        }
        Some(old)
    }

    /// The pods of a workload, by the uid of the workload.
    pub(crate) fn owned_pods(&self, uid: &str) -> impl Iterator<Item = &Arc<Pod>> {
        let keys = self.pods_by_owner.get(uid).into_iter().flatten();
        keys.filter_map(|key| self.pods.get(key))
    }

    /// The pods that are bound to a node.
    pub(crate) fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<Pod>> {
        let keys = self.pods_by_node.get(node).into_iter().flatten();
        keys.filter_map(|key| self.pods.get(key))
    }
}

/// Takes a value out of the set of a key, and the key out of the map with its last value.
fn discard<V: Ord>(map: &mut BTreeMap<String, BTreeSet<V>>, key: &str, value: &V) {
    if let Some(values) = map.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            map.remove(key);
        }
    }
}

/// The uid of the controlling owner of an object.
pub(crate) fn controller_uid(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    owner["uid"].as_str()
}

/// The time of creation, the epoch where there is none.
pub(crate) fn created(pod: &Pod) -> Timestamp {
    pod.metadata.creation_timestamp.unwrap_or_default()
}
