//! What the selectors of a class found.

use crate::schema;
use model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Condition;
use crate::nodeoverlay::OverlayRequirement;

/// What the selectors of a class found, and whether it can be used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Ec2NodeClassStatus {
    /// Subnets, those with the most free addresses first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<Subnet>,
    /// Security groups, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<SecurityGroup>,
    /// Capacity reservations, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capacity_reservations: Vec<CapacityReservation>,
    /// Images, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amis: Vec<Ami>,
    /// Name of the instance profile that is used.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub instance_profile: String,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::class_conditions")]
    pub conditions: Vec<Condition>,
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["id", "zone"]))]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// Its zone.
    pub zone: String,
    /// Its zone's id.
    #[serde(rename = "zoneID", skip_serializing_if = "String::is_empty")]
    pub zone_id: String,
}

/// A security group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["id"]))]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["id", "requirements"]))]
pub struct Ami {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether its owner has deprecated it.
    #[serde(skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// The instance types that it runs on.
    #[schemars(schema_with = "schema::status_requirements")]
    pub requirements: Vec<OverlayRequirement>,
}

/// A capacity reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["availabilityZone", "id", "instanceMatchCriteria", "instanceType", "ownerID"]))]
pub struct CapacityReservation {
    /// Its zone.
    pub availability_zone: String,
    /// When it ends; absent: when somebody cancels it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date_time")]
    pub end_time: Option<Timestamp>,
    /// Its id.
    #[schemars(extend("pattern" = "^cr-[0-9a-z]+$"))]
    pub id: String,
    /// `open` or `targeted`.
    #[schemars(extend("enum" = ["open", "targeted"]))]
    pub instance_match_criteria: String,
    /// The instance type that it is for.
    pub instance_type: String,
    /// Whether EC2 may take its capacity away.
    #[serde(skip_serializing_if = "is_false")]
    pub interruptible: bool,
    /// Account that owns it.
    #[serde(rename = "ownerID")]
    #[schemars(extend("pattern" = "^[0-9]{12}$"))]
    pub owner_id: String,
    /// `default` or `capacity-block`.
    #[schemars(extend("enum" = ["default", "capacity-block"], "x-crd-default" = "default"))]
    pub reservation_type: String,
    /// `active` or `expiring`.
    #[schemars(extend("enum" = ["active", "expiring"], "x-crd-default" = "active"))]
    pub state: String,
}

impl Default for CapacityReservation {
    fn default() -> Self {
        Self {
            availability_zone: String::new(),
            end_time: None,
            id: String::new(),
            instance_match_criteria: String::new(),
            instance_type: String::new(),
            interruptible: false,
            owner_id: String::new(),
            reservation_type: "default".to_owned(),
            state: "active".to_owned(),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !value
}
