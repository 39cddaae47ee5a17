//! The fields of a line, in the order in which they were recorded.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};

/// Marks text that is JSON already; no log message begins with this control character.
const MARK: &str = "\u{1}json:";

/// Puts a structured value into a field: `tracing::info!(pods = %Json(&names), "...")`.
#[derive(Debug)]
pub struct Json<'a, T>(pub &'a T);

impl<T: Serialize> fmt::Display for Json<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self.0).map_err(|_| fmt::Error)?;
        write!(formatter, "{MARK}{text}")
    }
}

/// What was recorded.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) message: String,
    pub(super) values: Vec<(String, Value)>,
}

impl Fields {
    /// Adds the fields of a surrounding span.
    pub(super) fn extend(&mut self, outer: &Self) {
        for (key, value) in &outer.values {
            self.put(key, value.clone());
        }
    }

    fn record(&mut self, field: &Field, value: Value) {
        match (field.name(), &value) {
            ("message", Value::String(text)) => self.message.clone_from(text),
            (name, _) => match name.split_once('.') {
                None => self.put(name, value),
                Some((outer, inner)) => {
                    let object = Map::from_iter([(inner.to_owned(), value)]);
                    self.put(outer, Value::Object(object));
                }
            },
        }
    }

    /// A later value replaces an earlier one; objects are merged.
    fn put(&mut self, key: &str, value: Value) {
        match self.values.iter_mut().find(|(have, _)| have == key) {
            None => self.values.push((key.to_owned(), value)),
            Some((_, Value::Object(have))) if value.is_object() => {
                if let Value::Object(more) = value {
                    have.extend(more);
                }
            }
            Some((_, have)) => *have = value,
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        let value = match text.strip_prefix(MARK).map(serde_json::from_str) {
            Some(Ok(value)) => value,
            _ => Value::String(text),
        };
        self.record(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(inner) = cause {
            text.push_str(", ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        self.record(field, text.into());
    }
}
