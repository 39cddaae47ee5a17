//! Which settings of the kubelet are allowed.
//!
//! What is *not* here: expressions, and what a family's image applies.

use std::fmt;

use catalog::ec2::Threshold;
use model::Quantity;
use model::duration::{ParseDurationError, parse_go};
use serde_json::{Map, Value};

use super::schema::{self, Misfit};

/// Signals that a kubelet can evict on.
const SIGNALS: [&str; 6] = [
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "pid.available",
];
/// Resources that can be reserved.
const RESERVABLE: [&str; 4] = ["cpu", "memory", "ephemeral-storage", "pid"];

/// Something in `spec.kubelet` is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field below `spec.kubelet`, with the key of its entry; empty: the whole.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The kubelet has no such field.
    UnknownField,
    /// It must be something else.
    WrongType(&'static str),
    /// Only Karpenter sets it.
    Managed,
    /// The kubelet has no such signal.
    NoSignal(String),
    /// It cannot be reserved.
    NotReservable(String),
    /// It must be a duration.
    NoDuration(String),
    /// A duration is negative.
    NegativeDuration(String),
    /// It must be a percentage or a quantity.
    NoThreshold(String),
    /// An amount is negative.
    NegativeAmount(String),
    /// There is no entry of the same key in another field.
    Unmatched(&'static str),
    /// It must be from 0 to 100.
    NoPercentage,
    /// A number is negative.
    Negative,
    /// The high mark is not above the low one.
    MarksCrossed {
        /// The high mark.
        high: i64,
        /// The low mark.
        low: i64,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.problem {
            Problem::UnknownField => write!(f, "spec.kubelet: unknown field {field:?}"),
            Problem::WrongType(wanted) => write!(f, "spec.kubelet: {field} must be {wanted}"),
            Problem::MarksCrossed { high, low } => write!(
                f,
                "spec.kubelet: imageGCHighThresholdPercent ({high}) must be greater than \
                 imageGCLowThresholdPercent ({low})"
            ),
            problem => write!(f, "spec.kubelet.{field}: {problem}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownField => f.write_str("unknown field"),
            Self::WrongType(wanted) => write!(f, "must be {wanted}"),
            Self::Managed => f.write_str(
                "can't be set, Karpenter sets it from the NodeClaim's taints so the node \
                 registers unschedulable until it's ready",
            ),
            Self::NoSignal(key) => write!(
                f,
                "{key:?} isn't a valid eviction signal, must be one of {}",
                SIGNALS.join(", ")
            ),
            Self::NotReservable(key) => write!(
                f,
                "{key:?} isn't a reservable resource, must be one of {}",
                RESERVABLE.join(", ")
            ),
            Self::NoDuration(value) => write!(f, "{value:?} must be a duration"),
            Self::NegativeDuration(value) => write!(f, "{value:?} can't be a negative duration"),
            Self::NoThreshold(value) => {
                write!(f, "{value:?} must be a percentage or a resource quantity")
            }
            Self::NegativeAmount(value) => {
                write!(f, "{value:?} can't be a negative resource quantity")
            }
            Self::Unmatched(other) => write!(f, "has no matching {other}"),
            Self::NoPercentage => f.write_str("must be between 0 and 100"),
            Self::Negative => f.write_str("can't be negative"),
            Self::MarksCrossed { .. } => f.write_str("the high mark must be above the low one"),
        }
    }
}

/// Everything in `spec.kubelet` that is not allowed. What has the wrong type is named once.
pub fn validate(kubelet: &Map<String, Value>) -> Vec<Violation> {
    let mut found = Found::default();
    found.types(kubelet);
    if kubelet.contains_key("registerWithTaints") {
        found.add("registerWithTaints", Problem::Managed);
    }
    for field in [
        "evictionHard",
        "evictionSoft",
        "evictionSoftGracePeriod",
        "evictionMinimumReclaim",
    ] {
        found.eviction(kubelet, field);
    }
    found.matching(kubelet, "evictionSoft", "evictionSoftGracePeriod");
    found.matching(kubelet, "evictionSoftGracePeriod", "evictionSoft");
    for field in ["kubeReserved", "systemReserved"] {
        found.reserved(kubelet, field);
    }
    let number = |field: &str| kubelet.get(field).and_then(Value::as_i64);
    let marks = ["imageGCHighThresholdPercent", "imageGCLowThresholdPercent"];
    for field in marks {
        if number(field).is_some_and(|percent| !(0..=100).contains(&percent)) {
            found.add(field, Problem::NoPercentage);
        }
    }
    for field in ["podsPerCore", "evictionMaxPodGracePeriod", "maxPods"] {
        if number(field).is_some_and(i64::is_negative) {
            found.add(field, Problem::Negative);
        }
    }
    if let (Some(high), Some(low)) = (number(marks[0]), number(marks[1]))
        && high <= low
    {
        found.add("", Problem::MarksCrossed { high, low });
    }
    found.0
}

/// The entries of a map whose values are texts, by key.
fn entries<'a>(kubelet: &'a Map<String, Value>, field: &str) -> Vec<(&'a str, &'a str)> {
    let map = kubelet.get(field).and_then(Value::as_object);
    let mut entries: Vec<(&str, &str)> = map
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    entries.sort_unstable();
    entries
}

#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, field: impl Into<String>, problem: Problem) {
        let field = field.into();
        self.0.push(Violation { field, problem });
    }

    fn types(&mut self, kubelet: &Map<String, Value>) {
        let mut kubelet = kubelet.clone();
        if let Some(max_pods) = kubelet.get_mut("maxPods")
            && max_pods.is_string()
        {
            // An expression.
            *max_pods = Value::from(0);
        }
        for (field, misfit) in schema::misfits(&kubelet, schema::KUBELET) {
            self.add(
                field,
                match misfit {
                    Misfit::Unknown => Problem::UnknownField,
                    Misfit::Wrong(wanted) => Problem::WrongType(wanted),
                },
            );
        }
    }

    fn eviction(&mut self, kubelet: &Map<String, Value>, field: &str) {
        for (key, value) in entries(kubelet, field) {
            if !SIGNALS.contains(&key) {
                self.add(field, Problem::NoSignal(key.to_owned()));
            }
            let problem = if field == "evictionSoftGracePeriod" {
                duration_problem(value)
            } else {
                threshold_problem(value)
            };
            if let Some(problem) = problem {
                self.add(format!("{field}[{key}]"), problem);
            }
        }
    }

    /// Each entry of a field must have one of the same key in another.
    fn matching(&mut self, kubelet: &Map<String, Value>, field: &str, other: &'static str) {
        let others = kubelet.get(other).and_then(Value::as_object);
        let has = |key: &str| others.is_some_and(|others| others.contains_key(key));
        for (key, _) in entries(kubelet, field) {
            if !has(key) {
                self.add(format!("{field}[{key}]"), Problem::Unmatched(other));
            }
        }
    }

    fn reserved(&mut self, kubelet: &Map<String, Value>, field: &str) {
        for (key, value) in entries(kubelet, field) {
            if !RESERVABLE.contains(&key) {
                self.add(field, Problem::NotReservable(key.to_owned()));
            }
            if value.starts_with('-') {
                let problem = Problem::NegativeAmount(value.to_owned());
                self.add(format!("{field}[{key}]"), problem);
            }
        }
    }
}

fn duration_problem(value: &str) -> Option<Problem> {
    let text = value.to_owned();
    match parse_go(value) {
        Ok(_) => None,
        Err(ParseDurationError::Negative { .. }) if parse_go(&value[1..]).is_ok() => {
            Some(Problem::NegativeDuration(text))
        }
        Err(_) => Some(Problem::NoDuration(text)),
    }
}

fn threshold_problem(value: &str) -> Option<Problem> {
    if value.parse::<Threshold>().is_ok() {
        return None;
    }
    let amount = value.parse::<Quantity>();
    Some(match amount {
        Ok(amount) if amount.is_negative() => Problem::NegativeAmount(value.to_owned()),
        _ => Problem::NoThreshold(value.to_owned()),
    })
}
