//! What of a node class decides about its instance types.

use std::collections::BTreeMap;

use api::Ec2NodeClass;
use api::ec2nodeclass::{
    Ami, BlockDeviceMapping, CapacityReservation, Ec2NodeClassSpec, NetworkInterface, Subnet,
};
use catalog::ec2::NodeSettings;
use serde_json::{Map, Value};

use super::Options;
use crate::ec2::PlacementGroup;
use crate::images::Choices;

/// What of a node class decides about its types: two classes with equal ones have the same types.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// How nodes are set up; settings of the kubelet as far as they are no expressions.
    pub settings: NodeSettings,
    /// Settings of the kubelet, as they are written.
    pub kubelet: Map<String, Value>,
    /// Network interfaces that instances get; empty: as many as they need.
    pub interfaces: Vec<NetworkInterface>,
    /// Whether virtual machines must be able to run inside of instances.
    pub nested_virtualization: bool,
    /// Whether it is set for how long connections are tracked.
    pub connection_tracking: bool,
    /// Zones with subnets, by name.
    pub zones: BTreeMap<String, SetupZone>,
    /// Reservations that can be used.
    pub reservations: Vec<CapacityReservation>,
    /// The placement group that instances are put into.
    pub group: Option<PlacementGroup>,
    /// Which machine runs which image.
    pub images: Choices,
    written: Written,
}

/// A zone with subnets of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetupZone {
    /// Its id, where known.
    pub id: Option<String>,
    /// Ids of its subnets.
    pub subnets: Vec<String>,
}

/// What the rest was made from, to be compared.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    family: String,
    devices: Vec<BlockDeviceMapping>,
    instance_store: Option<String>,
    amis: Vec<Ami>,
    /// By id.
    subnets: Vec<Subnet>,
}

impl Setup {
    /// Of a class, whose placement group is resolved.
    pub fn new(class: &Ec2NodeClass, group: Option<&PlacementGroup>, options: &Options) -> Self {
        let (spec, status) = (&class.spec, &class.status);
        let mut subnets = status.subnets.clone();
        subnets.sort_by(|a, b| a.id.cmp(&b.id));
        let mut zones: BTreeMap<String, SetupZone> = BTreeMap::new();
        for subnet in &subnets {
            let zone = zones.entry(subnet.zone.clone()).or_default();
            if !subnet.zone_id.is_empty() {
                zone.id = Some(subnet.zone_id.clone());
            }
            zone.subnets.push(subnet.id.clone());
        }
        Self {
            settings: NodeSettings {
                reserved_enis: options.reserved_enis,
                memory_overhead: options.memory_overhead,
                ..NodeSettings::from_class(class)
            },
            kubelet: spec.kubelet.clone(),
            interfaces: spec.network_interfaces.clone(),
            nested_virtualization: nested_virtualization(spec),
            connection_tracking: spec.connection_tracking.is_some(),
            zones,
            reservations: usable(&status.capacity_reservations, options).to_vec(),
            group: group.cloned(),
            images: Choices::new(&status.amis),
            written: Written {
                family: spec.resolved_family().to_owned(),
                devices: spec.block_device_mappings.clone(),
                instance_store: spec.instance_store_policy.clone(),
                amis: status.amis.clone(),
                subnets,
            },
        }
    }

    /// Whether it is that of a class: the same as comparing with a new one, without making it. The
    /// order of subnets, which follows their free addresses, does not matter.
    pub fn is_of(
        &self,
        class: &Ec2NodeClass,
        group: Option<&PlacementGroup>,
        options: &Options,
    ) -> bool {
        let (spec, status, written) = (&class.spec, &class.status, &self.written);
        let has_subnet = |subnet: &Subnet| {
            let found = written.subnets.binary_search_by(|s| s.id.cmp(&subnet.id));
            found.is_ok_and(|position| written.subnets[position] == *subnet)
        };
        self.settings.reserved_enis == options.reserved_enis
            && self.settings.memory_overhead == options.memory_overhead
            && written.family == spec.resolved_family()
            && self.kubelet == spec.kubelet
            && written.devices == spec.block_device_mappings
            && written.instance_store == spec.instance_store_policy
            && self.interfaces == spec.network_interfaces
            && self.nested_virtualization == nested_virtualization(spec)
            && self.connection_tracking == spec.connection_tracking.is_some()
            && written.subnets.len() == status.subnets.len()
            && status.subnets.iter().all(has_subnet)
            && written.amis == status.amis
            && self.reservations == usable(&status.capacity_reservations, options)
            && self.group.as_ref() == group
    }
}

fn nested_virtualization(spec: &Ec2NodeClassSpec) -> bool {
    let options = spec.cpu_options.as_ref();
    options.is_some_and(|options| options.nested_virtualization.as_deref() == Some("enabled"))
}

fn usable<'a>(
    reservations: &'a [CapacityReservation],
    options: &Options,
) -> &'a [CapacityReservation] {
    if options.reserved_capacity {
        reservations
    } else {
        &[]
    }
}
