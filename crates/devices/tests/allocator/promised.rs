//! Devices that will come with a node.

use crate::common::{World, devices, exactly, granted, key, planned, ready, starting, template};
use devices::{Refused, resolve};
use model::k8s::pod::PodResourceClaim;
use serde_json::json;
use std::collections::BTreeMap;

const GPU: &str = "gpu.example.com";

fn one_gpu() -> World {
    World::new()
        .promise("gpu.1", template(GPU, devices(1, &json!({}))))
        .promise("gpu.2", template(GPU, devices(2, &json!({}))))
}

/// SCH-287: only types that have the device are left, and their driver is waited for.
#[test]
fn types_without_the_device_are_left_out_and_the_driver_is_named() {
    let mut allocator = one_gpu().claim("a", exactly("gpu", 1)).allocator();
    let node = planned("n", &["cpu.1", "gpu.1", "gpu.2"]);
    assert_eq!(node.take(&mut allocator, &["a"]).unwrap(), "gpu.1 gpu.2");
    let drivers: Vec<_> = allocator.drivers("n").into_iter().collect();
    assert_eq!(drivers, [GPU.into()]);
    let plain = planned("m", &["cpu.1"]);
    assert_eq!(plain.take(&mut allocator, &[]).unwrap(), "cpu.1");
    assert!(allocator.drivers("m").is_empty());
}

/// SCH-288: names of generated claims come from the pod's status; one that is not generated yet
/// asks for nothing, one that does not exist is an error.
#[test]
fn claims_are_found_by_name_or_through_the_pods_status() {
    let world = one_gpu()
        .claim("direct", exactly("gpu", 1))
        .claim("made-x", exactly("gpu", 1));
    let reference = |name: &str, direct: Option<&str>| PodResourceClaim {
        name: name.to_owned(),
        resource_claim_name: direct.map(str::to_owned),
        resource_claim_template_name: None,
    };
    let pod = [
        reference("one", Some("direct")),
        reference("two", None),
        reference("three", None),
    ];
    let mut generated = BTreeMap::from([("two".to_owned(), "made-x".to_owned())]);
    let found = resolve("default", &pod, &generated, &world.inputs.claims).unwrap();
    assert_eq!(found, [key("direct"), key("made-x")]);
    generated.insert("three".to_owned(), "gone".to_owned());
    let refused = resolve("default", &pod, &generated, &world.inputs.claims).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "resourceclaim \"default/gone\" not found"
    );
}

/// SCH-289: devices of a planned node are counted by type.
#[test]
fn two_pods_share_a_node_only_where_it_has_two_devices() {
    let world = one_gpu()
        .claim("a", exactly("gpu", 1))
        .claim("b", exactly("gpu", 1));
    let mut allocator = world.allocator();
    let node = planned("n", &["gpu.1", "gpu.2"]);
    assert_eq!(node.take(&mut allocator, &["a"]).unwrap(), "gpu.1 gpu.2");
    assert_eq!(node.take(&mut allocator, &["b"]).unwrap(), "gpu.2");
    allocator.keep(&"n".into(), |name| name == "gpu.2");
    assert_eq!(granted(&allocator, "a", "gpu.1"), "");
    assert_eq!(granted(&allocator, "b", "gpu.2"), "r=device-1");

    let mut allocator = world.allocator();
    let small = planned("n", &["gpu.1"]);
    small.take(&mut allocator, &["a"]).unwrap();
    assert_eq!(
        small.ask(&allocator, &["b"]),
        Err(Refused::NoType { types: 1 })
    );
    assert_eq!(
        planned("m", &["gpu.1"])
            .take(&mut allocator, &["b"])
            .unwrap(),
        "gpu.1"
    );
}

