//! The launch template that instances of a node class come from.
//!
//! [`groups`] says which templates a launch needs, [`request`] makes one, [`name`] names it by what
//! is in it, so that equal templates are one. What is *not* here: user data (an input), and how
//! templates are made and kept in EC2 (`provider-aws`).

mod disks;
mod groups;
mod interfaces;
mod name;

use std::collections::BTreeMap;

use api::Ec2NodeClass;
use catalog::CapacityType;

use crate::Tags;
use crate::ec2::{
    LaunchTemplate, Market, Metadata, Placement, PlacementGroup, ReservationPreference,
    ReservationTarget, ResourceType, TagSpecification, TemplateData,
};
use crate::reservations::CAPACITY_BLOCK;

pub use disks::InvalidDisk;
pub(crate) use groups::efa_interfaces;
pub use groups::{Group, Groups, Limits, Needs, NoGroups, groups};
pub use name::{NAME_PREFIX, name};

/// Resource by which a claim says that it wants Nitro Enclaves.
pub const NITRO_SANDBOX: &str = "eks.amazonaws.com/nitro-sandbox";
/// Most bytes that user data may have in EC2, before its encoding.
pub const USER_DATA_LIMIT: usize = 16_384;
/// From how many bytes on it is said that user data is nearly too large: 90 %.
pub const USER_DATA_WARNING: usize = USER_DATA_LIMIT * 9 / 10;
/// Regions that do not know the IPv6 setting of the metadata service.
const WITHOUT_METADATA_IPV6: &[&str] = &[
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-south-1",
    "us-isof-east-1",
];

/// The family of the addresses that a cluster's pods and services have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// IPv4; also where it is not known.
    #[default]
    V4,
    /// IPv6.
    V6,
}

/// Whether reservations are used as node classes say (feature gate `ReservedCapacity`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservations {
    /// Instances may land in reservations that are open to all.
    AsTheAccount,
    /// Only where a launch asks for one.
    AsAsked,
}

/// A reservation that a launch is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reservation {
    /// `cr-...`.
    pub id: String,
    /// `default` or `capacity-block`.
    pub kind: String,
    /// Whether EC2 may take its capacity away.
    pub interruptible: bool,
}

impl Reservation {
    /// Whether it is a capacity block.
    pub fn is_block(&self) -> bool {
        self.kind == CAPACITY_BLOCK
    }

    /// The market of its instances; none for the ordinary one.
    pub fn market(&self) -> Option<Market> {
        match (self.is_block(), self.interruptible) {
            (true, _) => Some(Market::CapacityBlock),
            (false, true) => Some(Market::InterruptibleReservation),
            (false, false) => None,
        }
    }
}

/// What a launch template is made from, beside the node class.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// Tags of everything that comes from it.
    pub tags: &'a Tags,
    /// The region.
    pub region: &'a str,
    /// Addresses of the cluster.
    pub addresses: AddressFamily,
    /// The image.
    pub image_id: &'a str,
    /// EFA interfaces, for claims that ask for them.
    pub efa: u64,
    /// User data in base64.
    pub user_data: String,
    /// How instances are paid for.
    pub capacity_type: CapacityType,
    /// The reservation that they come from.
    pub reservation: Option<&'a Reservation>,
    /// Whether reservations are used.
    pub reservations: Reservations,
    /// Where they are put.
    pub placement: Placement,
    /// Whether Nitro Enclaves can be made.
    pub enclave: bool,
}

/// Where instances are put: the group, if there is one, and of its partitions the one that a claim
/// asks for; EC2 takes any where it asks for none.
pub fn placement(
    tenancy: &str,
    group: Option<&PlacementGroup>,
    partition: Option<&str>,
) -> Placement {
    let partitioned = group.is_some_and(|group| group.strategy == "partition");
    Placement {
        tenancy: tenancy.to_owned(),
        group_id: group.map(|group| group.id.clone()),
        partition: partition
            .filter(|_| partitioned)
            .and_then(|number| number.parse().ok()),
    }
}

