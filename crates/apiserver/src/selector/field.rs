//! Field selectors: `spec.nodeName=n1,status.phase!=Running`.
//!
//! Any dotted path of scalars is accepted for matching; which ones a kind offers is checked by
//! [`FieldSelector::check`].

use serde_json::Value;

use crate::ApiError;

/// Conjunction of equalities and inequalities of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    path: String,
    value: String,
    relation: Relation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
}

impl FieldSelector {
    /// Parses the text of the `fieldSelector` parameter.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let mut terms = Vec::new();
        for part in text.split(',').filter(|p| !p.is_empty()) {
            let (path, value, relation) = if let Some((path, value)) = part.split_once("!=") {
                (path, value, Relation::NotEqual)
            } else if let Some((path, value)) = part.split_once("==") {
                (path, value, Relation::Equal)
            } else if let Some((path, value)) = part.split_once('=') {
                (path, value, Relation::Equal)
            } else {
                let why = format!("invalid selector: '{text}'; can't understand '{part}'");
                return Err(ApiError::bad_request(why));
            };
            terms.push(Term {
                path: path.into(),
                value: value.into(),
                relation,
            });
        }
        Ok(Self { terms })
    }

    /// A selector of one field by value.
    pub fn equal(path: &str, value: &str) -> Self {
        let term = Term {
            path: path.to_owned(),
            value: value.to_owned(),
            relation: Relation::Equal,
        };
        Self { terms: vec![term] }
    }

    /// The value that a field must equal, if the selector says so.
    pub fn required_value(&self, path: &str) -> Option<&str> {
        let found = self
            .terms
            .iter()
            .find(|t| t.path == path && t.relation == Relation::Equal);
        found.map(|t| t.value.as_str())
    }

    /// Refuses fields that the kind doesn't offer.
    pub(crate) fn check(&self, kind: &str, allowed: &[&str]) -> Result<(), ApiError> {
        for term in &self.terms {
            let common = matches!(term.path.as_str(), "metadata.name" | "metadata.namespace");
            if !common && !allowed.contains(&term.path.as_str()) {
                let why = format!("field label not supported: {}", term.path);
                return Err(ApiError::bad_request(why).about("", kind, ""));
            }
        }
        Ok(())
    }

    /// Whether an object is selected.
    pub fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|term| {
            let equal = field_equals(object, &term.path, &term.value);
            equal == (term.relation == Relation::Equal)
        })
    }

    /// Whether everything is selected.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// A missing field equals the empty text and `false`, as the typed objects of the server do.
fn field_equals(object: &Value, path: &str, wanted: &str) -> bool {
    match path
        .split('.')
        .try_fold(object, |value, name| value.get(name))
    {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Bool(b)) => wanted == if *b { "true" } else { "false" },
        Some(Value::Number(n)) => n.to_string() == wanted,
        _ => wanted.is_empty() || wanted == "false",
    }
}
