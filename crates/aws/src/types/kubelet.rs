//! Settings of the kubelet of a class, as far as they decide what pods can have of a machine.

use catalog::ec2::{Kubelet, Machine, NodeSettings};
use serde_json::{Map, Value};

use super::ListError;
use crate::kubelet::{Compiled, EvaluationError, Expressions, Field, Settings, validate};

/// The settings, ready to be resolved. What its validation would refuse has no meaning here either:
/// there is no list then, rather than one that goes by other settings.
pub fn compiled(
    kubelet: &Map<String, Value>,
    expressions: Expressions,
) -> Result<Compiled, ListError> {
    let refused = |problem: String| ListError::InvalidKubelet(problem);
    let violations: Vec<String> = validate(kubelet).iter().map(ToString::to_string).collect();
    if !violations.is_empty() {
        return Err(refused(violations.join("; ")));
    }
    let settings = Settings::parse(kubelet).map_err(|error| refused(error.to_string()))?;
    let compiled = settings.compile(expressions);
    compiled.map_err(|error| refused(error.to_string()))
}

/// What the settings come to on each machine.
pub fn kubelet_of(
    compiled: &Compiled,
) -> impl Fn(&Machine, &NodeSettings) -> Result<Kubelet, String> + '_ {
    |machine, node| {
        let resolved = compiled
            .resolve(machine, node)
            .map_err(|error| problem(&error))?;
        Ok(resolved.for_capacity())
    }
}

fn problem(error: &EvaluationError) -> String {
    match &error.field {
        Field::MaxPods => format!("resolving maxPods, {}", error.error),
        field => format!("resolving {field}, {}", error.error),
    }
}
