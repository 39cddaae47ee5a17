//! Instances and how they are.

use model::Timestamp;

use crate::Tags;
use crate::ec2::Filter;

/// An instance, as DescribeInstances tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// `i-...`.
    pub id: String,
    /// Its type.
    pub instance_type: String,
    /// The image that it runs.
    pub image_id: String,
    /// Its state.
    pub state: InstanceState,
    /// When it was launched.
    pub launched: Option<Timestamp>,
    /// Name of its zone.
    pub zone: String,
    /// Id of its zone; empty if not told.
    pub zone_id: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Ids of its security groups.
    pub security_groups: Vec<String>,
    /// `spot`, `capacity-block`, `interruptible-capacity-reservation`, ...; empty for on-demand.
    pub lifecycle: String,
    /// Id of its spot request; empty if it has none.
    pub spot_request_id: String,
    /// The reservation that it runs in.
    pub reservation_id: Option<String>,
    /// How it was told to use reservations: `capacity-reservations-only`, ...
    pub reservation_preference: Option<String>,
    /// `default` or `dedicated`; empty means `default`.
    pub tenancy: String,
    /// Id of its placement group.
    pub placement_group_id: Option<String>,
    /// Partition of its placement group.
    pub partition: Option<u32>,
    /// Types of its network interfaces: `interface`, `efa`, `efa-only`.
    pub interfaces: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// State of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceState {
    /// `pending`.
    #[default]
    Pending,
    /// `running`.
    Running,
    /// `stopping`.
    Stopping,
    /// `stopped`.
    Stopped,
    /// `shutting-down`.
    ShuttingDown,
    /// `terminated`.
    Terminated,
}

impl InstanceState {
    /// Those in which an instance still exists.
    pub const VISIBLE: [Self; 5] = [
        Self::Pending,
        Self::Running,
        Self::Stopping,
        Self::Stopped,
        Self::ShuttingDown,
    ];

    /// As EC2 spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }

    /// From EC2's spelling; none for another text.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Running,
            Self::Stopping,
            Self::Stopped,
            Self::ShuttingDown,
            Self::Terminated,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }

    /// Whether its end has begun.
    pub const fn is_ending(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

/// What TerminateInstances says of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminatedInstance {
    /// `i-...`.
    pub id: String,
    /// Its state now.
    pub state: InstanceState,
}

/// Which instances DescribeInstanceStatus is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusFilter {
    /// Those whose own check fails: `instance-status.status = impaired`.
    InstanceImpaired,
    /// Those whose host's check fails: `system-status.status = impaired`.
    SystemImpaired,
    /// Those for which AWS has planned something that ends an instance or makes it useless for a
    /// time: `event.code` in a list.
    Event,
}

impl StatusFilter {
    /// As EC2 is asked.
    pub fn filter(self) -> Filter {
        match self {
            Self::InstanceImpaired => Filter::new("instance-status.status", ["impaired"]),
            Self::SystemImpaired => Filter::new("system-status.status", ["impaired"]),
            Self::Event => Filter::new("event.code", EVENTS),
        }
    }
}

/// Events that end an instance or make it useless for a time.
const EVENTS: [&str; 5] = [
    "instance-reboot",
    "system-reboot",
    "system-maintenance",
    "instance-retirement",
    "instance-stop",
];

/// How an instance is, as DescribeInstanceStatus tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceStatus {
    /// `i-...`.
    pub id: String,
    /// Checks, the good ones among them.
    pub checks: Vec<ImpairedCheck>,
    /// What AWS has planned for it.
    pub events: Vec<ScheduledEvent>,
}

/// One check of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImpairedCheck {
    /// What was checked.
    pub category: StatusCategory,
    /// `passed`, `failed`, `insufficient-data`, `initializing`.
    pub status: String,
    /// Since when it fails.
    pub since: Option<Timestamp>,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusCategory {
    /// The instance itself.
    Instance,
    /// The machine under it.
    System,
    /// Its volumes.
    Ebs,
}

/// Something that AWS has planned for an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduledEvent {
    /// Such as `instance-retirement`.
    pub code: String,
    /// Text of EC2; begins with `[Completed]` or `[Canceled]` once it is over.
    pub description: String,
    /// When it begins.
    pub not_before: Option<Timestamp>,
}
