//! KWOKNodeClass: what the KWOK provider's nodes are made from.

use crate::schema;
use model::ObjectMeta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, NillableDuration};

/// What the KWOK provider's nodes are made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KwokNodeClass {
    /// Metadata.
    #[schemars(schema_with = "schema::metadata")]
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: KwokNodeClassSpec,
    /// Whether it can be used.
    #[schemars(extend("x-crd-default" = schema::kwok_status()))]
    pub status: KwokNodeClassStatus,
}

model::resource!(
    KwokNodeClass,
    "karpenter.kwok.sh",
    "v1alpha1",
    "KWOKNodeClass",
    "kwoknodeclasses",
    false
);

/// How the KWOK provider makes nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KwokNodeClassSpec {
    /// How long a node takes to join once it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub node_registration_delay: Option<NillableDuration>,
}

/// Whether a class can be used. It always can: the API server sets `Ready` when it is created.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KwokNodeClassStatus {
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::class_conditions")]
    pub conditions: Vec<Condition>,
}
