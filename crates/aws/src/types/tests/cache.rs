//! What is kept of a list, and what makes it change.

use CapacityType::{OnDemand, Spot};
use serde_json::json;

use super::*;
use crate::testing::status_subnet;

/// Names of the types that are not the same objects in both lists.
fn renewed(before: &[Arc<InstanceType>], after: &[Arc<InstanceType>]) -> Vec<String> {
    let pairs = before.iter().zip(after);
    pairs
        .filter(|(before, after)| !Arc::ptr_eq(before, after))
        .map(|(_, after)| after.name.to_string())
        .collect()
}

/// IT-23: nothing changed, the same list; and everything of a class that decides is told apart.
#[test]
fn a_list_is_kept_until_something_that_decides_changes() {
    let scene = Scene::new();
    let mut types = scene.types();
    let first = scene.update(&mut types);
    assert!(Arc::ptr_eq(&first, &scene.update(&mut types)));
    let setup = scene.setup();
    let is_of = |other: &Scene| {
        let same = setup.is_of(&other.class, other.group.as_ref(), &other.options);
        assert_eq!(same, setup == other.setup());
        same
    };
    assert!(is_of(&scene));
    let interface = json!({"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"});
    for other in [
        json!({"kubelet": {"maxPods": 10}}),
        json!({"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "9Gi"}}]}),
        json!({"instanceStorePolicy": "RAID0"}),
        json!({"amiFamily": "Bottlerocket"}),
        json!({"networkInterfaces": [interface]}),
        json!({"cpuOptions": {"nestedVirtualization": "enabled"}}),
        json!({"connectionTracking": {"udpTimeout": 45}}),
    ] {
        assert!(!is_of(&Scene::with(other.clone())), "{other}");
    }
    let changed = |change: fn(&mut Scene)| {
        let mut other = Scene::new();
        change(&mut other);
        is_of(&other)
    };
    assert!(!changed(
        |s| s.class.status.amis[0].id = "ami-other".to_owned()
    ));
    assert!(!changed(|s| s.class.status.subnets = vec![status_subnet(1)]));
    assert!(!changed(|s| s.class.status.subnets.push(status_subnet(4))));
    assert!(!changed(|s| s.group = Some(placement_group("cluster", 0))));
    assert!(!changed(|s| s.options.reserved_enis = 1));
    assert!(!changed(|s| {
        let one = reservation("cr-1", "m5.large", "test-zone-1a");
        s.class.status.capacity_reservations = vec![one];
    }));
    // What decides nothing.
    assert!(changed(|s| s.class.status.subnets.reverse()));
    assert!(changed(|s| s.class.spec.user_data = Some("x".to_owned())));
    assert!(changed(|s| s.class.metadata.name = "other".to_owned()));
}

/// OFF-7: a mark on a type renews that type alone; one on a capacity type renews all.
#[test]
fn a_mark_renews_the_types_that_it_is_about() {
    let mut scene = Scene::new();
    let mut types = scene.types();
    let first = scene.update(&mut types);
    scene.marks.mark(out(Spot, "m5.large", "test-zone-1a"), NOW);
    let second = scene.update(&mut types);
    assert_eq!(renewed(&first, &second), ["m5.large"]);
    assert!(Arc::ptr_eq(&second, &scene.update(&mut types)));
    scene.marks.mark(Mark::CapacityType(Spot), NOW);
    let third = scene.update(&mut types);
    assert_eq!(renewed(&second, &third).len(), third.len());
    // What is renewed shares what has not changed.
    let requirements = |list: &[Arc<InstanceType>]| find(list, "m5.large").requirements.clone();
    assert_eq!(requirements(&first), requirements(&third));
}

/// OFF-7: each class sees every mark, whoever asked first.
#[test]
fn every_class_sees_a_mark() {
    let mut scene = Scene::new();
    let mut classes = [scene.types(), scene.types()];
    for types in &mut classes {
        scene.update(types);
    }
    scene
        .marks
        .mark(out(OnDemand, "m5.large", "test-zone-1a"), NOW);
    for types in &mut classes {
        let list = scene.update(types);
        let large = find(&list, "m5.large");
        assert!(!offering(&large, OnDemand, "test-zone-1a").available);
    }
}

#[test]
fn newer_prices_renew_all_types_and_reservations_their_own() {
    let mut scene = Scene::new();
    let reserved = reservation("cr-1", "m5.large", "test-zone-1a");
    scene.class.status.capacity_reservations = vec![reserved];
    let mut types = scene.types();
    let first = scene.update(&mut types);
    scene.left.insert("cr-1".to_owned(), 5);
    let second = scene.update(&mut types);
    assert_eq!(renewed(&first, &second), ["m5.large"]);
    let prices = [spot("m5.large", "test-zone-1a", 0.04)];
    scene.prices.update_spot(&prices).expect("there are prices");
    let third = scene.update(&mut types);
    assert_eq!(renewed(&second, &third).len(), third.len());
}

/// IT-25: without data there is no list, and the error says what is missing.
#[test]
fn without_data_there_is_no_list() {
    let error = |scene: &Scene| {
        scene
            .try_types()
            .map(drop)
            .expect_err("no list")
            .to_string()
    };
    let mut scene = Scene::new();
    scene.region = Arc::new(Region::new(REGION, Vec::new(), &type_offerings()));
    assert_eq!(error(&scene), "no instance types found");
    scene.region = Arc::new(Region::new(REGION, machines(), &[]));
    assert_eq!(error(&scene), "no instance types offerings found");
    let mut scene = Scene::new();
    scene.class.status.subnets.clear();
    assert_eq!(error(&scene), "no subnets found");
}

/// IT-26: one type whose settings have no meaning is enough for there to be no list.
#[test]
fn one_type_that_does_not_resolve_fails_the_list() {
    let scene = Scene::new();
    let mut interner = Interner::default();
    let picky = |machine: &Machine, _: &NodeSettings| match &*machine.name {
        "p5.48xlarge" => Err("resolving maxPods, it is negative".to_owned()),
        _ => Ok(catalog::ec2::Kubelet::default()),
    };
    let types = ClassTypes::new(&scene.region, scene.setup(), &picky, &mut interner);
    assert_eq!(
        types.map(drop).expect_err("no list").to_string(),
        "resolving instance type p5.48xlarge, resolving maxPods, it is negative"
    );
    assert_eq!(scene.list().len(), machines().len());
}
