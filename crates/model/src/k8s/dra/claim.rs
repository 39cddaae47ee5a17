//! Claims for devices, and what was given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Quantity;
use crate::k8s::meta::{ObjectMeta, null_as_default};
use crate::k8s::selector::NodeSelector;

/// `resource.k8s.io/v1.DeviceToleration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceToleration {
    /// Key; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// `Equal` (default) or `Exists`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operator: String,
    /// Value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Effect; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
}

/// `resource.k8s.io/v1.DeviceClass`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceClass {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Which devices belong to it.
    pub spec: DeviceClassSpec,
}

/// `resource.k8s.io/v1.DeviceClassSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceClassSpec {
    /// All must match.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub selectors: Vec<DeviceSelector>,
}

/// `resource.k8s.io/v1.DeviceSelector`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceSelector {
    /// An expression. There is no other kind of selector yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cel: Option<CelSelector>,
}

/// `resource.k8s.io/v1.CELDeviceSelector`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct CelSelector {
    /// Over the variable `device`.
    pub expression: String,
}

/// `resource.k8s.io/v1.ResourceClaim`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceClaim {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: ResourceClaimSpec,
    /// What was given.
    pub status: ResourceClaimStatus,
}

/// `resource.k8s.io/v1.ResourceClaimTemplate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceClaimTemplate {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// The claims that are made from it.
    pub spec: ResourceClaimTemplateSpec,
}

/// `resource.k8s.io/v1.ResourceClaimTemplateSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceClaimTemplateSpec {
    /// The spec of each claim.
    pub spec: ResourceClaimSpec,
}

/// `resource.k8s.io/v1.ResourceClaimSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceClaimSpec {
    /// Devices.
    pub devices: DeviceClaim,
}

/// `resource.k8s.io/v1.DeviceClaim`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceClaim {
    /// What is asked for. All must be given.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub requests: Vec<DeviceRequest>,
    /// What the devices must have in common.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub constraints: Vec<DeviceConstraint>,
}

/// `resource.k8s.io/v1.DeviceRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceRequest {
    /// Name.
    pub name: String,
    /// This and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exactly: Option<ExactDeviceRequest>,
    /// The first of these that can be had.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub first_available: Vec<DeviceSubRequest>,
}

/// `resource.k8s.io/v1.ExactDeviceRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExactDeviceRequest {
    /// Class.
    pub device_class_name: String,
    /// All must match, as those of the class must.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub selectors: Vec<DeviceSelector>,
    /// `ExactCount` (default) or `All`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub allocation_mode: String,
    /// How many; absent means one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Whether devices are wanted that are in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_access: Option<bool>,
    /// Taints of devices that are tolerated.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub tolerations: Vec<DeviceToleration>,
    /// Which share of a device that several can have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityRequirements>,
}

/// `resource.k8s.io/v1.DeviceSubRequest`: an alternative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceSubRequest {
    /// Name.
    pub name: String,
    /// What is asked for.
    #[serde(flatten)]
    pub request: ExactDeviceRequest,
}

/// `resource.k8s.io/v1.CapacityRequirements`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CapacityRequirements {
    /// By name of the capacity.
    #[serde(deserialize_with = "null_as_default")]
    pub requests: BTreeMap<String, Quantity>,
}

/// `resource.k8s.io/v1.DeviceConstraint`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceConstraint {
    /// Requests that it is about; none means all.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub requests: Vec<String>,
    /// All devices must have the same value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_attribute: Option<String>,
    /// No two devices may have the same value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct_attribute: Option<String>,
}

/// `resource.k8s.io/v1.ResourceClaimStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceClaimStatus {
    /// What was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation: Option<AllocationResult>,
    /// Who may use it.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub reserved_for: Vec<ClaimConsumer>,
}

/// `resource.k8s.io/v1.AllocationResult`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AllocationResult {
    /// Devices.
    pub devices: DeviceAllocationResult,
    /// From where they can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<NodeSelector>,
}

/// `resource.k8s.io/v1.DeviceAllocationResult`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceAllocationResult {
    /// Devices.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub results: Vec<AllocatedDevice>,
}

/// `resource.k8s.io/v1.DeviceRequestAllocationResult`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AllocatedDevice {
    /// For which request, `parent/sub` for an alternative.
    pub request: String,
    /// Driver.
    pub driver: String,
    /// Pool.
    pub pool: String,
    /// Device.
    pub device: String,
    /// Which share of it, if it is shared.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub consumed_capacity: BTreeMap<String, Quantity>,
    /// Whether it is held by somebody else as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_access: Option<bool>,
}

/// `resource.k8s.io/v1.ResourceClaimConsumerReference`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimConsumer {
    /// API group, empty for the core group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_group: String,
    /// Plural: `pods`.
    pub resource: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
}

impl ClaimConsumer {
    /// Whether this is a pod.
    pub fn is_pod(&self) -> bool {
        self.api_group.is_empty() && self.resource == "pods"
    }
}

crate::resource!(
    ResourceClaim,
    "resource.k8s.io",
    "v1",
    "ResourceClaim",
    "resourceclaims",
    true
);
crate::resource!(
    ResourceClaimTemplate,
    "resource.k8s.io",
    "v1",
    "ResourceClaimTemplate",
    "resourceclaimtemplates",
    true
);
crate::resource!(
    DeviceClass,
    "resource.k8s.io",
    "v1",
    "DeviceClass",
    "deviceclasses",
    false
);
