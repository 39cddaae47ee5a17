//! Dynamic resource allocation (`resource.k8s.io/v1`): devices, and claims for them.
//!
//! What is *not* here: what a field decides (`devices`), and drivers' parameters, which decide
//! nothing.

mod claim;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::meta::{ObjectMeta, null_as_default};
use super::selector::NodeSelector;
use crate::Quantity;

pub use claim::*;

/// `resource.k8s.io/v1.ResourceSlice`: some devices of a pool, as a driver publishes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceSlice {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What is published.
    pub spec: ResourceSliceSpec,
}

impl ResourceSlice {
    /// The one node that the devices belong to, by name, if there is one.
    pub fn node(&self) -> Option<&str> {
        let mut owners = self.metadata.owner_references.iter();
        let owner = owners.find(|owner| owner.kind == "Node");
        let named = self.spec.node_name.as_deref();
        named.or(owner.map(|owner| owner.name.as_str()))
    }
}

/// `resource.k8s.io/v1.ResourceSliceSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSliceSpec {
    /// Driver.
    pub driver: String,
    /// Pool.
    pub pool: ResourcePool,
    /// The one node that can use the devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The nodes that can use the devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<NodeSelector>,
    /// Whether every node can use the devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_nodes: Option<bool>,
    /// Whether each device says for itself which nodes can use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_device_node_selection: Option<bool>,
    /// Devices.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub devices: Vec<Device>,
    /// Counters that devices of the pool share. A slice has these or devices.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub shared_counters: Vec<CounterSet>,
}

/// `resource.k8s.io/v1.ResourcePool`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourcePool {
    /// Name, unique for the driver.
    pub name: String,
    /// Only slices of the highest generation count.
    pub generation: i64,
    /// How many slices of this generation there are.
    pub resource_slice_count: i64,
}

/// `resource.k8s.io/v1.Device`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    /// Name, unique in the pool.
    pub name: String,
    /// Attributes; a name without a domain belongs to the driver's.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub attributes: BTreeMap<String, DeviceAttribute>,
    /// Capacities.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub capacity: BTreeMap<String, DeviceCapacity>,
    /// What it takes of the counters that devices of the pool share.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub consumes_counters: Vec<CounterConsumption>,
    /// The one node that can use it, where devices say so for themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The nodes that can use it, where devices say so for themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<NodeSelector>,
    /// Whether every node can use it, where devices say so for themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_nodes: Option<bool>,
    /// Whether several claims can have a share of its capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_multiple_allocations: Option<bool>,
    /// Taints.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub taints: Vec<DeviceTaint>,
}

/// `resource.k8s.io/v1.DeviceAttribute`: one of the fields is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceAttribute {
    /// A number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub int: Option<i64>,
    /// A truth value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bool: Option<bool>,
    /// A text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
    /// A semantic version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// `resource.k8s.io/v1.DeviceCapacity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceCapacity {
    /// How much there is.
    pub value: Quantity,
    /// Which shares claims may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_policy: Option<CapacityRequestPolicy>,
}

/// `resource.k8s.io/v1.CapacityRequestPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityRequestPolicy {
    /// The share of a claim that asks for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Quantity>,
    /// The shares there are.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub valid_values: Vec<Quantity>,
    /// The shares there are, as a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_range: Option<CapacityRange>,
}

/// `resource.k8s.io/v1.CapacityRequestPolicyRange`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct CapacityRange {
    /// The least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Quantity>,
    /// The most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Quantity>,
    /// Shares are the least and a multiple of this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Quantity>,
}

/// `resource.k8s.io/v1.CounterSet`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct CounterSet {
    /// Name, unique in the pool.
    pub name: String,
    /// Counters, by name.
    #[serde(deserialize_with = "null_as_default")]
    pub counters: BTreeMap<String, Counter>,
}

/// `resource.k8s.io/v1.Counter`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Counter {
    /// How much.
    pub value: Quantity,
}

/// `resource.k8s.io/v1.DeviceCounterConsumption`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CounterConsumption {
    /// The set.
    pub counter_set: String,
    /// What is taken of each counter.
    #[serde(deserialize_with = "null_as_default")]
    pub counters: BTreeMap<String, Counter>,
}

/// `resource.k8s.io/v1.DeviceTaint`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceTaint {
    /// Key.
    pub key: String,
    /// Value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `NoSchedule`, `NoExecute` or `None`.
    pub effect: String,
}

crate::resource!(
    ResourceSlice,
    "resource.k8s.io",
    "v1",
    "ResourceSlice",
    "resourceslices",
    false
);
