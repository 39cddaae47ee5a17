//! Which types a class can't use. They are listed, and can't be launched.

use serde_json::json;

use super::*;

fn interface(card: u32, device: u32, kind: &str) -> Value {
    json!({"networkCardIndex": card, "deviceIndex": device, "interfaceType": kind})
}

/// IT-29: Amazon Linux 2023 does not run on the first ARM machines.
#[test]
fn the_first_arm_machines_are_not_for_amazon_linux_2023() {
    let available = |family: &str| {
        let mut scene = Scene::with(json!({"amiFamily": family}));
        scene.add("a1.large");
        scene.available().contains(&"a1.large".to_owned())
    };
    assert!(!available("AL2023"));
    assert!(available("Bottlerocket") && available("Custom"));
}

/// IT-30: types without the cards, places, adapters or EFA interfaces that the class lists.
#[test]
fn network_interfaces_of_the_class_need_their_place() {
    let available =
        |interfaces: Value| Scene::with(json!({"networkInterfaces": interfaces})).available();
    let first = || interface(0, 0, "interface");
    let two_cards = available(json!([first(), interface(1, 1, "interface")]));
    assert_eq!(two_cards, ["m6idn.32xlarge", "p5.48xlarge"]);
    // p5 has two places on each card.
    let third_place = available(json!([first(), interface(1, 2, "interface")]));
    assert_eq!(third_place, ["m6idn.32xlarge"]);
    let fifth_place = available(json!([first(), interface(0, 4, "interface")]));
    assert!(!fifth_place.contains(&"m5.xlarge".to_owned()));
    assert!(fifth_place.contains(&"m6idn.32xlarge".to_owned()));
    let efa = available(json!([
        first(),
        interface(0, 1, "efa-only"),
        interface(1, 0, "efa-only"),
        interface(1, 1, "efa-only"),
    ]));
    assert_eq!(efa, ["p5.48xlarge"], "m6idn takes two");
    let mut scene = Scene::with(json!({"networkInterfaces": [first()]}));
    assert!(scene.available().contains(&"m5.large".to_owned()));
    let mut all = machines();
    for machine in &mut all {
        machine.ena = machine.name != "m5.large";
    }
    scene.region = Arc::new(Region::new(REGION, all, &type_offerings()));
    assert!(!scene.available().contains(&"m5.large".to_owned()));
    let setup = scene.setup();
    let large = scene.region.machine("m5.large").expect("a machine");
    assert_eq!(compatible(large, &setup), Err(Incompatible::NoAdapter));
}

/// IT-31: virtual machines inside of virtual machines.
#[test]
fn nested_virtualization_leaves_the_types_that_have_it() {
    let available = |value: Option<&str>| {
        let options = value.map(|value| json!({"nestedVirtualization": value}));
        Scene::with(json!({"cpuOptions": options})).available()
    };
    let all = Scene::new().available();
    assert_eq!(available(None), all);
    assert_eq!(available(Some("disabled")), all);
    let can = available(Some("enabled"));
    assert!(can.len() < all.len() && !can.is_empty(), "{can:?}");
    assert_eq!(can, ["m7i-flex.large"]);
}

/// IT-32: connection tracking can be set on Nitro only.
#[test]
fn connection_tracking_needs_nitro() {
    let all = Scene::new().available();
    let tracking = json!({"connectionTracking": {"udpTimeout": 45}});
    let can = Scene::with(tracking).available();
    let left: Vec<_> = all.iter().filter(|name| *name != "m5.metal").collect();
    assert_eq!(can.iter().collect::<Vec<_>>(), left);
}

/// PG-5: a type that no cluster placement group takes.
#[test]
fn a_placement_group_needs_types_that_know_its_strategy() {
    let mut scene = Scene::new();
    scene.group = Some(placement_group("cluster", 0));
    let can = scene.available();
    for name in ["t3.large", "m7i-flex.large"] {
        assert!(!can.contains(&name.to_owned()), "{name}");
        assert!(
            scene.list().iter().any(|ty| &*ty.name == name),
            "still listed"
        );
    }
    assert!(can.contains(&"m5.large".to_owned()));
    scene.group = Some(placement_group("spread", 0));
    assert!(scene.available().contains(&"t3.large".to_owned()));
}
