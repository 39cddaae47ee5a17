//! What the server adds to built-in objects and demands of them: defaults, admission plugins that
//! people rely on, and the checks that catch common mistakes.

mod batch;
mod crd;
mod limits;
mod names;
mod pod;
mod pod_checks;
mod storage_kinds;
#[cfg(test)]
mod tests;
mod workload;

use serde_json::{Map, Value, json};

use crate::{
    ApiError,
    error::FieldError,
    meta,
    options::Part,
    resource::{CRDS, NAMESPACES, NODES, PDBS, PODS, ResourceInfo, StatusSubresource},
    state::State,
};

/// Defaults and admission of a new object.
pub(crate) fn on_create(
    state: &State,
    info: &ResourceInfo,
    object: &mut Value,
) -> Result<(), ApiError> {
    namespace_must_take(state, info, object)?;
    if info.is_custom() {
        if info.status == StatusSubresource::Present {
            meta::as_map(object).remove("status");
        }
        return Ok(());
    }
    match (info.group.as_str(), info.plural.as_str()) {
        ("", "pods") => pod::on_create(state, object),
        ("", "nodes") => {
            taint_new_node(object);
            Ok(())
        }
        ("", "namespaces") => {
            set_up_namespace(object);
            Ok(())
        }
        _ => {
            if resets_status(&info.plural) {
                meta::as_map(object).remove("status");
            }
            workload::defaults(info, object);
            batch::on_create(info, object);
            storage_kinds::on_create(state, info, object);
            crd::on_create(info, object, &state.now_text());
            if info.is(PDBS) {
                meta::as_map(object).insert(
                    "status".into(),
                    json!({
                        "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0,
                        "expectedPods": 0,
                    }),
                );
            }
            Ok(())
        }
    }
}

/// Defaults of a changed object.
pub(crate) fn on_update(info: &ResourceInfo, old: &Value, object: &mut Value, part: Part) {
    if info.is_custom() || part == Part::Status || old.get("spec") == object.get("spec") {
        return;
    }
    if info.is(PODS) {
        pod::keep_priority(old, object);
    }
    workload::defaults(info, object);
    crd::on_update(info, object);
}

/// What is wrong with an object; `old` is there for an update.
pub(crate) fn validate(
    info: &ResourceInfo,
    object: &Value,
    old: Option<&Value>,
) -> Vec<FieldError> {
    let mut errors = names::metadata(info, object, old);
    if let Some(schema) = &info.schema {
        errors.extend(schema.validate(object, old));
        errors.extend(negative_scale(info, object));
        return errors;
    }
    let unchanged = old.is_some_and(|old| old.get("spec") == object.get("spec"));
    if !unchanged {
        if info.is(PODS) {
            errors.extend(pod_checks::validate(object, old));
        }
        errors.extend(workload::validate(info, object, old));
        errors.extend(storage_kinds::validate(info, object));
        if info.is(NODES) {
            errors.extend(pod_checks::taints(object));
        }
    }
    errors
}

/// Last checks before an object is stored: a definition must compile.
pub(crate) fn before_store(info: &ResourceInfo, object: &Value) -> Result<(), ApiError> {
    if !info.is(CRDS) {
        return Ok(());
    }
    let check = crate::registry::CrdParts::parse(object);
    check
        .map(drop)
        .map_err(|errors| info.invalid(meta::name(object), errors))
}

impl State {
    /// Effects of a stored object on the server itself.
    pub(crate) fn after_store(&mut self, info: &ResourceInfo, object: &Value) {
        if info.is(CRDS) && !meta::is_deleting(object) {
            self.install(object);
        }
    }
}

/// The number that the scale subresource shows can't be negative.
fn negative_scale(info: &ResourceInfo, object: &Value) -> Option<FieldError> {
    let path = &info.scale.as_ref()?.spec_replicas;
    let replicas = crate::registry::columns::lookup(object, path)?;
    let negative = replicas.as_i64().is_some_and(|n| n < 0);
    let detail = "should be a non-negative integer";
    negative.then(|| FieldError::invalid(path.as_str(), replicas, detail))
}

/// The namespace must exist and not be going.
fn namespace_must_take(state: &State, info: &ResourceInfo, object: &Value) -> Result<(), ApiError> {
    if !info.is_namespaced() {
        return Ok(());
    }
    let name = meta::namespace(object);
    let namespaces = state.find(NAMESPACES)?;
    let namespace = state.get(&namespaces, "", name)?;
    if !meta::is_deleting(&namespace.value) {
        return Ok(());
    }
    let why =
        format!("unable to create new content in namespace {name} because it is being terminated");
    let mut error = ApiError::forbidden(&info.group, &info.plural, meta::name(object), &why);
    if let Some(details) = &mut error.details {
        details.causes = vec![crate::Cause {
            reason: "NamespaceTerminating".into(),
            message: format!("namespace {name} is being terminated"),
            field: "metadata.namespace".into(),
        }];
    }
    Err(error)
}

/// A new node is not ready until somebody says so.
fn taint_new_node(node: &mut Value) {
    let taint = json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" });
    let spec = meta::child_map(node, "spec");
    let taints = spec.entry("taints").or_insert_with(|| json!([]));
    let Some(list) = taints.as_array_mut() else {
        return;
    };
    let has = list
        .iter()
        .any(|t| t["key"] == taint["key"] && t["effect"] == taint["effect"]);
    if !has {
        list.push(taint);
    }
}

fn set_up_namespace(namespace: &mut Value) {
    let name = meta::name(namespace).to_owned();
    let labels = meta::of_mut(namespace)
        .entry("labels")
        .or_insert_with(|| json!({}));
    meta::as_map(labels).insert("kubernetes.io/metadata.name".into(), name.into());
    let map = meta::as_map(namespace);
    map.insert("spec".into(), json!({ "finalizers": ["kubernetes"] }));
    map.insert("status".into(), json!({ "phase": "Active" }));
}

/// Kinds whose status can't be given at creation. Nodes keep theirs.
fn resets_status(plural: &str) -> bool {
    matches!(
        plural,
        "deployments"
            | "replicasets"
            | "statefulsets"
            | "daemonsets"
            | "jobs"
            | "cronjobs"
            | "replicationcontrollers"
            | "poddisruptionbudgets"
            | "persistentvolumeclaims"
            | "services"
            | "volumeattachments"
            | "horizontalpodautoscalers"
            | "resourceclaims"
    )
}

/// Sets a field unless it is there.
fn default(map: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    let missing = map.get(name).is_none_or(Value::is_null);
    if missing {
        map.insert(name.to_owned(), value.into());
    }
}
