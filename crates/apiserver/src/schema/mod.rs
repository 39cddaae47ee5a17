//! Structural schemas of custom resources: pruning, defaults, validation, CEL rules.
//!
//! Errors are worded as the real server's, because people and tests compare them. Built-in kinds
//! have no schema here; what is checked of them is in `admission`.

mod cel;
mod cel_value;
mod defaults;
mod node;
mod parse;
mod patterns;
mod prune;
#[cfg(test)]
mod tests;
mod validate;

use serde_json::Value;

pub(crate) use self::node::{ListType, MapType, Node};
use crate::error::{FieldError, FieldErrorKind};

/// The compiled schema of one version of a custom resource.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) root: Node,
}

impl Schema {
    /// Compiles `openAPIV3Schema`.
    pub(crate) fn parse(schema: &Value) -> Result<Self, Vec<FieldError>> {
        parse::parse(schema).map(|root| Self { root })
    }

    /// Removes fields the schema doesn't know and returns their paths.
    pub(crate) fn prune(&self, object: &mut Value) -> Vec<String> {
        prune::prune(&self.root, object)
    }

    /// Fills in defaults; nulls that may not be null count as missing.
    pub(crate) fn default(&self, object: &mut Value) {
        defaults::apply(&self.root, object);
    }

    /// All violations by `object`. With `old`, what did not change is not held against it
    /// (ratcheting), and transition rules see the old value.
    pub(crate) fn validate(&self, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = validate::validate(&self.root, object, old);
        if errors.iter().any(|e| blocks_rules(e.kind)) {
            errors.push(FieldError::invalid("", &Value::Null, RULES_NOT_CHECKED));
            return errors;
        }
        errors.extend(cel::check(&self.root, object, old));
        errors
    }
}

const RULES_NOT_CHECKED: &str = "some validation rules were not checked because the object was \
                                 invalid; correct the existing errors to complete validation";

/// Errors after which rules can't be trusted to make sense.
fn blocks_rules(kind: FieldErrorKind) -> bool {
    matches!(
        kind,
        FieldErrorKind::NotSupported
            | FieldErrorKind::Required
            | FieldErrorKind::TooLong
            | FieldErrorKind::TooMany
            | FieldErrorKind::TypeInvalid
    )
}
