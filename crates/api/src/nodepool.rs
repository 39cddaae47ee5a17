//! NodePool: what nodes may be made, how many, and when they go.

use std::collections::BTreeMap;
use std::time::Duration;

use model::k8s::Taint;
use model::{ObjectMeta, ResourceList, Timestamp};
use serde::{Deserialize, Serialize};

use crate::condition::{self, Condition};
use crate::{NillableDuration, NodeClassRef, NodeRequirement, ProviderDefaults};

/// `karpenter.sh/v1` NodePool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodePool {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Desired state.
    pub spec: NodePoolSpec,
    /// Reported state.
    pub status: NodePoolStatus,
}

/// Desired state of a NodePool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePoolSpec {
    /// What its nodes are like.
    pub template: NodeClaimTemplate,
    /// When its nodes may be removed or replaced.
    pub disruption: Disruption,
    /// The most that its nodes may add up to.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub limits: ResourceList,
    /// Pools of higher weight are tried first; absent means 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// A fixed number of nodes; makes the pool static.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    /// Older place of [`NodeClaimTemplateSpec::max_pod_grace_period`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pod_grace_period: Option<i64>,
}

/// `spec.template`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeClaimTemplate {
    /// Labels and annotations of its nodes.
    #[serde(skip_serializing_if = "TemplateMeta::is_empty")]
    pub metadata: TemplateMeta,
    /// The rest.
    pub spec: NodeClaimTemplateSpec,
}

/// `spec.template.metadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplateMeta {
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl TemplateMeta {
    fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}

/// `spec.template.spec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeClaimTemplateSpec {
    /// Taints that nodes have for good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
    /// Taints that somebody else lifts before a node counts as initialized.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub startup_taints: Vec<Taint>,
    /// What instances must be.
    pub requirements: Vec<NodeRequirement>,
    /// Which node class is used.
    pub node_class_ref: NodeClassRef,
    /// Longest time that a drain may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_grace_period: Option<NillableDuration>,
    /// Age at which nodes are replaced; see [`NodePool::expire_after`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_after: Option<NillableDuration>,
    /// Seconds that any one pod's grace period can hold up a voluntary drain; absent means no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pod_grace_period: Option<i64>,
}

/// `spec.disruption`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Disruption {
    /// How long a node must be left alone before it may be consolidated; absent means 0 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consolidate_after: Option<NillableDuration>,
    /// Which nodes may be consolidated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consolidation_policy: Option<ConsolidationPolicy>,
    /// How many nodes may go at once; absent means 10 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Vec<Budget>>,
    /// Older place of the template's `expireAfter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_after: Option<NillableDuration>,
}

/// `spec.disruption.consolidationPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsolidationPolicy {
    /// Only nodes without pods.
    WhenEmpty,
    /// Nodes without pods, and nodes whose pods fit elsewhere for less.
    #[default]
    #[serde(alias = "WhenUnderutilized")]
    WhenEmptyOrUnderutilized,
    /// As before, but only where the saving outweighs the disruption.
    Balanced,
}

/// One disruption budget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Reasons that it bounds; absent means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<String>>,
    /// Number or percentage of nodes that may be disrupted at once.
    pub nodes: String,
    /// When it starts to be active, as a cron expression in UTC; absent means always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// How long it is active after each start, in Go notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
}

/// Reported state of a NodePool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePoolStatus {
    /// What its nodes add up to.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub resources: ResourceList,
    /// Number of its nodes.
    pub nodes: i64,
    /// Generation of the node class that the registration health speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_class_observed_generation: Option<i64>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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
pub const DEFAULT_EXPIRE_AFTER: Duration = Duration::from_secs(720 * 3600);

impl NodePool {
    /// Age at which nodes are replaced; none for never. The template's value wins over the older
    /// place, and either over the default.
    pub fn expire_after(&self) -> Option<Duration> {
        let written = self.spec.template.spec.expire_after.as_ref();
        match written.or(self.spec.disruption.expire_after.as_ref()) {
            Some(written) => written.get(),
            None => Some(DEFAULT_EXPIRE_AFTER),
        }
    }

    /// `expireAfter` as a claim of the pool carries it: as written, else the default.
    pub fn claimed_expire_after(&self) -> NillableDuration {
        let written = self.spec.template.spec.expire_after.as_ref();
        written
            .or(self.spec.disruption.expire_after.as_ref())
            .cloned()
            .unwrap_or_else(|| NillableDuration::of(DEFAULT_EXPIRE_AFTER))
    }

    /// How long a node must be left alone before it may be consolidated; none for never.
    pub fn consolidate_after(&self) -> Option<Duration> {
        match &self.spec.disruption.consolidate_after {
            Some(written) => written.get(),
            None => Some(Duration::ZERO),
        }
    }

    /// Which nodes may be consolidated.
    pub fn consolidation_policy(&self) -> ConsolidationPolicy {
        self.spec
            .disruption
            .consolidation_policy
            .unwrap_or_default()
    }

    /// Cap on the grace period of any one pod in a voluntary drain, in seconds.
    pub fn max_pod_grace_period(&self) -> Option<i64> {
        self.spec
            .template
            .spec
            .max_pod_grace_period
            .or(self.spec.max_pod_grace_period)
    }

    /// Whether the pool has a fixed number of nodes.
    pub fn is_static(&self) -> bool {
        self.spec.replicas.is_some()
    }

    /// The pool in the strict form that the rest of the program reads: the node class reference is
    /// whole.
    #[must_use]
    pub fn normalized(mut self, defaults: &ProviderDefaults) -> Self {
        let reference = &mut self.spec.template.spec.node_class_ref;
        *reference = reference.or_default(defaults);
        self
    }

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
