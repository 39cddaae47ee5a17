//! An object against its schema.

use regex::Regex;
use serde_json::{Map, Value};

use super::{Finding, nearest};

/// All places where an object is not as its schema wants it.
pub(super) fn check(schema: &Value, object: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk(schema, object, "", &mut findings);
    findings
}

fn walk(schema: &Value, value: &Value, path: &str, findings: &mut Vec<Finding>) {
    // The API server drops nulls.
    if value.is_null() {
        return;
    }
    if let Some(wrong) = wrong_type(schema, value, path) {
        findings.push(wrong);
        return;
    }
    match value {
        Value::Object(fields) => object(schema, fields, path, findings),
        Value::Array(items) => array(schema, items, path, findings),
        Value::String(text) => string(schema, text, path, findings),
        Value::Number(number) => range(schema, number.as_f64(), path, findings),
        Value::Bool(_) | Value::Null => {}
    }
}

/// The path of a field.
fn at(path: &str, field: &str) -> String {
    match path {
        "" => field.to_owned(),
        path if field.contains(['.', '/']) => format!("{path}[{field}]"),
        path => format!("{path}.{field}"),
    }
}

fn object(schema: &Value, fields: &Map<String, Value>, path: &str, findings: &mut Vec<Finding>) {
    let properties = schema["properties"].as_object();
    let open = schema["x-kubernetes-preserve-unknown-fields"] == true || path == "metadata";
    for (name, value) in fields {
        let path = at(path, name);
        if let Some(property) = properties.and_then(|known| known.get(name)) {
            walk(property, value, &path, findings);
        } else if schema["additionalProperties"].is_object() {
            walk(&schema["additionalProperties"], value, &path, findings);
        } else if !open {
            findings.push(unknown_field(properties, name, &path));
        }
    }
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let held = fields.get(name).is_some_and(|value| !value.is_null());
        let defaulted = schema["properties"][name].get("default").is_some();
        if !held && !defaulted {
            let finding = Finding::error(&at(path, name), "is missing");
            let about = schema["properties"][name]["description"].as_str();
            findings.push(match about {
                Some(about) => finding.fix(format!("add {name}: {}", lower(about))),
                None => finding.fix(format!("add {name}")),
            });
        }
    }
    if let Some(most) = schema["maxProperties"]
        .as_u64()
        .filter(|most| fields.len() as u64 > *most)
    {
        findings.push(Finding::error(
            path,
            format!("has {} entries, at most {most} are allowed", fields.len()),
        ));
    }
}

