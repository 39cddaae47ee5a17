//! From a JSON schema as schemars derives it to the structural schema that a CRD needs.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::schema::DEFAULT;

/// The structural schema of objects of a type.
pub(super) fn of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = Value::from(schema);
    simplify(&mut schema);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, about) in [
            ("apiVersion", "Group and version of the object's kind."),
            ("kind", "The object's kind."),
        ] {
            let property = serde_json::json!({"type": "string", "description": about});
            properties.insert(name.to_owned(), property);
        }
        // The API server knows it already, and allows no word about it.
        properties.insert("metadata".to_owned(), serde_json::json!({"type": "object"}));
    }
    schema
}

/// Removes what CRDs do not allow or what says nothing, in a schema and all schemas within.
fn simplify(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    for noise in ["$schema", "title", "default"] {
        fields.remove(noise);
    }
    if let Some(default) = fields.remove(DEFAULT) {
        fields.insert("default".to_owned(), default);
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|one| one != "null");
        let only = types.first().cloned().unwrap_or_default();
        fields.insert("type".to_owned(), only);
    }
    if let Some(Value::String(text)) = fields.get_mut("description") {
        *text = plain(text);
    }
    children(fields).for_each(simplify);
}

/// The schemas right within a schema.
fn children(fields: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    fields
        .iter_mut()
        .flat_map(|(key, value)| -> Vec<&mut Value> {
            match (key.as_str(), value) {
                ("properties", Value::Object(properties)) => properties.values_mut().collect(),
                ("items" | "additionalProperties", value) => vec![value],
                _ => Vec::new(),
            }
        })
}

/// A doc comment as plain text: no code marks, one line for each paragraph.
fn plain(text: &str) -> String {
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n").replace('`', "")
}
