//! Objects that bound what may be done to pods: namespaces, budgets, priorities, limit ranges.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::meta::{ObjectMeta, null_as_default};
use super::selector::LabelSelector;
use crate::ResourceList;

/// `v1.Namespace`; only its labels matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Namespace {
    /// Metadata.
    pub metadata: ObjectMeta,
}

/// `policy/v1.PodDisruptionBudget`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodDisruptionBudget {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What is protected.
    pub spec: PodDisruptionBudgetSpec,
    /// What the disruption controller computed.
    pub status: PodDisruptionBudgetStatus,
}

/// `policy/v1.PodDisruptionBudgetSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodDisruptionBudgetSpec {
    /// Pods that the budget protects; absent selects none, empty selects all of the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// Number or percentage that must stay up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_available: Option<IntOrString>,
    /// Number or percentage that may be down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,
    /// `IfHealthyBudget` (default) or `AlwaysAllow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_pod_eviction_policy: Option<String>,
}

/// `policy/v1.PodDisruptionBudgetStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodDisruptionBudgetStatus {
    /// Evictions that are allowed right now.
    pub disruptions_allowed: i32,
    /// Healthy pods that the budget counts.
    pub current_healthy: i32,
    /// Healthy pods that it wants.
    pub desired_healthy: i32,
    /// Pods that it counts.
    pub expected_pods: i32,
    /// Generation that the status belongs to.
    pub observed_generation: i64,
    /// Pods whose eviction has been granted, with its time, until they show it.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub disrupted_pods: BTreeMap<String, String>,
}

/// A number, or text that is a percentage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum IntOrString {
    /// A plain number.
    Int(i64),
    /// Text, such as `25%`.
    Text(String),
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Int(i64),
            Text(String),
        }
        Ok(match Raw::deserialize(deserializer)? {
            Raw::Int(value) => Self::Int(value),
            Raw::Text(value) => Self::Text(value),
        })
    }
}

/// `scheduling.k8s.io/v1.PriorityClass`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PriorityClass {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Priority of pods of this class.
    pub value: i32,
    /// Whether pods without a class get this one.
    pub global_default: bool,
    /// `PreemptLowerPriority` (default) or `Never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption_policy: Option<String>,
}

/// `v1.LimitRange`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitRange {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Desired state.
    pub spec: LimitRangeSpec,
}

/// `v1.LimitRangeSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitRangeSpec {
    /// Rules.
    #[serde(deserialize_with = "null_as_default")]
    pub limits: Vec<LimitRangeItem>,
}

/// `v1.LimitRangeItem`: what containers get when they say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LimitRangeItem {
    /// `Container`, `Pod` or `PersistentVolumeClaim`.
    pub r#type: String,
    /// Default limits.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub default: ResourceList,
    /// Default requests.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub default_request: ResourceList,
}

crate::resource!(Namespace, "", "v1", "Namespace", "namespaces", false);
crate::resource!(
    PodDisruptionBudget,
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    true
);
crate::resource!(
    PriorityClass,
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
    false
);
crate::resource!(LimitRange, "", "v1", "LimitRange", "limitranges", true);