/// A description as part of a sentence.
fn lower(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let first = text.split(' ').next().unwrap_or_default();
    let shouted = first.chars().filter(|c| c.is_uppercase()).count() > 1;
    match text.chars().next() {
        Some(letter) if !shouted => {
            format!("{}{}", letter.to_lowercase(), &text[letter.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

fn unknown_field(properties: Option<&Map<String, Value>>, name: &str, path: &str) -> Finding {
    let known: Vec<&str> = properties
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    let finding = Finding::error(path, "is not a field that is known here");
    match nearest::of(name, known.iter().copied()) {
        Some(near) => finding.fix(format!("did you mean {near}?")),
        None if known.is_empty() => finding.fix("remove it"),
        None => finding.fix(format!("remove it; known are {}", known.join(", "))),
    }
}

fn array(schema: &Value, items: &[Value], path: &str, findings: &mut Vec<Finding>) {
    for (index, item) in items.iter().enumerate() {
        walk(
            &schema["items"],
            item,
            &format!("{path}[{index}]"),
            findings,
        );
    }
    let count = items.len() as u64;
    if let Some(most) = schema["maxItems"].as_u64().filter(|most| count > *most) {
        findings.push(Finding::error(
            path,
            format!("has {count} items, at most {most} are allowed"),
        ));
    }
    if let Some(least) = schema["minItems"].as_u64().filter(|least| count < *least) {
        findings.push(Finding::error(
            path,
            format!("has {count} items, at least {least} are needed"),
        ));
    }
    let unique = ["set", "map"].contains(&schema["x-kubernetes-list-type"].as_str().unwrap_or(""));
    let key = schema["x-kubernetes-list-map-keys"][0].as_str();
    let identity = |item: &Value| key.map_or(item.clone(), |key| item[key].clone());
    for (index, item) in items.iter().enumerate().filter(|_| unique) {
        if items[..index]
            .iter()
            .any(|other| identity(other) == identity(item))
        {
            let path = format!("{path}[{index}]");
            findings.push(Finding::error(&path, "is listed twice").fix("remove one of them"));
        }
    }
}

fn string(schema: &Value, text: &str, path: &str, findings: &mut Vec<Finding>) {
    let choices: Option<Vec<&str>> = schema["enum"]
        .as_array()
        .map(|all| all.iter().filter_map(Value::as_str).collect());
    if let Some(choices) = choices.filter(|choices| !choices.contains(&text)) {
        let all = choices.join(", ");
        let finding = Finding::error(path, format!("{text:?} is not one of {all}"));
        findings.push(match nearest::of(text, choices.iter().copied()) {
            Some(near) => finding.fix(format!("did you mean {near}?")),
            None => finding,
        });
        return;
    }
    let length = text.chars().count() as u64;
    if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
        let message = if length == 0 {
            "must not be empty".to_owned()
        } else {
            format!("has {length} characters, at least {least} are needed")
        };
        findings.push(Finding::error(path, message));
        return;
    }
    if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
        findings.push(Finding::error(
            path,
            format!("has {length} characters, at most {most} are allowed"),
        ));
    }
    let pattern = schema["pattern"].as_str();
    // A pattern of ours compiles, as a test shows.
    let expression = pattern.and_then(|pattern| Regex::new(pattern).ok());
    if expression.is_some_and(|expression| !expression.is_match(text)) {
        findings.push(mismatch(pattern.unwrap_or_default(), text, path));
    }
}

/// A text that is not of its pattern, in words where there are some.
fn mismatch(pattern: &str, text: &str, path: &str) -> Finding {
    use crate::schema::patterns as known;
    let words = match pattern {
        known::DURATION => Some(("a duration", "write one such as 30s, 5m or 1h30m")),
        known::DURATION_OR_NEVER => Some(("a duration", "write one such as 30s, 720h or Never")),
        known::QUANTITY => Some(("a quantity", "write one such as 100m, 1.5, 4Gi or 10")),
        known::BUDGET_NODES => Some((
            "a number or percentage",
            "write one such as \"5\" or \"10%\"",
        )),
        known::BUDGET_SCHEDULE => Some((
            "a cron schedule",
            "write five fields such as \"0 9 * * 1-5\", or @daily",
        )),
        known::BUDGET_DURATION => {
            Some(("hours and minutes", "write a duration such as 8h or 1h30m"))
        }
        known::QUALIFIED => Some(("a qualified name", "write one such as example.com/team")),
        known::LABEL_VALUE => Some((
            "a label value",
            "use letters, digits, '-', '_' and '.', with a letter or digit at both ends",
        )),
        known::VOLUME_SIZE => Some(("a volume size", "write one such as 100Gi")),
        known::PRICE => Some(("a price", "write one such as \"0.25\"")),
        known::PRICE_ADJUSTMENT => Some((
            "a price adjustment",
            "write one such as \"+0.1\" or \"-10%\"",
        )),
        _ => None,
    };
    match words {
        Some((what, fix)) => Finding::error(path, format!("{text:?} is not {what}")).fix(fix),
        None => Finding::error(path, format!("{text:?} does not match {pattern}")),
    }
}

fn range(schema: &Value, number: Option<f64>, path: &str, findings: &mut Vec<Finding>) {
    let Some(number) = number else { return };
    let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
        let bounds = match (least, most) {
            (Some(least), Some(most)) => format!("from {least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (_, most) => format!("at most {}", most.unwrap_or_default()),
        };
        findings.push(Finding::error(
            path,
            format!("is {number}, must be {bounds}"),
        ));
    }
}

/// The kind of a value, in words.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("the truth value {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

fn wrong_type(schema: &Value, value: &Value, path: &str) -> Option<Finding> {
    if schema["x-kubernetes-int-or-string"] == true {
        let right = value.is_i64() || value.is_u64() || value.is_string();
        return (!right).then(|| {
            let message = format!("must be a quantity, not {}", describe(value));
            let finding = Finding::error(path, message);
            if value.is_number() {
                finding.fix(format!("write \"{value}\""))
            } else {
                finding
            }
        });
    }
    let wanted = schema["type"].as_str()?;
    let right = match wanted {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    if right {
        return None;
    }
    let named = match wanted {
        "string" => "a text",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a map",
    };
    let finding = Finding::error(path, format!("must be {named}, not {}", describe(value)));
    Some(match (wanted, value) {
        ("string", Value::Number(_) | Value::Bool(_)) => finding.fix(format!("write \"{value}\"")),
        ("integer", Value::String(text)) if text.trim().parse::<i64>().is_ok() => {
            finding.fix(format!("write {} without quotes", text.trim()))
        }
        ("boolean", Value::String(text)) if ["true", "false"].contains(&text.as_str()) => {
            finding.fix(format!("write {text} without quotes"))
        }
        ("array", Value::String(_) | Value::Number(_)) => finding.fix(format!("write [{value}]")),
        ("array", Value::Object(_)) => finding.fix("begin the entry with \"- \""),
        _ => finding,
    })
}
