//! Kubernetes objects in few words.
//!
//! ```
//! let pod = testkit::build::pod("web").cpu("500m").tolerate("dedicated").build();
//! assert_eq!(pod.metadata.namespace(), "default");
//! ```
//!
//! A builder holds the object as JSON, so everything that has no method of its own can be laid over
//! it with [`Builder::with`].

use std::marker::PhantomData;
use std::sync::Arc;

use api::{NodeClaim, NodePool};
use catalog::{CapacityType, InstanceType, Offering, Overhead, Price};
use model::ResourceList;
use model::k8s::{DaemonSet, Node, Pod};
use requirements::{Requirement, Requirements};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An object in the making.
#[derive(Clone, Debug)]
pub struct Builder<T> {
    json: Value,
    kind: PhantomData<T>,
}

/// A pod of namespace `default` that the scheduler calls unschedulable, with one container that
/// asks for nothing.
pub fn pod(name: &str) -> Builder<Pod> {
    Builder::new(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "main", "resources": {"requests": {}}}]},
        "status": {"phase": "Pending", "conditions":
            [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    }))
}

/// A node that nobody manages: 4 CPUs, 16 GiB, 110 pods.
pub fn node(name: &str) -> Builder<Node> {
    let amounts = json!({"cpu": "4", "memory": "16Gi", "pods": "110"});
    Builder::new(json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {"capacity": amounts, "allocatable": amounts}
    }))
}

/// A pool that takes everything and whose condition `Ready` is missing.
pub fn pool(name: &str) -> Builder<NodePool> {
    Builder::new(json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool",
        "metadata": {"name": name},
        "spec": {"template": {"metadata": {}, "spec": {
            "requirements": [],
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}
        }}}
    }))
}

/// A claim of a pool that is not launched yet.
pub fn claim(name: &str, pool: &str) -> Builder<NodeClaim> {
    Builder::new(json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": name, "labels": {"karpenter.sh/nodepool": pool}},
        "spec": {"requirements": [], "nodeClassRef":
            {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}},
        "status": {}
    }))
}

/// A DaemonSet of namespace `kube-system` whose pods tolerate everything.
pub fn daemon_set(name: &str) -> Builder<DaemonSet> {
    Builder::new(json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"template": {"spec": {
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "main", "resources": {"requests": {}}}]
        }}}
    }))
}

impl<T: DeserializeOwned> Builder<T> {
    fn new(json: Value) -> Self {
        Self {
            json,
            kind: PhantomData,
        }
    }

    /// The object.
    ///
    /// # Panics
    /// If something was laid over it that is not valid there.
    pub fn build(&self) -> T {
        serde_json::from_value(self.json.clone()).expect("the object is valid")
    }

    /// The object as JSON.
    pub fn json(&self) -> Value {
        self.json.clone()
    }

    /// Lays a piece of the object over it: maps are merged, everything else is replaced.
    #[must_use]
    pub fn with(mut self, patch: &Value) -> Self {
        merge(&mut self.json, patch);
        self
    }

    /// Sets a label.
    #[must_use]
    pub fn label(self, key: &str, value: &str) -> Self {
        self.with(&json!({"metadata": {"labels": {key: value}}}))
    }

    /// Sets an annotation.
    #[must_use]
    pub fn annotation(self, key: &str, value: &str) -> Self {
        self.with(&json!({"metadata": {"annotations": {key: value}}}))
    }

    fn at(&mut self, pointer: &str) -> &mut Value {
        self.json
            .pointer_mut(pointer)
            .expect("the object has the part")
    }

    fn push(mut self, pointer: &str, key: &str, item: Value) -> Self {
        let parent = self.at(pointer);
        match parent[key].as_array_mut() {
            Some(list) => list.push(item),
            None => parent[key] = json!([item]),
        }
        self
    }
}

