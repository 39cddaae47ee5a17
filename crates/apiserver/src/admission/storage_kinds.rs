//! Volumes, claims, storage classes, services and priority classes: defaults and checks.

use serde_json::{Value, json};

use super::default;
use crate::{Resource, error::FieldError, meta, resource::ResourceInfo, state::State};

/// `storage.k8s.io` classes.
const STORAGE_CLASSES: Resource<'static> = Resource::new("storage.k8s.io", "v1", "storageclasses");
/// Marks the class of claims that name none.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) fn on_create(state: &State, info: &ResourceInfo, object: &mut Value) {
    match (info.group.as_str(), info.plural.as_str()) {
        ("", "persistentvolumeclaims") => {
            let class = default_class(state);
            let spec = meta::child_map(object, "spec");
            default(spec, "volumeMode", "Filesystem");
            if let Some(class) = class {
                default(spec, "storageClassName", class);
            }
            meta::as_map(object).insert("status".into(), json!({ "phase": "Pending" }));
        }
        ("", "persistentvolumes") => {
            let spec = meta::child_map(object, "spec");
            default(spec, "volumeMode", "Filesystem");
            default(spec, "persistentVolumeReclaimPolicy", "Retain");
            default(meta::child_map(object, "status"), "phase", "Pending");
        }
        ("", "services") => {
            let spec = meta::child_map(object, "spec");
            default(spec, "type", "ClusterIP");
            default(spec, "sessionAffinity", "None");
            let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
                default(port, "protocol", "TCP");
                if let Some(number) = port.get("port").cloned() {
                    default(port, "targetPort", number);
                }
            }
        }
        ("storage.k8s.io", "storageclasses") => {
            let map = meta::as_map(object);
            default(map, "reclaimPolicy", "Delete");
            default(map, "volumeBindingMode", "Immediate");
        }
        ("scheduling.k8s.io", "priorityclasses") => {
            default(
                meta::as_map(object),
                "preemptionPolicy",
                "PreemptLowerPriority",
            );
        }
        _ => {}
    }
}

/// The youngest class marked as default, by name where equal.
fn default_class(state: &State) -> Option<String> {
    let info = state.find(STORAGE_CLASSES).ok()?;
    let marked = state.store.list(info.shelf, None).filter(|c| {
        meta::map(&c.value, "annotations")
            .and_then(|a| a.get(DEFAULT_CLASS))
            .is_some_and(|v| v == "true")
    });
    let youngest = marked.max_by_key(|c| {
        let name = std::cmp::Reverse(meta::name(&c.value).to_owned());
        (meta::text(&c.value, "creationTimestamp").to_owned(), name)
    });
    youngest.map(|c| meta::name(&c.value).to_owned())
}

pub(super) fn validate(info: &ResourceInfo, object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let error = match (info.group.as_str(), info.plural.as_str()) {
        ("policy", "poddisruptionbudgets") => {
            let both = !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null();
            let detail = "minAvailable and maxUnavailable cannot be both set";
            both.then(|| FieldError::invalid("spec", spec, detail))
        }
        ("storage.k8s.io", "storageclasses") => {
            let given = object["provisioner"]
                .as_str()
                .is_some_and(|p| !p.is_empty());
            (!given).then(|| FieldError::required("provisioner", ""))
        }
        ("", "persistentvolumeclaims") => {
            let none = spec["accessModes"].as_array().is_none_or(Vec::is_empty);
            let detail = "at least 1 access mode is required";
            none.then(|| FieldError::required("spec.accessModes", detail))
        }
        _ => None,
    };
    error.into_iter().collect()
}
