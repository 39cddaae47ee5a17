//! A small cluster written in JSON, with the test instance types of the specification.

use catalog::Catalog;
use cluster::Snapshot;
use model::Timestamp;
use scheduling::{Batch, Options, Placement, PlannedClaim, Refusal, solve};
use serde_json::{Value, json};
use testkit::referee;

/// Objects and the types that pools offer.
pub struct World {
    pub items: Vec<Value>,
    pub catalog: Catalog,
    pub options: Options,
    pub batch: Batch,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for item in &self.items {
            writeln!(f, "{item}")?;
        }
        for ty in &self.catalog.types {
            writeln!(f, "{} {:?} {}", ty.name, ty.capacity, ty.offerings[0].price)?;
        }
        Ok(())
    }
}

/// Where a pod went.
pub enum Place<'p> {
    New(&'p PlannedClaim),
    Node(&'p str),
    Nowhere(&'p [Refusal]),
}

pub const ZONE: &str = "topology.kubernetes.io/zone";
pub const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";

/// 2026-01-01T12:00:00Z.
pub fn now() -> Timestamp {
    Timestamp::from_seconds(1_767_268_800)
}

impl World {
    /// No objects, default types.
    pub fn empty() -> Self {
        Self {
            items: Vec::new(),
            catalog: types(&default_types()),
            options: Options::default(),
            batch: Batch::default(),
        }
    }

    /// One pool without requirements.
    pub fn new() -> Self {
        Self::empty().pool("default", json!({}))
    }

    /// Other types.
    #[must_use]
    pub fn with_types(mut self, list: &[Value]) -> Self {
        self.catalog = types(list);
        self
    }

    /// Adds a pool; `more` is merged into its spec's template and spec.
    #[must_use]
    pub fn pool(mut self, name: &str, more: Value) -> Self {
        let mut pool = json!({
            "kind": "NodePool",
            "metadata": {"name": name, "uid": format!("uid-{name}")},
            "spec": {"template": {"spec": {
                "requirements": [],
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
            }}},
            "status": {"conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:00:00Z"},
            ]},
        });
        merge(&mut pool, more);
        self.items.push(pool);
        self
    }

    /// Adds a pending pod.
    #[must_use]
    pub fn pod(mut self, name: &str, cpu: &str, spec: Value) -> Self {
        self.items.push(pod(name, cpu, spec));
        self
    }

    /// Adds pending pods that are alike.
    #[must_use]
    pub fn pods(mut self, name: &str, count: usize, cpu: &str, spec: Value) -> Self {
        for number in 0..count {
            self.items
                .push(pod(&format!("{name}-{number}"), cpu, spec.clone()));
        }
        self
    }

    /// Adds any object.
    #[must_use]
    pub fn object(mut self, object: Value) -> Self {
        self.items.push(object);
        self
    }

    /// Adds a node that others own.
    #[must_use]
    pub fn node(self, name: &str, cpu: &str, more: Value) -> Self {
        self.object(node(name, cpu, more))
    }

    /// The cluster.
    pub fn snapshot(&self) -> Snapshot {
        testkit::world::snapshot(&self.items, &self.catalog)
    }

    /// The placement, checked.
    pub fn solve(&self) -> Placement {
        let snapshot = self.snapshot();
        let placement = solve(&snapshot, &self.batch, &self.options, now(), 1);
        let violations = referee::check(&snapshot, &self.batch, now(), &placement);
        assert!(violations.is_empty(), "{violations:#?}");
        placement
    }
}

/// Where a pod went.
pub fn place<'p>(placement: &'p Placement, name: &str) -> Place<'p> {
    for claim in &placement.new_claims {
        if claim.pods.iter().any(|pod| &*pod.name == name) {
            return Place::New(claim);
        }
    }
    for existing in &placement.existing {
        if existing.pods.iter().any(|pod| &*pod.name == name) {
            return Place::Node(&existing.node);
        }
    }
    let unplaced = placement
        .unplaced
        .iter()
        .find(|unplaced| &*unplaced.pod.name == name);
    Place::Nowhere(&unplaced.expect("the pod is decided").refusals)
}

/// The claim of a pod that must have got a new node.
pub fn new_node<'p>(placement: &'p Placement, name: &str) -> &'p PlannedClaim {
    match place(placement, name) {
        Place::New(claim) => claim,
        Place::Node(node) => panic!("{name} went to {node}"),
        Place::Nowhere(refusals) => panic!("{name} has no place: {refusals:#?}"),
    }
}

/// The reasons of a pod that must have no place, as text.
pub fn reasons(placement: &Placement, name: &str) -> Vec<String> {
    match place(placement, name) {
        Place::Nowhere(refusals) => refusals
            .iter()
            .map(|refusal| format!("{}: {}", refusal.candidate, refusal.rejection))
            .collect(),
        Place::New(claim) => panic!("{name} went to {}", claim.name),
        Place::Node(node) => panic!("{name} went to {node}"),
    }
}

