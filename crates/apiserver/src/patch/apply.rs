//! Server-side apply: a manager says which fields it wants, and owns exactly those.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    fields::{Difference, Fields, key_element},
    ownership::{Manager, Operation, managers, ownable, set_managers, shape},
    shape::{ListKind, Shape},
};
use crate::{
    ApiError, Reason,
    error::{Cause, Details},
    meta,
    options::{Conflicts, Part, WriteOptions},
    resource::{ResourceInfo, StatusSubresource},
};

/// `managedFields` of an object that an apply creates.
pub(crate) fn first_ownership(
    info: &ResourceInfo,
    wanted: &Value,
    options: &WriteOptions,
    now: &str,
) -> Value {
    let mut manager = Manager::new(info, options, Operation::Apply, now);
    manager.fields = Fields::of(shape(info), &in_part(info, wanted, options.part));
    let mut holder = json!({});
    set_managers(&mut holder, &[manager]);
    meta::field(&holder, "managedFields")
        .cloned()
        .unwrap_or_else(|| json!([]))
}

/// The object after an apply, ownership included.
pub(crate) fn merge(
    info: &ResourceInfo,
    live: &Value,
    wanted: &Value,
    options: &WriteOptions,
    now: &str,
) -> Result<Value, ApiError> {
    let shape = shape(info);
    let config = in_part(info, wanted, options.part);
    let mut list = managers(live);
    if list.is_empty() {
        list.push(before_first_apply(info, live));
    }
    let mut writer = Manager::new(info, options, Operation::Apply, now);
    writer.fields = Fields::of(shape, &config);
    let known = list.iter().position(|m| m.is_same(&writer));
    let last = known.map(|i| list.remove(i));

    let before = ownable(live);
    let mut after = before.clone();
    merge_value(shape, &mut after, &config);
    let written = Difference::between(shape, &before, &after).written;
    match options.conflicts {
        Conflicts::Refuse => refuse_conflicts(&list, &written)?,
        Conflicts::Force => list.iter_mut().for_each(|m| m.fields.subtract(&written)),
    }
    if let Some(last) = &last {
        let mut gone = last.fields.clone();
        gone.subtract(&writer.fields);
        let mut others = Fields::default();
        for manager in &list {
            others.union(&manager.fields);
        }
        others.union(&writer.fields);
        give_up(shape, &mut after, &gone, &others);
    }
    if let Some(last) = last.filter(|l| l.fields == writer.fields && after == before) {
        writer.time = last.time;
    }
    list.insert(known.unwrap_or(list.len()).min(list.len()), writer);
    let mut object = restore(live, after);
    set_managers(&mut object, &list);
    let version = meta::resource_version(wanted);
    if !version.is_empty() {
        meta::set(&mut object, "resourceVersion", version.into());
    }
    let uid = meta::uid(wanted);
    if !uid.is_empty() {
        meta::set(&mut object, "uid", uid.into());
    }
    Ok(object)
}

/// Everything that was there belongs to somebody, so that an apply can't take it silently.
fn before_first_apply(info: &ResourceInfo, live: &Value) -> Manager {
    Manager {
        name: "before-first-apply".into(),
        operation: Operation::Update,
        api_version: info.api_version(),
        subresource: String::new(),
        time: meta::text(live, "creationTimestamp").into(),
        fields: Fields::of(shape(info), &ownable(live)),
    }
}

/// The fields of an apply that its path writes.
fn in_part(info: &ResourceInfo, wanted: &Value, part: Part) -> Value {
    let mut config = ownable(wanted);
    let map = meta::as_map(&mut config);
    match part {
        Part::Main if info.status == StatusSubresource::Present => drop(map.remove("status")),
        Part::Main => {}
        Part::Status => map.retain(|name, _| name == "status"),
    }
    config
}

/// The owned part put back into the object it came from.
fn restore(live: &Value, mut after: Value) -> Value {
    let mut object = live.clone();
    let metadata = after.get_mut("metadata").map(Value::take);
    let kept = |name: &String| matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
    let map = meta::as_map(&mut object);
    map.retain(|name, _| kept(name));
    if let Value::Object(fields) = after {
        map.extend(fields.into_iter().filter(|(name, _)| name != "metadata"));
    }
    let before = ownable(live);
    let owned = before.get("metadata").and_then(Value::as_object);
    let metadata_map = meta::of_mut(&mut object);
    for name in owned.into_iter().flat_map(serde_json::Map::keys) {
        metadata_map.remove(name);
    }
    if let Some(Value::Object(fields)) = metadata {
        metadata_map.extend(fields);
    }
    object
}

