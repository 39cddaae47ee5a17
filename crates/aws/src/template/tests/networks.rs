//! Network interfaces of a template.

use super::*;
use crate::ec2::Interface;

fn interfaces(class: &Ec2NodeClass, efa: u64, addresses: AddressFamily) -> Vec<Interface> {
    let template = made(class, |inputs| {
        inputs.efa = efa;
        inputs.addresses = addresses;
    });
    template.data.interfaces
}

fn configured(entries: &[(i32, i32, &str)]) -> Vec<NetworkInterface> {
    let one = |(card, device, kind): &(i32, i32, &str)| NetworkInterface {
        network_card_index: *card,
        device_index: *device,
        interface_type: (*kind).to_owned(),
    };
    entries.iter().map(one).collect()
}

/// LT-12: associatePublicIPAddress true/false/unset, with and without EFA / passed as is or
/// omitted.
#[test]
fn public_addresses_are_as_the_class_says() {
    let mut class = class();
    for asked in [Some(true), Some(false), None] {
        class.spec.associate_public_ip_address = asked;
        for efa in [0, 2] {
            let all = interfaces(&class, efa, AddressFamily::V4);
            assert!(all.iter().all(|one| one.public_address == asked));
            assert_eq!(all.len() as u64, efa.max(1));
            assert!(all.iter().all(|one| one.groups == ["sg-1"]));
        }
    }
}

/// LT-13: ipPrefixCount 0, 1, 10, 100 / IPv4 prefix count; IPv6 cluster / IPv6 prefix count.
#[test]
fn prefixes_are_of_the_clusters_family() {
    let mut class = class();
    for count in [0, 1, 10, 100] {
        class.spec.ip_prefix_count = Some(count);
        let v4 = &interfaces(&class, 0, AddressFamily::V4)[0];
        assert_eq!((v4.ipv4_prefixes, v4.ipv6_prefixes), (Some(count), None));
        let v6 = &interfaces(&class, 0, AddressFamily::V6)[0];
        assert_eq!((v6.ipv4_prefixes, v6.ipv6_prefixes), (None, Some(count)));
    }
}

/// LT-14: IPv6 cluster / primary IPv6 true, address count 1; also for EFA.
#[test]
fn interfaces_of_an_ipv6_cluster_have_an_address_of_their_own() {
    for efa in [0, 4] {
        let all = interfaces(&class(), efa, AddressFamily::V6);
        let v6 = |one: &Interface| (one.primary_ipv6, one.ipv6_addresses);
        assert!(all.iter().all(|one| v6(one) == (Some(true), Some(1))));
        let all = interfaces(&class(), efa, AddressFamily::V4);
        assert!(all.iter().all(|one| v6(one) == (None, None)));
    }
    assert_eq!(address_family(Some("fd00::a")), AddressFamily::V6);
    assert_eq!(address_family(Some("10.0.0.10")), AddressFamily::V4);
    assert_eq!(address_family(None), AddressFamily::V4);
}

/// LT-15: configured interfaces / copied exactly whether or not EFA is requested; efa-only without
/// prefix, IPv6, public IP, connection tracking.
#[test]
fn interfaces_that_the_class_lists_are_those_that_instances_get() {
    let mut class = class();
    let entries = [(0, 0, "interface"), (0, 1, "efa-only"), (1, 1, "interface")];
    class.spec.network_interfaces = configured(&entries);
    class.spec.associate_public_ip_address = Some(true);
    class.spec.ip_prefix_count = Some(1);
    class.spec.connection_tracking = Some(ConnectionTracking {
        udp_timeout: Some(30),
        ..ConnectionTracking::default()
    });
    for efa in [0, 32] {
        let all = interfaces(&class, efa, AddressFamily::V6);
        let places: Vec<(i32, i32, InterfaceType)> = all
            .iter()
            .map(|one| (one.card, one.device, one.kind))
            .collect();
        let expected = [
            (0, 0, InterfaceType::Interface),
            (0, 1, InterfaceType::EfaOnly),
            (1, 1, InterfaceType::Interface),
        ];
        assert_eq!(places, expected);
        let bare = Interface {
            card: 0,
            device: 1,
            kind: InterfaceType::EfaOnly,
            groups: vec!["sg-1".to_owned()],
            ..Interface::default()
        };
        assert_eq!(all[1], bare);
        assert_eq!(all[2].ipv6_prefixes, Some(1));
        assert_eq!(all[2].public_address, Some(true));
    }
}

/// LT-16: EFA request on p5 / 32 interfaces, card i, device 0 then 1, type efa.
#[test]
fn a_claim_that_asks_for_efa_gets_all_interfaces_of_the_type() {
    let class = class();
    let p5 = machine("p5.48xlarge", everywhere(98.0, 40.0));
    let p5 = with(p5, &[("vpc.amazonaws.com/efa", "32")]);
    let requests = amounts(&[("vpc.amazonaws.com/efa", "1")]);
    let needs = Needs {
        class: &class,
        images: vec![(p5, "ami-1".to_owned())],
        requests: &requests,
        capacity_type: CapacityType::OnDemand,
    };
    let groups = groups(&needs, |_| ()).expect("groups");
    assert_eq!(groups[0].efa, 32);
    let all = interfaces(&class, groups[0].efa, AddressFamily::V4);
    assert_eq!(all.len(), 32);
    for (at, one) in all.iter().enumerate() {
        let device = i32::from(at != 0);
        assert_eq!((one.card as usize, one.device), (at, device));
        assert_eq!(one.kind, InterfaceType::Efa);
    }
}

/// LT-17: connection tracking values on every non-efa-only interface.
#[test]
fn connections_are_tracked_for_as_long_as_the_class_says() {
    let mut class = class();
    let tracking = ConnectionTracking {
        tcp_established_timeout: Some(3600),
        udp_stream_timeout: Some(120),
        udp_timeout: None,
    };
    class.spec.connection_tracking = Some(tracking.clone());
    for efa in [0, 2] {
        let all = interfaces(&class, efa, AddressFamily::V4);
        assert!(
            all.iter()
                .all(|one| one.tracking.as_ref() == Some(&tracking))
        );
    }
    let entries = [(0, 0, "interface"), (1, 1, "efa-only")];
    class.spec.network_interfaces = configured(&entries);
    let all = interfaces(&class, 0, AddressFamily::V4);
    assert_eq!(all[0].tracking.as_ref(), Some(&tracking));
    assert_eq!(all[1].tracking, None);
    class.spec.connection_tracking = Some(ConnectionTracking::default());
    assert_eq!(interfaces(&class, 0, AddressFamily::V4)[0].tracking, None);
}
