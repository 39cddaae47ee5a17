//! Offerings: which there are, which can be had, and for how much.

use CapacityType::{OnDemand, Reserved, Spot};
use catalog::Price;
use serde_json::json;

use super::*;
use crate::testing::status_subnet;
use crate::unavailable::{Group, TTL};

/// OFF-1: one for each zone of the region and each way to buy, wherever the type is offered.
#[test]
fn there_is_exactly_one_offering_for_each_zone_and_capacity_type() {
    for ty in Scene::new().list().iter() {
        let found: BTreeSet<_> = offered(ty).iter().map(|(z, how, _)| (*z, *how)).collect();
        let expected: BTreeSet<_> = ZONES
            .iter()
            .flat_map(|(zone, _)| [(*zone, "on-demand"), (*zone, "spot")])
            .collect();
        assert_eq!((found, ty.offerings.len()), (expected, 8), "{}", ty.name);
    }
}

/// OFF-2: no offering is available where the type is not offered, or where there is no subnet.
#[test]
fn an_offering_needs_a_zone_that_offers_the_type_and_has_a_subnet() {
    let mut scene = Scene::new();
    let zones = |scene: &Scene, name: &str| -> Vec<String> {
        let ty = scene.get(name);
        let own = ty.available_offerings().filter(|o| o.capacity_type == Spot);
        own.map(|o| o.zone.to_string()).collect()
    };
    assert_eq!(zones(&scene, "t3.large"), ["test-zone-1a", "test-zone-1b"]);
    let all = ["test-zone-1a", "test-zone-1b", "test-zone-1c"];
    assert_eq!(
        zones(&scene, "m5.large"),
        all,
        "no subnet in the local zone"
    );
    scene.class.status.subnets.remove(0);
    assert_eq!(zones(&scene, "t3.large"), ["test-zone-1b"]);
    let large = scene.get("m5.large");
    let first = offering(&large, Spot, "test-zone-1a");
    assert!(!first.requirements.contains("topology.k8s.aws/zone-id"));
    let second = offering(&large, Spot, "test-zone-1b");
    let id = second.requirements.get("topology.k8s.aws/zone-id");
    let id = id.and_then(|id| id.single_value()).map(ToString::to_string);
    assert_eq!(id.as_deref(), Some("tstz1-1b"));
}

/// OFF-6: where nothing can be had, all types are still listed.
#[test]
fn types_are_listed_though_nothing_can_be_had() {
    let mut scene = Scene::new();
    for how in [OnDemand, Spot] {
        scene.marks.mark(Mark::CapacityType(how), NOW);
    }
    assert_eq!(scene.list().len(), machines().len());
    assert_eq!(scene.available(), Vec::<String>::new());
}

/// OFF-8: a zone is out when all of its subnets are.
#[test]
fn a_zone_can_be_used_as_long_as_one_subnet_can() {
    let mut scene = Scene::new();
    let mut second = status_subnet(1);
    second.id = "subnet-second".to_owned();
    scene.class.status.subnets.push(second);
    let can =
        |scene: &Scene, zone: &str| offering(&scene.get("m5.large"), OnDemand, zone).available;
    scene
        .marks
        .mark(Mark::Subnet("subnet-test1".to_owned()), NOW);
    assert!(can(&scene, "test-zone-1a"));
    scene
        .marks
        .mark(Mark::Subnet("subnet-second".to_owned()), NOW);
    assert!(!can(&scene, "test-zone-1a") && can(&scene, "test-zone-1b"));
    scene
        .marks
        .mark(Mark::Subnet("subnet-test2".to_owned()), NOW);
    assert!(!can(&scene, "test-zone-1b"), "the only one");
}

