//! JSON to CEL values, with types from the schema.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use expressions::cel::{
    Value as Cel,
    objects::{Key, Map},
};
use serde_json::Value;

use super::node::{Node, Type};

/// Words that can't be field names in CEL.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The value as CEL sees it; `None` for what the schema says nothing about.
pub(super) fn convert(value: &Value, node: Option<&Node>) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(b) => Cel::Bool(*b),
        Value::Number(n) => number(n, node),
        Value::String(s) => string(s, node),
        Value::Array(items) => {
            let node = node.and_then(|n| n.items.as_deref());
            Cel::List(Arc::new(
                items.iter().map(|item| convert(item, node)).collect(),
            ))
        }
        Value::Object(fields) => {
            let is_map = node.is_some_and(Node::is_map);
            let map = fields
                .iter()
                .map(|(name, value)| {
                    let key = if is_map { name.clone() } else { escape(name) };
                    let child = node.and_then(|n| n.child(name));
                    (Key::String(Arc::new(key)), convert(value, child))
                })
                .collect();
            Cel::Map(Map { map: Arc::new(map) })
        }
    }
}

fn number(n: &serde_json::Number, node: Option<&Node>) -> Cel {
    let wants_float = node.and_then(|n| n.kind) == Some(Type::Number);
    match (n.as_i64(), n.as_u64()) {
        (Some(i), _) if !wants_float => Cel::Int(i),
        (None, Some(u)) if !wants_float => Cel::UInt(u),
        _ => Cel::Float(n.as_f64().unwrap_or(f64::NAN)),
    }
}

fn string(text: &str, node: Option<&Node>) -> Cel {
    let format = node
        .filter(|n| !n.int_or_string)
        .and_then(|n| n.limits.format.as_deref());
    let typed = match format {
        Some("date-time") => DateTime::parse_from_rfc3339(text).ok().map(Cel::Timestamp),
        Some("duration") => go_duration(text).map(Cel::Duration),
        _ => None,
    };
    typed.unwrap_or_else(|| Cel::String(Arc::new(text.to_owned())))
}

/// A field name as CEL can spell it: `__dash__` and so on.
fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if !name.contains(['-', '.', '/']) && !name.contains("__") {
        return name.to_owned();
    }
    name.replace("__", "__underscores__")
        .replace('-', "__dash__")
        .replace('.', "__dot__")
        .replace('/', "__slash__")
}

/// Go notation: `1h30m`, `250ms`.
fn go_duration(text: &str) -> Option<TimeDelta> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(TimeDelta::zero());
    }
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let value: f64 = rest[..digits].parse().ok()?;
        let unit_len = rest[digits..]
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len() - digits);
        nanos += value * nanos_of(&rest[digits..digits + unit_len])?;
        rest = &rest[digits + unit_len..];
    }
    if text.is_empty() {
        return None;
    }
    Some(TimeDelta::nanoseconds((sign * nanos) as i64))
}

fn nanos_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}
