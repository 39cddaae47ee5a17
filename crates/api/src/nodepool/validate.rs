//! What the API server can't check in a NodePool: the condition `ValidationSucceeded`.

use std::collections::{BTreeMap, BTreeSet};

use model::k8s::Taint;

use super::NodePool;
use crate::{NodeRequirement, labels, names};

/// Operators, sorted.
const OPERATORS: [&str; 8] = [
    "DoesNotExist",
    "Exists",
    "Gt",
    "Gte",
    "In",
    "Lt",
    "Lte",
    "NotIn",
];

/// What a provider says about labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelRules {
    /// Keys that may be used although their domain is restricted.
    pub well_known: BTreeSet<String>,
    /// Domains whose labels are not for users.
    pub restricted_domains: BTreeSet<String>,
    /// Keys whose values are a closed set.
    pub known_values: BTreeMap<String, BTreeSet<String>>,
}

/// Something wrong in a NodePool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidNodePool {
    /// Where: `spec.template.spec.requirements[0]`.
    pub path: String,
    /// What, as `ValidationSucceeded` says it.
    pub message: String,
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl LabelRules {
    /// The rules that hold for every provider.
    pub fn core() -> Self {
        Self {
            well_known: set(labels::WELL_KNOWN),
            restricted_domains: set(labels::RESTRICTED_DOMAINS),
            known_values: BTreeMap::from([(
                labels::CAPACITY_TYPE.to_owned(),
                set(labels::CAPACITY_TYPES),
            )]),
        }
    }

    /// The rules of the EC2 provider.
    pub fn aws() -> Self {
        let mut rules = Self::core();
        rules.well_known.extend(set(labels::AWS_WELL_KNOWN));
        rules
            .restricted_domains
            .extend(set(labels::AWS_RESTRICTED_DOMAINS));
        let tenancies = set(labels::AWS_TENANCIES);
        rules
            .known_values
            .insert(labels::AWS_INSTANCE_TENANCY.to_owned(), tenancies);
        rules
    }

    /// The rules of the KWOK provider, whose instance types' offerings have these keys.
    pub fn kwok<K: Into<String>>(offering_keys: impl IntoIterator<Item = K>) -> Self {
        let mut rules = Self::core();
        rules.well_known.extend(set(labels::KWOK_WELL_KNOWN));
        rules
            .well_known
            .extend(offering_keys.into_iter().map(Into::into));
        rules
            .restricted_domains
            .extend(set(labels::KWOK_RESTRICTED_DOMAINS));
        rules
    }

    /// Why a key is not for users; none if it is.
    pub fn restriction(&self, key: &str) -> Option<String> {
        if self.well_known.contains(key) {
            return None;
        }
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        let within = |restricted: &String| {
            domain
                .strip_suffix(restricted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let restricted =
            labels::RESTRICTED.contains(&key) || self.restricted_domains.iter().any(within);
        restricted.then(|| {
            format!(
                "using label {key} is not allowed as it might interfere with the internal provisioning logic; specify a well known label: {}, or a custom label that does not use a restricted domain: {}",
                list(&self.well_known),
                list(&self.restricted_domains),
            )
        })
    }
}

/// Texts as Go prints a list: `[a b]`.
fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    let texts: Vec<&str> = texts.into_iter().map(String::as_str).collect();
    format!("[{}]", texts.join(" "))
}

/// All that is wrong with a pool, in the order labels, taints, requirements. Messages are joined by
/// `; ` where they stand in one condition.
pub fn validate(pool: &NodePool, rules: &LabelRules) -> Vec<InvalidNodePool> {
    let template = &pool.spec.template;
    let mut wrong = template_labels(&template.metadata.labels, rules);
    wrong.extend(taints(&template.spec.taints, &template.spec.startup_taints));
    let requirements = &template.spec.requirements;
    let path = |index: usize| format!("spec.template.spec.requirements[{index}]");
    for (index, item) in requirements.iter().enumerate() {
        let faults = requirement(item, rules);
        if !faults.is_empty() {
            let message = format!(
                "invalid value: {} in requirements, restricted",
                faults.join("; ")
            );
            wrong.push(InvalidNodePool {
                path: path(index),
                message,
            });
        }
    }
    for (index, item) in requirements.iter().enumerate() {
        if item.key == labels::NODEPOOL {
            let message = format!("invalid key: \"{}\" in requirements, restricted", item.key);
            wrong.push(InvalidNodePool {
                path: format!("{}.key", path(index)),
                message,
            });
        }
    }
    wrong
}

fn template_labels(
    template: &BTreeMap<String, String>,
    rules: &LabelRules,
) -> Vec<InvalidNodePool> {
    let mut wrong = Vec::new();
    for (key, value) in template {
        let mut add = |message: String| {
            let path = format!("spec.template.metadata.labels[{key}]");
            wrong.push(InvalidNodePool { path, message });
        };
        if key == labels::NODEPOOL {
            add(format!("invalid key name \"{key}\" in labels, restricted"));
        }
        for reason in names::qualified_name(key) {
            add(format!(
                "invalid key name \"{key}\" in labels, \"{reason}\""
            ));
        }
        for reason in names::label_value(value) {
            add(format!("invalid value: {value} for label[{key}], {reason}"));
        }
        if let Some(restriction) = rules.restriction(key) {
            add(format!(
                "invalid key name \"{key}\" in labels, {restriction}"
            ));
        }
    }
    wrong
}

fn taints(taints: &[Taint], startup: &[Taint]) -> Vec<InvalidNodePool> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (field, list) in [("taints", taints), ("startupTaints", startup)] {
        for (index, taint) in list.iter().enumerate() {
            let mut add = |message: String| {
                let path = format!("spec.template.spec.{field}[{index}]");
                wrong.push(InvalidNodePool { path, message });
            };
            for reason in names::qualified_name(&taint.key) {
                add(format!("invalid value: {reason} in {field}"));
            }
            if !taint.value().is_empty() {
                for reason in names::qualified_name(taint.value()) {
                    add(format!("invalid value: {reason} in {field}"));
                }
            }
            if !seen.insert((taint.key.as_str(), taint.effect)) {
                add(format!(
                    "duplicate taint Key/Effect pair {}={}",
                    taint.key, taint.effect
                ));
            }
        }
    }
    wrong
}

