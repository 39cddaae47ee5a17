//! Sets of fields in the manner of `FieldsV1`: which places of an object somebody owns.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::shape::{ListKind, Shape};

/// A tree of places. A tree without children stands for its own place alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    /// The place itself belongs to the set, apart from what is below it.
    pub(crate) whole: bool,
    /// By element: `f:name`, `k:{"key":"value"}`, `v:value`.
    pub(crate) children: BTreeMap<String, Fields>,
}

impl Fields {
    pub(crate) fn leaf() -> Self {
        Self {
            whole: true,
            children: BTreeMap::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.whole && self.children.is_empty()
    }

    pub(crate) fn child_mut(&mut self, element: &str) -> &mut Fields {
        self.children.entry(element.to_owned()).or_default()
    }

    /// The places that an object's value fills.
    pub(crate) fn of(shape: Shape<'_>, value: &Value) -> Self {
        match value {
            Value::Object(map) if !map.is_empty() && !shape.is_atomic_map() => {
                let mut set = Self::default();
                for (name, child) in map {
                    let child = Self::of(shape.child(name), child);
                    set.children.insert(format!("f:{name}"), child);
                }
                set
            }
            Value::Array(items) if !items.is_empty() => match shape.list_kind() {
                ListKind::Atomic => Self::leaf(),
                ListKind::Set => {
                    let mut set = Self::default();
                    for item in items {
                        set.children.insert(format!("v:{item}"), Self::leaf());
                    }
                    set
                }
                ListKind::Map(keys) => {
                    let mut set = Self::default();
                    for item in items {
                        let mut child = Self::of(shape.item(), item);
                        child.whole = true;
                        set.children
                            .insert(key_element(shape.item(), item, &keys), child);
                    }
                    set
                }
            },
            _ => Self::leaf(),
        }
    }

    /// The places of a value that was not there before: containers count as written too.
    fn added(shape: Shape<'_>, value: &Value) -> Self {
        let mut set = Self::of(shape, value);
        set.mark_containers(shape, value);
        set
    }

    fn mark_containers(&mut self, shape: Shape<'_>, value: &Value) {
        self.whole |= !shape.is_always_there();
        match value {
            Value::Object(map) if !shape.is_atomic_map() => {
                for (name, child) in map {
                    if let Some(set) = self.children.get_mut(&format!("f:{name}")) {
                        set.mark_containers(shape.child(name), child);
                    }
                }
            }
            Value::Array(items) => {
                if let ListKind::Map(keys) = shape.list_kind() {
                    for item in items {
                        let element = key_element(shape.item(), item, &keys);
                        if let Some(set) = self.children.get_mut(&element) {
                            set.mark_containers(shape.item(), item);
                            set.whole = true;
                        }
                    }
                }
            }
            _ => {}
        }
    }

    pub(crate) fn union(&mut self, other: &Fields) {
        self.whole |= other.whole;
        for (element, child) in &other.children {
            self.child_mut(element).union(child);
        }
    }

    /// Removes the places of `other`.
    pub(crate) fn subtract(&mut self, other: &Fields) {
        if other.whole {
            self.whole = false;
        }
        for (element, child) in &other.children {
            if let Some(own) = self.children.get_mut(element) {
                own.subtract(child);
                if own.is_empty() {
                    self.children.remove(element);
                }
            }
        }
    }

    /// Removes the places of `other` and everything below them.
    pub(crate) fn subtract_trees(&mut self, other: &Fields) {
        for (element, child) in &other.children {
            if child.whole {
                self.children.remove(element);
            } else if let Some(own) = self.children.get_mut(element) {
                own.subtract_trees(child);
                if own.is_empty() {
                    self.children.remove(element);
                }
            }
        }
    }

    /// Paths of places in both sets, as error messages print them.
    pub(crate) fn common_paths(&self, other: &Fields, path: &str, out: &mut Vec<String>) {
        if self.whole && other.whole {
            out.push(path.to_owned());
        }
        for (element, child) in &self.children {
            if let Some(theirs) = other.children.get(element) {
                child.common_paths(theirs, &format!("{path}{}", shown(element)), out);
            }
        }
    }

    /// The `fieldsV1` form.
    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.whole && !self.children.is_empty() {
            map.insert(".".into(), Value::Object(Map::new()));
        }
        for (element, child) in &self.children {
            map.insert(element.clone(), child.to_json());
        }
        Value::Object(map)
    }

