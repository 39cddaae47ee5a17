//! The start of a run: the server, its kinds, and the objects of the input.

use std::collections::BTreeSet;
use std::sync::Arc;

use apiserver::{Resource, Server, WriteOptions};
use runtime::Clock;
use runtime::client::Kind;
use serde_json::{Value, json};

use super::timers::Timer;
use super::{Engine, SimError};

/// A server with the custom kinds installed.
pub(super) fn server(clock: &Clock, seed: u64) -> Result<Server, SimError> {
    let clock = clock.clone();
    let now: apiserver::Clock = Arc::new(move || {
        jiff::Timestamp::from_nanosecond(i128::from(clock.now().nanos())).unwrap_or_default()
    });
    let server = Server::new(apiserver::Config::new(now, seed));
    for crd in api::crd::all() {
        let what = format!("the definition of {}", crd["metadata"]["name"]);
        server
            .install_crd(crd)
            .map_err(|error| SimError::Server { what, error })?;
    }
    Ok(server)
}

/// Kinds that others refer to come first.
const FIRST: [&str; 7] = [
    "Namespace",
    "PriorityClass",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "EC2NodeClass",
    "KWOKNodeClass",
];

impl Engine {
    /// Puts the input into the server and sets the timers of the scenario.
    pub(super) fn start(&mut self) -> Result<(), SimError> {
        self.namespaces();
        self.learn_zones();
        let mut objects = std::mem::take(&mut self.config.objects);
        objects.extend(self.missing_classes(&objects));
        objects.sort_by_key(|object| {
            let kind = object["kind"].as_str().unwrap_or_default();
            FIRST
                .iter()
                .position(|first| *first == kind)
                .unwrap_or(FIRST.len())
        });
        for object in &objects {
            self.put(object)?;
        }
        self.config.objects = objects;
        self.timers.set(self.config.start, Timer::Sample);
        for (number, step) in self.config.scenario.steps.iter().enumerate() {
            self.timers
                .set(self.config.start + step.at, Timer::Step(number));
        }
        Ok(())
    }

    /// Namespaces that objects are in and that the input does not have.
    fn namespaces(&mut self) {
        let steps = self.config.scenario.steps.iter();
        let applied = steps.filter_map(|step| match &step.action {
            crate::Action::Apply(objects) => Some(objects),
            _ => None,
        });
        let all = self.config.objects.iter().chain(applied.flatten());
        let used: BTreeSet<String> = all
            .filter_map(|object| object.pointer("/metadata/namespace")?.as_str())
            .map(str::to_owned)
            .collect();
        for name in used {
            let namespace =
                json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            // One that is there already is what is wanted.
            let _ = self.server.create(apiserver::NAMESPACES, "", namespace);
        }
    }

    /// Node classes that pools refer to and that the input does not have: taken to be there and
    /// ready.
    fn missing_classes(&mut self, objects: &[Value]) -> Vec<Value> {
        let Some(default) = self.config.kinds.first().copied() else {
            return Vec::new();
        };
        let defaults = api::ProviderDefaults {
            group: default.group.to_owned(),
            kind: default.kind.to_owned(),
        };
        let pools = objects.iter().filter(|object| object["kind"] == "NodePool");
        let wanted: BTreeSet<(String, String)> = pools
            .filter_map(|pool| serde_json::from_value::<api::NodePool>(pool.clone()).ok())
            .map(|pool| pool.spec.template.spec.node_class_ref.or_default(&defaults))
            .map(|class| (class.kind, class.name))
            .collect();
        let has = |kind: &str, name: &str| {
            objects
                .iter()
                .any(|object| object["kind"] == kind && object["metadata"]["name"] == name)
        };
        let mut missing = Vec::new();
        for (kind_name, name) in wanted {
            let kind = self.config.kinds.iter().find(|kind| kind.kind == kind_name);
            let Some(kind) = kind.filter(|_| !has(&kind_name, &name)) else {
                continue;
            };
            self.notes.push(format!(
                "{kind_name} {name} is not in the input and taken to be ready"
            ));
            missing.push(class(*kind, &name));
        }
        missing
    }

