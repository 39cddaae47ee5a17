//! A small OpenAPI v3: enough for `kubectl` to see which parameters writes take. No schemas.

use serde_json::{Value, json};

use crate::{ApiError, resource::group_version, state::State};

/// The index at `""`, or the document of `api/v1` or `apis/{group}/{version}`.
pub(super) fn document(state: &State, path: &str) -> Result<Value, ApiError> {
    if path.is_empty() {
        return Ok(index(state));
    }
    let parts: Vec<&str> = path.split('/').collect();
    let (group, version) = match parts.as_slice() {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        _ => return Err(ApiError::no_such_path()),
    };
    let resources = state
        .registry
        .of(group, version)
        .ok_or_else(ApiError::no_such_path)?;
    let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation", "force"]
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } }))
        .collect();
    let mut paths = serde_json::Map::new();
    for info in resources.values() {
        let scope = if info.is_namespaced() {
            "namespaces/{namespace}/"
        } else {
            ""
        };
        let kind = json!({ "group": group, "version": version, "kind": info.kind });
        let operation = json!({
            "parameters": parameters, "x-kubernetes-group-version-kind": kind,
            "responses": { "200": { "description": "OK" } },
        });
        paths.insert(
            format!("/{path}/{scope}{}/{{name}}", info.plural),
            json!({ "patch": operation, "put": operation }),
        );
        let collection = format!("/{path}/{scope}{}", info.plural);
        paths.insert(collection, json!({ "post": operation }));
    }
    Ok(json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": super::VERSION },
        "paths": paths, "components": { "schemas": {} },
    }))
}

fn index(state: &State) -> Value {
    let mut paths = serde_json::Map::new();
    for (group, versions) in state.registry.groups() {
        for version in versions {
            let root = if group.is_empty() { "api" } else { "apis" };
            let path = format!("{root}/{}", group_version(group, version));
            let url = format!("/openapi/v3/{path}");
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
    }
    json!({ "paths": paths })
}
