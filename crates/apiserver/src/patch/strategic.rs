//! Strategic merge patch: a merge patch that merges lists by key, with `$patch` directives.

use serde_json::{Map, Value};

use super::shape::{ListKind, Shape};
use crate::{ApiError, meta};

/// Changes an object of a built-in kind.
pub(crate) fn apply(target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    merge(Shape::root(None), target, patch)
}

fn merge(shape: Shape<'_>, target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let Some(changes) = patch.as_object() else {
        *target = patch.clone();
        return Ok(());
    };
    match changes.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let rest = changes.iter().filter(|(name, _)| *name != "$patch");
            *target = rest
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect::<Map<_, _>>()
                .into();
            return Ok(());
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        _ => {}
    }
    let map = meta::as_map(target);
    for (name, change) in changes {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            remove_items(map.get_mut(list), change);
        } else if name.starts_with('$') {
            retain_keys(name, map, change);
        } else if change.is_null() {
            map.remove(name);
        } else {
            field(shape.child(name), map, name, change)?;
        }
    }
    for (name, order) in changes {
        if let Some(list) = name.strip_prefix("$setElementOrder/") {
            sort(shape.child(list).strategic_kind(), map.get_mut(list), order);
        }
    }
    Ok(())
}

fn field(
    shape: Shape<'_>,
    map: &mut Map<String, Value>,
    name: &str,
    change: &Value,
) -> Result<(), ApiError> {
    match change {
        Value::Object(_) => merge(shape, map.entry(name).or_insert(Value::Null), change),
        Value::Array(items) => match shape.strategic_kind() {
            ListKind::Atomic => {
                map.insert(name.to_owned(), change.clone());
                Ok(())
            }
            ListKind::Set => {
                let list = as_list(map.entry(name).or_insert(Value::Null));
                for item in items {
                    if !list.contains(item) {
                        list.push(item.clone());
                    }
                }
                Ok(())
            }
            ListKind::Map(keys) => {
                let list = as_list(map.entry(name).or_insert(Value::Null));
                merge_list(shape.item(), list, items, &keys)
            }
        },
        scalar => {
            map.insert(name.to_owned(), scalar.clone());
            Ok(())
        }
    }
}

fn merge_list(
    shape: Shape<'_>,
    list: &mut Vec<Value>,
    changes: &[Value],
    keys: &[String],
) -> Result<(), ApiError> {
    if changes.iter().any(|c| c["$patch"] == "replace") {
        *list = changes
            .iter()
            .filter(|c| c.get("$patch").is_none())
            .cloned()
            .collect();
        return Ok(());
    }
    for change in changes {
        let key = keys.first().map(String::as_str).unwrap_or_default();
        if change.get(key).is_none() {
            let why = format!("map: {change} does not contain declared merge key: {key}");
            return Err(ApiError::bad_request(why));
        }
        let same = |item: &Value| keys.iter().all(|k| item.get(k) == change.get(k));
        if change["$patch"] == "delete" {
            list.retain(|item| !same(item));
            continue;
        }
        if let Some(item) = list.iter_mut().find(|item| same(item)) {
            merge(shape, item, change)?;
        } else {
            let mut item = Value::Null;
            merge(shape, &mut item, change)?;
            list.push(item);
        }
    }
    Ok(())
}

/// The value as a list; anything else becomes an empty one first.
fn as_list(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    match value {
        Value::Array(list) => list,
        _ => unreachable!("made a list in the line above"),
    }
}

fn remove_items(list: Option<&mut Value>, items: &Value) {
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    if let Some(list) = list.and_then(Value::as_array_mut) {
        list.retain(|item| !items.contains(item));
    }
}

/// `$retainKeys`: all other fields go.
fn retain_keys(directive: &str, map: &mut Map<String, Value>, keys: &Value) {
    if directive == "$retainKeys"
        && let Some(keys) = keys.as_array()
    {
        map.retain(|name, _| keys.iter().any(|k| k.as_str() == Some(name)));
    }
}

/// Puts the named items into the named order; others keep their place behind them.
fn sort(kind: ListKind, list: Option<&mut Value>, order: &Value) {
    let (Some(list), Some(order)) = (list.and_then(Value::as_array_mut), order.as_array()) else {
        return;
    };
    let place = |item: &Value| {
        let same = |wanted: &Value| match &kind {
            ListKind::Map(keys) => keys.iter().all(|k| wanted.get(k) == item.get(k)),
            _ => wanted == item,
        };
        order.iter().position(same).unwrap_or(usize::MAX)
    };
    list.sort_by_key(place);
}
