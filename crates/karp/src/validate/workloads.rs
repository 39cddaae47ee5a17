//! Excerpts of workloads: Kubernetes refuses a Deployment without selector, labels or containers,
//! so whoever copies one is told what is missing.

use manifests::Object;
use serde_json::Value;

use super::Located;

pub(super) fn check(object: &Object) -> Vec<Located> {
    let selects = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"];
    if !selects.contains(&object.kind.as_str()) && object.kind != "Job" {
        return Vec::new();
    }
    let tree = object.tree();
    let missing = |pointer: &str| match tree.pointer(pointer) {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    };
    let mut found = Vec::new();
    let mut say = |field: &str, fix: &str| {
        let message = "is missing, and Kubernetes refuses the object without it".to_owned();
        found.push(Located::warning(object, field, message, fix));
    };
    if missing("/spec/template/spec/containers") {
        say(
            "spec.template.spec.containers",
            "add at least one container with name and image",
        );
    }
    if object.kind == "Job" {
        return found;
    }
    if missing("/spec/selector") {
        say(
            "spec.selector",
            "add matchLabels that the template's labels fulfil",
        );
    } else if let Some(labels) = tree
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object)
    {
        let of_template = tree.pointer("/spec/template/metadata/labels");
        let unmet = labels.iter().find(|(key, value)| {
            of_template.and_then(|labels| labels.get(key.as_str())) != Some(*value)
        });
        if let Some((key, value)) = unmet {
            let message = format!("does not have {key}: {value}, which spec.selector asks for");
            let fix = "give the template the selector's labels";
            found.push(Located::warning(
                object,
                "spec.template.metadata.labels",
                message,
                fix,
            ));
        }
    }
    found
}