/// SCH-290: all matching devices, devices with equal values, and values that are not known yet.
#[test]
fn all_devices_equal_values_and_bound_devices() {
    let all =
        json!([{"name": "r", "exactly": {"deviceClassName": "gpu", "allocationMode": "All"}}]);
    let mut allocator = one_gpu().claim("a", all).allocator();
    planned("n", &["gpu.2"])
        .take(&mut allocator, &["a"])
        .unwrap();
    assert_eq!(granted(&allocator, "a", "gpu.2"), "r=device-0 r=device-1");

    let on = |name: &str, numa: i64| json!({"name": name, "attributes": {"numa": {"int": numa}}});
    let spec = |attribute: &str| {
        json!({"devices": {
            "requests": [
                {"name": "one", "exactly": {"deviceClassName": "gpu"}},
                {"name": "two", "exactly": {"deviceClassName": "gpu"}},
            ],
            "constraints": [{"matchAttribute": attribute}],
        }})
    };
    let mut allocator = World::new()
        .promise(
            "t",
            template(GPU, json!([on("a", 0), on("b", 1), on("c", 1)])),
        )
        .whole_claim("x", spec("gpu.example.com/numa"), json!({}))
        .allocator();
    planned("n", &["t"]).take(&mut allocator, &["x"]).unwrap();
    assert_eq!(granted(&allocator, "x", "t"), "one=b two=c");

    let name = |name: &str| json!({"driver": GPU, "pool": "local", "device": name});
    let mut bound = template(GPU, json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]));
    bound["bindings"] =
        json!([{"attribute": "example.com/root", "devices": [[name("a"), name("c")]]}]);
    let mut allocator = World::new()
        .promise("t", bound)
        .whole_claim("x", spec("example.com/root"), json!({}))
        .whole_claim("y", spec("example.com/other"), json!({}))
        .allocator();
    let node = planned("n", &["t"]);
    assert_eq!(
        node.ask(&allocator, &["y"]),
        Err(Refused::NoType { types: 1 })
    );
    node.take(&mut allocator, &["x"]).unwrap();
    assert_eq!(granted(&allocator, "x", "t"), "one=a two=c");
}

/// SCH-291: the first alternative that fits, under its full name.
#[test]
fn alternatives_are_tried_in_order() {
    let either = json!([{"name": "r", "firstAvailable": [
        {"name": "two", "deviceClassName": "gpu", "count": 2},
        {"name": "one", "deviceClassName": "gpu"},
    ]}]);
    let mut allocator = one_gpu().claim("a", either).allocator();
    planned("n", &["gpu.1", "gpu.2"])
        .take(&mut allocator, &["a"])
        .unwrap();
    assert_eq!(granted(&allocator, "a", "gpu.1"), "r/one=device-0");
    assert_eq!(
        granted(&allocator, "a", "gpu.2"),
        "r/two=device-0 r/two=device-1"
    );
}

/// SCH-292: two drivers.
#[test]
fn all_drivers_of_a_node_are_named_in_order() {
    let both = json!({"slices": [
        {"driver": "net.example.com", "pool": "local", "devices": [{"name": "nic"}]},
        {"driver": GPU, "pool": "local", "devices": [{"name": "gpu"}]},
    ]});
    let requests = json!([
        {"name": "n", "exactly": {"deviceClassName": "net"}},
        {"name": "g", "exactly": {"deviceClassName": "gpu"}},
    ]);
    let mut allocator = World::new()
        .promise("t", both)
        .claim("a", requests)
        .allocator();
    planned("n", &["t"]).take(&mut allocator, &["a"]).unwrap();
    let drivers: Vec<String> = allocator
        .drivers("n")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(drivers.join(","), "gpu.example.com,net.example.com");
}

