//! Defaults of the schema, filled in where a field is missing.

use serde_json::Value;

use super::node::{Additional, Node};

pub(super) fn apply(node: &Node, value: &mut Value) {
    match value {
        Value::Array(items) => {
            let Some(node) = &node.items else { return };
            for item in items {
                if item.is_null() && !node.nullable {
                    replace_null(node, item);
                }
                apply(node, item);
            }
        }
        Value::Object(fields) => {
            for (name, child) in &node.properties {
                let missing = match fields.get(name) {
                    None => true,
                    Some(value) => value.is_null() && !child.nullable,
                };
                if !missing {
                    continue;
                }
                match &child.default {
                    Some(default) => drop(fields.insert(name.clone(), default.clone())),
                    None => drop(fields.remove(name)),
                }
            }
            if let Additional::Schema(child) = &node.additional {
                let declared = &node.properties;
                for (_, value) in fields
                    .iter_mut()
                    .filter(|(n, _)| !declared.contains_key(*n))
                {
                    if value.is_null() && !child.nullable {
                        replace_null(child, value);
                    }
                }
            }
            for (name, value) in fields.iter_mut() {
                if let Some(child) = node.child(name) {
                    apply(child, value);
                }
            }
        }
        _ => {}
    }
}

fn replace_null(node: &Node, value: &mut Value) {
    if let Some(default) = &node.default {
        *value = default.clone();
    }
}
