//! From a document to a scenario. Whatever is wrong is named with its step.

use std::collections::BTreeMap;
use std::time::Duration;

use model::duration::{ParseDurationError, parse_go};
use serde::Deserialize;
use serde_json::Value;

use super::curve::{Curve, CurveError};
use super::{Action, Again, Change, Failure, Named, OutageSpec, Reclaim, Scenario, Share, Step};

/// How often a curve is looked at that does not say.
const CURVE_EVERY: Duration = Duration::from_mins(5);
/// The period of a curve that does not say.
const DAY: Duration = Duration::from_hours(24);

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A field is unknown, missing or of the wrong type.
    #[error("scenario: {0}")]
    Shape(#[from] serde_json::Error),
    /// The same, in a step.
    #[error("scenario: spec.steps[{step}]: {error}")]
    Step {
        /// Number of the step, from 0.
        step: usize,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// A time of a step is no duration.
    #[error("scenario: spec.steps[{step}].{field}: {error}")]
    Time {
        /// Number of the step, from 0.
        step: usize,
        /// Which time.
        field: &'static str,
        /// What is wrong.
        error: ParseDurationError,
    },
    /// A step does nothing or several things.
    #[error(
        "scenario: spec.steps[{step}]: one of scale, curve, rollout, apply, delete, outage, \
         reclaim, fail and image is needed"
    )]
    Action {
        /// Number of the step, from 0.
        step: usize,
    },
    /// A step comes again all the time, or ends before it begins.
    #[error("scenario: spec.steps[{step}]: {why}")]
    Again {
        /// Number of the step, from 0.
        step: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// Points make no curve.
    #[error("scenario: spec.steps[{step}].curve: {error}")]
    Curve {
        /// Number of the step, from 0.
        step: usize,
        /// What is wrong.
        error: CurveError,
    },
    /// A value of a step is out of range.
    #[error("scenario: spec.steps[{step}].{field}: {why}")]
    Value {
        /// Number of the step, from 0.
        step: usize,
        /// Which value.
        field: &'static str,
        /// What is wrong.
        why: &'static str,
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
    steps: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepSpec {
    at: String,
    #[serde(default)]
    every: Option<String>,
    #[serde(default)]
    until: Option<String>,
    #[serde(default)]
    scale: Option<ScaleSpec>,
    #[serde(default)]
    curve: Option<CurveSpec>,
    #[serde(default)]
    rollout: Option<RolloutSpec>,
    #[serde(default)]
    apply: Option<Vec<Value>>,
    #[serde(default)]
    delete: Option<DeleteSpec>,
    #[serde(default)]
    outage: Option<Vec<OutageSpec>>,
    #[serde(default)]
    reclaim: Option<ReclaimSpec>,
    #[serde(default)]
    fail: Option<FailSpec>,
    #[serde(default)]
    image: Option<ImageSpec>,
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
struct CurveSpec {
    #[serde(default = "deployment")]
    kind: String,
    #[serde(default = "default_namespace")]
    namespace: String,
    name: String,
    #[serde(default)]
    period: Option<String>,
    points: Vec<PointSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PointSpec {
    at: String,
    replicas: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolloutSpec {
    #[serde(default = "deployment")]
    kind: String,
    #[serde(default = "default_namespace")]
    namespace: String,
    name: String,
    #[serde(default)]
    set: Change,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteSpec {
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ReclaimSpec {
    capacity_type: String,
    zone: String,
    instance_type: String,
    fraction: Option<f64>,
    count: Option<usize>,
    notice: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FailSpec {
    node: String,
    selector: BTreeMap<String, String>,
    fraction: Option<f64>,
    count: Option<usize>,
    condition: ConditionSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionSpec {
    #[serde(rename = "type")]
    name: String,
    status: String,
}

impl Default for ConditionSpec {
    /// A kubelet that no longer reports.
    fn default() -> Self {
        Self {
            name: "Ready".to_owned(),
            status: "Unknown".to_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageSpec {
    class: String,
    id: String,
}

fn deployment() -> String {
    "Deployment".to_owned()
}

fn default_namespace() -> String {
    "default".to_owned()
}

impl Scenario {
    /// Reads a scenario from its document.
    pub fn parse(document: &Value) -> Result<Self, ScenarioError> {
        let document = Document::deserialize(document)?;
        let mut steps = Vec::new();
        for (number, step) in document.spec.steps.iter().enumerate() {
            steps.push(Reading { step: number }.step(step)?);
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

/// Reads one step.
#[derive(Clone, Copy)]
struct Reading {
    step: usize,
}

impl Reading {
    fn step(self, document: &Value) -> Result<Step, ScenarioError> {
        let step = self.step;
        let spec =
            StepSpec::deserialize(document).map_err(|error| ScenarioError::Step { step, error })?;
        let at = self.time("at", &spec.at)?;
        let time = |field, text: &Option<String>| {
            text.as_deref()
                .map(|text| self.time(field, text))
                .transpose()
        };
        let (every, until) = (time("every", &spec.every)?, time("until", &spec.until)?);
        let every = every.or(spec.curve.is_some().then_some(CURVE_EVERY));
        Ok(Step {
            at,
            again: self.again(at, every, until)?,
            action: self.action(spec)?,
        })
    }

    fn again(
        self,
        at: Duration,
        every: Option<Duration>,
        until: Option<Duration>,
    ) -> Result<Option<Again>, ScenarioError> {
        let wrong = |why| {
            Err(ScenarioError::Again {
                step: self.step,
                why,
            })
        };
        match (every, until) {
            (None, Some(_)) => wrong("until needs every"),
            (Some(every), _) if every.is_zero() => wrong("every must be longer than zero"),
            (_, Some(until)) if until < at => wrong("until is before at"),
            (every, until) => Ok(every.map(|every| Again { every, until })),
        }
    }

    fn action(self, step: StepSpec) -> Result<Action, ScenarioError> {
        let all = [
            step.scale.map(|scale| {
                Ok(Action::Scale {
                    workload: named(scale.kind, scale.namespace, scale.name),
                    replicas: scale.replicas,
                })
            }),
            step.curve.map(|curve| self.curve(curve)),
            step.rollout.map(|rollout| self.rollout(rollout)),
            step.apply.map(|objects| Ok(Action::Apply(objects))),
            step.delete.map(|delete| {
                Ok(Action::Delete(named(
                    delete.kind,
                    delete.namespace,
                    delete.name,
                )))
            }),
            step.outage.map(|outages| Ok(Action::Outage(outages))),
            step.reclaim.map(|reclaim| self.reclaim(reclaim)),
            step.fail.map(|fail| self.fail(fail)),
            step.image.map(|image| {
                Ok(Action::Image {
                    class: image.class,
                    id: image.id,
                })
            }),
        ];
        let mut given = all.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(action), None) => action,
            _ => Err(ScenarioError::Action { step: self.step }),
        }
    }

    fn curve(self, spec: CurveSpec) -> Result<Action, ScenarioError> {
        let period = match &spec.period {
            Some(text) => self.time("curve.period", text)?,
            None => DAY,
        };
        let mut points = Vec::new();
        for point in &spec.points {
            points.push((self.time("curve.points.at", &point.at)?, point.replicas));
        }
        let step = self.step;
        Ok(Action::Follow {
            workload: named(spec.kind, spec.namespace, spec.name),
            curve: Curve::new(period, points)
                .map_err(|error| ScenarioError::Curve { step, error })?,
        })
    }

    fn rollout(self, spec: RolloutSpec) -> Result<Action, ScenarioError> {
        if spec.kind != "Deployment" {
            return Err(self.wrong("rollout.kind", "only Deployments roll out"));
        }
        Ok(Action::Rollout {
            workload: named(spec.kind, spec.namespace, spec.name),
            set: spec.set,
        })
    }

    fn reclaim(self, spec: ReclaimSpec) -> Result<Action, ScenarioError> {
        let notice = match &spec.notice {
            Some(text) => self.time("reclaim.notice", text)?,
            None => Duration::ZERO,
        };
        Ok(Action::Reclaim(Reclaim {
            share: self.share("reclaim.fraction", spec.fraction, spec.count)?,
            capacity_type: spec.capacity_type,
            zone: spec.zone,
            instance_type: spec.instance_type,
            notice,
        }))
    }

    fn fail(self, spec: FailSpec) -> Result<Action, ScenarioError> {
        let condition = spec.condition;
        if !["True", "False", "Unknown"].contains(&condition.status.as_str()) {
            let why = "True, False or Unknown is needed";
            return Err(self.wrong("fail.condition.status", why));
        }
        if condition.name == "Ready" && condition.status == "True" {
            return Err(self.wrong("fail.condition", "a node that is Ready has not failed"));
        }
        Ok(Action::Fail(Failure {
            share: self.share("fail.fraction", spec.fraction, spec.count)?,
            node: spec.node,
            selector: spec.selector,
            condition: condition.name,
            status: condition.status,
        }))
    }

    fn share(
        self,
        field: &'static str,
        fraction: Option<f64>,
        count: Option<usize>,
    ) -> Result<Share, ScenarioError> {
        match (fraction, count) {
            (Some(_), Some(_)) => Err(self.wrong(field, "fraction and count exclude each other")),
            (None, Some(count)) => Ok(Share::Count(count)),
            (None, None) => Ok(Share::Fraction(1.0)),
            (Some(part), None) if part > 0.0 && part <= 1.0 => Ok(Share::Fraction(part)),
            _ => Err(self.wrong(field, "a number above 0 and up to 1 is needed")),
        }
    }

    fn time(self, field: &'static str, text: &str) -> Result<Duration, ScenarioError> {
        parse_go(text).map_err(|error| ScenarioError::Time {
            step: self.step,
            field,
            error,
        })
    }

    fn wrong(self, field: &'static str, why: &'static str) -> ScenarioError {
        ScenarioError::Value {
            step: self.step,
            field,
            why,
        }
    }
}

fn named(kind: String, namespace: String, name: String) -> Named {
    Named {
        kind,
        namespace,
        name,
    }
}
