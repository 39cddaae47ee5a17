//! Selectors of what exists in AWS. The fields of one term must all match.

use std::collections::BTreeMap;

use crate::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Selects subnets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SubnetSelectorTerm {
    /// Tags that the subnet must have; `*` stands for any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::selector_tags")]
    pub tags: BTreeMap<String, String>,
    /// Id of the subnet.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("pattern" = "subnet-[0-9a-z]+"))]
    pub id: String,
    /// Ids of several subnets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 30), inner(regex(pattern = "subnet-[0-9a-z]+")))]
    pub ids: Vec<String>,
}

/// Selects security groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SecurityGroupSelectorTerm {
    /// Tags that the group must have; `*` stands for any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::selector_tags")]
    pub tags: BTreeMap<String, String>,
    /// Id of the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("pattern" = "sg-[0-9a-z]+"))]
    pub id: String,
    /// Ids of several groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 30), inner(regex(pattern = "sg-[0-9a-z]+")))]
    pub ids: Vec<String>,
    /// Name of the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Selects capacity reservations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityReservationSelectorTerm {
    /// Tags that the reservation must have; `*` stands for any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::selector_tags")]
    pub tags: BTreeMap<String, String>,
    /// Id of the reservation.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("pattern" = "^cr-[0-9a-z]+$"))]
    pub id: String,
    /// Account that owns the reservation.
    #[serde(rename = "ownerID", skip_serializing_if = "String::is_empty")]
    #[schemars(extend("pattern" = "^[0-9]{12}$"))]
    pub owner_id: String,
    /// `open` or `targeted`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("enum" = ["open", "targeted"]))]
    pub instance_match_criteria: String,
}

/// Selects images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AmiSelectorTerm {
    /// Family and version of an EKS image: `al2023@latest`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(schema_with = "schema::alias")]
    pub alias: String,
    /// Tags that the image must have; `*` stands for any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::selector_tags")]
    pub tags: BTreeMap<String, String>,
    /// Id of the image.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("pattern" = "ami-[0-9a-z]+"))]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("x-kubernetes-validations" = schema::placement_group()))]
pub struct PlacementGroupSelector {
    /// Name of the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1))]
    pub name: String,
    /// Id of the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("pattern" = "^pg-[0-9a-z]+$"))]
    pub id: String,
}
