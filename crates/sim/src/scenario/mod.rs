//! What happens to the cluster from outside while it is simulated: a list of steps with times.
//!
//! A scenario is a document among the manifests (`kind: Scenario`) or a file of its own. Times are
//! durations from the start. What is *not* here: how a step is played (`engine`).

mod curve;
mod parse;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

pub use curve::Curve;
pub use parse::ScenarioError;

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
    /// When again; once where absent.
    pub again: Option<Again>,
    /// What.
    pub action: Action,
}

impl Step {
    /// When the step comes next, after it came at `last`.
    pub fn next(&self, last: Duration) -> Option<Duration> {
        let again = self.again?;
        let next = last + again.every;
        again
            .until
            .is_none_or(|until| next <= until)
            .then_some(next)
    }
}

/// How a step comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// How long after it came.
    pub every: Duration,
    /// The latest time from the start; the end of the run where absent.
    pub until: Option<Duration>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Sets the number of replicas of a workload.
    Scale {
        /// The workload.
        workload: Named,
        /// New number.
        replicas: u32,
    },
    /// Sets the number of replicas of a workload to what a curve says.
    Follow {
        /// The workload.
        workload: Named,
        /// The curve.
        curve: Curve,
    },
    /// Changes the template of a Deployment, which then replaces its pods.
    Rollout {
        /// The Deployment.
        workload: Named,
        /// What changes.
        set: Change,
    },
    /// Creates objects, or merges them into those that are there.
    Apply(Vec<Value>),
    /// Deletes an object.
    Delete(Named),
    /// Says which offerings cannot be had from now on.
    Outage(Vec<OutageSpec>),
    /// The cloud takes instances back.
    Reclaim(Reclaim),
    /// Nodes break, and stay so.
    Fail(Failure),
    /// A node class has a new image: nodes that run another one have drifted.
    Image {
        /// Name of the node class.
        class: String,
        /// The image's id.
        id: String,
    },
}

/// An object by kind, namespace and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Kind.
    pub kind: String,
    /// Namespace; empty for cluster scope.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// What a rollout changes. What is absent stays; the pods are replaced in any case.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Change {
    /// Container; the first where empty.
    pub container: String,
    /// CPU that the container requests.
    pub cpu: Option<String>,
    /// Memory that it requests.
    pub memory: Option<String>,
    /// Its image.
    pub image: Option<String>,
    /// Annotations of the pods.
    pub annotations: BTreeMap<String, String>,
}

/// Which of several a step is about. Which ones of them is drawn from the seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// So many, or all if there are fewer.
    Count(usize),
    /// This part of them, rounded up.
    Fraction(f64),
}

impl Share {
    /// Of how many out of `total` it speaks.
    pub fn of(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count.min(total),
            Self::Fraction(part) => ((part * total as f64).ceil() as usize).min(total),
        }
    }
}

/// Which instances the cloud takes back, and how. Absent fields mean all.
#[derive(Clone, Debug, PartialEq)]
pub struct Reclaim {
    /// `spot`, `on-demand` or `reserved`.
    pub capacity_type: String,
    /// Zone.
    pub zone: String,
    /// Instance type.
    pub instance_type: String,
    /// How many of them.
    pub share: Share,
    /// How long before the end it is announced; without a word where zero.
    pub notice: Duration,
}

/// Which nodes break, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Name of the node; empty for any.
    pub node: String,
    /// Labels that the nodes have.
    pub selector: BTreeMap<String, String>,
    /// How many of them.
    pub share: Share,
    /// Type of the condition that says so.
    pub condition: String,
    /// Its status. `Ready` with `Unknown` is a kubelet that no longer reports.
    pub status: String,
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

impl Scenario {
    /// Whether an object is a scenario.
    pub fn is(api_version: &str, kind: &str) -> bool {
        api_version == API_VERSION && kind == KIND
    }
}

#[cfg(test)]
mod tests;
