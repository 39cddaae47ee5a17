//! Every value of the chart, once. Its defaults (`values.yaml`), what is refused
//! (`values.schema.json`), the environment of the controller (`templates/_environment.tpl`) and
//! `docs/values.md` are made from this list.
//!
//! What is *not* here: what the program makes of its environment (`runtime::options`); a test
//! compares the two.

mod object;
mod schema;
mod setting;
mod text;

pub use object::OBJECTS;
pub use schema::schema;
pub use setting::{GATES, SETTINGS};
pub use text::{environment, page, values};

use serde_json::Value;

/// What a value may be. Null, which unsets a value, always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A text, or YAML that becomes one.
    Yaml,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// A duration in Go's notation.
    Duration,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// Names with texts: labels, annotations.
    Labels,
    /// An object of Kubernetes, whose API server knows its fields.
    Object,
    /// An object with these fields and no others.
    Fields(&'static [&'static str]),
    /// A list of objects of Kubernetes.
    List,
    /// A list of texts.
    Texts,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub struct ChartValue {
    /// Its path, with dots.
    pub path: &'static str,
    /// What it may be.
    pub shape: Shape,
    /// Its default, as JSON.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
}

/// Whose settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Of every provider.
    All,
    /// Of `provider: aws`.
    Aws,
    /// Of `provider: kwok`.
    Kwok,
}

/// A value that becomes a variable of the controller's environment.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The value; its path begins with `settings.`.
    pub value: ChartValue,
    /// The variable.
    pub env: &'static str,
    /// Its name below `settings.aws`, as older charts have it; empty if there is none.
    pub older: &'static str,
    /// Whose it is.
    pub of: For,
}

/// A feature gate.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Its value.
    pub value: ChartValue,
    /// Its name in the variable.
    pub name: &'static str,
    /// The variable: `FEATURE_GATES` or `AWS_FEATURE_GATES`.
    pub env: &'static str,
}

impl ChartValue {
    /// The default.
    ///
    /// # Panics
    /// Where the list has something that is no JSON, which a test would show.
    pub fn default(&self) -> Value {
        serde_json::from_str(self.default)
            .unwrap_or_else(|error| panic!("the default of {}: {error}", self.path))
    }

    /// The last part of the path.
    pub fn key(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// The default as a template would print it.
    fn printed(&self) -> String {
        match self.default() {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }
}

/// All values, in the order of the documentation.
pub fn all() -> impl Iterator<Item = ChartValue> {
    let settings = SETTINGS.iter().map(|setting| setting.value);
    let gates = GATES.iter().map(|gate| gate.value);
    OBJECTS.iter().copied().chain(settings).chain(gates)
}
