//! Requirements as API objects list them.

use serde::{Deserialize, Serialize};

use crate::Operator;

/// One entry of `spec.requirements` of a NodePool or NodeClaim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Label key.
    pub key: String,
    /// Operator.
    pub operator: Operator,
    /// Operands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// How many different values the chosen instance types must offer, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_values: Option<u32>,
}
