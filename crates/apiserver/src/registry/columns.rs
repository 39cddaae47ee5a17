//! Columns of tables, and the small part of JSONPath that printer columns use.

use serde_json::Value;

/// One column of a custom resource's table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) path: String,
}

/// The first value at a path such as `.status.conditions[?(@.type=="Ready")].status`.
pub(crate) fn lookup<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = object;
    let mut rest = path.trim();
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(inner) = rest.strip_prefix('[') {
            let end = closing(inner)?;
            at = index(at, &inner[..end])?;
            rest = &inner[end + 1..];
        } else {
            let (name, tail) = field(rest);
            at = at.get(name.as_str())?;
            rest = tail;
        }
    }
    Some(at)
}

/// A field name up to `.` or `[`; a backslash keeps the next character.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            '.' | '[' => return (name, &text[i..]),
            c => name.push(c),
        }
    }
    (name, "")
}

/// Where the bracket ends, quotes respected.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (None, ']') => return Some(i),
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
    }
    None
}

fn index<'a>(at: &'a Value, inside: &str) -> Option<&'a Value> {
    if let Some(filter) = inside
        .strip_prefix("?(@.")
        .and_then(|f| f.strip_suffix(')'))
    {
        let (name, wanted) = filter.split_once("==")?;
        let wanted = unquoted(wanted.trim());
        return at
            .as_array()?
            .iter()
            .find(|item| item.get(name.trim()).and_then(Value::as_str) == Some(wanted));
    }
    if inside == "*" {
        return at.as_array()?.first();
    }
    match inside.parse::<usize>() {
        Ok(i) => at.get(i),
        Err(_) => at.get(unquoted(inside)),
    }
}

fn unquoted(text: &str) -> &str {
    let strip = |q: char| text.strip_prefix(q).and_then(|t| t.strip_suffix(q));
    strip('"').or_else(|| strip('\'')).unwrap_or(text)
}
