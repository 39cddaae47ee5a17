//! One node of a structural schema, parsed so that checking an object reads no JSON.

use std::collections::BTreeMap;

use expressions::Expression;
use regex::Regex;
use serde_json::Value;

/// What a value at this place may be.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) kind: Option<Type>,
    pub(crate) nullable: bool,
    pub(crate) int_or_string: bool,
    pub(crate) preserve_unknown: bool,
    pub(crate) embedded: bool,
    pub(crate) properties: BTreeMap<String, Node>,
    pub(crate) required: Vec<String>,
    pub(crate) additional: Additional,
    pub(crate) items: Option<Box<Node>>,
    pub(crate) list_type: ListType,
    pub(crate) map_type: MapType,
    pub(crate) default: Option<Value>,
    pub(crate) limits: Limits,
    pub(crate) all_of: Vec<Node>,
    pub(crate) any_of: Vec<Node>,
    pub(crate) one_of: Vec<Node>,
    pub(crate) not: Option<Box<Node>>,
    pub(crate) rules: Vec<Rule>,
    /// Whether this node or one below it has rules: a walk skips what has none.
    pub(crate) has_rules: bool,
}

/// JSON type named by a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl Type {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// Values of fields that `properties` doesn't name.
#[derive(Debug, Default)]
pub(crate) enum Additional {
    /// Unknown fields are pruned.
    #[default]
    None,
    /// Anything goes.
    Any,
    /// A map of these.
    Schema(Box<Node>),
}

/// `x-kubernetes-list-type` with its keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum ListType {
    #[default]
    Atomic,
    Set,
    Map(Vec<String>),
}

/// `x-kubernetes-map-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum MapType {
    #[default]
    Granular,
    Atomic,
}

/// Value checks.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) values: Vec<Value>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) format: Option<String>,
    pub(crate) minimum: Option<Bound>,
    pub(crate) maximum: Option<Bound>,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    pub(crate) min_properties: Option<u64>,
    pub(crate) max_properties: Option<u64>,
}

/// An end of a numeric range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) value: f64,
    pub(crate) exclusive: bool,
}

/// One of `x-kubernetes-validations`.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) source: String,
    pub(crate) expression: Expression,
    pub(crate) message: Option<String>,
    pub(crate) message_expression: Option<Expression>,
    pub(crate) reason: Option<String>,
    pub(crate) field_path: Option<String>,
    /// Uses `oldSelf`.
    pub(crate) is_transition: bool,
    pub(crate) optional_old_self: bool,
}

impl Node {
    /// The node of a field, declared or of a map.
    pub(crate) fn child(&self, field: &str) -> Option<&Node> {
        self.properties.get(field).or(match &self.additional {
            Additional::Schema(node) => Some(node),
            _ => None,
        })
    }

    /// Whether keys are data rather than field names.
    pub(crate) fn is_map(&self) -> bool {
        !matches!(self.additional, Additional::None)
    }
}
