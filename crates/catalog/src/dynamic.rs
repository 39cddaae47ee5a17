//! Devices that nodes of an instance type will have once their drivers run.

use std::collections::BTreeMap;

use model::k8s::dra::{CounterSet, Device};
use serde::{Deserialize, Serialize};

/// What drivers will publish on a node, as far as a provider knows it beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DynamicResources {
    /// Slices. They stand for devices of the node alone; pools are complete.
    pub slices: Vec<SliceTemplate>,
    /// Attributes whose values are not known before the node is there.
    pub bindings: Vec<AttributeBinding>,
}

/// One slice that a driver will publish.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SliceTemplate {
    /// Driver.
    pub driver: String,
    /// Name of the pool.
    pub pool: String,
    /// Devices.
    pub devices: Vec<Device>,
    /// Counters that the pool's devices share.
    pub shared_counters: Vec<CounterSet>,
}

/// Devices that will have the same value of an attribute, whatever it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AttributeBinding {
    /// The attribute, with its domain.
    pub attribute: String,
    /// The one NodePool that this holds for; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_pool: Option<String>,
    /// Sets of devices.
    pub devices: Vec<Vec<DeviceName>>,
}

/// Names a device of a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceName {
    /// Driver.
    pub driver: String,
    /// Pool.
    pub pool: String,
    /// Device.
    pub device: String,
}

impl DynamicResources {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Per attribute, for a NodePool: which devices are bound to each other. Sets that share a
    /// device are one set. A device alone is bound to nothing.
    pub fn groups(&self, node_pool: &str) -> BTreeMap<String, Vec<Vec<DeviceName>>> {
        let mut groups: BTreeMap<String, Vec<Vec<DeviceName>>> = BTreeMap::new();
        let here = |binding: &&AttributeBinding| {
            binding.node_pool.as_deref().is_none_or(|p| p == node_pool)
        };
        for binding in self.bindings.iter().filter(here) {
            let of = groups.entry(binding.attribute.clone()).or_default();
            for set in &binding.devices {
                let mut merged = set.clone();
                of.retain(|other| {
                    let apart = !other.iter().any(|device| merged.contains(device));
                    if !apart {
                        merged.extend(other.iter().cloned());
                    }
                    apart
                });
                merged.sort_unstable();
                merged.dedup();
                of.push(merged);
            }
        }
        for of in groups.values_mut() {
            of.retain(|set| set.len() > 1);
            of.sort_unstable();
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(device: &str) -> DeviceName {
        DeviceName {
            driver: "d".to_owned(),
            pool: "p".to_owned(),
            device: device.to_owned(),
        }
    }

    #[test]
    fn sets_that_share_a_device_are_one_and_lone_devices_are_bound_to_nothing() {
        let set = |names: &[&str]| names.iter().map(|name| named(name)).collect::<Vec<_>>();
        let resources = DynamicResources {
            bindings: vec![AttributeBinding {
                attribute: "example.com/root".to_owned(),
                node_pool: Some("gpu".to_owned()),
                devices: vec![
                    set(&["a", "b"]),
                    set(&["c", "d"]),
                    set(&["e"]),
                    set(&["b", "c"]),
                    set(&["x", "y"]),
                ],
            }],
            ..DynamicResources::default()
        };
        let groups = resources.groups("gpu");
        let of = &groups["example.com/root"];
        assert_eq!(of, &[set(&["a", "b", "c", "d"]), set(&["x", "y"])]);
        assert!(resources.groups("other").is_empty());
    }
}
