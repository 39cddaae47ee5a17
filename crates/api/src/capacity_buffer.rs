//! CapacityBuffer: room that is kept for pods which do not exist yet.

use crate::schema;
use model::{ObjectMeta, ResourceList};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Condition;

/// Room that is kept free.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["spec"]))]
pub struct CapacityBuffer {
    /// Metadata.
    #[schemars(schema_with = "schema::metadata")]
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: CapacityBufferSpec,
    /// What is kept.
    pub status: CapacityBufferStatus,
}

model::resource!(
    CapacityBuffer,
    "autoscaling.x-k8s.io",
    "v1beta1",
    "CapacityBuffer",
    "capacitybuffers",
    true
);

/// How much room is kept, and for what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = schema::rules::buffer_spec()))]
pub struct CapacityBufferSpec {
    /// How the room is kept. Absent: as capacity that is really there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-crd-default" = "buffer.x-k8s.io/active-capacity"))]
    pub provisioning_strategy: Option<String>,
    /// The PodTemplate, in the same namespace, that one chunk of room is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_template_ref: Option<LocalReference>,
    /// The workload, in the same namespace, whose pods the room is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scalable_ref: Option<ScalableRef>,
    /// How many chunks, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i32>,
    /// How many chunks, in percent of the workload's replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub percentage: Option<i32>,
    /// What all chunks may take together.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "schema::quantities")]
    pub limits: ResourceList,
}

/// An object in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["name"]))]
pub struct LocalReference {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
}

/// A workload in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["kind", "name"]))]
pub struct ScalableRef {
    /// Its API group. Absent: `apps`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_group: String,
    /// Its kind: `Deployment`, `StatefulSet` or `ReplicaSet`.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityBufferStatus {
    /// The PodTemplate that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_template_ref: Option<LocalReference>,
    /// How many chunks are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// The generation of the template that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_template_generation: Option<i64>,
    /// The strategy that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_strategy: Option<String>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}
