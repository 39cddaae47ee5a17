//! Tables for `kubectl get`: a few columns per built-in kind, printer columns for custom ones.

mod age;
mod builtin;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use self::age::age;
use crate::{
    meta,
    registry::columns::{Column, lookup},
    resource::ResourceInfo,
};

/// How much of the object goes along with its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

impl Include {
    /// The `includeObject` parameter.
    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            Some("None") => Self::None,
            Some("Object") => Self::Object,
            _ => Self::Metadata,
        }
    }
}

/// A `meta.k8s.io/v1` Table of objects.
pub(crate) fn table(
    info: &ResourceInfo,
    objects: &[Cow<'_, Value>],
    include: Include,
    list: &Value,
    now: Timestamp,
) -> Value {
    let columns = columns(info);
    let mut definitions = vec![definition("Name", "string", "name", 0)];
    definitions.extend(
        columns
            .iter()
            .map(|c| definition(&c.name, &c.kind, &c.format, c.priority)),
    );
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut cells = vec![json!(meta::name(object))];
            cells.extend(columns.iter().map(|c| cell(c, object, now)));
            let mut row = json!({ "cells": cells });
            match include {
                Include::None => {}
                Include::Metadata => {
                    row["object"] = json!({
                        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                        "metadata": object.get("metadata"),
                    });
                }
                Include::Object => row["object"] = object.clone().into_owned(),
            }
            row
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": list,
        "columnDefinitions": definitions, "rows": rows,
    })
}

fn definition(name: &str, kind: &str, format: &str, priority: i64) -> Value {
    json!({
        "name": name, "type": kind, "format": format, "description": "", "priority": priority,
    })
}

/// The columns after the name.
fn columns(info: &ResourceInfo) -> Vec<Column> {
    if !info.columns.is_empty() {
        return info.columns.clone();
    }
    builtin::columns(info)
}

fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    if let Some(value) = builtin::computed(&column.path, object) {
        return value;
    }
    let Some(value) = lookup(object, &column.path).filter(|v| !v.is_null()) else {
        return if column.kind == "string" {
            json!("<none>")
        } else {
            Value::Null
        };
    };
    match (column.kind.as_str(), value) {
        ("date", Value::String(time)) => json!(age(time, now)),
        ("string", Value::String(_)) | ("integer" | "number" | "boolean", _) => value.clone(),
        (_, Value::String(text)) => json!(text),
        (_, other) => json!(other.to_string()),
    }
}
