//! CreateFleet of type `instant`, and the check by a dry run of RunInstances.

use catalog::Price;

use super::TagSpecification;

/// A fleet: so many instances of whatever override is had best.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FleetRequest {
    /// Passed on as it is.
    pub context: Option<String>,
    /// Templates, each with what may be launched from it.
    pub configs: Vec<FleetConfig>,
    /// How many instances.
    pub capacity: u32,
    /// How they are paid for.
    pub capacity_type: FleetCapacity,
    /// `lowest-price` or `prioritized`; none: not said.
    pub on_demand_strategy: Option<String>,
    /// `price-capacity-optimized` or `capacity-optimized-prioritized`; none: not said.
    pub spot_strategy: Option<String>,
    /// Kinds of reservations that may be used; empty: not said.
    pub reservation_types: Vec<String>,
    /// Tags of what is made.
    pub tags: Vec<TagSpecification>,
    /// Whether only permissions are asked about.
    pub dry_run: bool,
    /// By which EC2 knows a request that it has answered before, and answers it the same again;
    /// none: every request is a new one.
    pub client_token: Option<String>,
}

/// How a fleet's instances are paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FleetCapacity {
    /// `on-demand`; also open and targeted reservations.
    #[default]
    OnDemand,
    /// `spot`.
    Spot,
    /// `capacity-block`.
    CapacityBlock,
    /// `reserved-capacity`: interruptible reservations.
    ReservedCapacity,
}

impl FleetCapacity {
    /// As EC2 spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
            Self::CapacityBlock => "capacity-block",
            Self::ReservedCapacity => "reserved-capacity",
        }
    }
}

/// A template, always in its latest version, and what may be launched from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FleetConfig {
    /// Name of the launch template.
    pub template: String,
    /// What may be launched.
    pub overrides: Vec<FleetOverride>,
}

/// One thing that may be launched.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FleetOverride {
    /// Type.
    pub instance_type: String,
    /// Subnet; none where the template has it.
    pub subnet_id: Option<String>,
    /// Image; none: the template's.
    pub image_id: Option<String>,
    /// Zone; none: the subnet's.
    pub zone: Option<String>,
    /// The lower the sooner, for strategies that ask: dollars per hour.
    pub priority: Option<Price>,
}

/// What came of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetOutput {
    /// `fleet-...`; empty if not known.
    pub fleet_id: String,
    /// What was launched.
    pub instances: Vec<FleetInstance>,
    /// What could not be.
    pub errors: Vec<FleetError>,
}

/// Instances of one override.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetInstance {
    /// `i-...`.
    pub ids: Vec<String>,
    /// Their type.
    pub instance_type: String,
    /// `on-demand` or `spot`, ...
    pub lifecycle: String,
    /// `windows` or empty.
    pub platform: String,
    /// The override, as it was asked for.
    pub chosen: FleetOverride,
}

/// Why an override could not be launched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetError {
    /// Such as `InsufficientInstanceCapacity`.
    pub code: String,
    /// Text of EC2.
    pub message: String,
    /// `on-demand` or `spot`, ...
    pub lifecycle: String,
    /// The override, as it was asked for.
    pub failed: FleetOverride,
}

/// A dry run of RunInstances: whether one instance of a type in a subnet would be allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunCheck {
    /// Name of the launch template; its latest version.
    pub template: String,
    /// Type.
    pub instance_type: String,
    /// Interfaces, each in the subnet: card, device, type. Empty: one plain one.
    pub interfaces: Vec<api::ec2nodeclass::NetworkInterface>,
    /// Subnet.
    pub subnet_id: String,
    /// Tags of what would be made.
    pub tags: Vec<TagSpecification>,
}
