//! NodeOverlay: other prices and further resources for instance types.

use crate::schema::{self, patterns};
use model::{ObjectMeta, ResourceList, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, condition};

/// A change to what instance types are taken to cost and to have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["spec"]))]
pub struct NodeOverlay {
    /// Metadata.
    #[schemars(schema_with = "schema::metadata")]
    pub metadata: ObjectMeta,
    /// What is changed.
    pub spec: NodeOverlaySpec,
    /// Whether it is in force.
    pub status: NodeOverlayStatus,
}

/// Types of conditions of a NodeOverlay.
pub mod conditions {
    /// The overlay is valid and no other one contradicts it.
    pub const VALIDATION_SUCCEEDED: &str = "ValidationSucceeded";
    /// What `Ready` depends on.
    pub const DEPENDENTS: [&str; 1] = [VALIDATION_SUCCEEDED];
}

impl NodeOverlay {
    /// What is needed to change its conditions.
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
    NodeOverlay,
    "karpenter.sh",
    "v1alpha1",
    "NodeOverlay",
    "nodeoverlays",
    false
);

/// What an overlay changes, and of what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["requirements"]), extend("x-kubernetes-validations" = schema::rules::overlay_spec()))]
pub struct NodeOverlaySpec {
    /// Which offerings of which instance types are changed. All must hold.
    #[schemars(schema_with = "schema::overlay_requirements")]
    pub requirements: Vec<OverlayRequirement>,
    /// The new price, in dollars per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::PRICE))]
    pub price: Option<String>,
    /// What is added to the price (`+0.01`, `-0.01`) or by which part it changes (`+10%`, `-10%`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = patterns::PRICE_ADJUSTMENT))]
    pub price_adjustment: Option<String>,
    /// Extended resources that the instance types have beside those they are known for.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    #[schemars(schema_with = "schema::quantities", extend("x-kubernetes-validations" = schema::rules::overlay_capacity()))]
    pub capacity: ResourceList,
    /// Rank among overlays: the heaviest one that matches decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub weight: Option<i32>,
}

/// A demand on one label of an instance type.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct OverlayRequirement {
    /// Label key that the requirement applies to.
    pub key: String,
    /// How the values are to be read: one of `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`,
    /// `Gte`, `Lte`.
    pub operator: String,
    /// Operands: at least one for `In` and `NotIn`, none for `Exists` and `DoesNotExist`, one
    /// integer that is not negative for the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// Whether an overlay is in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NodeOverlayStatus {
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}
