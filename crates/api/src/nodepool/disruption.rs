//! When a pool's nodes may be replaced or removed, and how many at a time.

use std::fmt;
use std::time::Duration;

use crate::schema::{self, patterns};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::NillableDuration;

/// When nodes are replaced or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Disruption {
    /// How long a node must have been left alone by pods before it may be consolidated, or `Never`.
    #[schemars(schema_with = "schema::duration_or_never", extend("x-crd-default" = "0s"))]
    pub consolidate_after: NillableDuration,
    /// Which nodes may be consolidated.
    #[schemars(schema_with = "schema::consolidation_policy", extend("x-crd-default" = "WhenEmptyOrUnderutilized"))]
    pub consolidation_policy: ConsolidationPolicy,
    /// How many nodes may be disrupted at the same time. All must allow it.
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "atomic"), extend("x-kubernetes-validations" = schema::rules::budgets()), extend("x-crd-default" = serde_json::json!([{"nodes": "10%"}])))]
    pub budgets: Vec<Budget>,
    /// An older place for `template.spec.expireAfter`, which wins if both are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration_or_never")]
    pub expire_after: Option<NillableDuration>,
}

impl Default for Disruption {
    fn default() -> Self {
        Self {
            consolidate_after: NillableDuration::of(Duration::ZERO),
            consolidation_policy: ConsolidationPolicy::default(),
            budgets: vec![Budget::default()],
            expire_after: None,
        }
    }
}

/// Which nodes may be consolidated.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum ConsolidationPolicy {
    /// Nodes without pods that count.
    WhenEmpty,
    /// Also nodes whose pods fit elsewhere or on cheaper nodes.
    #[default]
    WhenEmptyOrUnderutilized,
    /// An older spelling of `WhenEmptyOrUnderutilized`.
    WhenUnderutilized,
    /// As `WhenEmptyOrUnderutilized`, if what is saved outweighs the pods that must move.
    Balanced,
}

/// How many nodes may be disrupted at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["nodes"]))]
pub struct Budget {
    /// A number of nodes, or a percentage of the pool's nodes, rounded up.
    #[serde(default = "default_nodes")]
    #[schemars(extend("pattern" = patterns::BUDGET_NODES), extend("x-crd-default" = "10%"))]
    pub nodes: String,
    /// What the budget is about; absent: every reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::disruption_reasons")]
    pub reasons: Option<Vec<DisruptionReason>>,
    /// When the budget begins to apply, in UTC: five cron fields or `@daily` and the like. Absent:
    /// it always applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::BUDGET_SCHEDULE))]
    pub schedule: Option<String>,
    /// How long the budget applies from each time that the schedule names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::BUDGET_DURATION))]
    pub duration: Option<String>,
}

fn default_nodes() -> String {
    "10%".to_owned()
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            nodes: default_nodes(),
            reasons: None,
            schedule: None,
            duration: None,
        }
    }
}

/// Why a node is disrupted of our own accord.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum DisruptionReason {
    /// Its pods fit elsewhere or on cheaper nodes.
    Underutilized,
    /// No pod that counts is on it.
    Empty,
    /// It is no longer what its pool or class asks for.
    Drifted,
}

impl DisruptionReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Underutilized, Self::Empty, Self::Drifted];

    /// The spelling of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Underutilized => "Underutilized",
            Self::Empty => "Empty",
            Self::Drifted => "Drifted",
        }
    }
}

impl fmt::Display for DisruptionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