/// OFF-10: nothing is launched into a zone that is shifted away from, reserved or not.
#[test]
fn offerings_of_a_shifted_zone_are_unavailable_until_it_is_over() {
    let mut scene = Scene::new();
    let reserved = reservation("cr-1", "m5.large", "test-zone-1a");
    scene.class.status.capacity_reservations = vec![reserved];
    scene.left.insert("cr-1".to_owned(), 2);
    let mut types = scene.types();
    let can = |list: &[Arc<InstanceType>]| {
        let ty = find(list, "m5.large");
        let zone = |how, zone| offering(&ty, how, zone).available;
        [OnDemand, Spot, Reserved].map(|how| zone(how, "test-zone-1a"))
    };
    assert_eq!(can(&scene.update(&mut types)), [true; 3]);
    scene.shifted.insert("tstz1-1a".to_owned());
    let list = scene.update(&mut types);
    assert_eq!(can(&list), [false; 3]);
    let other = find(&list, "m5.large");
    assert!(offering(&other, OnDemand, "test-zone-1b").available);
    scene.shifted.clear();
    assert_eq!(can(&scene.update(&mut types)), [true; 3]);
}

/// OFF-11: without a spot price there is no spot.
#[test]
fn a_zone_without_a_spot_price_has_no_spot() {
    let mut scene = Scene::new();
    let prices = [spot("m5.large", "test-zone-1a", 0.04)];
    scene.prices.update_spot(&prices).expect("there are prices");
    let large = scene.get("m5.large");
    let first = offering(&large, Spot, "test-zone-1a");
    assert!(first.available && first.price == Price::from_dollars(0.04));
    let second = offering(&large, Spot, "test-zone-1b");
    assert_eq!((second.available, second.price), (false, Price::ZERO));
    assert!(offering(&large, OnDemand, "test-zone-1b").available);
}

/// OFF-12: an overlay's price makes types launchable that AWS tells no price of.
#[test]
fn a_price_of_an_overlay_stands_in_where_there_is_none() {
    let mut scene = Scene::new();
    let mut unpriced = machine("m5.large");
    unpriced.name = "m99.large".to_owned();
    let offered = [crate::ec2::TypeOffering {
        instance_type: "m99.large".to_owned(),
        zone: ZONES[0].0.to_owned(),
    }];
    scene.region = Arc::new(Region::new(REGION, vec![unpriced], &offered));
    let mut types = scene.types();
    let first = |list: &[Arc<InstanceType>]| {
        let ty = find(list, "m99.large");
        let own = offering(&ty, OnDemand, "test-zone-1a");
        (own.available, own.price.to_string())
    };
    assert_eq!(
        first(&scene.update(&mut types)),
        (false, "0.0000".to_owned())
    );
    let overlay = |name: &str, weight: u32, price: &str, more: Value| {
        let mut overlay = json!({
            "metadata": {"name": name},
            "spec": {"price": price, "weight": weight, "requirements": [
                {"key": "node.kubernetes.io/instance-type", "operator": "In",
                 "values": ["m99.large"]}]},
            "status": {"conditions": [{"type": "ValidationSucceeded", "status": "True"}]},
        });
        for (key, value) in more.as_object().expect("a map") {
            overlay[key] = value.clone();
        }
        serde_json::from_value::<api::NodeOverlay>(overlay).expect("an overlay")
    };
    let plain = overlay("a", 1, "0.5", json!({}));
    let heavy = overlay("b", 9, "0.7", json!({}));
    let invalid = overlay("c", 99, "9", json!({"status": {}}));
    let narrow = overlay(
        "d",
        99,
        "9",
        json!({"spec": {"price": "9", "requirements": [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m99.large"]},
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["test-zone-1a"]}]}}),
    );
    scene.overlay_prices = overlay_prices([&plain, &invalid, &narrow]);
    assert_eq!(
        first(&scene.update(&mut types)),
        (true, "0.5000".to_owned())
    );
    scene.overlay_prices = overlay_prices([&plain, &heavy]);
    assert_eq!(
        first(&scene.update(&mut types)),
        (true, "0.7000".to_owned())
    );
    scene.overlay_prices.clear();
    assert!(!first(&scene.update(&mut types)).0);
}

/// What comes after all others, and counts.
#[derive(Debug)]
struct Dearer(u64);

impl Further for Dearer {
    fn changes(&self) -> u64 {
        self.0
    }

    fn offerings(&self, machine: &Machine, mut offerings: Vec<Offering>) -> Vec<Offering> {
        for offering in &mut offerings {
            if machine.name == "m5.large" && offering.capacity_type == Reserved {
                offering.price = Price::from_dollars(self.0 as f64);
            }
        }
        offerings
    }
}

