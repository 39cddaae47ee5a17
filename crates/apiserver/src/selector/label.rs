//! Label selectors: `app=web,tier in (a, b),!canary`, and the structured form of manifests.

use serde_json::{Map, Value};

use crate::{ApiError, meta};

/// Conjunction of requirements on labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
    Greater(String, i64),
    Less(String, i64),
}

impl LabelSelector {
    /// Parses the text of the `labelSelector` parameter.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let mut terms = Vec::new();
        for part in split_top_level(text) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let term = parse_term(part).ok_or_else(|| {
                let why = format!("unable to parse requirement: \"{part}\" in \"{text}\"");
                ApiError::bad_request(why)
            })?;
            terms.push(term);
        }
        Ok(Self { terms })
    }

    /// The structured form: `matchLabels` and `matchExpressions`. `None` for an unknown operator.
    pub fn from_object(selector: &Value) -> Option<Self> {
        let mut terms = Vec::new();
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        for (key, value) in labels.into_iter().flatten() {
            terms.push(Term::In(key.clone(), vec![value.as_str()?.to_owned()]));
        }
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        for expression in expressions.into_iter().flatten() {
            let key = expression.get("key")?.as_str()?.to_owned();
            let values = expression.get("values").and_then(Value::as_array);
            let values = values
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            terms.push(match expression.get("operator")?.as_str()? {
                "In" => Term::In(key, values),
                "NotIn" => Term::NotIn(key, values),
                "Exists" => Term::Exists(key),
                "DoesNotExist" => Term::Missing(key),
                _ => return None,
            });
        }
        Some(Self { terms })
    }

    /// Whether an object's labels are selected.
    pub fn matches(&self, object: &Value) -> bool {
        self.terms.is_empty() || self.matches_labels(meta::map(object, "labels"))
    }

    pub(crate) fn matches_labels(&self, labels: Option<&Map<String, Value>>) -> bool {
        let get = |key: &String| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
        let number = |key: &String| get(key).and_then(|v| v.parse::<i64>().ok());
        self.terms.iter().all(|term| match term {
            Term::In(key, values) => get(key).is_some_and(|v| values.iter().any(|w| w == v)),
            Term::NotIn(key, values) => get(key).is_none_or(|v| !values.iter().any(|w| w == v)),
            Term::Exists(key) => get(key).is_some(),
            Term::Missing(key) => get(key).is_none(),
            Term::Greater(key, bound) => number(key).is_some_and(|v| v > *bound),
            Term::Less(key, bound) => number(key).is_some_and(|v| v < *bound),
        })
    }

    /// Whether everything is selected.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// Splits at commas that are not within parentheses.
fn split_top_level(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_term(part: &str) -> Option<Term> {
    if let Some(key) = part.strip_prefix('!') {
        return key_text(key).map(Term::Missing);
    }
    if let Some((head, values)) = part.strip_suffix(')').and_then(|p| p.split_once('(')) {
        let mut words = head.split_whitespace();
        let (key, operator) = (key_text(words.next()?)?, words.next()?);
        let values = values.split(',').map(|v| v.trim().to_owned()).collect();
        return match (operator, words.next()) {
            ("in", None) => Some(Term::In(key, values)),
            ("notin", None) => Some(Term::NotIn(key, values)),
            _ => None,
        };
    }
    let value_text = |v: &str| {
        let v = v.trim();
        (!v.contains(['=', '!', ' ', '(', ')'])).then(|| v.to_owned())
    };
    if let Some((key, value)) = part.split_once("!=") {
        return Some(Term::NotIn(key_text(key)?, vec![value_text(value)?]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Term::In(key_text(key)?, vec![value_text(value)?]));
    }
    if let Some((key, value)) = part.split_once('>') {
        return Some(Term::Greater(key_text(key)?, value.trim().parse().ok()?));
    }
    if let Some((key, value)) = part.split_once('<') {
        return Some(Term::Less(key_text(key)?, value.trim().parse().ok()?));
    }
    key_text(part).map(Term::Exists)
}

fn key_text(key: &str) -> Option<String> {
    let key = key.trim();
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    (!key.is_empty() && key.chars().all(valid)).then(|| key.to_owned())
}
