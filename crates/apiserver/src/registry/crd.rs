//! What a CustomResourceDefinition object says, checked and compiled.

use std::sync::Arc;

use serde_json::Value;

use super::columns::Column;
use crate::{
    error::FieldError,
    meta,
    resource::{
        Generation, ResourceInfo, ScalePaths, Scope, ShelfId, StatusSubresource, group_version,
    },
    schema::Schema,
};

/// The served resources of one definition; the shelf is filled in by the caller.
#[derive(Debug)]
pub(crate) struct CrdParts {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) served: Vec<ResourceInfo>,
}

impl CrdParts {
    /// Reads a definition; errors carry the field paths that the server names.
    pub(crate) fn parse(crd: &Value) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let text = |path: &[&str]| meta::text_at(crd, path).to_owned();
        let (group, plural) = (text(&["spec", "group"]), text(&["spec", "names", "plural"]));
        let kind = text(&["spec", "names", "kind"]);
        for (field, value) in [
            ("spec.group", &group),
            ("spec.names.plural", &plural),
            ("spec.names.kind", &kind),
        ] {
            if value.is_empty() {
                errors.push(FieldError::required(field, ""));
            }
        }
        let wanted = format!("{plural}.{group}");
        if meta::name(crd) != wanted && errors.is_empty() {
            let detail = "must be spec.names.plural+\".\"+spec.group";
            errors.push(FieldError::invalid(
                "metadata.name",
                &meta::name(crd).into(),
                detail,
            ));
        }
        let none = Vec::new();
        let versions = meta::at(crd, &["spec", "versions"])
            .and_then(Value::as_array)
            .unwrap_or(&none);
        let stored: Vec<&Value> = versions
            .iter()
            .filter(|v| is_true(v.get("storage")))
            .collect();
        if stored.len() != 1 {
            let detail = "must have exactly one version marked as storage version";
            errors.push(FieldError::invalid("spec.versions", &Value::Null, detail));
        }
        let storage_api_version = stored
            .first()
            .map(|v| group_version(&group, v["name"].as_str().unwrap_or_default()))
            .unwrap_or_default();
        let mut served = Vec::new();
        for (i, version) in versions.iter().enumerate() {
            match resource(crd, version, &storage_api_version) {
                Ok(info) if is_true(version.get("served")) => served.push(info),
                Ok(_) => {}
                Err(found) => errors.extend(found.into_iter().map(|mut e| {
                    e.field = format!("spec.versions[{i}].schema.{}", e.field);
                    e
                })),
            }
        }
        if errors.is_empty() {
            Ok(Self {
                group,
                plural,
                served,
            })
        } else {
            Err(errors)
        }
    }
}

fn resource(
    crd: &Value,
    version: &Value,
    storage_api_version: &str,
) -> Result<ResourceInfo, Vec<FieldError>> {
    let names = &crd["spec"]["names"];
    let kind = names["kind"].as_str().unwrap_or_default();
    let none = Value::Null;
    let schema = meta::at(version, &["schema", "openAPIV3Schema"]).unwrap_or(&none);
    if schema.is_null() {
        let field = "openAPIV3Schema";
        return Err(vec![FieldError::required(field, "schemas are required")]);
    }
    let has_status = meta::at(version, &["subresources", "status"]).is_some();
    let text = |field: &str, default: String| names[field].as_str().map_or(default, str::to_owned);
    Ok(ResourceInfo {
        group: meta::text_at(crd, &["spec", "group"]).into(),
        version: version["name"].as_str().unwrap_or_default().into(),
        plural: text("plural", String::new()),
        singular: text("singular", kind.to_lowercase()),
        kind: kind.into(),
        list_kind: text("listKind", format!("{kind}List")),
        short_names: texts(&names["shortNames"]),
        categories: texts(&names["categories"]),
        scope: match meta::text_at(crd, &["spec", "scope"]) {
            "Cluster" => Scope::Cluster,
            _ => Scope::Namespaced,
        },
        status: if has_status {
            StatusSubresource::Present
        } else {
            StatusSubresource::Absent
        },
        scale: meta::at(version, &["subresources", "scale"]).map(scale_paths),
        generation: if has_status {
            Generation::AllButMetadataAndStatus
        } else {
            Generation::AllButMetadata
        },
        shelf: ShelfId(0),
        storage_api_version: storage_api_version.into(),
        schema: Some(Arc::new(Schema::parse(schema)?)),
        columns: columns(version),
    })
}

fn scale_paths(scale: &Value) -> ScalePaths {
    let text = |field: &str| scale[field].as_str().map(str::to_owned);
    ScalePaths {
        spec_replicas: text("specReplicasPath").unwrap_or_default(),
        status_replicas: text("statusReplicasPath").unwrap_or_default(),
        label_selector: text("labelSelectorPath"),
    }
}

fn columns(version: &Value) -> Vec<Column> {
    let list = version
        .get("additionalPrinterColumns")
        .and_then(Value::as_array);
    let text = |c: &Value, field: &str| c[field].as_str().unwrap_or_default().to_owned();
    list.into_iter()
        .flatten()
        .map(|c| Column {
            name: text(c, "name"),
            kind: text(c, "type"),
            format: text(c, "format"),
            description: text(c, "description"),
            priority: c["priority"].as_i64().unwrap_or(0),
            path: text(c, "jsonPath"),
        })
        .collect()
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool) == Some(true)
}
