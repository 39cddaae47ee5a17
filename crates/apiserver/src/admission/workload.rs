//! Defaults and checks of kinds with a pod template.

use serde_json::{Map, Value, json};

use super::{default, pod, pod_checks};
use crate::{LabelSelector, error::FieldError, meta, resource::ResourceInfo};

/// Fills in a template and what the kind adds to it.
pub(super) fn defaults(info: &ResourceInfo, object: &mut Value) {
    let Some(kind) = Kind::of(info) else { return };
    let spec = meta::child_map(object, "spec");
    if let Some(template) = spec.get_mut("template") {
        pod::spec_defaults(meta::child_map(template, "spec"));
    }
    match kind {
        Kind::Deployment => {
            default(spec, "replicas", 1);
            default(spec, "revisionHistoryLimit", 10);
            default(spec, "progressDeadlineSeconds", 600);
            let update = json!({ "maxUnavailable": "25%", "maxSurge": "25%" });
            strategy(spec, "strategy", &update);
        }
        Kind::ReplicaSet => default(spec, "replicas", 1),
        Kind::StatefulSet => {
            default(spec, "replicas", 1);
            default(spec, "revisionHistoryLimit", 10);
            default(spec, "podManagementPolicy", "OrderedReady");
            strategy(spec, "updateStrategy", &json!({ "partition": 0 }));
            let keep = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
            default(spec, "persistentVolumeClaimRetentionPolicy", keep);
        }
        Kind::DaemonSet => {
            default(spec, "revisionHistoryLimit", 10);
            let update = json!({ "maxUnavailable": 1, "maxSurge": 0 });
            strategy(spec, "updateStrategy", &update);
        }
        Kind::Job => {}
    }
}

fn strategy(spec: &mut Map<String, Value>, field: &str, rolling: &Value) {
    let strategy = meta::as_map(spec.entry(field).or_insert_with(|| json!({})));
    default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let update = meta::as_map(strategy.entry("rollingUpdate").or_insert_with(|| json!({})));
        for (name, value) in rolling.as_object().into_iter().flatten() {
            default(update, name, value.clone());
        }
    }
}

/// Kinds with a pod template at `spec.template`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
}

impl Kind {
    fn of(info: &ResourceInfo) -> Option<Self> {
        Some(match (info.group.as_str(), info.plural.as_str()) {
            ("apps", "deployments") => Self::Deployment,
            ("apps", "replicasets") => Self::ReplicaSet,
            ("apps", "statefulsets") => Self::StatefulSet,
            ("apps", "daemonsets") => Self::DaemonSet,
            ("batch", "jobs") => Self::Job,
            _ => return None,
        })
    }
}

pub(super) fn validate(
    info: &ResourceInfo,
    object: &Value,
    old: Option<&Value>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let Some(kind) = Kind::of(info) else {
        return errors;
    };
    let spec = &object["spec"];
    if spec["replicas"].as_i64().is_some_and(|n| n < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(
            "spec.replicas",
            &spec["replicas"],
            detail,
        ));
    }
    if kind != Kind::Job {
        selector(spec, &mut errors);
    }
    pod_checks::pod_spec(&spec["template"]["spec"], "spec.template.spec", &mut errors);
    restart_policy(kind, spec, &mut errors);
    if let Some(old) = old
        && old["spec"]["selector"] != spec["selector"]
    {
        let detail = "field is immutable";
        errors.push(FieldError::invalid(
            "spec.selector",
            &spec["selector"],
            detail,
        ));
    }
    errors
}

fn selector(spec: &Value, errors: &mut Vec<FieldError>) {
    let given = &spec["selector"];
    let is_empty = |v: &Value| v.is_null() || v.as_object().is_some_and(Map::is_empty);
    if given.is_null() {
        errors.push(FieldError::required("spec.selector", ""));
        return;
    }
    if is_empty(given) {
        let detail = "empty selector is invalid for deployment";
        errors.push(FieldError::invalid("spec.selector", given, detail));
        return;
    }
    let Some(selector) = LabelSelector::from_object(given) else {
        let detail = "not a valid selector operator";
        errors.push(FieldError::invalid("spec.selector", given, detail));
        return;
    };
    let labels = &spec["template"]["metadata"]["labels"];
    if !selector.matches_labels(labels.as_object()) {
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid(
            "spec.template.metadata.labels",
            labels,
            detail,
        ));
    }
}

fn restart_policy(kind: Kind, spec: &Value, errors: &mut Vec<FieldError>) {
    let policy = &spec["template"]["spec"]["restartPolicy"];
    let field = "spec.template.spec.restartPolicy";
    if kind == Kind::Job {
        if policy == "Always" {
            let detail = "Required value: valid values: \"OnFailure\", \"Never\"";
            errors.push(FieldError::required(
                field,
                detail.trim_start_matches("Required value: "),
            ));
        }
    } else if policy.as_str().is_some_and(|p| p != "Always") {
        errors.push(FieldError::unsupported(field, policy, ["Always"]));
    }
}
