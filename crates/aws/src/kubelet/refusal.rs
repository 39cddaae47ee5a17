//! Why a class's settings of the kubelet keep it from being used: the steps of its validation that
//! need no call of AWS.

use catalog::ec2::{AmiFamily, Machine, NodeSettings};
use serde_json::{Map, Value};

use super::{Compiled, Expressions, Settings, unsupported, validate};

/// Why settings are refused, as the condition `ValidationSucceeded` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// They cannot be read or are not allowed.
    Invalid,
    /// There are expressions, and these are disabled.
    ExpressionsDisabled,
    /// An expression cannot be used.
    ExpressionInvalid,
    /// The image does not apply all of them.
    Unsupported,
    /// An expression has no value on an instance type.
    EvaluationFailed,
}

impl Reason {
    /// As it stands in the condition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "InvalidKubeletConfiguration",
            Self::ExpressionsDisabled => "KubeletExpressionsDisabled",
            Self::ExpressionInvalid => "KubeletExpressionInvalid",
            Self::Unsupported => "UnsupportedKubeletConfiguration",
            Self::EvaluationFailed => "KubeletExpressionEvaluationFailed",
        }
    }
}

/// A class cannot be used with its settings of the kubelet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What people read.
    pub message: String,
}

/// Whether expressions have values on all instance types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// They have.
    Succeeded,
    /// No instance type is known yet: ask again.
    NoMachines,
    /// One has none.
    Failed(Refusal),
}

/// The settings of a class, ready to be resolved, or the first step of validation that refuses
/// them: what is allowed, expressions, what the image applies.
pub fn accept(
    kubelet: &Map<String, Value>,
    family: AmiFamily,
    expressions: Expressions,
) -> Result<Compiled, Refusal> {
    let violations = validate(kubelet);
    if !violations.is_empty() {
        return Err(refuse(Reason::Invalid, &violations));
    }
    let settings = Settings::parse(kubelet).map_err(|error| refuse(Reason::Invalid, &[error]))?;
    if settings.has_expressions() && expressions == Expressions::Disabled {
        let message = "spec.kubelet contains a CEL expression, but the NodeClassCEL feature gate \
                       is disabled";
        return Err(refuse(Reason::ExpressionsDisabled, &[message]));
    }
    let compiled = settings
        .compile(expressions)
        .map_err(|error| refuse(Reason::ExpressionInvalid, &[error]))?;
    let unsupported = unsupported(kubelet, family);
    if !unsupported.is_empty() {
        return Err(refuse(Reason::Unsupported, &unsupported));
    }
    Ok(compiled)
}

/// Evaluates expressions on every instance type, those among them that the class never launches.
pub fn evaluate_all<'a>(
    compiled: &Compiled,
    machines: impl IntoIterator<Item = &'a Machine>,
    node: &NodeSettings,
) -> Evaluation {
    let mut machines = machines.into_iter().peekable();
    if machines.peek().is_none() {
        return Evaluation::NoMachines;
    }
    let failure = machines.find_map(|machine| compiled.check(machine, node).err());
    failure.map_or(Evaluation::Succeeded, |error| {
        Evaluation::Failed(refuse(Reason::EvaluationFailed, &[error]))
    })
}

fn refuse(reason: Reason, problems: &[impl ToString]) -> Refusal {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Refusal {
        reason,
        message: problems.join("; "),
    }
}