impl Builder<Pod> {
    /// The namespace.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        self.with(&json!({"metadata": {"namespace": namespace}}))
    }

    /// What the container requests of a resource.
    #[must_use]
    pub fn request(mut self, resource: &str, amount: &str) -> Self {
        self.at("/spec/containers/0/resources/requests")[resource] = json!(amount);
        self
    }

    /// CPU that the container requests.
    #[must_use]
    pub fn cpu(self, amount: &str) -> Self {
        self.request("cpu", amount)
    }

    /// Memory that the container requests.
    #[must_use]
    pub fn memory(self, amount: &str) -> Self {
        self.request("memory", amount)
    }

    /// A node label that it must find.
    #[must_use]
    pub fn selector(self, key: &str, value: &str) -> Self {
        self.with(&json!({"spec": {"nodeSelector": {key: value}}}))
    }

    /// A term of required node affinity: expressions `(key, operator, values)`. Of several terms
    /// one must be met.
    #[must_use]
    pub fn required(mut self, term: &[(&str, &str, &[&str])]) -> Self {
        let term = json!({"matchExpressions": expressions(term)});
        let path = "requiredDuringSchedulingIgnoredDuringExecution";
        let affinity = &mut self.json["spec"]["affinity"]["nodeAffinity"][path];
        match affinity["nodeSelectorTerms"].as_array_mut() {
            Some(terms) => terms.push(term),
            None => affinity["nodeSelectorTerms"] = json!([term]),
        }
        self
    }

    /// Tolerates every taint of this key.
    #[must_use]
    pub fn tolerate(self, key: &str) -> Self {
        self.push(
            "/spec",
            "tolerations",
            json!({"key": key, "operator": "Exists"}),
        )
    }

    /// A TCP port of the node that it takes.
    #[must_use]
    pub fn host_port(self, port: u16) -> Self {
        let item = json!({"containerPort": port, "hostPort": port, "protocol": "TCP"});
        self.push("/spec/containers/0", "ports", item)
    }

    /// The owner.
    #[must_use]
    pub fn owner(self, api_version: &str, kind: &str, name: &str) -> Self {
        let owner = json!({"apiVersion": api_version, "kind": kind, "name": name, "uid": name,
            "controller": true});
        self.push("/metadata", "ownerReferences", owner)
    }

    /// Runs on a node.
    #[must_use]
    pub fn on(self, node: &str) -> Self {
        self.with(
            &json!({"spec": {"nodeName": node}, "status": {"phase": "Running",
            "conditions": [{"type": "PodScheduled", "status": "True"}]}}),
        )
    }
}

impl Builder<Node> {
    /// Sets capacity and allocatable of a resource.
    #[must_use]
    pub fn amount(self, resource: &str, amount: &str) -> Self {
        self.with(
            &json!({"status": {"capacity": {resource: amount}, "allocatable": {resource: amount}}}),
        )
    }

    /// Adds a taint.
    #[must_use]
    pub fn taint(self, key: &str, value: &str, effect: &str) -> Self {
        self.push(
            "/spec",
            "taints",
            json!({"key": key, "value": value, "effect": effect}),
        )
    }

    /// Which machine it is.
    #[must_use]
    pub fn provider_id(self, id: &str) -> Self {
        self.with(&json!({"spec": {"providerID": id}}))
    }

    /// A registered and initialized node of a pool. Needs a claim of the same provider id.
    #[must_use]
    pub fn of_pool(self, pool: &str, instance_type: &str) -> Self {
        self.label("karpenter.sh/nodepool", pool)
            .label("karpenter.sh/registered", "true")
            .label("karpenter.sh/initialized", "true")
            .label("node.kubernetes.io/instance-type", instance_type)
    }
}

impl Builder<NodeClaim> {
    /// Launched as this machine.
    #[must_use]
    pub fn provider_id(self, id: &str) -> Self {
        self.with(&json!({"status": {"providerID": id}}))
    }

