//! NodePool: what nodes may be made, how many, and when they go.

mod disruption;
mod hash;
mod normalize;
pub mod validate;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::schema;
use model::k8s::Taint;
use model::{ObjectMeta, ResourceList, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use disruption::{Budget, ConsolidationPolicy, Disruption, DisruptionReason};
pub use hash::NODEPOOL_HASH_VERSION;

use crate::condition::{self, Condition};
use crate::{NillableDuration, NodeClassRef, NodeRequirement};

/// `karpenter.sh/v1` NodePool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["spec"]))]
pub struct NodePool {
    /// Metadata.
    #[schemars(schema_with = "schema::metadata")]
    pub metadata: ObjectMeta,
    /// Desired state.
    pub spec: NodePoolSpec,
    /// Reported state.
    pub status: NodePoolStatus,
}

/// Desired state of a NodePool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["template"]), extend("x-kubernetes-validations" = schema::rules::pool_spec()))]
pub struct NodePoolSpec {
    /// What its nodes are like.
    pub template: NodeClaimTemplate,
    /// When its nodes may be removed or replaced.
    #[schemars(extend("x-crd-default" = serde_json::json!({"consolidateAfter": "0s"})))]
    pub disruption: Disruption,
    /// The most that its nodes may add up to.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "schema::quantities")]
    pub limits: ResourceList,
    /// Pools of higher weight are tried first; absent means 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub weight: Option<i32>,
    /// A fixed number of nodes; makes the pool static.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i64>,
    /// Older place of [`NodeClaimTemplateSpec::max_pod_grace_period`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_pod_grace_period: Option<i64>,
}

/// `spec.template`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["spec"]))]
pub struct NodeClaimTemplate {
    /// Labels and annotations of its nodes.
    #[serde(skip_serializing_if = "TemplateMeta::is_empty")]
    pub metadata: TemplateMeta,
    /// The rest.
    pub spec: NodeClaimTemplateSpec,
}

/// `spec.template.metadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TemplateMeta {
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::template_labels")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-map-type" = "granular"))]
    pub annotations: BTreeMap<String, String>,
}

impl TemplateMeta {
    fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}

/// `spec.template.spec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["requirements"]), extend("x-kubernetes-validations" = schema::rules::template_transitions()))]
pub struct NodeClaimTemplateSpec {
    /// Taints that nodes have for good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::taints")]
    pub taints: Vec<Taint>,
    /// Taints that somebody else lifts before a node counts as initialized.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::taints")]
    pub startup_taints: Vec<Taint>,
    /// What instances must be.
    #[schemars(schema_with = "schema::pool_requirements")]
    pub requirements: Vec<NodeRequirement>,
    /// Which node class is used.
    #[schemars(schema_with = "schema::pool_class_ref")]
    pub node_class_ref: NodeClassRef,
    /// Longest time that a drain may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub termination_grace_period: Option<NillableDuration>,
    /// Age at which nodes are replaced; see [`NodePool::expire_after`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration_or_never", extend("x-crd-default" = "720h"))]
    pub expire_after: Option<NillableDuration>,
    /// Seconds that any one pod's grace period can hold up a voluntary drain; absent means no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_pod_grace_period: Option<i64>,
}

/// Reported state of a NodePool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePoolStatus {
    /// What its nodes add up to.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "schema::quantities")]
    pub resources: ResourceList,
    /// Number of its nodes.
    #[schemars(extend("x-crd-default" = 0))]
    pub nodes: i64,
    /// Generation of the node class that the registration health speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_class_observed_generation: Option<i64>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// Types of conditions of a NodePool.
pub mod conditions {
    /// The spec makes sense.
    pub const VALIDATION_SUCCEEDED: &str = "ValidationSucceeded";
    /// The node class is there and ready.
    pub const NODE_CLASS_READY: &str = "NodeClassReady";
    /// Nodes of the pool do join; informational.
    pub const NODE_REGISTRATION_HEALTHY: &str = "NodeRegistrationHealthy";
    /// What `Ready` depends on.
    pub const DEPENDENTS: [&str; 2] = [VALIDATION_SUCCEEDED, NODE_CLASS_READY];
}

/// `expireAfter` where nothing was written: 30 days.
pub const DEFAULT_EXPIRE_AFTER: Duration = Duration::from_hours(720);

impl NodePool {
    /// Whether the condition of that type is `True`.
    pub fn is(&self, r#type: &str) -> bool {
        condition::is_true(&self.status.conditions, r#type)
    }

    /// What the condition engine needs to know of the pool.
    pub fn subject(&self, now: Timestamp) -> condition::Subject<'static> {
        condition::Subject {
            dependents: &conditions::DEPENDENTS,
            generation: self.metadata.generation,
            created: self.metadata.creation_timestamp,
            deleting: self.metadata.is_deleting(),
            now,
        }
    }
}

model::resource!(
    NodePool,
    "karpenter.sh",
    "v1",
    "NodePool",
    "nodepools",
    false
);