fn merge_value(shape: Shape<'_>, live: &mut Value, config: &Value) {
    match config {
        Value::Object(fields) if !shape.is_atomic_map() => {
            let map = meta::as_map(live);
            for (name, value) in fields {
                merge_value(
                    shape.child(name),
                    map.entry(name).or_insert(Value::Null),
                    value,
                );
            }
        }
        Value::Array(items) if live.is_array() => {
            let kind = shape.list_kind();
            let Some(list) = live.as_array_mut() else {
                return;
            };
            match kind {
                ListKind::Atomic => list.clone_from(items),
                ListKind::Set => {
                    list.extend(
                        items
                            .iter()
                            .filter(|i| !list.contains(i))
                            .cloned()
                            .collect::<Vec<_>>(),
                    );
                }
                ListKind::Map(keys) => {
                    let element = |item: &Value| key_element(shape.item(), item, &keys);
                    for item in items {
                        let key = element(item);
                        match list.iter_mut().find(|have| element(have) == key) {
                            Some(have) => merge_value(shape.item(), have, item),
                            None => list.push(item.clone()),
                        }
                    }
                }
            }
        }
        _ => *live = config.clone(),
    }
}

fn refuse_conflicts(managers: &[Manager], written: &Fields) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    let mut blocks = Vec::new();
    for manager in managers {
        let mut paths = Vec::new();
        written.common_paths(&manager.fields, "", &mut paths);
        if paths.is_empty() {
            continue;
        }
        let who = shown(manager);
        for path in &paths {
            causes.push(Cause {
                reason: "FieldManagerConflict".into(),
                message: format!("conflict with {who}"),
                field: path.clone(),
            });
        }
        blocks.push((who, paths));
    }
    let text = match (causes.len(), blocks.as_slice()) {
        (0, _) => return Ok(()),
        (1, [(who, paths)]) => format!("1 conflict: conflict with {who}: {}", paths[0]),
        (count, blocks) => {
            let mut text = format!("{count} conflicts:");
            for (i, (who, paths)) in blocks.iter().enumerate() {
                let _ = write!(
                    text,
                    "{}conflicts with {who}:",
                    if i == 0 { " " } else { "\n" }
                );
                for path in paths {
                    let _ = write!(text, "\n- {path}");
                }
            }
            text
        }
    };
    let mut error = ApiError::new(Reason::Conflict, format!("Apply failed with {text}"));
    error.details = Some(Box::new(Details {
        causes,
        ..Details::default()
    }));
    Err(error)
}

fn shown(manager: &Manager) -> String {
    let mut text = format!("\"{}\"", manager.name);
    if !manager.subresource.is_empty() {
        let _ = write!(text, " with subresource \"{}\"", manager.subresource);
    }
    if manager.operation == Operation::Update {
        let _ = write!(text, " using {}", manager.api_version);
    }
    text
}

/// Removes the places of `gone` that nobody in `others` owns.
fn give_up(shape: Shape<'_>, value: &mut Value, gone: &Fields, others: &Fields) {
    let nobody = Fields::default();
    for (element, places) in &gone.children {
        let theirs = others.children.get(element).unwrap_or(&nobody);
        if places.whole && theirs.is_empty() {
            remove(shape, value, element);
            continue;
        }
        let Some((child_shape, child)) = descend(shape, value, element) else {
            continue;
        };
        give_up(child_shape, child, places, theirs);
        let emptied = child.as_object().is_some_and(serde_json::Map::is_empty)
            || child.as_array().is_some_and(Vec::is_empty);
        if emptied && theirs.is_empty() {
            remove(shape, value, element);
        }
    }
}

fn remove(shape: Shape<'_>, value: &mut Value, element: &str) {
    match value {
        Value::Object(map) => {
            if let Some(name) = element.strip_prefix("f:") {
                map.remove(name);
            }
        }
        Value::Array(list) => list.retain(|item| element_of(shape, item) != element),
        _ => {}
    }
}

fn descend<'a, 'v>(
    shape: Shape<'a>,
    value: &'v mut Value,
    element: &'a str,
) -> Option<(Shape<'a>, &'v mut Value)> {
    match value {
        Value::Object(map) => {
            let name = element.strip_prefix("f:")?;
            Some((shape.child(name), map.get_mut(name)?))
        }
        Value::Array(list) => {
            let item = list
                .iter_mut()
                .find(|item| element_of(shape, item) == element)?;
            Some((shape.item(), item))
        }
        _ => None,
    }
}

fn element_of(shape: Shape<'_>, item: &Value) -> String {
    match shape.list_kind() {
        ListKind::Map(keys) => key_element(shape.item(), item, &keys),
        _ => format!("v:{item}"),
    }
}
