//! What is wrong with a requirement that somebody wrote, whether in a NodePool or in a pod.

use api::labels;

use crate::{Operator, RestrictedLabel, UnknownOperator, Vocabulary};

/// Why a requirement is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequirement {
    /// The operator is none.
    #[error("key {key} has an unsupported operator: {source}")]
    Operator {
        /// The key, in its usual spelling.
        key: String,
        /// Which.
        source: UnknownOperator,
    },
    /// The key is not for users.
    #[error(transparent)]
    Restricted(#[from] RestrictedLabel),
    /// None of the capacity types asked for exists.
    #[error("no valid value for key {key}: {values:?}; use one of on-demand, reserved, spot")]
    CapacityType {
        /// The key.
        key: String,
        /// The values given.
        values: Vec<String>,
    },
    /// The key is no qualified name.
    #[error("key {key:?} is not a label key: {reason}")]
    Key {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A value can't be a label's value.
    #[error(
        "invalid value {value:?} for key {key}: at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends"
    )]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// `In` without values.
    #[error("key {key} with operator In must have a value defined")]
    NoValues {
        /// The key.
        key: String,
    },
    /// A numeric operator without exactly one integer that is not negative.
    #[error(
        "key {key} with operator {operator} must have a single positive integer value, not {values:?}"
    )]
    NotOneInteger {
        /// The key.
        key: String,
        /// The operator.
        operator: Operator,
        /// The values given.
        values: Vec<String>,
    },
    /// `In` with fewer values than `minValues` demands.
    #[error(
        "key {key} with minValues {min_values} must list at least that many values, not {count}"
    )]
    TooFewValues {
        /// The key.
        key: String,
        /// The minimum.
        min_values: u32,
        /// How many values are given.
        count: usize,
    },
}

impl Vocabulary {
    /// Checks a requirement as it was written. All that is wrong, in a fixed order.
    pub fn validate(
        &self,
        key: &str,
        operator: &str,
        values: &[String],
        min_values: Option<u32>,
    ) -> Vec<InvalidRequirement> {
        let key = self.normalize(key).to_owned();
        let operator: Operator = match operator.parse() {
            Ok(operator) => operator,
            Err(source) => return vec![InvalidRequirement::Operator { key, source }],
        };
        let mut wrong = Vec::new();
        if let Err(restricted) = self.check_label(&key) {
            wrong.push(restricted.into());
        }
        let known = |value: &String| labels::CAPACITY_TYPES.contains(&value.as_str());
        if key == labels::CAPACITY_TYPE && operator == Operator::In && !values.iter().any(known) {
            wrong.push(InvalidRequirement::CapacityType {
                key: key.clone(),
                values: values.to_vec(),
            });
        }
        if let Some(reason) = key_fault(&key) {
            wrong.push(InvalidRequirement::Key {
                key: key.clone(),
                reason,
            });
        }
        wrong.extend(
            values
                .iter()
                .filter(|value| !is_label_value(value))
                .map(|value| InvalidRequirement::Value {
                    key: key.clone(),
                    value: value.clone(),
                }),
        );
        wrong.extend(operand_fault(&key, operator, values, min_values));
        wrong
    }
}

fn operand_fault(
    key: &str,
    operator: Operator,
    values: &[String],
    min_values: Option<u32>,
) -> Option<InvalidRequirement> {
    let key = key.to_owned();
    if operator == Operator::In && values.is_empty() {
        return Some(InvalidRequirement::NoValues { key });
    }
    let one_integer = matches!(values, [one] if one.parse::<i64>().is_ok_and(|n| n >= 0));
    if operator.is_numeric() && !one_integer {
        return Some(InvalidRequirement::NotOneInteger {
            key,
            operator,
            values: values.to_vec(),
        });
    }
    let min_values = min_values.filter(|_| operator == Operator::In)?;
    let count = values.len();
    (count < min_values as usize).then_some(InvalidRequirement::TooFewValues {
        key,
        min_values,
        count,
    })
}

/// What is wrong with a label key: an optional DNS subdomain and `/`, then a name.
fn key_fault(key: &str) -> Option<&'static str> {
    let (domain, name) = match key.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, key),
    };
    if domain.is_some_and(|domain| !is_subdomain(domain)) {
        return Some("the part before '/' must be a lower-case DNS name of at most 253 characters");
    }
    if name.is_empty() || !is_label_value(name) {
        return Some(
            "the name must be 1 to 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends",
        );
    }
    None
}

fn is_subdomain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|part| {
            let bytes = part.as_bytes();
            let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            bytes.first().is_some_and(plain)
                && bytes.last().is_some_and(plain)
                && bytes.iter().all(|b| plain(b) || *b == b'-')
        })
}

fn is_label_value(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_none_or(u8::is_ascii_alphanumeric)
        && bytes.last().is_none_or(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests;