/// OFF-13: what is added from outside sees what all others made.
#[test]
fn further_changes_come_last_and_are_asked_anew_when_they_say_so() {
    let mut scene = Scene::new();
    let reserved = reservation("cr-1", "m5.large", "test-zone-1a");
    scene.class.status.capacity_reservations = vec![reserved];
    scene.further = vec![Arc::new(Dearer(3))];
    let mut types = scene.types();
    let price = |list: &[Arc<InstanceType>]| {
        offering(&find(list, "m5.large"), Reserved, "test-zone-1a").price
    };
    assert_eq!(price(&scene.update(&mut types)), Price::from_dollars(3.0));
    scene.further = vec![Arc::new(Dearer(4))];
    assert_eq!(price(&scene.update(&mut types)), Price::from_dollars(4.0));
}

/// OFF-14: what a spot interruption marks is the type's spot offering in the zone, and no other.
#[test]
fn an_interruption_takes_the_spot_offering_of_its_type_and_zone() {
    let mut scene = Scene::new();
    scene.marks.mark(out(Spot, "m5.large", "test-zone-1a"), NOW);
    let large = scene.get("m5.large");
    let unavailable: Vec<_> = offered(&large)
        .into_iter()
        .filter(|(zone, _, available)| !available && !zone.ends_with("local"))
        .collect();
    assert_eq!(unavailable, [("test-zone-1a", "spot", false)]);
    assert!(offering(&scene.get("m5.xlarge"), Spot, "test-zone-1a").available);
}

/// OFF-4: after three minutes it is tried again.
#[test]
fn what_could_not_be_had_is_offered_again_after_three_minutes() {
    let mut scene = Scene::new();
    let mut types = scene.types();
    scene
        .marks
        .mark(out(OnDemand, "m5.large", "test-zone-1a"), NOW);
    let can = |list: &[Arc<InstanceType>]| {
        offering(&find(list, "m5.large"), OnDemand, "test-zone-1a").available
    };
    assert!(!can(&scene.update(&mut types)));
    scene.now = NOW + TTL;
    scene.marks.sweep(scene.now);
    assert!(can(&scene.update(&mut types)));
}

/// CR-18: a reservation gives an offering that nearly costs nothing, as long as it does not expire
/// and has instances left; the type's labels say what can be asked for.
#[test]
fn reservations_are_offerings_of_their_own() {
    let mut scene = Scene::new();
    let mut block = reservation("cr-block", "m5.large", "test-zone-1b");
    block.reservation_type = "capacity-block".to_owned();
    let plain = reservation("cr-plain", "m5.large", "test-zone-1a");
    scene.class.status.capacity_reservations = vec![block, plain];
    scene.left.insert("cr-block".to_owned(), 3);
    let large = scene.get("m5.large");
    assert_eq!(
        label(&large, "karpenter.sh/capacity-type"),
        "on-demand,reserved,spot"
    );
    assert_eq!(
        label(&large, "capacity-reservation-id"),
        "cr-block,cr-plain"
    );
    assert_eq!(
        label(&large, "capacity-reservation-type"),
        "capacity-block,default"
    );
    assert_eq!(label(&large, "capacity-reservation-interruptible"), "false");
    assert_eq!(
        label(&scene.get("m5.xlarge"), "capacity-reservation-id"),
        "absent"
    );
    let active = offering(&large, Reserved, "test-zone-1b");
    assert_eq!(active.reservation_id().map(|id| &**id), Some("cr-block"));
    assert_eq!(
        (active.available, active.reservation_capacity),
        (true, Some(3))
    );
    assert_eq!(
        active.price,
        Price::from_dollars(0.096).scaled(1, 10_000_000)
    );
    let used_up = offering(&large, Reserved, "test-zone-1a");
    assert_eq!(
        (used_up.available, used_up.reservation_capacity),
        (false, Some(0))
    );

    scene.class.status.capacity_reservations[0].state = "expiring".to_owned();
    let expiring = scene.get("m5.large");
    assert!(!offering(&expiring, Reserved, "test-zone-1b").available);

    scene.options.reserved_capacity = false;
    let off = scene.get("m5.large");
    assert_eq!(label(&off, "karpenter.sh/capacity-type"), "on-demand,spot");
    assert!(off.offerings.iter().all(|o| o.capacity_type != Reserved));
}

