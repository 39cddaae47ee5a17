//! The scheduler config: default topology spread constraints.

use std::fmt;
use std::sync::Arc;

use model::k8s::affinity::TopologySpreadConstraint;
use serde::Deserialize;

/// What pods that declare no topology spread are spread by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchedulerConfig {
    /// The constraints; their selectors are deduced for each pod.
    pub default_constraints: Vec<DefaultConstraint>,
}

/// A constraint without a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultConstraint {
    /// Largest allowed difference between domains; positive.
    pub max_skew: i32,
    /// Node label that makes domains.
    pub topology_key: String,
    /// What happens when it can't be met.
    pub when_unsatisfiable: WhenUnsatisfiable,
    /// Fewest domains.
    pub min_domains: Option<i32>,
    /// `Honor` or `Ignore`.
    pub node_affinity_policy: Option<String>,
    /// `Honor` or `Ignore`.
    pub node_taints_policy: Option<String>,
}

/// What happens when a constraint can't be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhenUnsatisfiable {
    /// The pod waits.
    DoNotSchedule,
    /// The pod goes where it harms least.
    ScheduleAnyway,
}

impl fmt::Display for WhenUnsatisfiable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::DoNotSchedule => "DoNotSchedule",
            Self::ScheduleAnyway => "ScheduleAnyway",
        })
    }
}

/// What is wrong with a scheduler config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchedulerError {
    /// It is no YAML, or has unknown fields or wrong types.
    #[error("decoding scheduler config, {0}")]
    Decode(String),
    /// A constraint is not valid.
    #[error("validating scheduler config, podTopologySpread.defaultConstraints[{index}]{fault}")]
    Constraint {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with a constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not positive.
    #[error(".maxSkew must be greater than 0")]
    MaxSkew,
    /// Empty.
    #[error(".topologyKey must be set")]
    NoTopologyKey,
    /// Not a label key.
    #[error(".topologyKey {0:?} is not a valid label name, {1}")]
    TopologyKey(String, &'static str),
    /// Neither of the two.
    #[error(".whenUnsatisfiable {0:?} must be one of \"DoNotSchedule\" or \"ScheduleAnyway\"")]
    WhenUnsatisfiable(String),
    /// Would be ignored.
    #[error(".labelSelector must not be set, as selectors are deduced for each pod")]
    LabelSelector,
    /// Would be ignored.
    #[error(".matchLabelKeys must not be set, as it has no effect on default constraints")]
    MatchLabelKeys,
    /// Same key and same consequence.
    #[error(" is a duplicate of [{0}], {{{1}, {2}}}")]
    Duplicate(usize, String, WhenUnsatisfiable),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[derive(Default)]
struct Document {
    pod_topology_spread: Spread,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Spread {
    default_constraints: Vec<Constraint>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Constraint {
    max_skew: i32,
    topology_key: String,
    when_unsatisfiable: String,
    label_selector: Option<serde_json::Value>,
    match_label_keys: Option<Vec<String>>,
    min_domains: Option<i32>,
    node_affinity_policy: Option<String>,
    node_taints_policy: Option<String>,
}

impl SchedulerConfig {
    /// Whether pods that declare no spread are spread at all.
    pub fn spreads(&self) -> bool {
        !self.default_constraints.is_empty()
    }

    /// The constraints as pods would declare them, without a selector.
    pub fn spread(&self) -> Arc<[TopologySpreadConstraint]> {
        let declared = |constraint: &DefaultConstraint| TopologySpreadConstraint {
            max_skew: constraint.max_skew,
            topology_key: constraint.topology_key.clone(),
            when_unsatisfiable: constraint.when_unsatisfiable.to_string(),
            min_domains: constraint.min_domains,
            node_affinity_policy: constraint.node_affinity_policy.clone(),
            node_taints_policy: constraint.node_taints_policy.clone(),
            ..TopologySpreadConstraint::default()
        };
        self.default_constraints.iter().map(declared).collect()
    }

    /// Reads YAML or JSON; empty text is no constraint.
    pub fn parse(text: &str) -> Result<Self, SchedulerError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let document: Document = serde_saphyr::from_str(text)
            .map_err(|cause| SchedulerError::Decode(one_line(&cause.to_string())))?;
        let mut default_constraints: Vec<DefaultConstraint> = Vec::new();
        for (index, given) in document
            .pod_topology_spread
            .default_constraints
            .into_iter()
            .enumerate()
        {
            let read = validated(given, &default_constraints)
                .map_err(|fault| SchedulerError::Constraint { index, fault })?;
            default_constraints.push(read);
        }
        Ok(Self {
            default_constraints,
        })
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn validated(given: Constraint, before: &[DefaultConstraint]) -> Result<DefaultConstraint, Fault> {
    if given.max_skew <= 0 {
        return Err(Fault::MaxSkew);
    }
    if given.topology_key.is_empty() {
        return Err(Fault::NoTopologyKey);
    }
    if let Some(why) = label_key_fault(&given.topology_key) {
        return Err(Fault::TopologyKey(given.topology_key, why));
    }
    let when_unsatisfiable = match given.when_unsatisfiable.as_str() {
        "DoNotSchedule" => WhenUnsatisfiable::DoNotSchedule,
        "ScheduleAnyway" => WhenUnsatisfiable::ScheduleAnyway,
        _ => return Err(Fault::WhenUnsatisfiable(given.when_unsatisfiable)),
    };
    if given.label_selector.is_some() {
        return Err(Fault::LabelSelector);
    }
    if given.match_label_keys.is_some_and(|keys| !keys.is_empty()) {
        return Err(Fault::MatchLabelKeys);
    }
    let same = |other: &DefaultConstraint| {
        other.topology_key == given.topology_key && other.when_unsatisfiable == when_unsatisfiable
    };
    if let Some(index) = before.iter().position(same) {
        return Err(Fault::Duplicate(
            index,
            given.topology_key,
            when_unsatisfiable,
        ));
    }
    Ok(DefaultConstraint {
        max_skew: given.max_skew,
        topology_key: given.topology_key,
        when_unsatisfiable,
        min_domains: given.min_domains,
        node_affinity_policy: given.node_affinity_policy,
        node_taints_policy: given.node_taints_policy,
    })
}

/// Why `key` is no label key; `None` if it is one.
fn label_key_fault(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let edges = |text: &str, good: fn(u8) -> bool| {
        text.bytes().next().is_some_and(good) && text.bytes().next_back().is_some_and(good)
    };
    if let Some(prefix) = prefix {
        let good = prefix.len() <= 253
            && prefix.split('.').all(|part| {
                edges(part, |byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit()
                }) && part.bytes().all(|byte| lower(byte) || byte == b'-')
            });
        if !good {
            return Some("its prefix must be a DNS subdomain");
        }
    }
    let good = edges(name, |byte| byte.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !good {
        return Some(
            "its name must consist of letters, digits, '-', '_' or '.', and begin and end with a \
             letter or digit",
        );
    }
    (name.len() > 63).then_some("its name must be no more than 63 characters")
}
