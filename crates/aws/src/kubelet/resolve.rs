//! From settings with expressions to what they are on an instance type.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::fmt;

use catalog::ec2::{Kubelet, Machine, NodeSettings, pods};

use super::expression::{Expression, Functions, InvalidExpression, NoNumber, Variables};
use super::reserved::{self, Amount};
use super::{Expressions, MaxPods, Resolved, Settings, parse};

/// A field of `spec.kubelet` that can be an expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `maxPods`.
    MaxPods,
    /// An entry of `kubeReserved`.
    KubeReserved(String),
    /// An entry of `systemReserved`.
    SystemReserved(String),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxPods => f.write_str("spec.kubelet.maxPods"),
            Self::KubeReserved(key) => write!(f, "spec.kubelet.kubeReserved[{key}]"),
            Self::SystemReserved(key) => write!(f, "spec.kubelet.systemReserved[{key}]"),
        }
    }
}

/// A field is an expression that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {error}")]
pub struct CompileError {
    /// The field.
    pub field: Field,
    /// Why.
    pub error: InvalidExpression,
}

/// A field has no value on an instance type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: on {instance_type}, {error}")]
pub struct EvaluationError {
    /// The field.
    pub field: Field,
    /// The instance type.
    pub instance_type: String,
    /// Why.
    pub error: NoNumber,
}

/// Settings whose expressions are ready to be evaluated. Made once for each class; can be used from
/// several threads.
#[derive(Clone)]
pub struct Compiled {
    settings: Settings,
    max_pods: Option<Pods>,
    kube_reserved: BTreeMap<String, Amount>,
    system_reserved: BTreeMap<String, Amount>,
    functions: Functions,
}

#[derive(Clone)]
enum Pods {
    Number(u32),
    Expression(Expression),
}

impl Settings {
    /// Compiles the expressions; the first one that cannot be used is reported. Where expressions
    /// are disabled they count as not given.
    pub fn compile(&self, expressions: Expressions) -> Result<Compiled, CompileError> {
        let max_pods = match (&self.max_pods, expressions) {
            (Some(MaxPods::Number(number)), _) => Some(Pods::Number(*number)),
            (Some(MaxPods::Expression(text)), Expressions::Enabled) => {
                let compiled = Expression::compile(text);
                Some(Pods::Expression(compiled.map_err(|error| {
                    CompileError {
                        field: Field::MaxPods,
                        error,
                    }
                })?))
            }
            _ => None,
        };
        let amounts = |map: &BTreeMap<String, String>, field: fn(String) -> Field| {
            map.iter()
                .filter(|(_, text)| {
                    expressions == Expressions::Enabled || !parse::is_expression(text)
                })
                .map(|(key, text)| match Amount::compile(text) {
                    Ok(amount) => Ok((key.clone(), amount)),
                    Err(error) => Err(CompileError {
                        field: field(key.clone()),
                        error,
                    }),
                })
                .collect::<Result<BTreeMap<_, _>, _>>()
        };
        Ok(Compiled {
            max_pods,
            kube_reserved: amounts(&self.kube_reserved, Field::KubeReserved)?,
            system_reserved: amounts(&self.system_reserved, Field::SystemReserved)?,
            settings: self.clone(),
            functions: Functions::default(),
        })
    }
}

impl Compiled {
    /// The settings on a machine whose node is otherwise set up like this. What is reserved by an
    /// expression without a value is not reserved; a number of pods must have one.
    pub fn resolve(
        &self,
        machine: &Machine,
        node: &NodeSettings,
    ) -> Result<Resolved, EvaluationError> {
        self.evaluate(machine, node).map(|(resolved, _)| resolved)
    }

    /// Checks that every expression has a value on a machine.
    pub fn check(&self, machine: &Machine, node: &NodeSettings) -> Result<(), EvaluationError> {
        let (_, failures) = self.evaluate(machine, node)?;
        failures.into_iter().next().map_or(Ok(()), Err)
    }

    fn evaluate(
        &self,
        machine: &Machine,
        node: &NodeSettings,
    ) -> Result<(Resolved, Vec<EvaluationError>), EvaluationError> {
        let capped = |max_pods: Option<u32>| self.pods(machine, node, max_pods);
        let given = match &self.max_pods {
            None => None,
            Some(Pods::Number(number)) => Some(*number),
            Some(Pods::Expression(expression)) => {
                let variables = Variables::new(machine, capped(None));
                let number = expression
                    .evaluate(&self.functions.scope(&variables))
                    .and_then(pods_in_range)
                    .map_err(|error| failure(Field::MaxPods, machine, error))?;
                Some(number)
            }
        };
        let room = capped(given);
        let max_pods = match (&self.max_pods, given) {
            // The kubelet caps it by itself.
            (Some(Pods::Number(_)), Some(number)) => number,
            _ => u32::try_from(room).unwrap_or(u32::MAX),
        };
        let scope = LazyCell::new(|| self.functions.scope(&Variables::new(machine, room)));
        let (kube_reserved, failed_kube) = reserved::resolve(&self.kube_reserved, &scope);
        let (system_reserved, failed_system) = reserved::resolve(&self.system_reserved, &scope);
        let kube = failed_kube.into_iter();
        let kube = kube.map(|(key, error)| failure(Field::KubeReserved(key), machine, error));
        let system = failed_system.into_iter();
        let system = system.map(|(key, error)| failure(Field::SystemReserved(key), machine, error));
        let failures = kube.chain(system).collect();
        let resolved = Resolved {
            verbatim: self.settings.verbatim.clone(),
            managed: self.settings.managed.clone(),
            max_pods,
            kube_reserved,
            system_reserved,
        };
        Ok((resolved, failures))
    }

    /// How many pods a machine has room for with such a setting.
    fn pods(&self, machine: &Machine, node: &NodeSettings, max_pods: Option<u32>) -> u64 {
        let kubelet = Kubelet {
            max_pods: max_pods.map(u64::from),
            pods_per_core: self.settings.managed.pods_per_core.map(u64::from),
            ..Kubelet::default()
        };
        let node = NodeSettings {
            kubelet,
            ..node.clone()
        };
        pods(machine, &node)
    }
}

fn failure(field: Field, machine: &Machine, error: NoNumber) -> EvaluationError {
    EvaluationError {
        field,
        instance_type: machine.name.clone(),
        error,
    }
}

/// A number of pods is one of 31 bits.
fn pods_in_range(number: i64) -> Result<u32, NoNumber> {
    if number < 0 {
        return Err(NoNumber::Negative(number));
    }
    i32::try_from(number)
        .map(i32::unsigned_abs)
        .map_err(|_| NoNumber::Range(number.to_string()))
}
