//! Columns of built-in kinds. A path that starts with `=` is computed.

use serde_json::{Value, json};

use crate::{meta, registry::columns::Column, resource::ResourceInfo};

/// Name, type and path of each column after the name.
type Columns = &'static [(&'static str, &'static str, &'static str)];

const PODS: Columns = &[
    ("Ready", "string", "=ready"),
    ("Status", "string", "=pod-status"),
    ("Restarts", "integer", "=restarts"),
    ("Age", "date", ".metadata.creationTimestamp"),
    ("IP", "string", ".status.podIP"),
    ("Node", "string", ".spec.nodeName"),
];
const NODES: Columns = &[
    ("Status", "string", "=node-status"),
    ("Roles", "string", "=roles"),
    ("Age", "date", ".metadata.creationTimestamp"),
    ("Version", "string", ".status.nodeInfo.kubeletVersion"),
];
const DEPLOYMENTS: Columns = &[
    ("Ready", "string", "=replicas"),
    ("Up-to-date", "integer", ".status.updatedReplicas"),
    ("Available", "integer", ".status.availableReplicas"),
    ("Age", "date", ".metadata.creationTimestamp"),
];
const REPLICA_SETS: Columns = &[
    ("Desired", "integer", ".spec.replicas"),
    ("Current", "integer", ".status.replicas"),
    ("Ready", "integer", ".status.readyReplicas"),
    ("Age", "date", ".metadata.creationTimestamp"),
];
const STATEFUL_SETS: Columns = &[
    ("Ready", "string", "=replicas"),
    ("Age", "date", ".metadata.creationTimestamp"),
];
const DAEMON_SETS: Columns = &[
    ("Desired", "integer", ".status.desiredNumberScheduled"),
    ("Current", "integer", ".status.currentNumberScheduled"),
    ("Ready", "integer", ".status.numberReady"),
    ("Age", "date", ".metadata.creationTimestamp"),
];
const BUDGETS: Columns = &[
    ("Min Available", "string", ".spec.minAvailable"),
    ("Max Unavailable", "string", ".spec.maxUnavailable"),
    (
        "Allowed Disruptions",
        "integer",
        ".status.disruptionsAllowed",
    ),
    ("Age", "date", ".metadata.creationTimestamp"),
];
const NAMESPACES: Columns = &[
    ("Status", "string", ".status.phase"),
    ("Age", "date", ".metadata.creationTimestamp"),
];
const EVENTS: Columns = &[
    ("Last Seen", "date", ".lastTimestamp"),
    ("Type", "string", ".type"),
    ("Reason", "string", ".reason"),
    ("Object", "string", "=object"),
    ("Message", "string", ".message"),
];
const LEASES: Columns = &[
    ("Holder", "string", ".spec.holderIdentity"),
    ("Age", "date", ".metadata.creationTimestamp"),
];
const PRIORITY_CLASSES: Columns = &[
    ("Value", "integer", ".value"),
    ("Global-Default", "boolean", ".globalDefault"),
    ("Age", "date", ".metadata.creationTimestamp"),
];
const OTHERS: Columns = &[("Age", "date", ".metadata.creationTimestamp")];
const DEFINITIONS: Columns = &[("Created At", "string", ".metadata.creationTimestamp")];

pub(super) fn columns(info: &ResourceInfo) -> Vec<Column> {
    let columns = match info.plural.as_str() {
        _ if info.is_custom() => OTHERS,
        "pods" => PODS,
        "nodes" => NODES,
        "deployments" => DEPLOYMENTS,
        "replicasets" => REPLICA_SETS,
        "statefulsets" => STATEFUL_SETS,
        "daemonsets" => DAEMON_SETS,
        "poddisruptionbudgets" => BUDGETS,
        "namespaces" => NAMESPACES,
        "events" => EVENTS,
        "leases" => LEASES,
        "priorityclasses" => PRIORITY_CLASSES,
        "customresourcedefinitions" => DEFINITIONS,
        _ => OTHERS,
    };
    let wide = ["IP", "Node"];
    columns
        .iter()
        .map(|(name, kind, path)| Column {
            name: (*name).into(),
            // Ages are sent as text, like the server's own printers do.
            kind: (*kind).into(),
            format: String::new(),
            description: String::new(),
            priority: i64::from(wide.contains(name)),
            path: (*path).into(),
        })
        .collect()
}

/// The value of a computed column.
pub(super) fn computed(path: &str, object: &Value) -> Option<Value> {
    let count = |path: &[&str]| meta::at(object, path).and_then(Value::as_i64).unwrap_or(0);
    Some(match path.strip_prefix('=')? {
        "ready" => json!(ready(object)),
        "pod-status" => json!(pod_status(object)),
        "restarts" => {
            let statuses = container_statuses(object);
            json!(
                statuses
                    .iter()
                    .filter_map(|s| s["restartCount"].as_i64())
                    .sum::<i64>()
            )
        }
        "node-status" => json!(node_status(object)),
        "roles" => json!(roles(object)),
        "replicas" => {
            let (ready, wanted) = (
                count(&["status", "readyReplicas"]),
                count(&["spec", "replicas"]),
            );
            json!(format!("{ready}/{wanted}"))
        }
        "object" => {
            let about = &object["involvedObject"];
            let text = |f: &str| about[f].as_str().unwrap_or_default().to_lowercase();
            json!(format!("{}/{}", text("kind"), text("name")))
        }
        _ => Value::Null,
    })
}

fn container_statuses(pod: &Value) -> &[Value] {
    let list = meta::at(pod, &["status", "containerStatuses"]).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn ready(pod: &Value) -> String {
    let ready = container_statuses(pod)
        .iter()
        .filter(|s| s["ready"] == true)
        .count();
    let all = meta::at(pod, &["spec", "containers"])
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    format!("{ready}/{all}")
}

fn pod_status(pod: &Value) -> String {
    if meta::is_deleting(pod) {
        return "Terminating".into();
    }
    match meta::text_at(pod, &["status", "phase"]) {
        "Succeeded" => "Completed".into(),
        phase => phase.into(),
    }
}

fn node_status(node: &Value) -> String {
    let conditions = meta::at(node, &["status", "conditions"]).and_then(Value::as_array);
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|c| c["type"] == "Ready");
    let status = match ready.and_then(|c| c["status"].as_str()) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if meta::at(node, &["spec", "unschedulable"]) == Some(&Value::Bool(true)) {
        return format!("{status},SchedulingDisabled");
    }
    status.into()
}

fn roles(node: &Value) -> String {
    let labels = meta::map(node, "labels");
    let roles: Vec<&str> = labels
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .filter_map(|key| key.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    if roles.is_empty() {
        "<none>".into()
    } else {
        roles.join(",")
    }
}