    /// Creates an object, with its status where it has one.
    pub(super) fn put(&mut self, object: &Value) -> Result<(), SimError> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind").unwrap_or_default();
        let title = crate::engine::perform::title(object);
        let Some(plural) = plural_of(kind, &self.config.kinds) else {
            let note = format!("objects of kind {kind} play no part in a simulation");
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
            return Ok(());
        };
        let (group, version) = match text("/apiVersion").unwrap_or("v1").split_once('/') {
            Some((group, version)) => (group, version),
            None => ("", text("/apiVersion").unwrap_or("v1")),
        };
        let resource = Resource::new(group, version, plural);
        let namespaced = !CLUSTER_SCOPED.contains(&kind)
            && !self.config.kinds.iter().any(|class| class.kind == kind);
        let namespace = if namespaced {
            text("/metadata/namespace").unwrap_or("default")
        } else {
            ""
        };
        let mut fresh = object.clone();
        if let Some(meta) = fresh["metadata"].as_object_mut() {
            for field in [
                "resourceVersion",
                "uid",
                "managedFields",
                "deletionTimestamp",
            ] {
                meta.remove(field);
            }
        }
        let refused = |error| SimError::Refused {
            object: title.clone(),
            error,
        };
        let created = self
            .server
            .create(resource, namespace, fresh)
            .map_err(refused)?;
        if let (Some(status), Some(name)) =
            (object.get("status"), created["metadata"]["name"].as_str())
        {
            let patch = apiserver::Patch::Merge(json!({ "status": status }));
            // Kinds without a status subresource have none to keep.
            let _ = self
                .server
                .patch(resource, namespace, name, &patch, &WriteOptions::status());
        }
        Ok(())
    }
}

fn class(kind: Kind, name: &str) -> Value {
    let mut spec = json!({});
    if kind.kind == "EC2NodeClass" {
        spec = json!({
            "role": "simulated",
            "amiSelectorTerms": [{ "alias": "al2023@latest" }],
            "subnetSelectorTerms": [{ "tags": { "karpenter.sh/discovery": "simulated" } }],
            "securityGroupSelectorTerms": [{ "tags": { "karpenter.sh/discovery": "simulated" } }],
        });
    }
    json!({
        "apiVersion": kind.api_version(),
        "kind": kind.kind,
        "metadata": { "name": name },
        "spec": spec,
    })
}

const CLUSTER_SCOPED: [&str; 10] = [
    "Namespace",
    "Node",
    "PersistentVolume",
    "StorageClass",
    "CSINode",
    "PriorityClass",
    "VolumeAttachment",
    "NodePool",
    "NodeClaim",
    "NodeOverlay",
];

/// Kinds that play a part, with their plurals.
fn plural_of(kind: &str, classes: &[Kind]) -> Option<&'static str> {
    let known = [
        ("Pod", "pods"),
        ("Node", "nodes"),
        ("Namespace", "namespaces"),
        ("Service", "services"),
        ("Deployment", "deployments"),
        ("ReplicaSet", "replicasets"),
        ("StatefulSet", "statefulsets"),
        ("DaemonSet", "daemonsets"),
        ("Job", "jobs"),
        ("PodDisruptionBudget", "poddisruptionbudgets"),
        ("PriorityClass", "priorityclasses"),
        ("LimitRange", "limitranges"),
        ("PersistentVolume", "persistentvolumes"),
        ("PersistentVolumeClaim", "persistentvolumeclaims"),
        ("StorageClass", "storageclasses"),
        ("CSINode", "csinodes"),
        ("NodePool", "nodepools"),
        ("NodeClaim", "nodeclaims"),
        ("NodeOverlay", "nodeoverlays"),
        ("CapacityBuffer", "capacitybuffers"),
        ("PodTemplate", "podtemplates"),
        ("ConfigMap", "configmaps"),
        ("ServiceAccount", "serviceaccounts"),
    ];
    let class = || {
        classes
            .iter()
            .find(|class| class.kind == kind)
            .map(|class| class.plural)
    };
    known
        .iter()
        .find(|(name, _)| *name == kind)
        .map(|(_, plural)| *plural)
        .or_else(class)
}
