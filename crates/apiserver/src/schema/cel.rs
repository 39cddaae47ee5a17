//! Evaluation of `x-kubernetes-validations`, with transition rules and their correlation.

use std::{cell::OnceCell, sync::Arc};

use expressions::{
    KubeCelExt,
    cel::{Context, Value as Cel},
};
use serde_json::Value;

use super::{
    cel_value::convert,
    node::{ListType, Node, Rule},
    patterns,
    prune::joined,
};
use crate::error::{FieldError, FieldErrorKind};

thread_local! {
    /// Registering the functions costs more than evaluating most rules, so it is done once.
    static FUNCTIONS: OnceCell<Context<'static>> = const { OnceCell::new() };
}

/// All violated rules of an object.
pub(super) fn check(root: &Node, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    if !root.has_rules {
        return Vec::new();
    }
    FUNCTIONS.with(|cell| {
        let context = cell.get_or_init(|| {
            let mut context = Context::default().with_all();
            patterns::install(&mut context);
            context
        });
        let mut walk = Walk {
            context,
            errors: Vec::new(),
        };
        walk.node(root, (object, old), "", Past::New);
        walk.errors
    })
}

struct Walk<'a> {
    context: &'a Context<'static>,
    errors: Vec<FieldError>,
}

impl Walk<'_> {
    /// `above` is what is known of the nearest parent that has a past.
    fn node(
        &mut self,
        node: &Node,
        (value, old): (&Value, Option<&Value>),
        path: &str,
        above: Past,
    ) {
        if !node.has_rules {
            return;
        }
        let past = match old {
            Some(old) if old == value => Past::Same,
            Some(_) => Past::Other,
            None => above,
        };
        self.rules(node, (value, old), path, past);
        match value {
            Value::Object(fields) => {
                for (name, child) in fields {
                    if let Some(child_node) = node.child(name) {
                        let old = old.and_then(|o| o.get(name));
                        let path = child_path(node, path, name);
                        self.node(child_node, (child, old), &path, past);
                    }
                }
            }
            Value::Array(items) => {
                let Some(child) = &node.items else { return };
                for (i, item) in items.iter().enumerate() {
                    let old = old.and_then(|o| correlated(&node.list_type, item, o));
                    self.node(child, (item, old), &format!("{path}[{i}]"), past);
                }
            }
            _ => {}
        }
    }

    fn rules(
        &mut self,
        node: &Node,
        (value, old): (&Value, Option<&Value>),
        path: &str,
        past: Past,
    ) {
        let due = |rule: &&Rule| {
            if rule.is_transition {
                old.is_some() || rule.optional_old_self
            } else {
                past != Past::Same
            }
        };
        if !node.rules.iter().any(|rule| due(&rule)) {
            return;
        }
        let mut scope = self.context.new_inner_scope();
        scope.add_variable_from_value("self", convert(value, Some(node)));
        let old = old.map_or(Cel::Null, |old| convert(old, Some(node)));
        scope.add_variable_from_value("oldSelf", old);
        for rule in node.rules.iter().filter(due) {
            if let Some(detail) = violation(rule, &scope) {
                self.errors.push(field_error(rule, value, path, detail));
            }
        }
    }
}

/// What a value was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// The same: only transition rules are due. So it is for what is in it, even where an item of a
    /// list cannot be told from the others.
    Same,
    /// Something else.
    Other,
    /// The object is new.
    New,
}

/// Why the rule does not hold, or `None` if it does.
fn violation(rule: &Rule, scope: &Context<'_>) -> Option<String> {
    match rule.expression.evaluate(scope) {
        Ok(Cel::Bool(true)) => None,
        Ok(Cel::Bool(false)) => Some(message(rule, scope)),
        Ok(_) => Some(format!("rule did not evaluate to a bool: {}", rule.source)),
        Err(error) => Some(format!("{error} evaluating rule: {}", static_message(rule))),
    }
}

fn message(rule: &Rule, scope: &Context<'_>) -> String {
    let made = rule
        .message_expression
        .as_ref()
        .and_then(|made| made.evaluate(scope).ok());
    match made {
        Some(Cel::String(text)) if !text.trim().is_empty() => Arc::unwrap_or_clone(text),
        _ => static_message(rule),
    }
}

fn static_message(rule: &Rule) -> String {
    match &rule.message {
        Some(message) if !message.trim().is_empty() => message.trim().to_owned(),
        _ => format!("failed rule: {}", rule.source),
    }
}

fn field_error(rule: &Rule, value: &Value, path: &str, detail: String) -> FieldError {
    let kind = match rule.reason.as_deref() {
        Some("FieldValueForbidden") => FieldErrorKind::Forbidden,
        Some("FieldValueRequired") => FieldErrorKind::Required,
        Some("FieldValueDuplicate") => FieldErrorKind::Duplicate,
        _ => FieldErrorKind::Invalid,
    };
    let path = match &rule.field_path {
        Some(relative) => joined(path, relative.trim_start_matches('.')),
        None => path.to_owned(),
    };
    let mut error = FieldError::new(kind, path, value, detail);
    // Of maps and lists the server shows nothing.
    if value.is_object() || value.is_array() {
        error.value.clear();
    }
    error
}

/// `path.name` for a field, `path[key]` for a key of a map.
fn child_path(parent: &Node, path: &str, name: &str) -> String {
    if parent.properties.contains_key(name) {
        return joined(path, name);
    }
    format!("{path}[{name}]")
}

/// The old item that is the same item: by key in maps; items of other lists have no past.
fn correlated<'a>(list: &ListType, item: &Value, old: &'a Value) -> Option<&'a Value> {
    let ListType::Map(keys) = list else {
        return None;
    };
    let same = |other: &&Value| keys.iter().all(|k| other.get(k) == item.get(k));
    old.as_array()?.iter().find(same)
}
