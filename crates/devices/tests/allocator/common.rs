//! Worlds of devices as JSON, and questions to the allocator.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::DynamicResources;
use cluster::ObjectKey;
use devices::{Allocator, Candidate, CandidateNode, Inputs, Refused};
use model::k8s::{DeviceClass, ResourceClaim, ResourceSlice};
use requirements::{Requirement, Requirements, Vocabulary};
use serde_json::{Value, json};

pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";

/// A world, in which one pool `default` makes nodes.
pub(crate) struct World {
    pub(crate) inputs: Inputs,
}

impl World {
    /// A world with the device class `gpu`, of driver `gpu.example.com`, and `any`.
    pub(crate) fn new() -> Self {
        let inputs = Inputs {
            vocabulary: Arc::new(Vocabulary::core()),
            slices: Vec::new(),
            classes: BTreeMap::new(),
            claims: BTreeMap::new(),
            wanted: BTreeSet::new(),
            templates: BTreeMap::new(),
            nodes: BTreeSet::new(),
            deleting_pods: BTreeSet::new(),
        };
        Self { inputs }
            .class("gpu", &["device.driver == 'gpu.example.com'"])
            .class("net", &["device.driver == 'net.example.com'"])
            .class("any", &[])
    }

    pub(crate) fn class(mut self, name: &str, selectors: &[&str]) -> Self {
        let selectors: Vec<Value> = selectors
            .iter()
            .map(|text| json!({"cel": {"expression": text}}))
            .collect();
        let class = json!({"metadata": {"name": name}, "spec": {"selectors": selectors}});
        let class: DeviceClass = serde_json::from_value(class).unwrap();
        self.inputs.classes.insert(name.to_owned(), Arc::new(class));
        self
    }

    /// A type that promises these slices.
    pub(crate) fn promise(mut self, name: &str, resources: Value) -> Self {
        let resources: DynamicResources = serde_json::from_value(resources).unwrap();
        let key = ("default".into(), name.into());
        self.inputs.templates.insert(key, Arc::new(resources));
        self
    }

    /// A slice; missing parts are filled in.
    pub(crate) fn slice(mut self, mut spec: Value) -> Self {
        if spec.get("pool").is_none() {
            spec["pool"] = json!({"name": "pool", "generation": 1, "resourceSliceCount": 1});
        }
        if spec.get("driver").is_none() {
            spec["driver"] = json!("gpu.example.com");
        }
        let slice: ResourceSlice = serde_json::from_value(json!({ "spec": spec })).unwrap();
        self.inputs.slices.push(Arc::new(slice));
        self
    }

    pub(crate) fn ready(mut self, node: &str) -> Self {
        self.inputs.nodes.insert(node.to_owned());
        self
    }

    pub(crate) fn deleting(mut self, uid: &str) -> Self {
        self.inputs.deleting_pods.insert(uid.to_owned());
        self
    }

    /// A claim with these requests, wanted by somebody.
    pub(crate) fn claim(self, name: &str, requests: Value) -> Self {
        self.whole_claim(name, json!({"devices": {"requests": requests}}), json!({}))
    }

    pub(crate) fn whole_claim(mut self, name: &str, spec: Value, status: Value) -> Self {
        let claim = json!({"metadata": {"name": name}, "spec": spec, "status": status});
        let claim: ResourceClaim = serde_json::from_value(claim).unwrap();
        self.inputs.claims.insert(key(name), Arc::new(claim));
        self.inputs.wanted.insert(key(name));
        self
    }

    pub(crate) fn allocator(&self) -> Allocator {
        Allocator::new(&self.inputs)
    }
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::new("default", name)
}

/// So many devices of a driver, with the further fields.
pub(crate) fn devices(count: usize, fields: &Value) -> Value {
    let device = |at: usize| {
        let mut device = fields.clone();
        device["name"] = json!(format!("device-{at}"));
        device
    };
    (0..count).map(device).collect()
}

