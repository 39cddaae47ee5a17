//! Network interfaces of a launch template.

use api::Ec2NodeClass;
use api::ec2nodeclass::ConnectionTracking;

use super::{AddressFamily, Inputs};
use crate::ec2::{Interface, InterfaceType};

/// Those of the class; or as many as a claim gets that asks for EFA, one on each card; or one.
///
/// Which of them may have a public address together is for EC2 to say.
pub(super) fn interfaces(class: &Ec2NodeClass, inputs: &Inputs<'_>) -> Vec<Interface> {
    let asked = &class.spec.network_interfaces;
    let places: Vec<(i32, i32, InterfaceType)> = if !asked.is_empty() {
        asked
            .iter()
            .map(|one| {
                let kind = kind(&one.interface_type);
                (one.network_card_index, one.device_index, kind)
            })
            .collect()
    } else if inputs.efa > 0 {
        let cards = i32::try_from(inputs.efa).unwrap_or(i32::MAX);
        (0..cards)
            .map(|card| (card, i32::from(card != 0), InterfaceType::Efa))
            .collect()
    } else {
        vec![(0, 0, InterfaceType::Unsaid)]
    };
    let groups: Vec<String> = class
        .status
        .security_groups
        .iter()
        .map(|group| group.id.clone())
        .collect();
    let interfaces = places.into_iter().map(|(card, device, kind)| {
        let plain = Interface {
            card,
            device,
            kind,
            groups: groups.clone(),
            ..Interface::default()
        };
        match kind {
            InterfaceType::EfaOnly => plain,
            _ => with_addresses(plain, class, inputs.addresses),
        }
    });
    interfaces.collect()
}

fn kind(text: &str) -> InterfaceType {
    match text {
        "efa-only" => InterfaceType::EfaOnly,
        "efa" => InterfaceType::Efa,
        _ => InterfaceType::Interface,
    }
}

/// What only interfaces with addresses have.
fn with_addresses(plain: Interface, class: &Ec2NodeClass, family: AddressFamily) -> Interface {
    let spec = &class.spec;
    let prefixes = spec.ip_prefix_count;
    let is_v6 = family == AddressFamily::V6;
    Interface {
        public_address: spec.associate_public_ip_address,
        ipv4_prefixes: prefixes.filter(|_| !is_v6),
        ipv6_prefixes: prefixes.filter(|_| is_v6),
        primary_ipv6: is_v6.then_some(true),
        ipv6_addresses: is_v6.then_some(1),
        tracking: spec
            .connection_tracking
            .clone()
            .filter(|tracking| *tracking != ConnectionTracking::default()),
        ..plain
    }
}