/// A pending pod; `spec` is merged into its spec.
pub fn pod(name: &str, cpu: &str, spec: Value) -> Value {
    let mut pod = json!({
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": cpu}}}]},
        "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"},
        ]},
    });
    merge(&mut pod["spec"], spec);
    pod
}

/// A pod that runs on a node.
pub fn bound(name: &str, cpu: &str, node: &str, spec: Value) -> Value {
    let mut pod = pod(name, cpu, spec);
    pod["spec"]["nodeName"] = json!(node);
    pod["status"] = json!({"phase": "Running", "startTime": "2026-01-01T11:00:00Z"});
    pod
}

/// A node that others own; `more` is merged into it.
pub fn node(name: &str, cpu: &str, more: Value) -> Value {
    let mut node = json!({
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "spec": {"providerID": format!("test://{name}")},
        "status": {
            "capacity": {"cpu": cpu, "memory": "64Gi", "pods": "110"},
            "allocatable": {"cpu": cpu, "memory": "64Gi", "pods": "110"},
        },
    });
    merge(&mut node, more);
    node
}

/// A claim of the pool `default` that is launched and has no node yet; `more` is merged into it.
pub fn claim(name: &str, more: Value) -> Value {
    let mut claim = json!({
        "kind": "NodeClaim",
        "metadata": {"name": name, "labels": {
            "karpenter.sh/nodepool": "default", ZONE: "test-zone-2", "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux", CAPACITY_TYPE: "spot",
            "node.kubernetes.io/instance-type": "default-instance-type",
        }},
        "spec": {"nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}},
        "status": {
            "providerID": format!("test://{name}"),
            "capacity": {"cpu": "4", "memory": "4Gi", "pods": "5"},
            "allocatable": {"cpu": "3900m", "memory": "4086Mi", "pods": "5"},
        },
    });
    merge(&mut claim, more);
    claim
}

/// A DaemonSet whose pods ask for cpu.
pub fn daemon_set(name: &str, cpu: &str, spec: Value) -> Value {
    let mut template =
        json!({"containers": [{"name": "app", "resources": {"requests": {"cpu": cpu}}}]});
    merge(&mut template, spec);
    json!({
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}")},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": template},
        },
    })
}

/// One required node affinity expression.
pub fn affinity(key: &str, operator: &str, values: &[&str]) -> Value {
    json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [
            {"key": key, "operator": operator, "values": values},
        ]}],
    }}}})
}

/// Template requirements of a pool.
pub fn requires(requirements: Value) -> Value {
    json!({"spec": {"template": {"spec": {"requirements": requirements}}}})
}

/// Objects are merged key by key; anything else replaces.
pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn types(list: &[Value]) -> Catalog {
    catalog::file::parse(Value::from(list).to_string().as_bytes()).expect("types")
}

/// An instance type in the manner of the specification's test provider.
pub fn instance_type(name: &str, cpu: u32, memory_gi: u32, more: Value) -> Value {
    let price = 0.1 * f64::from(cpu) + 0.1 * f64::from(memory_gi) * 1.073_741_824;
    let large = cpu > 4 && memory_gi > 8;
    let offering = |zone: &str, capacity_type: &str| {
        json!({"Price": price, "Available": true, "Requirements": [
            {"key": ZONE, "operator": "In", "values": [zone]},
            {"key": CAPACITY_TYPE, "operator": "In", "values": [capacity_type]},
        ]})
    };
    let mut labels =
        json!({"integer": cpu.to_string(), "size": if large { "large" } else { "small" }});
    if large {
        labels["special"] = json!("optional");
    }
    let mut ty = json!({
        "name": name,
        "architecture": "amd64",
        "operatingSystems": ["linux"],
        "resources": {"cpu": cpu.to_string(), "memory": format!("{memory_gi}Gi"), "pods": "5"},
        "labels": labels,
        "offerings": [
            offering("test-zone-1", "spot"),
            offering("test-zone-2", "spot"),
            offering("test-zone-1", "on-demand"),
            offering("test-zone-2", "on-demand"),
            offering("test-zone-3", "on-demand"),
        ],
    });
    merge(&mut ty, more);
    ty
}

/// The default types of the specification's test provider.
pub fn default_types() -> Vec<Value> {
    vec![
        instance_type("default-instance-type", 4, 4, json!({})),
        instance_type("small-instance-type", 2, 2, json!({})),
        instance_type(
            "gpu-a",
            4,
            4,
            json!({"resources": {"fake.com/vendor-a": "2"}}),
        ),
        instance_type(
            "gpu-b",
            4,
            4,
            json!({"resources": {"fake.com/vendor-b": "2"}}),
        ),
        instance_type(
            "arm-instance-type",
            16,
            128,
            json!({"architecture": "arm64"}),
        ),
        instance_type(
            "single-pod-instance-type",
            4,
            4,
            json!({"resources": {"pods": "1"}}),
        ),
    ]
}
