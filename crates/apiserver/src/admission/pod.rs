//! Defaults of pods, and the admission plugins Priority, DefaultTolerationSeconds, LimitRanger.

use serde_json::{Map, Value, json};

use super::{default, limits};
use crate::{
    ApiError, meta,
    resource::PODS,
    state::{PRIORITY_CLASSES, State},
};

pub(super) fn on_create(state: &State, pod: &mut Value) -> Result<(), ApiError> {
    spec_defaults(meta::child_map(pod, "spec"));
    priority(state, pod)?;
    tolerations(meta::child_map(pod, "spec"));
    limits::apply(state, pod)?;
    let qos = qos_class(pod);
    let mut status = json!({ "phase": "Pending", "qosClass": qos });
    let gates = meta::at(pod, &["spec", "schedulingGates"]).and_then(Value::as_array);
    if gates.is_some_and(|g| !g.is_empty()) {
        status["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null, "lastTransitionTime": null,
        }]);
    }
    meta::as_map(pod).insert("status".into(), status);
    Ok(())
}

/// Defaults of a pod's spec, also within templates.
pub(super) fn spec_defaults(spec: &mut Map<String, Value>) {
    default(spec, "restartPolicy", "Always");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "securityContext", json!({}));
    default(spec, "schedulerName", "default-scheduler");
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
    for list in ["initContainers", "containers"] {
        for container in spec
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(container) = container.as_object_mut() {
                container_defaults(container, host_network.then_some(HostNetwork));
            }
        }
    }
}

/// The pod shares the node's network, so container ports are host ports.
#[derive(Clone, Copy)]
struct HostNetwork;

fn container_defaults(container: &mut Map<String, Value>, host: Option<HostNetwork>) {
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    default(container, "resources", json!({}));
    let image = container
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let policy = if tag(image).is_none_or(|t| t == "latest") {
        "Always"
    } else {
        "IfNotPresent"
    };
    default(container, "imagePullPolicy", policy);
    for port in container
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(port) = port.as_object_mut() {
            default(port, "protocol", "TCP");
            if host.is_some()
                && let Some(number) = port.get("containerPort").cloned()
            {
                default(port, "hostPort", number);
            }
        }
    }
    if let Some(resources) = container
        .get_mut("resources")
        .and_then(Value::as_object_mut)
    {
        requests_from_limits(resources);
    }
}

/// Tag or digest of an image.
fn tag(image: &str) -> Option<&str> {
    if let Some((_, digest)) = image.split_once('@') {
        return Some(digest);
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').map(|(_, tag)| tag)
}

/// A limit without a request is also the request.
pub(super) fn requests_from_limits(resources: &mut Map<String, Value>) {
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else {
        return;
    };
    if limits.is_empty() {
        return;
    }
    let requests = resources.entry("requests").or_insert_with(|| json!({}));
    for (name, limit) in limits {
        default(meta::as_map(requests), &name, limit);
    }
}

/// Priority admission: the class's value, or the default class's, or zero.
fn priority(state: &State, pod: &mut Value) -> Result<(), ApiError> {
    let info = state.find(PRIORITY_CLASSES)?;
    let wanted = meta::text_at(pod, &["spec", "priorityClassName"]).to_owned();
    let class = if wanted.is_empty() {
        let global = |c: &&std::sync::Arc<crate::storage::Stored>| c.value["globalDefault"] == true;
        state.store.list(info.shelf, None).find(global)
    } else {
        let found = state.store.get(info.shelf, "", &wanted);
        if found.is_none() {
            let why = format!("no PriorityClass with name {wanted} was found");
            return Err(ApiError::forbidden(
                PODS.group,
                PODS.plural,
                meta::name(pod),
                &why,
            ));
        }
        found
    };
    let value = class.and_then(|c| c.value["value"].as_i64()).unwrap_or(0);
    let policy = class
        .and_then(|c| c.value["preemptionPolicy"].as_str())
        .unwrap_or("PreemptLowerPriority")
        .to_owned();
    let name = class.map(|c| meta::name(&c.value).to_owned());
    let spec = meta::child_map(pod, "spec");
    if let Some(name) = name {
        spec.insert("priorityClassName".into(), name.into());
    }
    spec.insert("priority".into(), value.into());
    default(spec, "preemptionPolicy", policy);
    Ok(())
}

/// A changed pod keeps the priority it was admitted with.
pub(super) fn keep_priority(old: &Value, pod: &mut Value) {
    let spec = meta::child_map(pod, "spec");
    for field in ["priority", "preemptionPolicy"] {
        if let Some(value) = meta::at(old, &["spec", field]) {
            default(spec, field, value.clone());
        }
    }
}

/// Every pod bears a node that is not ready or unreachable for five minutes.
fn tolerations(spec: &mut Map<String, Value>) {
    let list = spec.entry("tolerations").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    let mut added = Vec::new();
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        let tolerated = list.iter().any(|t| {
            let matches = |name: &str, wanted: &str| {
                t.get(name)
                    .and_then(Value::as_str)
                    .is_none_or(|v| v.is_empty() || v == wanted)
            };
            matches("key", key) && matches("effect", "NoExecute")
        });
        if !tolerated {
            added.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            }));
        }
    }
    list.extend(added);
}

/// Quality of service from requests and limits of CPU and memory.
fn qos_class(pod: &Value) -> &'static str {
    let (mut any, mut all_equal) = (false, true);
    for list in ["initContainers", "containers"] {
        let containers = meta::at(pod, &["spec", list]).and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            for name in ["cpu", "memory"] {
                let of = |kind: &str| {
                    let value = meta::at(container, &["resources", kind, name]);
                    value.and_then(limits::nanos).filter(|v| *v > 0)
                };
                let (request, limit) = (of("requests"), of("limits"));
                any |= request.is_some() || limit.is_some();
                all_equal &= limit.is_some() && request.is_none_or(|r| Some(r) == limit);
            }
        }
    }
    match (any, all_equal) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