/// PG-4: types of a partition group say which partitions there are, and have each offering once for
/// each of them.
#[test]
fn partitions_multiply_offerings() {
    let mut scene = Scene::new();
    let reserved = reservation("cr-1", "m5.large", "test-zone-1a");
    scene.class.status.capacity_reservations = vec![reserved];
    let plain = scene.get("m5.large").offerings.len();
    scene.group = Some(placement_group("partition", 7));
    let large = scene.get("m5.large");
    assert_eq!(label(&large, "placement-group-id"), "pg-1");
    assert_eq!(label(&large, "placement-group-partition"), "1,2,3,4,5,6,7");
    assert_eq!((plain, large.offerings.len()), (9, 63));
    let partition = |o: &Offering| {
        let of = o
            .requirements
            .get("karpenter.k8s.aws/placement-group-partition");
        of.and_then(|of| of.single_value()).map(ToString::to_string)
    };
    let first: Vec<_> = large.offerings[..7].iter().filter_map(partition).collect();
    assert_eq!(first, ["1", "2", "3", "4", "5", "6", "7"]);

    scene.group = Some(placement_group("cluster", 0));
    let large = scene.get("m5.large");
    assert_eq!(label(&large, "placement-group-id"), "pg-1");
    assert_eq!(label(&large, "placement-group-partition"), "absent");
    assert_eq!(large.offerings.len(), plain);
}

#[test]
fn what_a_partition_could_not_give_is_looked_for_in_another() {
    let mut scene = Scene::new();
    scene.group = Some(placement_group("partition", 3));
    let mark = out(OnDemand, "m5.large", "test-zone-1a");
    let of = |partition| Group {
        id: "pg-1".to_owned(),
        partition,
    };
    let can = |scene: &Scene| -> Vec<bool> {
        let large = scene.get("m5.large");
        let own = large.offerings.iter();
        own.filter(|o| o.capacity_type == OnDemand && &*o.zone == "test-zone-1a")
            .map(|o| o.available)
            .collect()
    };
    scene
        .marks
        .mark(mark.clone().within(Some(of(Some(2)))), NOW);
    assert_eq!(can(&scene), [true, false, true]);
    scene.marks.mark(mark.within(Some(of(None))), NOW);
    assert_eq!(can(&scene), [false; 3]);
}

/// MET-1: what gauges show of the offerings of all pools.
#[test]
fn gauges_show_what_any_pool_can_have() {
    let mut first = Scene::new();
    first.class.status.subnets = vec![status_subnet(1)];
    let mut second = Scene::new();
    second.class.status.subnets = vec![status_subnet(2)];
    let lists = [first.list(), second.list()];
    let lists = || lists.iter().map(|list| &**list);
    let of = |gauges: &Gauges, how, zone: &str| {
        let gauge = gauges.get(&("m5.large".into(), how, zone.into()));
        gauge.map(|gauge| (gauge.available, gauge.price.to_string()))
    };
    let price = |available| Some((available, "0.0960".to_owned()));
    let alone = gauges(lists().take(1), false);
    assert_eq!(of(&alone, OnDemand, "test-zone-1a"), price(true));
    assert_eq!(of(&alone, OnDemand, "test-zone-1b"), price(false));
    assert_eq!(of(&alone, Spot, "test-zone-1c"), price(false));
    assert_eq!(of(&alone, Reserved, "test-zone-1a"), None, "not used");
    let both = gauges(lists(), true);
    assert_eq!(of(&both, OnDemand, "test-zone-1a"), price(true));
    assert_eq!(of(&both, OnDemand, "test-zone-1b"), price(true));
    let nothing = Some((false, "0.0000".to_owned()));
    assert_eq!(of(&both, Reserved, "test-zone-1a"), nothing);
    let reserved = reservation("cr-1", "m5.large", "test-zone-1a");
    first.class.status.capacity_reservations = vec![reserved];
    first.left.insert("cr-1".to_owned(), 1);
    let list = first.list();
    let with = gauges([&*list], true);
    let expected = Some((true, "0.0000".to_owned()));
    assert_eq!(of(&with, Reserved, "test-zone-1a"), expected);
    assert_eq!(of(&with, Reserved, "test-zone-1b"), nothing);
}