/// The launch template, under its name.
pub fn request(class: &Ec2NodeClass, inputs: Inputs<'_>) -> Result<LaunchTemplate, InvalidDisk> {
    let spec = &class.spec;
    let mut tagged = vec![ResourceType::NetworkInterface];
    if inputs.capacity_type == CapacityType::Spot {
        tagged.push(ResourceType::SpotInstancesRequest);
    }
    let data = TemplateData {
        block_devices: disks::disks(spec)?,
        nested_virtualization: spec
            .cpu_options
            .as_ref()
            .and_then(|options| options.nested_virtualization.clone()),
        instance_profile: class.status.instance_profile.clone(),
        monitoring: spec.detailed_monitoring.unwrap_or(false),
        image_id: inputs.image_id.to_owned(),
        metadata: metadata(class, &inputs),
        interfaces: interfaces::interfaces(class, &inputs),
        placement: inputs.placement.clone(),
        enclave: inputs.enclave,
        tags: tag_specifications(&tagged, inputs.tags),
        reservation: target(&inputs),
        market: match inputs.reservations {
            Reservations::AsTheAccount => None,
            Reservations::AsAsked => inputs.reservation.and_then(Reservation::market),
        },
        user_data: inputs.user_data,
    };
    let tags = inputs.tags.clone();
    let name = name(&tags, &data);
    Ok(LaunchTemplate { name, tags, data })
}

/// The same tags for each kind of resource.
pub fn tag_specifications(kinds: &[ResourceType], tags: &Tags) -> Vec<TagSpecification> {
    let one = |resource: &ResourceType| TagSpecification {
        resource: *resource,
        tags: tags.clone(),
    };
    kinds.iter().map(one).collect()
}

/// Without the object in the class nodes can still ask about themselves, with a hop for containers.
fn metadata(class: &Ec2NodeClass, inputs: &Inputs<'_>) -> Metadata {
    let mut metadata = match &class.spec.metadata_options {
        Some(options) => Metadata {
            endpoint: options.http_endpoint.clone(),
            protocol_ipv6: options.http_protocol_ipv6.clone(),
            hop_limit: options.http_put_response_hop_limit,
            tokens: options.http_tokens.clone(),
        },
        None => Metadata {
            endpoint: Some("enabled".to_owned()),
            protocol_ipv6: Some(match inputs.addresses {
                AddressFamily::V4 => "disabled".to_owned(),
                AddressFamily::V6 => "enabled".to_owned(),
            }),
            hop_limit: Some(2),
            tokens: Some("required".to_owned()),
        },
    };
    if WITHOUT_METADATA_IPV6.contains(&inputs.region) {
        metadata.protocol_ipv6 = None;
    }
    metadata
}

fn target(inputs: &Inputs<'_>) -> Option<ReservationTarget> {
    if inputs.reservations == Reservations::AsTheAccount {
        return None;
    }
    let id = inputs.reservation.map(|reservation| reservation.id.clone());
    let preference = match id {
        Some(_) => ReservationPreference::Only,
        None => ReservationPreference::None,
    };
    Some(ReservationTarget { preference, id })
}

/// The name of an address family of a cluster's DNS address; IPv4 where none is known.
pub fn address_family(dns: Option<&str>) -> AddressFamily {
    match dns.and_then(|address| address.parse::<std::net::IpAddr>().ok()) {
        Some(std::net::IpAddr::V6(_)) => AddressFamily::V6,
        Some(std::net::IpAddr::V4(_)) | None => AddressFamily::V4,
    }
}

/// Whether a claim's requests ask for a resource.
pub(crate) fn requests(requests: &BTreeMap<String, model::Quantity>, resource: &str) -> bool {
    requests
        .get(resource)
        .is_some_and(|amount| !amount.is_zero())
}

#[cfg(test)]
mod tests;
