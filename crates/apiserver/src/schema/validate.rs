//! Structural checks: types, required fields, ranges, patterns, lists as sets and maps.

use serde_json::Value;

use super::{
    node::{Limits, ListType, Node, Type},
    prune::joined,
};
use crate::error::{FieldError, FieldErrorKind};

pub(super) fn validate(root: &Node, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check(root, object, old, "", &mut errors);
    errors
}

fn check(node: &Node, value: &Value, old: Option<&Value>, path: &str, out: &mut Vec<FieldError>) {
    if old == Some(value) || (value.is_null() && node.nullable) {
        return;
    }
    if !has_type(node, value) {
        out.push(type_error(node, value, path));
        return;
    }
    values(&node.limits, value, path, out);
    branches(node, value, path, out);
    match value {
        Value::Object(fields) => {
            for name in node.required.iter().filter(|n| !fields.contains_key(*n)) {
                out.push(FieldError::required(joined(path, name), ""));
            }
            for (name, field) in fields {
                if let Some(child) = node.child(name) {
                    let old = old.and_then(|o| o.get(name));
                    check(child, field, old, &joined(path, name), out);
                }
            }
        }
        Value::Array(items) => {
            list_type(&node.list_type, items, path, out);
            let Some(child) = &node.items else { return };
            for (i, item) in items.iter().enumerate() {
                let old = old.and_then(|o| o.get(i));
                check(child, item, old, &format!("{path}[{i}]"), out);
            }
        }
        _ => {}
    }
}

fn has_type(node: &Node, value: &Value) -> bool {
    if node.int_or_string {
        return value.is_string() || value.is_i64() || value.is_u64();
    }
    let Some(kind) = node.kind else { return true };
    match kind {
        Type::Object => value.is_object(),
        Type::Array => value.is_array(),
        Type::String => value.is_string(),
        Type::Integer => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|f| f.fract() == 0.0)
        }
        Type::Number => value.is_number(),
        Type::Boolean => value.is_boolean(),
    }
}

fn type_error(node: &Node, value: &Value, path: &str) -> FieldError {
    let wanted = if node.int_or_string {
        "integer,string"
    } else {
        node.kind.map_or("object", Type::name)
    };
    let got = Value::from(type_name(value));
    let detail = format!("{path} in body must be of type {wanted}: {got}");
    FieldError::new(FieldErrorKind::TypeInvalid, path, &got, detail)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn values(limits: &Limits, value: &Value, path: &str, out: &mut Vec<FieldError>) {
    if !limits.values.is_empty() && !limits.values.contains(value) {
        let supported = limits.values.iter().filter_map(Value::as_str);
        out.push(FieldError::unsupported(path, value, supported));
    }
    match value {
        Value::String(text) => string(limits, text, value, path, out),
        Value::Number(_) => number(limits, value, path, out),
        Value::Array(items) => {
            let count = items.len() as u64;
            let sizes = (limits.min_items, limits.max_items);
            size(count, sizes, "items", (value, path), out);
        }
        Value::Object(fields) => {
            let count = fields.len() as u64;
            let sizes = (limits.min_properties, limits.max_properties);
            size(count, sizes, "properties", (value, path), out);
        }
        _ => {}
    }
}

/// The first thing that is wrong with a text, as the server stops there.
fn string(limits: &Limits, text: &str, value: &Value, path: &str, out: &mut Vec<FieldError>) {
    let length = text.chars().count() as u64;
    if let Some(max) = limits.max_length.filter(|max| length > *max) {
        let detail = format!("may not be more than {max} bytes");
        out.push(FieldError::new(
            FieldErrorKind::TooLong,
            path,
            value,
            detail,
        ));
    } else if let Some(min) = limits.min_length.filter(|min| length < *min) {
        let detail = format!("{path} in body should be at least {min} chars long");
        out.push(FieldError::invalid(path, value, detail));
    } else if let Some(pattern) = limits.pattern.as_ref().filter(|p| !p.is_match(text)) {
        let detail = format!("{path} in body should match '{pattern}'");
        out.push(FieldError::invalid(path, value, detail));
    }
    if let Some(format) = limits
        .format
        .as_deref()
        .filter(|f| !matches_format(f, text))
    {
        let detail = format!("{path} in body must be of type {format}: {value}");
        out.push(FieldError::invalid(path, value, detail));
    }
}

/// Formats that the server checks and that occur in our schemas; others pass.
fn matches_format(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => true,
    }
}

