//! Removal of fields that the schema doesn't know.

use serde_json::Value;

use super::node::{Additional, Node};

/// Fields every object and embedded object may have.
const OBJECT_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

pub(super) fn prune(root: &Node, object: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    walk(root, object, "", Position::Object, &mut unknown);
    unknown
}

/// Whether `apiVersion`, `kind` and `metadata` belong to the value without being declared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Object,
    Inner,
}

fn walk(node: &Node, value: &mut Value, path: &str, at: Position, unknown: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            let Some(node) = &node.items else { return };
            for (i, item) in items.iter_mut().enumerate() {
                walk(node, item, &format!("{path}[{i}]"), inner(node), unknown);
            }
        }
        Value::Object(fields) => {
            let keep_all = node.preserve_unknown || matches!(node.additional, Additional::Any);
            fields.retain(|name, child| {
                if at == Position::Object && OBJECT_FIELDS.contains(&name.as_str()) {
                    return true;
                }
                let path = joined(path, name);
                if let Some(node) = node.child(name) {
                    walk(node, child, &path, inner(node), unknown);
                    return true;
                }
                if !keep_all {
                    unknown.push(path);
                }
                keep_all
            });
        }
        _ => {}
    }
}

fn inner(node: &Node) -> Position {
    if node.embedded {
        Position::Object
    } else {
        Position::Inner
    }
}

/// `a.b`, or `b` at the top.
pub(super) fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