/// SCH-294: what nobody has is refused with the reason.
#[test]
fn claims_that_nothing_can_meet_are_refused_with_the_reason() {
    let bad = |expression: &str| {
        json!([{"name": "r", "exactly": {"deviceClassName": "any",
            "selectors": [{"cel": {"expression": expression}}]}}])
    };
    let distinct = json!({"devices": {"requests": exactly("gpu", 1),
        "constraints": [{"distinctAttribute": "example.com/x"}]}});
    let allocator = one_gpu()
        .claim("net", exactly("net", 1))
        .claim("no-class", exactly("absent", 1))
        .claim("no-cel", bad("device.driver =="))
        .claim("deep-cel", bad(&format!("1{}", "+1".repeat(5000))))
        .claim("no-bool", bad("device.driver"))
        .claim("no-attribute", bad("device.attributes['x.com'].y == 1"))
        .claim("too-many", exactly("gpu", 33))
        .whole_claim("distinct", distinct, json!({}))
        .allocator();
    let node = planned("n", &["gpu.1", "gpu.2"]);
    let cases = [
        ("net", "no instance type can satisfy the allocation"),
        ("no-class", "device class absent"),
        ("no-cel", "can't be compiled"),
        ("deep-cel", "more than 100 steps"),
        ("no-bool", "neither true nor false"),
        ("no-attribute", "fails on device"),
        ("too-many", "asks for 33 devices"),
        ("distinct", "only matchAttribute is"),
        ("absent", "not found"),
    ];
    for (claim, text) in cases {
        let refused = node.ask(&allocator, &[claim]).unwrap_err().to_string();
        assert!(refused.contains(text), "{claim}: {refused}");
    }
    assert!(allocator.check(&[key("no-class")]).is_err());
    assert_eq!(allocator.check(&[key("net")]), Ok(()));
}

/// SCH-294: selectors see attributes, versions and capacities.
#[test]
fn selectors_compare_attributes_versions_and_quantities() {
    let device = json!([{"name": "d",
        "attributes": {"model": {"string": "h100"}, "x.com/v": {"version": "1.2.3"}, "ecc": {"bool": true}},
        "capacity": {"memory": {"value": "80Gi"}}}]);
    let cases = [
        ("device.attributes['gpu.example.com'].model == 'h100'", true),
        (
            "device.attributes['gpu.example.com'].model == 'a100'",
            false,
        ),
        (
            "device.attributes['x.com'].v.isGreaterThan(semver('1.0.0'))",
            true,
        ),
        ("device.attributes['gpu.example.com'].ecc", true),
        (
            "device.capacity['gpu.example.com'].memory.compareTo(quantity('40Gi')) >= 0",
            true,
        ),
        (
            "device.capacity['gpu.example.com'].memory.isGreaterThan(quantity('80Gi'))",
            false,
        ),
        ("'model' in device.attributes['gpu.example.com']", true),
        ("'absent' in device.attributes['gpu.example.com']", false),
        (
            "device.attributes['gpu.example.com'].exists(name, name == 'model')",
            true,
        ),
    ];
    for (expression, fits) in cases {
        let request = json!([{"name": "r", "exactly": {"deviceClassName": "gpu",
            "selectors": [{"cel": {"expression": expression}}]}}]);
        let world = World::new().promise("t", template(GPU, device.clone()));
        let allocator = world.claim("a", request).allocator();
        let answer = planned("n", &["t"]).ask(&allocator, &["a"]);
        assert_eq!(answer.is_ok(), fits, "{expression}: {answer:?}");
    }
}

/// SCH-298: a claim with devices of a planned node is met there and nowhere else.
#[test]
fn a_shared_claim_binds_to_the_node_whose_devices_it_has() {
    let mut allocator = one_gpu().claim("a", exactly("gpu", 1)).allocator();
    let node = planned("n", &["cpu.1", "gpu.1"]);
    node.take(&mut allocator, &["a"]).unwrap();
    let refused = planned("m", &["gpu.1"])
        .ask(&allocator, &["a"])
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "resourceclaim default/a: claim is bound to a different in-flight NodeClaim"
    );
    assert_eq!(node.take(&mut allocator, &["a"]).unwrap(), "gpu.1");
    // If the node is not made after all, the claim is open again.
    allocator.keep(&"n".into(), |_| false);
    assert_eq!(
        planned("m", &["gpu.1"]).ask(&allocator, &["a"]).unwrap(),
        "gpu.1"
    );
}

/// SCH-300: before a node is initialized its type's promise counts, afterwards its own slices.
#[test]
fn devices_of_a_node_count_once_whether_promised_or_published() {
    let slice = || json!({"nodeName": "n", "devices": [{"name": "published"}]});
    let world = || {
        one_gpu()
            .claim("a", exactly("gpu", 1))
            .claim("b", exactly("gpu", 1))
            .slice(slice())
    };
    let mut allocator = world().allocator();
    let node = starting("n", "gpu.1");
    node.take(&mut allocator, &["a"]).unwrap();
    assert_eq!(granted(&allocator, "a", "gpu.1"), "r=device-0");
    assert!(node.ask(&allocator, &["b"]).is_err());

    let mut allocator = world().ready("n").allocator();
    let node = ready("n", "gpu.1");
    node.take(&mut allocator, &["a"]).unwrap();
    assert_eq!(granted(&allocator, "a", "gpu.1"), "r=published");
    assert!(node.ask(&allocator, &["b"]).is_err());
}