/// One slice template.
pub(crate) fn template(driver: &str, devices: Value) -> Value {
    json!({"slices": [{"driver": driver, "pool": "local", "devices": devices}]})
}

/// One request of a class.
pub(crate) fn exactly(class: &str, count: usize) -> Value {
    json!([{"name": "r", "exactly": {"deviceClassName": class, "count": count}}])
}

/// Terms of a node selector: one per zone.
pub(crate) fn in_zones(zones: &[&str]) -> Value {
    let terms: Vec<Value> = zones
        .iter()
        .map(
            |zone| json!({"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}),
        )
        .collect();
    json!({ "nodeSelectorTerms": terms })
}

/// A place to ask about.
pub(crate) struct Place {
    pub(crate) id: Arc<str>,
    pub(crate) node: Option<String>,
    pub(crate) starting: bool,
    pub(crate) requirements: Requirements,
    pub(crate) types: Vec<Arc<str>>,
}

/// A node that is only planned, with these types.
pub(crate) fn planned(id: &str, types: &[&str]) -> Place {
    Place {
        id: id.into(),
        node: None,
        starting: false,
        requirements: Requirements::new(),
        types: types.iter().map(|name| Arc::from(*name)).collect(),
    }
}

/// A node that is there and ready.
pub(crate) fn ready(name: &str, instance_type: &str) -> Place {
    Place {
        node: Some(name.to_owned()),
        ..planned(name, &[instance_type])
    }
}

/// A node that is there and not initialized.
pub(crate) fn starting(name: &str, instance_type: &str) -> Place {
    Place {
        starting: true,
        ..ready(name, instance_type)
    }
}

impl Place {
    pub(crate) fn zone(mut self, zone: &str) -> Self {
        self.requirements.set(Requirement::single(ZONE, zone));
        self
    }

    fn candidate(&self) -> Candidate<'_> {
        let name = self.node.as_deref();
        Candidate {
            id: &self.id,
            node: match name {
                None => CandidateNode::Planned,
                name if self.starting => CandidateNode::Starting(name),
                Some(name) => CandidateNode::Ready(name),
            },
            node_pool: "default",
            requirements: &self.requirements,
            types: &self.types,
        }
    }

    /// The types that can hold the claims, without holding anything.
    pub(crate) fn ask(&self, allocator: &Allocator, claims: &[&str]) -> Result<String, Refused> {
        let keys: Vec<ObjectKey> = claims.iter().map(|name| key(name)).collect();
        let allocation = allocator.allocate(&self.candidate(), &keys)?;
        Ok(allocation.types.join(" "))
    }

    /// Allocates and commits; the types.
    pub(crate) fn take(
        &self,
        allocator: &mut Allocator,
        claims: &[&str],
    ) -> Result<String, Refused> {
        self.take_in(allocator, claims).map(|(types, _)| types)
    }

    /// Allocates and commits; the types, and the zones of each alternative.
    pub(crate) fn take_in(
        &self,
        allocator: &mut Allocator,
        claims: &[&str],
    ) -> Result<(String, Vec<String>), Refused> {
        let keys: Vec<ObjectKey> = claims.iter().map(|name| key(name)).collect();
        let allocation = allocator.allocate(&self.candidate(), &keys)?;
        let zone = |place: &Requirements| {
            let zone = place.get(ZONE).map(|zone| zone.values().join(","));
            zone.unwrap_or_default()
        };
        let zones = allocation.alternatives.iter().map(zone).collect();
        let types = allocation.types.join(" ");
        allocator.commit(allocation);
        Ok((types, zones))
    }
}

/// What a claim was given as some type: `request=device`.
pub(crate) fn granted(allocator: &Allocator, claim: &str, instance_type: &str) -> String {
    let by_type = allocator.granted(&key(claim));
    let granted = by_type.get(instance_type).into_iter().flatten();
    let granted: Vec<String> = granted
        .map(|granted| format!("{}={}", granted.request, granted.device.device))
        .collect();
    granted.join(" ")
}
