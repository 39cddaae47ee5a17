//! Taking out of objects what decides nothing: identifiers, texts, times that nobody asks for.

use api::labels::DO_NOT_DISRUPT;
use serde_json::{Map, Value};

/// Members that decide nothing, whatever the kind. Each is a path; `*` goes through a list.
const ALL: &[&str] = &[
    "metadata.uid",
    "metadata.managedFields",
    "metadata.ownerReferences.*.uid",
    "metadata.ownerReferences.*.blockOwnerDeletion",
    "status.conditions.*.message",
];

/// Members that decide nothing in objects of one kind.
const OF_KIND: &[(&str, &[&str])] = &[
    (
        "Pod",
        &[
            "spec.containers.*.image",
            "spec.initContainers.*.image",
            "status.conditions.*.lastTransitionTime",
        ],
    ),
    (
        "DaemonSet",
        &[
            "spec.template.spec.containers.*.image",
            "spec.template.spec.initContainers.*.image",
        ],
    ),
    ("Node", &["status.phase"]),
    ("CSINode", &["spec.drivers.*.nodeID"]),
    (
        "PersistentVolume",
        &[
            "spec.capacity",
            "spec.persistentVolumeReclaimPolicy",
            "status",
        ],
    ),
    ("PersistentVolumeClaim", &["spec.resources"]),
    ("StorageClass", &["reclaimPolicy"]),
];

/// Takes out of an object what decides nothing.
pub(super) fn strip(object: &mut Value) {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let own = OF_KIND.iter().find(|(of, _)| *of == kind);
    let paths = ALL.iter().chain(own.map_or(&[][..], |(_, paths)| *paths));
    for path in paths {
        remove(object, path);
    }
    if kind == "Pod" {
        strip_pod(object);
    }
}

fn strip_pod(pod: &mut Value) {
    if pod
        .pointer("/spec/schedulerName")
        .is_some_and(is_default_scheduler)
    {
        remove(pod, "spec.schedulerName");
    }
    // Nobody asks when a pod was started unless it is protected for a time from then on.
    if pod["metadata"]["annotations"][DO_NOT_DISRUPT].is_null() {
        remove(pod, "status.startTime");
    }
}

fn is_default_scheduler(name: &Value) -> bool {
    name == "default-scheduler"
}

fn remove(value: &mut Value, path: &str) {
    let Some((first, rest)) = path.split_once('.') else {
        if let Value::Object(members) = value {
            members.remove(path);
        }
        return;
    };
    match value {
        Value::Array(items) if first == "*" => {
            for item in items {
                remove(item, rest);
            }
        }
        Value::Object(members) => within(members, first, rest),
        _ => {}
    }
}

fn within(members: &mut Map<String, Value>, first: &str, rest: &str) {
    if let Some(inner) = members.get_mut(first) {
        remove(inner, rest);
    }
}
