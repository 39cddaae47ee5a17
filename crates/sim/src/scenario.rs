//! What happens to the cluster from outside while it is simulated: a list of steps with times.
//!
//! A scenario is a document among the manifests (`kind: Scenario`) or a file of its own. Times are
//! durations from the start.

use std::time::Duration;

use model::duration::parse_go;
use serde::Deserialize;
use serde_json::Value;

/// API version of scenarios.
pub const API_VERSION: &str = "sim.karpenter.sh/v1";
/// Kind of scenarios.
pub const KIND: &str = "Scenario";

/// A scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// Name, for the title of the report.
    pub name: String,
    /// Feature gates to turn on or off, as on Karpenter's command line.
    pub feature_gates: String,
    /// Steps by time.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, from the start.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Sets the number of replicas of a workload.
    Scale {
        /// `Deployment`, `StatefulSet` or `ReplicaSet`.
        kind: String,
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// New number.
        replicas: u32,
    },
    /// Creates objects, or merges them into those that are there.
    Apply(Vec<Value>),
    /// Deletes an object.
    Delete {
        /// Kind.
        kind: String,
        /// Namespace; empty for cluster scope.
        namespace: String,
        /// Name.
        name: String,
    },
    /// Says which offerings cannot be had from now on.
    Outage(Vec<OutageSpec>),
}

/// An offering that cannot be had; absent fields mean all.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OutageSpec {
    /// Instance type.
    pub instance_type: String,
    /// Zone.
    pub zone: String,
    /// `spot`, `on-demand` or `reserved`.
    pub capacity_type: String,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A field is unknown, missing or of the wrong type.
    #[error("scenario: {0}")]
    Shape(#[from] serde_json::Error),
    /// A step's time is no duration.
    #[error("scenario: spec.steps[{step}].at: {error}")]
    Time {
        /// Number of the step, from 0.
        step: usize,
        /// What is wrong.
        error: model::duration::ParseDurationError,
    },
    /// A step does nothing or several things.
    #[error("scenario: spec.steps[{step}]: one of scale, apply, delete and outage is needed")]
    Action {
        /// Number of the step, from 0.
        step: usize,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(default)]
    metadata: Meta,
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    #[serde(default)]
    feature_gates: String,
    steps: Vec<StepSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepSpec {
    at: String,
    #[serde(default)]
    scale: Option<ScaleSpec>,
    #[serde(default)]
    apply: Option<Vec<Value>>,
    #[serde(default)]
    delete: Option<DeleteSpec>,
    #[serde(default)]
    outage: Option<Vec<OutageSpec>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleSpec {
    #[serde(default = "deployment")]
    kind: String,
    #[serde(default = "default_namespace")]
    namespace: String,
    name: String,
    replicas: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteSpec {
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

fn deployment() -> String {
    "Deployment".to_owned()
}

fn default_namespace() -> String {
    "default".to_owned()
}

impl Scenario {
    /// Whether an object is a scenario.
    pub fn is(api_version: &str, kind: &str) -> bool {
        api_version == API_VERSION && kind == KIND
    }

    /// Reads a scenario from its document.
    pub fn parse(document: &Value) -> Result<Self, ScenarioError> {
        let document = Document::deserialize(document)?;
        let mut steps = Vec::new();
        for (number, step) in document.spec.steps.into_iter().enumerate() {
            let at = parse_go(&step.at).map_err(|error| ScenarioError::Time {
                step: number,
                error,
            })?;
            steps.push(Step {
                at,
                action: action(number, step)?,
            });
        }
        // Steps at the same time stay in the order in which they are written.
        steps.sort_by_key(|step| step.at);
        Ok(Self {
            name: document.metadata.name,
            feature_gates: document.spec.feature_gates,
            steps,
        })
    }
}

fn action(number: usize, step: StepSpec) -> Result<Action, ScenarioError> {
    let scale = step.scale.map(|scale| Action::Scale {
        kind: scale.kind,
        namespace: scale.namespace,
        name: scale.name,
        replicas: scale.replicas,
    });
    let delete = step.delete.map(|delete| Action::Delete {
        kind: delete.kind,
        namespace: delete.namespace,
        name: delete.name,
    });
    let all = [
        scale,
        delete,
        step.apply.map(Action::Apply),
        step.outage.map(Action::Outage),
    ];
    let mut given = all.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(action), None) => Ok(action),
        _ => Err(ScenarioError::Action { step: number }),
    }
}

#[cfg(test)]
mod tests;
