//! `metadata.managedFields`: who owns which fields, kept over updates.

use serde_json::{Value, json};

use super::{
    fields::{Difference, Fields},
    shape::Shape,
};
use crate::{
    config::FieldTracking,
    meta,
    options::{Part, WriteOptions},
    resource::ResourceInfo,
};

/// Metadata nobody owns.
const UNOWNED: [&str; 11] = [
    "name",
    "namespace",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
];

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) api_version: String,
    pub(crate) subresource: String,
    pub(crate) time: String,
    pub(crate) fields: Fields,
}

/// How a manager writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Apply,
    Update,
}

impl Manager {
    pub(crate) fn new(
        info: &ResourceInfo,
        options: &WriteOptions,
        operation: Operation,
        now: &str,
    ) -> Self {
        Self {
            name: options.manager().to_owned(),
            operation,
            api_version: info.api_version(),
            subresource: match options.part {
                Part::Main => String::new(),
                Part::Status => "status".into(),
            },
            time: now.to_owned(),
            fields: Fields::default(),
        }
    }

    /// The same writer, whatever it owns.
    pub(crate) fn is_same(&self, other: &Manager) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.api_version == other.api_version
            && self.subresource == other.subresource
    }

    fn parse(entry: &Value) -> Self {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        Self {
            name: text("manager").into(),
            operation: match text("operation") {
                "Apply" => Operation::Apply,
                _ => Operation::Update,
            },
            api_version: text("apiVersion").into(),
            subresource: text("subresource").into(),
            time: text("time").into(),
            fields: entry
                .get("fieldsV1")
                .map(Fields::from_json)
                .unwrap_or_default(),
        }
    }

    fn to_json(&self) -> Value {
        let mut entry = json!({
            "manager": self.name, "operation": format!("{:?}", self.operation),
            "apiVersion": self.api_version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_json(),
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = self.subresource.clone().into();
        }
        entry
    }
}

/// The managers of an object.
pub(crate) fn managers(object: &Value) -> Vec<Manager> {
    let list = meta::field(object, "managedFields").and_then(Value::as_array);
    list.into_iter().flatten().map(Manager::parse).collect()
}

/// Writes the managers back, without those that own nothing.
pub(crate) fn set_managers(object: &mut Value, managers: &[Manager]) {
    let list: Vec<Value> = managers
        .iter()
        .filter(|m| !m.fields.is_empty())
        .map(Manager::to_json)
        .collect();
    if list.is_empty() {
        meta::unset(object, "managedFields");
    } else {
        meta::set(object, "managedFields", Value::Array(list));
    }
}

/// The part of an object that can be owned.
pub(crate) fn ownable(object: &Value) -> Value {
    let mut copy = object.clone();
    let map = meta::as_map(&mut copy);
    map.remove("apiVersion");
    map.remove("kind");
    if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in UNOWNED {
            metadata.remove(name);
        }
        if metadata.is_empty() {
            map.remove("metadata");
        }
    }
    copy
}

/// The shape of a resource's objects.
pub(crate) fn shape(info: &ResourceInfo) -> Shape<'_> {
    Shape::root(info.schema.as_deref().map(|s| &s.root))
}

/// Settles ownership after a create (`old` is `None`) or an update: the writer owns what it wrote,
/// others lose it.
pub(crate) fn after_update(
    tracking: FieldTracking,
    info: &ResourceInfo,
    old: Option<&Value>,
    object: &mut Value,
    (options, now): (&WriteOptions, &str),
) {
    let before = old.map(managers).unwrap_or_default();
    let given_up = meta::field(object, "managedFields")
        .and_then(Value::as_array)
        .is_some_and(|l| l.len() == 1 && l[0].as_object().is_some_and(serde_json::Map::is_empty));
    if given_up || (tracking == FieldTracking::FromFirstApply && before.is_empty()) {
        meta::unset(object, "managedFields");
        return;
    }
    let nothing = json!({});
    let old = old.map_or(nothing, ownable);
    let change = Difference::between(shape(info), &old, &ownable(object));
    let mut writer = Manager::new(info, options, Operation::Update, now);
    let mut list = before;
    let known = list.iter().position(|m| m.is_same(&writer));
    for (i, manager) in list.iter_mut().enumerate() {
        manager.fields.subtract_trees(&change.removed);
        if Some(i) != known {
            manager.fields.subtract(&change.written);
        }
    }
    match known {
        Some(i) if !change.written.is_empty() => {
            list[i].fields.union(&change.written);
            now.clone_into(&mut list[i].time);
        }
        None if !change.written.is_empty() => {
            writer.fields = change.written;
            list.push(writer);
        }
        _ => {}
    }
    set_managers(object, &list);
}

/// Whether two lists of managers differ in times only.
pub(crate) fn equal_but_times(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_array(), b.as_array()) else {
        return a == b;
    };
    let strip = |entry: &Value| Manager {
        time: String::new(),
        ..Manager::parse(entry)
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| strip(a) == strip(b))
}
