//! Access to the members of a JSON object whose keys are in any letter case, with errors that say
//! where.

use std::collections::BTreeMap;

use model::ResourceList;
use serde_json::{Map, Value};

use super::{FileError, resource_list};

/// A JSON object and where it stands.
pub(super) struct Object<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Object<'a> {
    pub(super) fn new(value: &'a Value, path: String) -> Result<Self, FileError> {
        match value {
            Value::Object(members) => Ok(Self { members, path }),
            other => Err(FileError::Value {
                path,
                problem: format!("an object is expected, not {}", kind(other)),
            }),
        }
    }

    /// A member. One whose case agrees exactly is preferred; `null` counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        let exact = self.members.get(name);
        exact
            .or_else(|| {
                let mut members = self.members.iter();
                members
                    .find(|(key, _)| key.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value)
            })
            .filter(|value| !value.is_null())
    }

    pub(super) fn fault(&self, name: &str, problem: impl Into<String>) -> FileError {
        FileError::Value {
            path: self.path_of(name),
            problem: problem.into(),
        }
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn unexpected(&self, name: &str, expected: &str, value: Option<&Value>) -> FileError {
        let found = value.map_or("nothing", kind);
        self.fault(name, format!("{expected} is expected, not {found}"))
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, FileError> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(text),
            other => Err(self.unexpected(name, "a text", other)),
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<&'a [Value], FileError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            other => Err(self.unexpected(name, "a list", other)),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, FileError> {
        let as_text = |value: &'a Value| {
            value
                .as_str()
                .ok_or_else(|| self.unexpected(name, "a list of texts", Some(value)))
        };
        self.list(name)?.iter().map(as_text).collect()
    }

    pub(super) fn resources(&self, name: &str) -> Result<Option<ResourceList>, FileError> {
        self.get(name)
            .map(|value| resource_list(value).map_err(|problem| self.fault(name, problem)))
            .transpose()
    }

    pub(super) fn labels(&self, name: &str) -> Result<BTreeMap<String, String>, FileError> {
        let Some(value) = self.get(name) else {
            return Ok(BTreeMap::new());
        };
        let members = match value {
            Value::Object(members) => members,
            other => return Err(self.unexpected(name, "an object", Some(other))),
        };
        let as_text = |(key, value): (&String, &Value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            other => Err(self.unexpected(&format!("{name}.{key}"), "a text", Some(other))),
        };
        members.iter().map(as_text).collect()
    }

    pub(super) fn number(&self, name: &str) -> Result<f64, FileError> {
        let value = self.get(name);
        let number = value.and_then(Value::as_f64);
        number.ok_or_else(|| self.unexpected(name, "a number", value))
    }

    pub(super) fn count(&self, name: &str) -> Result<Option<u32>, FileError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
            Some(count) => Ok(Some(count)),
            None => Err(self.unexpected(name, "a count", Some(value))),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, FileError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            other => Err(self.unexpected(name, "true or false", other)),
        }
    }
}

/// What a JSON value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
