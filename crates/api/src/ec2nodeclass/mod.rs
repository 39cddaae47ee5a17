//! EC2NodeClass: what EC2 instances are made from.

mod hash;
mod normalize;
mod parts;
mod status;
mod terms;

use std::collections::BTreeMap;

use crate::schema;
use model::ObjectMeta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use hash::EC2NODECLASS_HASH_VERSION;
pub use parts::{
    BlockDevice, BlockDeviceMapping, ConnectionTracking, CpuOptions, MetadataOptions,
    NetworkInterface,
};
pub use status::{Ami, CapacityReservation, Ec2NodeClassStatus, SecurityGroup, Subnet};
pub use terms::{
    AmiSelectorTerm, CapacityReservationSelectorTerm, PlacementGroupSelector,
    SecurityGroupSelectorTerm, SubnetSelectorTerm,
};

/// What EC2 instances are made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ec2NodeClass {
    /// Metadata.
    #[schemars(schema_with = "schema::metadata")]
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: Ec2NodeClassSpec,
    /// What was found.
    pub status: Ec2NodeClassStatus,
}

model::resource!(
    Ec2NodeClass,
    "karpenter.k8s.aws",
    "v1",
    "EC2NodeClass",
    "ec2nodeclasses",
    false
);

/// How EC2 instances are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["securityGroupSelectorTerms", "subnetSelectorTerms"]), extend("x-kubernetes-validations" = schema::class_spec()))]
pub struct Ec2NodeClassSpec {
    /// Which subnets instances may be in. Terms are alternatives.
    #[schemars(length(max = 30), extend("x-kubernetes-validations" = schema::subnet_terms()))]
    pub subnet_selector_terms: Vec<SubnetSelectorTerm>,
    /// Which security groups instances are in. Terms are alternatives.
    #[schemars(length(max = 30), extend("x-kubernetes-validations" = schema::security_group_terms()))]
    pub security_group_selector_terms: Vec<SecurityGroupSelectorTerm>,
    /// Which capacity reservations may be used. Terms are alternatives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 30), extend("x-kubernetes-validations" = schema::reservation_terms()))]
    pub capacity_reservation_selector_terms: Vec<CapacityReservationSelectorTerm>,
    /// The placement group that instances are put into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement_group_selector: Option<PlacementGroupSelector>,
    /// Whether instances get a public address. Absent: as the subnet says.
    #[serde(
        rename = "associatePublicIPAddress",
        skip_serializing_if = "Option::is_none"
    )]
    pub associate_public_ip_address: Option<bool>,
    /// How many prefixes of addresses each instance's primary interface gets.
    #[serde(rename = "ipPrefixCount", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ip_prefix_count: Option<i32>,
    /// Which images instances may run. Terms are alternatives. Absent: the newest image of
    /// `amiFamily`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 30), extend("x-kubernetes-validations" = schema::ami_terms()))]
    pub ami_selector_terms: Vec<AmiSelectorTerm>,
    /// How user data, block devices and kubelet settings are written. Absent: as the alias says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["AL2", "AL2023", "Bottlerocket", "Custom", "Ubuntu", "Windows2019", "Windows2022", "Windows2025"]))]
    pub ami_family: Option<String>,
    /// User data that is merged with what makes the node join; plain or in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// The IAM role of instances; an instance profile is made for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = schema::set_text("role")))]
    pub role: Option<String>,
    /// The instance profile of instances, made by somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = schema::set_text("instanceProfile")))]
    pub instance_profile: Option<String>,
    /// Tags of everything that is made in EC2.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: BTreeMap<String, String>,
    /// Settings of the kubelet, as its configuration file has them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "schema::kubelet")]
    pub kubelet: Map<String, Value>,
    /// Disks of instances. Absent: those of the family.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-validations" = schema::block_devices()))]
    pub block_device_mappings: Vec<BlockDeviceMapping>,
    /// What becomes of local NVMe disks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["RAID0"]))]
    pub instance_store_policy: Option<String>,
    /// Network interfaces of instances. Absent: one, and those that pods with EFA need.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 150), extend("x-kubernetes-validations" = schema::network_interfaces()))]
    pub network_interfaces: Vec<NetworkInterface>,
    /// Whether instances report to CloudWatch every minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detailed_monitoring: Option<bool>,
    /// How instances may ask about themselves.
    #[serde(default = "MetadataOptions::of_absent")]
    #[schemars(extend("x-crd-default" = schema::metadata_options()))]
    pub metadata_options: Option<MetadataOptions>,
    /// For how long idle connections are tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_tracking: Option<ConnectionTracking>,
    /// Passed to EC2 CreateFleet as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Settings of the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_options: Option<CpuOptions>,
}
