//! Selectors of what exists in AWS. The fields of one term must all match.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Selects subnets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubnetSelectorTerm {
    /// Tags that the subnet must have; `*` stands for any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Id of the subnet.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Ids of several subnets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// Selects security groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecurityGroupSelectorTerm {
    /// Tags that the group must have; `*` stands for any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Id of the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Ids of several groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Name of the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Selects capacity reservations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityReservationSelectorTerm {
    /// Tags that the reservation must have; `*` stands for any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Id of the reservation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Account that owns the reservation.
    #[serde(rename = "ownerID", skip_serializing_if = "String::is_empty")]
    pub owner_id: String,
    /// `open` or `targeted`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub instance_match_criteria: String,
}

/// Selects images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AmiSelectorTerm {
    /// Family and version of an EKS image: `al2023@latest`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
    /// Tags that the image must have; `*` stands for any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Id of the image.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Name of the image; `*` and `?` are wildcards.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Owner of the image: an account id, `self`, `amazon` or `aws-marketplace`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Name or ARN of the SSM parameter that holds the image's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ssm_parameter: String,
}

impl AmiSelectorTerm {
    /// Family and version of the alias; none where there is no alias, or it has no `@`.
    pub fn alias_parts(&self) -> Option<(&str, &str)> {
        self.alias.split_once('@')
    }
}

/// Selects a placement group, by name or by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlacementGroupSelector {
    /// Name of the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Id of the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
}
