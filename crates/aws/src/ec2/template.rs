//! Launch templates.

use model::Quantity;

use crate::Tags;

/// A launch template to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// Its name.
    pub name: String,
    /// Its own tags.
    pub tags: Tags,
    /// What instances get from it.
    pub data: TemplateData,
}

/// What instances get from a launch template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateData {
    /// Disks; empty: the image's.
    pub block_devices: Vec<BlockDevice>,
    /// `enabled` or `disabled`; none: not said.
    pub nested_virtualization: Option<String>,
    /// Name of the instance profile.
    pub instance_profile: String,
    /// Whether CloudWatch is told every minute.
    pub monitoring: bool,
    /// The image.
    pub image_id: String,
    /// User data in base64.
    pub user_data: String,
    /// How instances may ask about themselves.
    pub metadata: Metadata,
    /// Network interfaces; never empty.
    pub interfaces: Vec<Interface>,
    /// Where instances are put.
    pub placement: Placement,
    /// Whether Nitro Enclaves can be made.
    pub enclave: bool,
    /// Tags of what comes with instances.
    pub tags: Vec<TagSpecification>,
    /// How reservations are used; none: as the account does.
    pub reservation: Option<ReservationTarget>,
    /// The market; none: on-demand, or what the fleet says.
    pub market: Option<Market>,
}

/// Tags of a kind of resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TagSpecification {
    /// The kind.
    pub resource: ResourceType,
    /// The tags.
    pub tags: Tags,
}

/// Kinds of resources that can be tagged when they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `fleet`.
    Fleet,
    /// `instance`.
    Instance,
    /// `launch-template`.
    LaunchTemplate,
    /// `network-interface`.
    NetworkInterface,
    /// `spot-instances-request`.
    SpotInstancesRequest,
    /// `volume`.
    Volume,
}

impl ResourceType {
    /// As EC2 spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Instance => "instance",
            Self::LaunchTemplate => "launch-template",
            Self::NetworkInterface => "network-interface",
            Self::SpotInstancesRequest => "spot-instances-request",
            Self::Volume => "volume",
        }
    }
}

/// A disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BlockDevice {
    /// Name of the device.
    pub device_name: String,
    /// Whether it goes with the instance.
    pub delete_on_termination: Option<bool>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// Type, such as `gp3`.
    pub volume_type: Option<String>,
    /// Operations per second.
    pub iops: Option<i64>,
    /// MiB per second.
    pub throughput: Option<i64>,
    /// Key of its encryption.
    pub kms_key_id: Option<String>,
    /// Snapshot that it is made from.
    pub snapshot_id: Option<String>,
    /// MiB per second at which it is filled from the snapshot.
    pub initialization_rate: Option<i32>,
    /// Size in GiB.
    pub size_gib: Option<i32>,
}

impl BlockDevice {
    /// A size in whole GiB, rounded up.
    pub fn gib(size: Quantity) -> i32 {
        let gib = i128::from(1_u32 << 30) * 1_000_000_000;
        let nanos = size.nanos().max(0);
        i32::try_from((nanos + gib - 1) / gib).unwrap_or(i32::MAX)
    }
}

/// How instances may ask about themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// `enabled` or `disabled`.
    pub endpoint: Option<String>,
    /// `enabled` or `disabled`; none where the region does not know it.
    pub protocol_ipv6: Option<String>,
    /// Hops that an answer may take.
    pub hop_limit: Option<i64>,
    /// `required` or `optional`.
    pub tokens: Option<String>,
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Index of the network card.
    pub card: i32,
    /// Index of the device on the card.
    pub device: i32,
    /// Its type.
    pub kind: InterfaceType,
    /// Ids of its security groups.
    pub groups: Vec<String>,
    /// Whether it gets a public address; none: as the subnet says.
    pub public_address: Option<bool>,
    /// Prefixes of IPv4 addresses.
    pub ipv4_prefixes: Option<i32>,
    /// Prefixes of IPv6 addresses.
    pub ipv6_prefixes: Option<i32>,
    /// Whether its first IPv6 address is the instance's.
    pub primary_ipv6: Option<bool>,
    /// IPv6 addresses.
    pub ipv6_addresses: Option<i32>,
    /// For how long idle connections are tracked.
    pub tracking: Option<api::ec2nodeclass::ConnectionTracking>,
}

/// Type of a network interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterfaceType {
    /// The type is not said, which means `interface`.
    #[default]
    Unsaid,
    /// `interface`.
    Interface,
    /// `efa`.
    Efa,
    /// `efa-only`.
    EfaOnly,
}

impl InterfaceType {
    /// As EC2 spells it; none if not said.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Unsaid => None,
            Self::Interface => Some("interface"),
            Self::Efa => Some("efa"),
            Self::EfaOnly => Some("efa-only"),
        }
    }
}

/// Where instances are put.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placement {
    /// `default` or `dedicated`.
    pub tenancy: String,
    /// Id of the placement group.
    pub group_id: Option<String>,
    /// Partition of the group.
    pub partition: Option<i32>,
}

/// How reservations are used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationTarget {
    /// Whether they are.
    pub preference: ReservationPreference,
    /// Which one.
    pub id: Option<String>,
}

/// Whether reservations are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReservationPreference {
    /// `capacity-reservations-only`.
    Only,
    /// `none`.
    None,
}

impl ReservationPreference {
    /// As EC2 spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Only => "capacity-reservations-only",
            Self::None => "none",
        }
    }
}

/// A market other than on-demand and spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Market {
    /// `capacity-block`.
    CapacityBlock,
    /// `interruptible-capacity-reservation`.
    InterruptibleReservation,
}

impl Market {
    /// As EC2 spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CapacityBlock => "capacity-block",
            Self::InterruptibleReservation => "interruptible-capacity-reservation",
        }
    }
}

/// A launch template that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredTemplate {
    /// `lt-...`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Which launch template is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TemplateKey {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}
