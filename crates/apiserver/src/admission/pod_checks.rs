//! What is wrong with a pod (or a pod template): the mistakes that people make.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{limits, names};
use crate::{
    error::{FieldError, FieldErrorKind},
    meta,
};

const MAY_NOT_CHANGE: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(super) fn validate(pod: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let empty = Value::Null;
    let spec = pod.get("spec").unwrap_or(&empty);
    let mut errors = Vec::new();
    pod_spec(spec, "spec", &mut errors);
    if let Some(old) = old.and_then(|o| o.get("spec"))
        && frozen(old) != frozen(spec)
    {
        errors.push(FieldError::new(
            FieldErrorKind::Forbidden,
            "spec",
            &empty,
            MAY_NOT_CHANGE,
        ));
    }
    errors
}

/// The spec without what may change later.
fn frozen(spec: &Value) -> Value {
    let mut copy = spec.clone();
    let map = meta::as_map(&mut copy);
    for field in [
        "activeDeadlineSeconds",
        "tolerations",
        "terminationGracePeriodSeconds",
        "schedulingGates",
    ] {
        map.remove(field);
    }
    // While gates hold a pod, node selection may still be narrowed.
    let gated = spec["schedulingGates"]
        .as_array()
        .is_some_and(|g| !g.is_empty());
    if gated {
        map.remove("nodeSelector");
        map.remove("affinity");
    }
    for list in ["containers", "initContainers"] {
        for container in map
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            meta::as_map(container).remove("image");
        }
    }
    copy
}

/// Checks a pod's spec under `path`.
pub(super) fn pod_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let containers = spec["containers"].as_array().map_or(&[][..], Vec::as_slice);
    if containers.is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut seen = BTreeSet::new();
    for list in ["initContainers", "containers"] {
        let containers = spec[list].as_array().map_or(&[][..], Vec::as_slice);
        for (i, one) in containers.iter().enumerate() {
            container(one, &format!("{path}.{list}[{i}]"), &mut seen, errors);
        }
    }
    let policy = spec["restartPolicy"].as_str().unwrap_or_default();
    if !["Always", "OnFailure", "Never", ""].contains(&policy) {
        let supported = ["Always", "Never", "OnFailure"];
        let field = format!("{path}.restartPolicy");
        errors.push(FieldError::unsupported(field, &policy.into(), supported));
    }
    if let Some(selector) = spec["nodeSelector"].as_object() {
        for (key, value) in selector {
            names::label(key, value, &format!("{path}.nodeSelector"), errors);
        }
    }
    tolerations(spec, path, errors);
    spread(spec, path, errors);
}

fn container(
    container: &Value,
    path: &str,
    seen: &mut BTreeSet<String>,
    errors: &mut Vec<FieldError>,
) {
    let name = container["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    } else if !names::is_label(name) {
        let detail = "a lowercase RFC 1123 label must consist of lower case alphanumeric \
                      characters or '-', and must start and end with an alphanumeric character \
                      (e.g. 'my-name',  or '123-abc', regex used for validation is \
                      '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
        errors.push(FieldError::invalid(
            format!("{path}.name"),
            &name.into(),
            detail,
        ));
    } else if !seen.insert(name.to_owned()) {
        let field = format!("{path}.name");
        errors.push(FieldError::new(
            FieldErrorKind::Duplicate,
            field,
            &name.into(),
            "",
        ));
    }
    if container["image"].as_str().unwrap_or_default().is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    }
    resources(
        &container["resources"],
        &format!("{path}.resources"),
        errors,
    );
}

fn resources(resources: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for kind in ["limits", "requests"] {
        for (name, value) in resources[kind].as_object().into_iter().flatten() {
            let field = format!("{path}.{kind}[{name}]");
            match limits::nanos(value) {
                None => {
                    let detail = "quantities must match the regular expression \
                                  '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                    errors.push(FieldError::invalid(field, value, detail));
                }
                Some(n) if n < 0 => {
                    let detail = "must be greater than or equal to 0";
                    errors.push(FieldError::invalid(field, value, detail));
                }
                Some(_) => {}
            }
        }
    }
    for (name, request) in resources["requests"].as_object().into_iter().flatten() {
        let limit = &resources["limits"][name];
        if !limit.is_null() && limits::nanos(request) > limits::nanos(limit) {
            let field = format!("{path}.requests");
            let text = limit
                .as_str()
                .map_or_else(|| limit.to_string(), str::to_owned);
            let detail = format!("must be less than or equal to {name} limit of {text}");
            errors.push(FieldError::invalid(field, request, detail));
        }
    }
}

fn tolerations(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let list = spec["tolerations"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    for (i, toleration) in list.iter().enumerate() {
        let path = format!("{path}.tolerations[{i}]");
        let text = |name: &str| toleration[name].as_str().unwrap_or_default();
        if !["", "Exists", "Equal", "Lt", "Gt"].contains(&text("operator")) {
            let field = format!("{path}.operator");
            let value = text("operator").into();
            errors.push(FieldError::unsupported(field, &value, ["Equal", "Exists"]));
        }
        if text("key").is_empty() && text("operator") != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all \
                          values and all keys\"";
            let field = format!("{path}.operator");
            errors.push(FieldError::invalid(field, &text("operator").into(), detail));
        }
        if !text("effect").is_empty() && !EFFECTS.contains(&text("effect")) {
            let field = format!("{path}.effect");
            errors.push(FieldError::unsupported(
                field,
                &text("effect").into(),
                EFFECTS,
            ));
        }
    }
}

fn spread(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let list = spec["topologySpreadConstraints"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    for (i, constraint) in list.iter().enumerate() {
        let path = format!("{path}.topologySpreadConstraints[{i}]");
        if constraint["maxSkew"].as_i64().unwrap_or(0) <= 0 {
            let field = format!("{path}.maxSkew");
            let value = constraint["maxSkew"].as_i64().unwrap_or(0).into();
            errors.push(FieldError::invalid(
                field,
                &value,
                "must be greater than zero",
            ));
        }
        if constraint["topologyKey"]
            .as_str()
            .unwrap_or_default()
            .is_empty()
        {
            let detail = "can not be empty";
            errors.push(FieldError::required(format!("{path}.topologyKey"), detail));
        }
        let action = constraint["whenUnsatisfiable"].as_str().unwrap_or_default();
        if !["DoNotSchedule", "ScheduleAnyway"].contains(&action) {
            let field = format!("{path}.whenUnsatisfiable");
            let supported = ["DoNotSchedule", "ScheduleAnyway"];
            errors.push(FieldError::unsupported(field, &action.into(), supported));
        }
    }
}

/// Checks the taints of a node.
pub(super) fn taints(node: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    let list = meta::at(node, &["spec", "taints"]).and_then(Value::as_array);
    for (i, taint) in list.into_iter().flatten().enumerate() {
        let path = format!("metadata.taints[{i}]");
        let text = |name: &str| taint[name].as_str().unwrap_or_default();
        names::qualified_name(text("key"), &format!("{path}.key"), &mut errors);
        if !EFFECTS.contains(&text("effect")) {
            let field = format!("{path}.effect");
            errors.push(FieldError::unsupported(
                field,
                &text("effect").into(),
                EFFECTS,
            ));
        } else if !seen.insert((text("key"), text("effect"))) {
            errors.push(FieldError::new(FieldErrorKind::Duplicate, path, taint, ""));
        }
    }
    errors
}
