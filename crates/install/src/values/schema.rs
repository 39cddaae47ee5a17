//! What the chart refuses, as JSON schema: names that it does not know, and values that the program
//! would ignore.

use serde_json::{Map, Value, json};

use super::{ChartValue, GATES, OBJECTS, SETTINGS, Shape};

/// In settings, what is left to templates.
const TEMPLATE: &str = r"\{\{";
/// A duration in Go's notation.
const DURATION: &str = r"^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$";

/// The content of `values.schema.json`.
pub fn schema() -> String {
    let mut root = node();
    for value in OBJECTS {
        put(&mut root, value, plain(value.shape));
    }
    for setting in SETTINGS {
        let own = templated(setting.value.shape);
        put(&mut root, &setting.value, own.clone());
        if !setting.older.is_empty() {
            let path = format!("settings.aws.{}", setting.older);
            let description = format!("Older spelling of {}.", setting.value.path);
            insert(&mut root, &path, own, &description);
        }
    }
    for gate in GATES {
        put(&mut root, &gate.value, templated(gate.value.shape));
    }
    // What Helm gives to a chart that another one depends on.
    let global = json!({"type": ["object", "null"]});
    insert(
        &mut root,
        "global",
        global,
        "Values that charts share; not read here.",
    );
    let enabled = json!({"type": ["boolean", "null"]});
    let about = "For a chart that depends on this one; not read here.";
    insert(&mut root, "enabled", enabled, about);
    root.insert(
        "$schema".to_owned(),
        "http://json-schema.org/draft-07/schema#".into(),
    );
    let mut text = format!("{:#}", Value::Object(root));
    text.push('\n');
    text
}

fn node() -> Map<String, Value> {
    let node = json!({"type": ["object", "null"], "additionalProperties": false, "properties": {}});
    match node {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn put(root: &mut Map<String, Value>, value: &ChartValue, schema: Value) {
    insert(root, value.path, schema, value.help);
}

fn insert(root: &mut Map<String, Value>, path: &str, mut schema: Value, description: &str) {
    schema["description"] = description.into();
    let mut at = root;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        // `node` puts them there.
        let Some(Value::Object(properties)) = at.get_mut("properties") else {
            return;
        };
        if parts.peek().is_none() {
            properties.insert(part.to_owned(), schema);
            return;
        }
        let next = properties
            .entry(part)
            .or_insert_with(|| Value::Object(node()));
        let Value::Object(next) = next else {
            return;
        };
        at = next;
    }
}

/// The schema of a value that is used as it is.
fn plain(shape: Shape) -> Value {
    match shape {
        Shape::Text | Shape::Duration => json!({"type": ["string", "number", "null"]}),
        Shape::Yaml => json!({"type": ["string", "number", "object", "null"]}),
        Shape::Bool => json!({"type": ["boolean", "null"]}),
        Shape::Int => json!({"type": ["integer", "null"]}),
        Shape::Number => json!({"type": ["number", "null"]}),
        Shape::OneOf(words) => {
            let words = words.iter().map(|word| json!(word));
            json!({"enum": words.chain([Value::Null]).collect::<Vec<_>>()})
        }
        Shape::Labels => {
            let text = json!({"type": ["string", "number", "boolean", "null"]});
            json!({"type": ["object", "null"], "additionalProperties": text})
        }
        Shape::Object => json!({"type": ["object", "null"]}),
        Shape::Fields(names) => {
            let fields = names.iter().map(|name| ((*name).to_owned(), json!({})));
            json!({
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": fields.collect::<Map<_, _>>(),
            })
        }
        // An empty object is what some values files have for an empty list.
        Shape::List => json!({"type": ["array", "object", "null"], "maxProperties": 0}),
        Shape::Texts => json!({"type": ["array", "null"], "items": {"type": "string"}}),
    }
}

/// The schema of a setting, which may be a template, and may be written as a text.
fn templated(shape: Shape) -> Value {
    let text = |pattern: &str, also: &str| json!({"type": ["string", "null", also], "pattern": format!("^$|{TEMPLATE}|{pattern}")});
    match shape {
        Shape::Bool => text("^(true|false)$", "boolean"),
        Shape::Int => text("^-?[0-9]+$", "integer"),
        Shape::Number => text(r"^-?([0-9]+(\.[0-9]*)?|\.[0-9]+)$", "number"),
        Shape::Duration => json!({
            "type": ["string", "null"],
            "pattern": format!("^$|{TEMPLATE}|{DURATION}"),
        }),
        Shape::OneOf(words) => json!({
            "type": ["string", "null"],
            "pattern": format!("^$|{TEMPLATE}|^({})$", words.join("|")),
        }),
        other => plain(other),
    }
}
