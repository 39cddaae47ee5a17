//! Reading and writing `metadata` of an object held as JSON.

use serde_json::{Map, Value};

/// A text of metadata, empty if missing.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object
        .get("metadata")
        .and_then(|m| m.get(field))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "uid")
}

pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, "resourceVersion")
}

pub(crate) fn field<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    object.get("metadata")?.get(field)
}

/// A map of metadata (`labels`, `annotations`), if there.
pub(crate) fn map<'a>(object: &'a Value, name: &str) -> Option<&'a Map<String, Value>> {
    field(object, name)?.as_object()
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    field(object, "deletionTimestamp").is_some_and(|v| !v.is_null())
}

pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    let list = field(object, "finalizers").and_then(Value::as_array);
    list.map(|l| l.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

pub(crate) fn owner_references(object: &Value) -> &[Value] {
    field(object, "ownerReferences")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The metadata map, made if missing. Anything that is not a map is replaced.
pub(crate) fn of_mut(object: &mut Value) -> &mut Map<String, Value> {
    child_map(object, "metadata")
}

/// A map inside an object, made if missing.
pub(crate) fn child_map<'a>(object: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    let entry = as_map(object)
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    as_map(entry)
}

/// The value as a map; anything that is not one becomes an empty map first.
pub(crate) fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made a map in the line above"),
    }
}

pub(crate) fn set(object: &mut Value, field: &str, value: Value) {
    of_mut(object).insert(field.to_owned(), value);
}

pub(crate) fn unset(object: &mut Value, field: &str) {
    of_mut(object).remove(field);
}

/// Takes one field of metadata over from another object, or removes it when it has none.
pub(crate) fn copy(to: &mut Value, from: &Value, name: &str) {
    let wanted = field(from, name);
    if field(to, name) == wanted {
        return;
    }
    match wanted {
        Some(value) => set(to, name, value.clone()),
        None => unset(to, name),
    }
}

/// A nested value by plain field names.
pub(crate) fn at<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, name| value.get(name))
}

/// A nested text by plain field names, empty if missing.
pub(crate) fn text_at<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}
