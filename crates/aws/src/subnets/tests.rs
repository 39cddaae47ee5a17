use super::*;
use crate::fleet::fixture::{ZONES, everywhere, machine, now, shared};

const TTL: Duration = Duration::from_mins(5);

fn subnet(id: &str, zone: &str) -> api::ec2nodeclass::Subnet {
    api::ec2nodeclass::Subnet {
        id: id.to_owned(),
        zone: zone.to_owned(),
        zone_id: format!("id-of-{zone}"),
    }
}

fn read(free: &[(&str, i64)]) -> Addresses {
    let mut addresses = Addresses::default();
    tell(&mut addresses, free, now());
    addresses
}

fn tell(addresses: &mut Addresses, free: &[(&str, i64)], now: Timestamp) {
    let subnets: Vec<ec2::Subnet> = free
        .iter()
        .map(|(id, free)| ec2::Subnet {
            id: (*id).to_owned(),
            free_addresses: *free,
            ..ec2::Subnet::default()
        })
        .collect();
    addresses.read(&subnets, TTL, now);
}

fn choose(addresses: &mut Addresses) -> String {
    let subnets = [subnet("small", ZONES[0]), subnet("large", ZONES[0])];
    let types = [shared("m5.large", everywhere(0.1, 0.05))];
    let choices = addresses.choose(&subnets, &types, CapacityType::OnDemand, now());
    choices[ZONES[0]].id.clone()
}

/// SUB-9: zones with subnets of 10 and 100 addresses / launch / the one with 100 is used.
#[test]
fn the_subnet_with_the_most_addresses_is_used() {
    let mut addresses = read(&[("small", 10), ("large", 100)]);
    assert_eq!(choose(&mut addresses), "large");
    let mut addresses = read(&[("small", 10), ("large", 10)]);
    assert_eq!(choose(&mut addresses), "small", "of equal ones the first");
}

/// SUB-10: two launches between refreshes, the first is expected to take many addresses / launch /
/// the second uses the other subnet.
#[test]
fn addresses_that_are_about_to_be_taken_do_not_count() {
    let mut addresses = read(&[("small", 90), ("large", 100)]);
    assert_eq!(choose(&mut addresses), "large");
    assert_eq!(addresses.left("large", now()), 71, "29 pods");
    assert_eq!(choose(&mut addresses), "small");
    tell(&mut addresses, &[("large", 65), ("small", 60)], now());
    assert_eq!(choose(&mut addresses), "large", "EC2 has told anew");
}

/// SUB-11: CreateFleet call fails / launch / in-flight IPs restored.
#[test]
fn what_a_launch_did_not_use_is_given_back() {
    let mut addresses = read(&[("a", 100), ("b", 100)]);
    let subnets = [subnet("a", ZONES[0]), subnet("b", ZONES[1])];
    let types = [shared("m5.large", everywhere(0.1, 0.05))];
    let how = CapacityType::OnDemand;
    let choices = addresses.choose(&subnets, &types, how, now());
    addresses.give_back(&choices, &BTreeSet::from(["a"]), now());
    assert_eq!(
        (addresses.left("a", now()), addresses.left("b", now())),
        (71, 100)
    );
    let choices = addresses.choose(&subnets, &types, how, now());
    addresses.give_back(&choices, &BTreeSet::new(), now());
    assert_eq!(
        (addresses.left("a", now()), addresses.left("b", now())),
        (71, 100)
    );
    let choices = addresses.choose(&subnets, &types, how, now());
    tell(&mut addresses, &[("a", 50), ("b", 50)], now());
    addresses.give_back(&choices, &BTreeSet::new(), now());
    assert_eq!(addresses.left("b", now()), 50, "EC2 has told anew");
}

/// SUB-12: fleet reports InsufficientFreeAddresses for a subnet / next launch / that subnet is
/// ranked last, zone still usable through another subnet.
#[test]
fn a_full_subnet_comes_last() {
    let mut addresses = read(&[("small", 10), ("large", 100)]);
    addresses.exhaust("large");
    assert_eq!(choose(&mut addresses), "small");
}

#[test]
fn what_is_expected_is_the_least_that_can_be_had_in_the_zone() {
    let mut large = machine("m5.2xlarge", everywhere(0.4, 0.2));
    large
        .capacity
        .insert(PODS.to_owned(), model::Quantity::from_units(58));
    let mut small = machine("m5.large", everywhere(0.1, 0.05));
    for offering in &mut small.offerings {
        offering.available = &*offering.zone == ZONES[1];
    }
    let types = [Arc::new(large), Arc::new(small)];
    let mut addresses = read(&[("a", 100), ("b", 100)]);
    let subnets = [
        subnet("a", ZONES[0]),
        subnet("b", ZONES[1]),
        subnet("elsewhere", "zone-z"),
    ];
    let choices = addresses.choose(&subnets, &types, CapacityType::Spot, now());
    assert_eq!(choices[ZONES[0]].predicted, 58);
    assert_eq!(choices[ZONES[1]].predicted, 29);
    assert_eq!(choices["zone-z"].predicted, 0);
    assert_eq!(choices[ZONES[1]].zone_id, "id-of-zone-b");
}

#[test]
fn what_ec2_said_long_ago_does_not_count() {
    let mut addresses = read(&[("small", 10), ("large", 100)]);
    let later = now() + TTL;
    tell(&mut addresses, &[("small", 1)], later);
    assert_eq!(addresses.left("large", later), 0);
    assert_eq!(addresses.left("small", later), 1);
    let minute = Duration::from_mins(1);
    assert_eq!(Addresses::ttl(minute), 5 * minute);
    assert_eq!(Addresses::ttl(10 * minute), 14 * minute);
}