    pub(crate) fn from_json(value: &Value) -> Self {
        let mut set = Self::default();
        let Some(map) = value.as_object() else {
            return set;
        };
        for (element, child) in map {
            if element == "." {
                set.whole = true;
            } else {
                set.children.insert(element.clone(), Self::from_json(child));
            }
        }
        if map.is_empty() {
            set.whole = true;
        }
        set
    }
}

/// The element of a list item: its keys with their values, defaults filled in.
pub(crate) fn key_element(item_shape: Shape<'_>, item: &Value, keys: &[String]) -> String {
    let mut map = Map::new();
    let mut sorted: Vec<&String> = keys.iter().collect();
    sorted.sort_unstable();
    for key in sorted {
        let value = item
            .get(key)
            .cloned()
            .or_else(|| key_default(item_shape, key));
        map.insert(key.clone(), value.unwrap_or(Value::Null));
    }
    format!("k:{}", Value::Object(map))
}

fn key_default(item_shape: Shape<'_>, key: &str) -> Option<Value> {
    match item_shape {
        Shape::Schema(node) => node.child(key)?.default.clone(),
        _ => (key == "protocol").then(|| "TCP".into()),
    }
}

/// `.name`, `[key="value"]` or `[="value"]`.
fn shown(element: &str) -> String {
    if let Some(name) = element.strip_prefix("f:") {
        return format!(".{name}");
    }
    if let Some(value) = element.strip_prefix("v:") {
        return format!("[={value}]");
    }
    let keys: Option<Map<String, Value>> = element
        .strip_prefix("k:")
        .and_then(|k| serde_json::from_str(k).ok());
    let terms: Vec<String> = keys
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("[{}]", terms.join(","))
}

/// What a change from `old` to `new` wrote and removed.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Places that are new or have another value.
    pub(crate) written: Fields,
    /// Places that are gone, each with all below it.
    pub(crate) removed: Fields,
}

impl Difference {
    pub(crate) fn between(shape: Shape<'_>, old: &Value, new: &Value) -> Self {
        let (mut written, mut removed) = (Fields::default(), Fields::default());
        diff(shape, old, new, &mut written, &mut removed);
        Self { written, removed }
    }
}

fn diff(shape: Shape<'_>, old: &Value, new: &Value, written: &mut Fields, removed: &mut Fields) {
    if old == new {
        return;
    }
    match (old, new) {
        (Value::Object(a), Value::Object(b)) if !shape.is_atomic_map() => {
            for (name, before) in a {
                let element = format!("f:{name}");
                match b.get(name) {
                    Some(after) if after == before => {}
                    Some(after) => {
                        let (w, r) = (written.child_mut(&element), removed.child_mut(&element));
                        diff(shape.child(name), before, after, w, r);
                        drop_empty(written, removed, &element);
                    }
                    None => *removed.child_mut(&element) = Fields::leaf(),
                }
            }
            for (name, after) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                let places = Fields::added(shape.child(name), after);
                written.children.insert(format!("f:{name}"), places);
            }
        }
        (Value::Array(a), Value::Array(b)) => diff_lists(shape, a, b, written, removed),
        _ => {
            written.union(&Fields::of(shape, new));
        }
    }
}

fn diff_lists(
    shape: Shape<'_>,
    old: &[Value],
    new: &[Value],
    written: &mut Fields,
    removed: &mut Fields,
) {
    let kind = shape.list_kind();
    if kind == ListKind::Atomic {
        written.whole = true;
        return;
    }
    let element = |item: &Value| match &kind {
        ListKind::Map(keys) => key_element(shape.item(), item, keys),
        _ => format!("v:{item}"),
    };
    let before: BTreeMap<String, &Value> = old.iter().map(|i| (element(i), i)).collect();
    let after: BTreeMap<String, &Value> = new.iter().map(|i| (element(i), i)).collect();
    for (key, item) in &after {
        if let Some(old) = before.get(key) {
            let (w, r) = (written.child_mut(key), removed.child_mut(key));
            diff(shape.item(), old, item, w, r);
            drop_empty(written, removed, key);
        } else {
            let mut places = Fields::added(shape.item(), item);
            places.whole = true;
            written.children.insert(key.clone(), places);
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        removed.children.insert(key.clone(), Fields::leaf());
    }
}

fn drop_empty(written: &mut Fields, removed: &mut Fields, element: &str) {
    for set in [written, removed] {
        if set.children.get(element).is_some_and(Fields::is_empty) {
            set.children.remove(element);
        }
    }
}