/// All that is wrong with a requirement of a NodePool, NodeClaim or NodeOverlay.
pub fn requirement(item: &NodeRequirement, rules: &LabelRules) -> Vec<String> {
    let key = labels::normalize(&item.key);
    let operator = item.operator.as_str();
    if !OPERATORS.contains(&operator) {
        let known = OPERATORS.join(" ");
        return vec![format!(
            "key {key} has an unsupported operator {operator} not in [{known}]"
        )];
    }
    let mut wrong: Vec<String> = rules.restriction(key).into_iter().collect();
    wrong.extend(known_values(key, item, rules));
    for reason in names::qualified_name(key) {
        wrong.push(format!("key {key} is not a qualified name, {reason}"));
    }
    for value in &item.values {
        for reason in names::label_value(value) {
            wrong.push(format!("invalid value {value} for key {key}, {reason}"));
        }
    }
    wrong.extend(operands(key, item));
    wrong
}

fn known_values(key: &str, item: &NodeRequirement, rules: &LabelRules) -> Option<String> {
    let known = rules
        .known_values
        .get(key)
        .filter(|_| item.operator == "In")?;
    let (valid, invalid): (Vec<&String>, Vec<&String>) =
        item.values.iter().partition(|value| known.contains(*value));
    if valid.is_empty() && !invalid.is_empty() {
        return Some(format!(
            "no valid values found in {} for {key}, expected one of: {}, got: {}",
            list(&item.values),
            list(known),
            list(invalid),
        ));
    }
    let least = item
        .min_values
        .filter(|least| valid.len() < *least as usize)?;
    (!valid.is_empty()).then(|| {
        format!(
            "not enough valid values found in {} for {key}, expected at least {least} valid values from: {}, got: {}",
            list(&item.values),
            list(known),
            valid.len(),
        )
    })
}

fn operands(key: &str, item: &NodeRequirement) -> Option<String> {
    let operator = item.operator.as_str();
    match operator {
        "In" if item.values.is_empty() => Some(format!(
            "key {key} with operator In must have a value defined"
        )),
        "In" if item
            .min_values
            .is_some_and(|least| item.values.len() < least as usize) =>
        {
            Some(format!(
                "key {key} with operator In must have at least minimum number of values defined in 'values' field"
            ))
        }
        "Gt" | "Lt" | "Gte" | "Lte" => {
            let one = matches!(&item.values[..], [one] if one.parse::<i64>().is_ok_and(|n| n >= 0));
            (!one).then(|| {
                format!(
                    "key {key} with operator {operator} must have a single positive integer value"
                )
            })
        }
        _ => None,
    }
}
