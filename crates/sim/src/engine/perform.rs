//! Performs writes on the API server, and runs the parts that react to changes.

use apiserver::{DeleteOptions, Patch, Reason, Resource, WriteOptions};
use serde_json::{Value, json};

use super::Engine;
use crate::timeline::Happening;
use crate::write::{Part, Target, Write};
use crate::{budgets, scheduler, storage, workloads};

impl Engine {
    /// Lets each part react to what has changed. Returns whether anything was written.
    pub(super) fn react(&mut self) -> bool {
        let mut wrote = self.server.collect_garbage() > 0;
        let now = self.clock.now();
        for key in std::mem::take(&mut self.dirty) {
            wrote |= self.perform(workloads::reconcile(&self.state, &key, now));
        }
        if wrote {
            return true;
        }
        if std::mem::take(&mut self.storage_due) {
            let writes = storage::controller::reconcile(&mut self.state.storage);
            wrote |= self.perform(writes);
        }
        if wrote {
            return true;
        }
        if std::mem::take(&mut self.scheduling_due) {
            let now = self.clock.now();
            let writes = scheduler::schedule(&mut self.state, now);
            wrote |= self.perform(writes);
        }
        if std::mem::take(&mut self.budgets_due) {
            wrote |= self.perform(budgets::reconcile(&self.state));
        }
        wrote
    }

    /// Performs writes. Returns whether there were any.
    pub(super) fn perform(&mut self, writes: Vec<Write>) -> bool {
        let any = !writes.is_empty();
        for write in writes {
            if let Err((what, error)) = self.write(&write)
                && error.reason != Reason::NotFound
            {
                // An object that is gone by now needs nothing any more; all else is the user's to
                // see.
                self.note(Happening::Problem {
                    text: format!("{what}: {error}"),
                });
            }
        }
        any
    }

    fn write(&self, write: &Write) -> Result<(), (String, apiserver::ApiError)> {
        match write {
            Write::Create(object) => {
                let kind = object["kind"].as_str().unwrap_or_default();
                let (group, plural) = match kind {
                    "ReplicaSet" => ("apps", "replicasets"),
                    "Node" => ("", "nodes"),
                    "CSINode" => ("storage.k8s.io", "csinodes"),
                    "PersistentVolume" => ("", "persistentvolumes"),
                    "PersistentVolumeClaim" => ("", "persistentvolumeclaims"),
                    _ => ("", "pods"),
                };
                let namespace = object
                    .pointer("/metadata/namespace")
                    .and_then(Value::as_str);
                let resource = Resource::new(group, "v1", plural);
                self.server
                    .create(resource, namespace.unwrap_or_default(), object.clone())
                    .map_err(|error| (title(object), error))?;
            }
            Write::Patch {
                target,
                part,
                patch,
            } => {
                let built_in = ["", "apps", "batch", "policy"].contains(&target.group.as_str());
                let (patch, options) = match part {
                    Part::Status if built_in => {
                        (Patch::Strategic(patch.clone()), WriteOptions::status())
                    }
                    Part::Status => (Patch::Merge(patch.clone()), WriteOptions::status()),
                    Part::Main => (Patch::Merge(patch.clone()), WriteOptions::default()),
                };
                self.server
                    .patch(
                        resource(target),
                        &target.namespace,
                        &target.name,
                        &patch,
                        &options,
                    )
                    .map_err(|error| (target.name.clone(), error))?;
            }
            Write::Bind { pod, node } => {
                self.server
                    .bind(&pod.namespace, &pod.name, node)
                    .map_err(|error| (format!("binding {}/{}", pod.namespace, pod.name), error))?;
            }
            Write::Delete {
                target,
                grace_seconds,
            } => {
                let options = DeleteOptions {
                    grace_period_seconds: *grace_seconds,
                    ..DeleteOptions::default()
                };
                self.server
                    .delete(resource(target), &target.namespace, &target.name, &options)
                    .map_err(|error| (format!("deleting {}", target.name), error))?;
            }
        }
        Ok(())
    }

    /// Creates a Node with its status.
    pub(super) fn create_node(&mut self, node: &Value) {
        self.perform(vec![
            Write::Create(node.clone()),
            Write::Patch {
                target: Target::node(node["metadata"]["name"].as_str().unwrap_or_default()),
                part: Part::Status,
                patch: json!({ "status": node["status"] }),
            },
        ]);
    }
}

pub(super) fn resource(target: &Target) -> Resource<'_> {
    Resource::new(&target.group, &target.version, &target.plural)
}

/// `Kind namespace/name` of an object.
pub(super) fn title(object: &Value) -> String {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let name = match text("/metadata/name") {
        "" => text("/metadata/generateName"),
        name => name,
    };
    match text("/metadata/namespace") {
        "" => format!("{} {name}", text("/kind")),
        namespace => format!("{} {namespace}/{name}", text("/kind")),
    }
}
