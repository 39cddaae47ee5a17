//! Expressions over an instance type, in CEL.
//!
//! Types are checked when an expression is compiled ([`types`](super::types)), so that evaluation
//! fails on numbers alone.

use std::sync::Arc;

use catalog::ec2::Machine;
use expressions::KubeCelExt;
use expressions::cel::extractors::Arguments;
use expressions::cel::{Context, ExecutionError, Value};
use expressions::{CompileError, excerpt};

use super::types::{self, TypeError};

/// An expression cannot be used on any instance type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpression {
    /// It is not CEL, or too large.
    #[error("{0:?} is not an expression, {1}")]
    Syntax(String, CompileError),
    /// Its types are wrong, or its result is no number.
    #[error("{0:?} is not a number, {1}")]
    Type(String, TypeError),
}

/// An expression has no number on an instance type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoNumber {
    /// Evaluation failed.
    #[error("{0}")]
    Failed(String),
    /// It is not finite, or too large.
    #[error("{0} is out of range")]
    Range(String),
    /// It is negative.
    #[error("{0} is negative")]
    Negative(i64),
}

/// What an expression can see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variables {
    pub(super) vcpus: i64,
    pub(super) memory_mib: i64,
    pub(super) default_enis: i64,
    pub(super) ips_per_eni: i64,
    pub(super) max_pods: i64,
    pub(super) instance_type: String,
}

impl Variables {
    /// Of a machine with room for so many pods.
    pub(super) fn new(machine: &Machine, max_pods: u64) -> Self {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Self {
            vcpus: number(machine.vcpus),
            memory_mib: number(machine.memory_mib),
            default_enis: number(machine.interfaces),
            ips_per_eni: number(machine.ipv4_per_interface),
            max_pods: number(max_pods),
            instance_type: machine.name.clone(),
        }
    }
}

/// The functions that expressions can call; made once and shared.
#[derive(Clone)]
pub(super) struct Functions(Arc<Context<'static>>);

impl Default for Functions {
    fn default() -> Self {
        let mut context = Context::default().with_all();
        context.add_function("max", max);
        context.add_function("min", min);
        Self(Arc::new(context))
    }
}

impl Functions {
    /// A scope in which expressions see these variables.
    pub(super) fn scope(&self, variables: &Variables) -> Context<'_> {
        let mut scope = self.0.new_inner_scope();
        let numbers = [
            ("vcpus", variables.vcpus),
            ("memory_mib", variables.memory_mib),
            ("default_enis", variables.default_enis),
            ("ips_per_eni", variables.ips_per_eni),
            ("max_pods", variables.max_pods),
        ];
        for (name, value) in numbers {
            scope.add_variable_from_value(name, Value::Int(value));
        }
        let name = Arc::new(variables.instance_type.clone());
        scope.add_variable_from_value("instance_type", Value::String(name));
        scope
    }
}

/// An expression whose result is a number.
#[derive(Clone, Debug)]
pub(super) struct Expression(Arc<expressions::Expression>);

impl Expression {
    pub(super) fn compile(text: &str) -> Result<Self, InvalidExpression> {
        let compiled = expressions::Expression::compile(text)
            .map_err(|error| InvalidExpression::Syntax(excerpt(text), error))?;
        types::check_number(compiled.tree())
            .map_err(|error| InvalidExpression::Type(excerpt(text), error))?;
        Ok(Self(Arc::new(compiled)))
    }

    /// Its number, without what is behind the decimal point.
    pub(super) fn evaluate(&self, scope: &Context<'_>) -> Result<i64, NoNumber> {
        match self.0.evaluate(scope) {
            Ok(Value::Int(number)) => Ok(number),
            Ok(Value::Float(number)) => whole(number),
            Ok(other) => Err(NoNumber::Failed(format!("{other:?} is not a number"))),
            Err(error) => Err(NoNumber::Failed(error.to_string())),
        }
    }
}

/// Towards zero.
fn whole(number: f64) -> Result<i64, NoNumber> {
    // The first number above those of 64 bits, exactly.
    const END: f64 = 9_223_372_036_854_775_808.0;
    if (-END..END).contains(&number) {
        Ok(number as i64)
    } else {
        Err(NoNumber::Range(number.to_string()))
    }
}

fn max(Arguments(args): Arguments) -> Result<Value, ExecutionError> {
    pick("max", &args, i64::max, f64::max)
}

fn min(Arguments(args): Arguments) -> Result<Value, ExecutionError> {
    pick("min", &args, i64::min, f64::min)
}

/// Of two numbers; of two integers an integer. What is not a number stays none.
fn pick(
    function: &str,
    args: &[Value],
    of_ints: impl Fn(i64, i64) -> i64,
    of_floats: impl Fn(f64, f64) -> f64,
) -> Result<Value, ExecutionError> {
    let float = |value: &Value| match value {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    };
    match args {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(of_ints(*a, *b))),
        [a, b] => match (float(a), float(b)) {
            (Some(a), Some(b)) if a.is_nan() || b.is_nan() => Ok(Value::Float(f64::NAN)),
            (Some(a), Some(b)) => Ok(Value::Float(of_floats(a, b))),
            _ => Err(ExecutionError::function_error(function, "takes numbers")),
        },
        _ => Err(ExecutionError::function_error(
            function,
            "takes two numbers",
        )),
    }
}
