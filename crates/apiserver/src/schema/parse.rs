//! From `openAPIV3Schema` to [`Node`]s; patterns and rules are compiled once, here.

use expressions::Expression;
use regex::Regex;
use serde_json::Value;

use super::node::{Additional, Bound, Limits, ListType, MapType, Node, Rule, Type};
use crate::error::FieldError;

/// Schemas nested deeper than this are refused.
const MAX_DEPTH: usize = 64;

pub(super) fn parse(schema: &Value) -> Result<Node, Vec<FieldError>> {
    let mut errors = Vec::new();
    let node = Parser {
        errors: &mut errors,
    }
    .node(schema, "openAPIV3Schema", 0);
    if errors.is_empty() {
        Ok(node)
    } else {
        Err(errors)
    }
}

struct Parser<'a> {
    errors: &'a mut Vec<FieldError>,
}

impl Parser<'_> {
    fn node(&mut self, schema: &Value, path: &str, depth: usize) -> Node {
        if depth > MAX_DEPTH {
            self.errors
                .push(FieldError::invalid(path, &Value::Null, "nested too deep"));
            return Node::default();
        }
        let flag = |name: &str| schema.get(name).and_then(Value::as_bool) == Some(true);
        let mut node = Node {
            kind: schema.get("type").and_then(Value::as_str).and_then(type_of),
            nullable: flag("nullable"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded: flag("x-kubernetes-embedded-resource"),
            list_type: list_type(schema),
            map_type: match schema.get("x-kubernetes-map-type").and_then(Value::as_str) {
                Some("atomic") => MapType::Atomic,
                _ => MapType::Granular,
            },
            default: schema.get("default").cloned(),
            limits: self.limits(schema, path),
            required: texts(schema.get("required")),
            ..Node::default()
        };
        self.children(&mut node, schema, path, depth);
        node.rules = self.rules(schema, path);
        node.has_rules = !node.rules.is_empty()
            || node.properties.values().any(|n| n.has_rules)
            || node.items.as_ref().is_some_and(|n| n.has_rules)
            || matches!(&node.additional, Additional::Schema(n) if n.has_rules);
        node
    }

    fn children(&mut self, node: &mut Node, schema: &Value, path: &str, depth: usize) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, child) in properties {
                let child = self.node(child, &format!("{path}.properties[{name}]"), depth + 1);
                node.properties.insert(name.clone(), child);
            }
        }
        node.additional = match schema.get("additionalProperties") {
            None | Some(Value::Bool(false)) => Additional::None,
            Some(Value::Bool(true)) => Additional::Any,
            Some(child) => {
                let path = format!("{path}.additionalProperties");
                Additional::Schema(Box::new(self.node(child, &path, depth + 1)))
            }
        };
        if let Some(items) = schema.get("items") {
            let child = self.node(items, &format!("{path}.items"), depth + 1);
            node.items = Some(Box::new(child));
        }
        node.all_of = self.branches(schema, "allOf", path, depth);
        node.any_of = self.branches(schema, "anyOf", path, depth);
        node.one_of = self.branches(schema, "oneOf", path, depth);
        if let Some(not) = schema.get("not") {
            node.not = Some(Box::new(self.node(not, &format!("{path}.not"), depth + 1)));
        }
    }

    fn branches(&mut self, schema: &Value, key: &str, path: &str, depth: usize) -> Vec<Node> {
        let list = schema
            .get(key)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        list.iter()
            .enumerate()
            .map(|(i, branch)| self.node(branch, &format!("{path}.{key}[{i}]"), depth + 1))
            .collect()
    }

    fn limits(&mut self, schema: &Value, path: &str) -> Limits {
        let count = |name: &str| schema.get(name).and_then(Value::as_u64);
        let bound = |name: &str, exclusive: &str| {
            let value = schema.get(name)?.as_f64()?;
            let exclusive = schema.get(exclusive).and_then(Value::as_bool) == Some(true);
            Some(Bound { value, exclusive })
        };
        Limits {
            values: schema
                .get("enum")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            pattern: self.pattern(schema, path),
            format: schema
                .get("format")
                .and_then(Value::as_str)
                .map(str::to_owned),
            minimum: bound("minimum", "exclusiveMinimum"),
            maximum: bound("maximum", "exclusiveMaximum"),
            multiple_of: schema.get("multipleOf").and_then(Value::as_f64),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
        }
    }

    fn pattern(&mut self, schema: &Value, path: &str) -> Option<Regex> {
        let pattern = schema.get("pattern")?.as_str()?;
        match Regex::new(pattern) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let path = format!("{path}.pattern");
                let detail = format!("must be a valid regular expression, but isn't: {error}");
                self.errors
                    .push(FieldError::invalid(path, &Value::from(pattern), detail));
                None
            }
        }
    }

    fn rules(&mut self, schema: &Value, path: &str) -> Vec<Rule> {
        let rules = schema
            .get("x-kubernetes-validations")
            .and_then(Value::as_array);
        let mut out = Vec::new();
        for (i, rule) in rules.into_iter().flatten().enumerate() {
            let path = format!("{path}.x-kubernetes-validations[{i}]");
            out.extend(self.rule(rule, &path));
        }
        out
    }

    fn rule(&mut self, rule: &Value, path: &str) -> Option<Rule> {
        let text = |name: &str| rule.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some(source) = text("rule").filter(|r| !r.trim().is_empty()) else {
            self.errors.push(FieldError::required(
                format!("{path}.rule"),
                "rule is not specified",
            ));
            return None;
        };
        let expression = self.expression(&source, &format!("{path}.rule"))?;
        let message_expression = match text("messageExpression") {
            Some(e) => Some(self.expression(&e, &format!("{path}.messageExpression"))?),
            None => None,
        };
        Some(Rule {
            is_transition: expression.has_variable("oldSelf"),
            optional_old_self: rule.get("optionalOldSelf").and_then(Value::as_bool) == Some(true),
            source,
            expression,
            message: text("message"),
            message_expression,
            reason: text("reason"),
            field_path: text("fieldPath"),
        })
    }

    fn expression(&mut self, source: &str, path: &str) -> Option<Expression> {
        match Expression::compile(source) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let detail = format!("compilation failed: {error}");
                self.errors
                    .push(FieldError::invalid(path, &Value::from(source), detail));
                None
            }
        }
    }
}

fn type_of(name: &str) -> Option<Type> {
    Some(match name {
        "object" => Type::Object,
        "array" => Type::Array,
        "string" => Type::String,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        _ => return None,
    })
}

fn list_type(schema: &Value) -> ListType {
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => ListType::Set,
        Some("map") => ListType::Map(texts(schema.get("x-kubernetes-list-map-keys"))),
        _ => ListType::Atomic,
    }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    list.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
