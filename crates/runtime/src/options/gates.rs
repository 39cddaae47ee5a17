//! Feature gates: `Name=bool` separated by commas.

use super::read::parse_bool;

/// Features that can be turned on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureGates {
    /// Replace unhealthy nodes.
    pub node_repair: bool,
    /// Use capacity reservations.
    pub reserved_capacity: bool,
    /// Replace spot nodes by cheaper spot nodes.
    pub spot_to_spot_consolidation: bool,
    /// Honour NodeOverlays.
    pub node_overlay: bool,
    /// Honour `replicas` of node pools.
    pub static_capacity: bool,
    /// Honour CapacityBuffers.
    pub capacity_buffer: bool,
}

impl Default for FeatureGates {
    fn default() -> Self {
        Self {
            node_repair: false,
            reserved_capacity: true,
            spot_to_spot_consolidation: false,
            node_overlay: false,
            static_capacity: false,
            capacity_buffer: false,
        }
    }
}

impl FeatureGates {
    /// Reads gates; those not mentioned keep their default, unknown ones are ignored.
    pub fn parse(text: &str) -> Result<Self, GateError> {
        let mut gates = Self::default();
        for (name, value) in items(text)? {
            match name {
                "NodeRepair" => gates.node_repair = value,
                "ReservedCapacity" => gates.reserved_capacity = value,
                "SpotToSpotConsolidation" => gates.spot_to_spot_consolidation = value,
                "NodeOverlay" => gates.node_overlay = value,
                "StaticCapacity" => gates.static_capacity = value,
                "CapacityBuffer" => gates.capacity_buffer = value,
                _ => {}
            }
        }
        Ok(gates)
    }
}

/// AWS features that can be turned on and off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AwsFeatureGates {
    /// CEL expressions in kubelet settings of node classes.
    pub node_class_cel: bool,
}

impl AwsFeatureGates {
    /// Reads gates; those not mentioned keep their default, unknown ones are ignored.
    pub fn parse(text: &str) -> Result<Self, GateError> {
        let mut gates = Self::default();
        for (name, value) in items(text)? {
            if name == "NodeClassCEL" {
                gates.node_class_cel = value;
            }
        }
        Ok(gates)
    }
}

/// What is wrong with a list of gates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// An item has no value.
    #[error("missing bool value for {0}")]
    NoValue(String),
    /// An item's value is not boolean.
    #[error("invalid value of {name}={value}, must be true or false")]
    Value {
        /// The gate.
        name: String,
        /// Its value.
        value: String,
    },
}

fn items(text: &str) -> Result<Vec<(&str, bool)>, GateError> {
    let mut items = Vec::new();
    for item in text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let (name, value) = item
            .split_once('=')
            .ok_or_else(|| GateError::NoValue(item.to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        let read = parse_bool(value);
        let value = read.ok_or_else(|| GateError::Value {
            name: name.into(),
            value: value.into(),
        })?;
        items.push((name, value));
    }
    Ok(items)
}
