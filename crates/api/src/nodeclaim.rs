//! NodeClaim: one machine, from the wish to its end.

use crate::schema;
use model::k8s::Taint;
use model::{ObjectMeta, ResourceList, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{self, Condition};
use crate::{NillableDuration, NodeClassRef, NodeRequirement};

/// `karpenter.sh/v1` NodeClaim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["spec"]))]
pub struct NodeClaim {
    /// Metadata.
    #[schemars(schema_with = "schema::metadata")]
    pub metadata: ObjectMeta,
    /// What is asked for; never changes.
    pub spec: NodeClaimSpec,
    /// What has come of it.
    pub status: NodeClaimStatus,
}

/// What a NodeClaim asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["nodeClassRef", "requirements"]), extend("x-kubernetes-validations" = schema::rules::claim_spec()))]
pub struct NodeClaimSpec {
    /// Taints that the node has for good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::taints")]
    pub taints: Vec<Taint>,
    /// Taints that somebody else lifts before the node counts as initialized.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::taints")]
    pub startup_taints: Vec<Taint>,
    /// What the instance must be.
    #[schemars(schema_with = "schema::claim_requirements")]
    pub requirements: Vec<NodeRequirement>,
    /// What the pods that it is for request.
    #[serde(skip_serializing_if = "ResourceRequests::is_empty")]
    pub resources: ResourceRequests,
    /// Which node class it uses.
    #[schemars(schema_with = "schema::claim_class_ref")]
    pub node_class_ref: NodeClassRef,
    /// Longest time that a drain may take, in Go notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub termination_grace_period: Option<NillableDuration>,
    /// Age at which the node is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration_or_never", extend("x-crd-default" = "720h"))]
    pub expire_after: Option<NillableDuration>,
}

/// `spec.resources` of a NodeClaim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceRequests {
    /// Amounts.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "schema::quantities")]
    pub requests: ResourceList,
}

impl ResourceRequests {
    /// Whether nothing is requested.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

/// What has come of a NodeClaim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeClaimStatus {
    /// The node, once it is registered.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_name: String,
    /// The machine, as the cloud names it; joins the claim to its node.
    #[serde(rename = "providerID", skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// The image that the machine runs.
    #[serde(rename = "imageID", skip_serializing_if = "String::is_empty")]
    pub image_id: String,
    /// What the machine has, as the provider promised.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "schema::quantities")]
    pub capacity: ResourceList,
    /// What pods may use of it, as the provider promised.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "schema::quantities")]
    pub allocatable: ResourceList,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::claim_conditions")]
    pub conditions: Vec<Condition>,
    /// When a pod came to or left the node last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date_time")]
    pub last_pod_event_time: Option<Timestamp>,
}

/// Types of conditions of a NodeClaim.
pub mod conditions {
    /// The provider has started an instance.
    pub const LAUNCHED: &str = "Launched";
    /// The node has joined.
    pub const REGISTERED: &str = "Registered";
    /// The node is ready for pods for the first time.
    pub const INITIALIZED: &str = "Initialized";
    /// The node has been left alone long enough to be consolidated.
    pub const CONSOLIDATABLE: &str = "Consolidatable";
    /// The node is no longer what its pool or class asks for.
    pub const DRIFTED: &str = "Drifted";
    /// All pods that had to leave have left.
    pub const DRAINED: &str = "Drained";
    /// No volume is attached any more.
    pub const VOLUMES_DETACHED: &str = "VolumesDetached";
    /// The provider was asked to end the instance.
    pub const INSTANCE_TERMINATING: &str = "InstanceTerminating";
    /// The node is what the claim promised.
    pub const CONSISTENT_STATE_FOUND: &str = "ConsistentStateFound";
    /// The node is queued for voluntary disruption.
    pub const DISRUPTION_REASON: &str = "DisruptionReason";
    /// What `Ready` depends on.
    pub const DEPENDENTS: [&str; 3] = [LAUNCHED, REGISTERED, INITIALIZED];
}

impl NodeClaim {
    /// The NodePool that the claim was made for, by its label.
    pub fn pool(&self) -> Option<&str> {
        self.metadata
            .labels
            .get(crate::labels::NODEPOOL)
            .map(String::as_str)
    }

    /// Whether the condition of that type is `True`.
    pub fn is(&self, r#type: &str) -> bool {
        condition::is_true(&self.status.conditions, r#type)
    }

    /// The condition of that type.
    pub fn condition(&self, r#type: &str) -> Option<&Condition> {
        condition::find(&self.status.conditions, r#type)
    }

    /// What the condition engine needs to know of the claim.
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
    NodeClaim,
    "karpenter.sh",
    "v1",
    "NodeClaim",
    "nodeclaims",
    false
);