fn number(limits: &Limits, value: &Value, path: &str, out: &mut Vec<FieldError>) {
    let Some(n) = value.as_f64() else { return };
    let mut fail = |detail: String| out.push(FieldError::invalid(path, value, detail));
    if let Some(min) = limits.minimum {
        if min.exclusive && n <= min.value {
            fail(format!(
                "{path} in body should be greater than {}",
                min.value
            ));
        } else if n < min.value {
            fail(format!(
                "{path} in body should be greater than or equal to {}",
                min.value
            ));
        }
    }
    if let Some(max) = limits.maximum {
        if max.exclusive && n >= max.value {
            fail(format!("{path} in body should be less than {}", max.value));
        } else if n > max.value {
            fail(format!(
                "{path} in body should be less than or equal to {}",
                max.value
            ));
        }
    }
    if let Some(step) = limits.multiple_of.filter(|step| (n / step).fract() != 0.0) {
        fail(format!("{path} in body should be a multiple of {step}"));
    }
    let bits: Option<(f64, f64)> = match limits.format.as_deref() {
        Some("int32") => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
        _ => None,
    };
    if bits.is_some_and(|(low, high)| n < low || n > high) {
        fail(format!("{path} in body must be of type int32: {value}"));
    }
}

fn size(
    count: u64,
    (min, max): (Option<u64>, Option<u64>),
    noun: &str,
    (value, path): (&Value, &str),
    out: &mut Vec<FieldError>,
) {
    if let Some(max) = max.filter(|max| count > *max) {
        let detail = format!("must have at most {max} items");
        out.push(FieldError::new(
            FieldErrorKind::TooMany,
            path,
            &Value::from(count),
            detail,
        ));
    }
    if let Some(min) = min.filter(|min| count < *min) {
        let detail = format!("{path} in body should have at least {min} {noun}");
        out.push(FieldError::invalid(path, value, detail));
    }
}

fn list_type(list: &ListType, items: &[Value], path: &str, out: &mut Vec<FieldError>) {
    let keys = match list {
        ListType::Atomic => return,
        ListType::Set => None,
        ListType::Map(keys) => Some(keys),
    };
    let key_of = |item: &Value| match keys {
        None => item.clone(),
        Some(keys) => keys
            .iter()
            .filter_map(|k| item.get(k).map(|v| (k.clone(), v.clone())))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    };
    let mut seen = std::collections::BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        let key = key_of(item);
        if !seen.insert(key.to_string()) {
            let path = format!("{path}[{i}]");
            out.push(FieldError::new(FieldErrorKind::Duplicate, path, &key, ""));
        }
    }
}

fn branches(node: &Node, value: &Value, path: &str, out: &mut Vec<FieldError>) {
    let passes = |branch: &Node| {
        let mut errors = Vec::new();
        check(branch, value, None, path, &mut errors);
        errors.is_empty()
    };
    let mut fail = |detail: String| out.push(FieldError::invalid(path, value, detail));
    if !node.all_of.iter().all(passes) {
        fail(format!("\"{path}\" must validate all the schemas (allOf)"));
    }
    if !node.any_of.is_empty() && !node.any_of.iter().any(passes) {
        fail(format!(
            "\"{path}\" must validate at least one schema (anyOf)"
        ));
    }
    if !node.one_of.is_empty() && node.one_of.iter().filter(|b| passes(b)).count() != 1 {
        fail(format!(
            "\"{path}\" must validate one and only one schema (oneOf)"
        ));
    }
    if node.not.as_deref().is_some_and(passes) {
        fail(format!("\"{path}\" must not validate the schema (not)"));
    }
}
