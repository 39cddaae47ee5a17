//! The scale subresource, by the paths each resource declares.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Written;
use crate::{
    ApiError, meta,
    options::{Patch, WriteOptions},
    patch,
    resource::{ResourceInfo, ScalePaths},
    state::State,
};

impl State {
    pub(crate) fn get_scale(
        &self,
        info: &ResourceInfo,
        namespace: &str,
        name: &str,
    ) -> Result<Value, ApiError> {
        let paths = info.scale.as_ref().ok_or_else(ApiError::no_such_path)?;
        Ok(scale_of(paths, &self.get(info, namespace, name)?.value))
    }

    /// Writes `spec.replicas` of a scale object back to where the resource keeps it.
    pub(crate) fn update_scale(
        &mut self,
        info: &Arc<ResourceInfo>,
        namespace: &str,
        name: &str,
        scale: &Value,
        options: &WriteOptions,
    ) -> Result<(Value, Written), ApiError> {
        let paths = info.scale.clone().ok_or_else(ApiError::no_such_path)?;
        let replicas = meta::at(scale, &["spec", "replicas"])
            .and_then(Value::as_i64)
            .unwrap_or(0);
        if replicas < 0 {
            let value = Value::from(replicas);
            let detail = "must be greater than or equal to 0";
            let field = crate::error::FieldError::invalid("spec.replicas", &value, detail);
            return Err(ApiError::invalid("autoscaling", "Scale", name, vec![field]));
        }
        let mut object = (*self.get(info, namespace, name)?.value).clone();
        if !meta::resource_version(scale).is_empty() {
            meta::copy(&mut object, scale, "resourceVersion");
        }
        set(&mut object, &paths.spec_replicas, replicas.into());
        let written = self.update(info, namespace, name, object, options)?;
        Ok((scale_of(&paths, &written.object.value), written))
    }

    pub(crate) fn patch_scale(
        &mut self,
        info: &Arc<ResourceInfo>,
        namespace: &str,
        name: &str,
        change: &Patch,
        options: &WriteOptions,
    ) -> Result<(Value, Written), ApiError> {
        let mut scale = self.get_scale(info, namespace, name)?;
        meta::unset(&mut scale, "resourceVersion");
        match change {
            Patch::Json(ops) => patch::json::apply(&mut scale, ops)?,
            Patch::Merge(change) | Patch::Strategic(change) | Patch::Apply(change) => {
                patch::merge::apply(&mut scale, change);
            }
        }
        self.update_scale(info, namespace, name, &scale, options)
    }
}

fn scale_of(paths: &ScalePaths, object: &Value) -> Value {
    let count = |path: &str| get(object, path).and_then(Value::as_i64).unwrap_or(0);
    let mut status = json!({ "replicas": count(&paths.status_replicas) });
    let selector = match &paths.label_selector {
        Some(path) => get(object, path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        None => selector_text(object.get("spec").and_then(|s| s.get("selector"))),
    };
    if !selector.is_empty() {
        status["selector"] = selector.into();
    }
    let mut metadata = json!({ "name": meta::name(object) });
    for field in ["namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = meta::field(object, field) {
            metadata[field] = value.clone();
        }
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": { "replicas": count(&paths.spec_replicas) }, "status": status,
    })
}

/// A label selector as text, as the server prints it.
fn selector_text(selector: Option<&Value>) -> String {
    let labels = selector
        .and_then(|s| s.get("matchLabels"))
        .and_then(Value::as_object);
    let terms: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    terms.join(",")
}

fn get<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.trim_start_matches('.')
        .split('.')
        .try_fold(object, |value, name| value.get(name))
}

fn set(object: &mut Value, path: &str, value: Value) {
    let mut names: Vec<&str> = path.trim_start_matches('.').split('.').collect();
    let Some(last) = names.pop() else { return };
    let mut at = object;
    for name in names {
        at = meta::as_map(at).entry(name).or_insert_with(|| json!({}));
    }
    meta::as_map(at).insert(last.to_owned(), value);
}