    /// Capacity and allocatable of a resource.
    #[must_use]
    pub fn amount(self, resource: &str, amount: &str) -> Self {
        self.with(
            &json!({"status": {"capacity": {resource: amount}, "allocatable": {resource: amount}}}),
        )
    }
}

impl Builder<NodePool> {
    /// The weight.
    #[must_use]
    pub fn weight(self, weight: i32) -> Self {
        self.with(&json!({"spec": {"weight": weight}}))
    }

    /// A limit.
    #[must_use]
    pub fn limit(self, resource: &str, amount: &str) -> Self {
        self.with(&json!({"spec": {"limits": {resource: amount}}}))
    }

    /// A requirement.
    #[must_use]
    pub fn require(self, key: &str, operator: &str, values: &[&str]) -> Self {
        let item = json!({"key": key, "operator": operator, "values": values});
        self.push("/spec/template/spec", "requirements", item)
    }

    /// A taint.
    #[must_use]
    pub fn taint(self, key: &str, value: &str, effect: &str) -> Self {
        let item = json!({"key": key, "value": value, "effect": effect});
        self.push("/spec/template/spec", "taints", item)
    }

    /// A label of its nodes.
    #[must_use]
    pub fn node_label(self, key: &str, value: &str) -> Self {
        self.with(&json!({"spec": {"template": {"metadata": {"labels": {key: value}}}}}))
    }
}

impl Builder<DaemonSet> {
    /// What each pod requests of a resource.
    #[must_use]
    pub fn request(mut self, resource: &str, amount: &str) -> Self {
        self.at("/spec/template/spec/containers/0/resources/requests")[resource] = json!(amount);
        self
    }
}

/// An instance type for `amd64` Linux with one on-demand offering per zone.
///
/// `capacity` is of the form `cpu=4 memory=16Gi pods=110`; overhead is zero.
///
/// # Panics
/// If `capacity` is of another form.
pub fn instance_type(name: &str, capacity: &str, zones: &[&str], dollars: f64) -> InstanceType {
    let labels = [
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
    ];
    let mut requirements: Requirements = labels
        .into_iter()
        .map(|(key, value)| Requirement::single(key, value))
        .collect();
    requirements.add(Requirement::single(
        "node.kubernetes.io/instance-type",
        name,
    ));
    requirements.add(Requirement::any_of(
        "topology.kubernetes.io/zone",
        zones.iter().copied(),
    ));
    requirements.add(Requirement::single(
        "karpenter.sh/capacity-type",
        "on-demand",
    ));
    InstanceType {
        name: name.into(),
        requirements,
        offerings: zones.iter().map(|zone| on_demand(zone, dollars)).collect(),
        capacity: amounts(capacity),
        capacity_overlaid: false,
        dynamic_resources: None,
        overhead: Overhead::default(),
    }
}

/// Amounts from `cpu=4 memory=16Gi`.
///
/// # Panics
/// If the text is of another form.
pub fn amounts(text: &str) -> ResourceList {
    text.split_whitespace()
        .map(|entry| {
            let (resource, amount) = entry.split_once('=').expect("resource=amount");
            (resource.to_owned(), amount.parse().expect("a quantity"))
        })
        .collect()
}

fn on_demand(zone: &str, dollars: f64) -> Offering {
    let requirements = [
        Requirement::single("topology.kubernetes.io/zone", zone),
        Requirement::single("karpenter.sh/capacity-type", "on-demand"),
    ];
    Offering {
        requirements: Arc::new(requirements.into_iter().collect()),
        zone: zone.into(),
        capacity_type: CapacityType::OnDemand,
        price: Price::from_dollars(dollars),
        available: true,
        reservation_capacity: None,
        price_overlaid: false,
        overrides: None,
    }
}

fn expressions(term: &[(&str, &str, &[&str])]) -> Vec<Value> {
    term.iter()
        .map(|(key, operator, values)| json!({"key": key, "operator": operator, "values": values}))
        .collect()
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