/// SCH-302: partitions of a device draw on common counters.
#[test]
fn partitions_pack_within_counters() {
    let part = |name: &str, memory: u32| {
        json!({"name": name, "attributes": {"size": {"int": memory}}, "consumesCounters":
            [{"counterSet": "gpu-0", "counters": {"memory": {"value": memory.to_string()}}}]})
    };
    let sized = |memory: u32| {
        json!([{"name": "r", "exactly": {"deviceClassName": "gpu", "selectors": [{"cel":
            {"expression": format!("device.attributes['gpu.example.com'].size == {memory}")}}]}}])
    };
    let counters = json!([{"name": "gpu-0", "counters": {"memory": {"value": "40"}}}]);
    let whole = |devices| {
        json!({"slices": [
            {"driver": GPU, "pool": "local", "sharedCounters": counters},
            {"driver": GPU, "pool": "local", "devices": devices},
        ]})
    };
    let parts = json!([
        part("p0", 20),
        part("p1", 20),
        part("p2", 20),
        part("big", 50)
    ]);
    let mut allocator = World::new()
        .promise("t", whole(parts))
        .claim("a", sized(20))
        .claim("b", sized(20))
        .claim("c", sized(20))
        .claim("d", sized(50))
        .allocator();
    let (n, m) = (planned("n", &["t"]), planned("m", &["t"]));
    assert!(n.take(&mut allocator, &["a"]).is_ok());
    assert!(n.take(&mut allocator, &["b"]).is_ok());
    assert!(n.ask(&allocator, &["c"]).is_err(), "40 of 40 are taken");
    assert!(
        m.take(&mut allocator, &["c"]).is_ok(),
        "another node has its own"
    );
    assert!(
        planned("o", &["t"]).ask(&allocator, &["d"]).is_err(),
        "more than there is"
    );

    let lost = json!([{"name": "p", "consumesCounters":
        [{"counterSet": "absent", "counters": {"memory": {"value": "1"}}}]}]);
    let world = World::new()
        .promise("t", whole(lost))
        .claim("a", exactly("gpu", 1));
    assert!(
        planned("n", &["t"])
            .ask(&world.allocator(), &["a"])
            .is_err()
    );
}

/// The search ends, however many ways there are.
#[test]
fn a_search_that_takes_too_long_is_given_up() {
    let apart: Vec<_> = (0..24)
        .map(|at| json!({"name": format!("d{at}"), "attributes": {"at": {"int": at}}}))
        .collect();
    let spec = json!({"devices": {
        "requests": [
            {"name": "many", "exactly": {"deviceClassName": "gpu", "count": 12}},
            {"name": "rest", "exactly": {"deviceClassName": "gpu", "count": 13}},
        ],
    }});
    let world = World::new().promise("t", template(GPU, json!(apart)));
    let allocator = world
        .whole_claim("a", spec, json!({}))
        .allocator()
        .with_steps(5_000);
    let refused = planned("n", &["t"]).ask(&allocator, &["a"]);
    assert_eq!(refused, Err(Refused::TooComplex { steps: 5_000 }));
    // Devices that differ in nothing but their name need no search.
    let alike = World::new().promise("t", template(GPU, devices(24, &json!({}))));
    let two = json!([
        {"name": "many", "exactly": {"deviceClassName": "gpu", "count": 12}},
        {"name": "rest", "exactly": {"deviceClassName": "gpu", "count": 13}},
    ]);
    let allocator = alike.claim("a", two).allocator().with_steps(5_000);
    assert_eq!(
        planned("n", &["t"]).ask(&allocator, &["a"]),
        Err(Refused::NoType { types: 1 })
    );
}
