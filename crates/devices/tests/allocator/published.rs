//! Devices that drivers have published in the cluster.

use crate::common::{World, ZONE, devices, exactly, granted, in_zones, planned, ready, template};
use devices::Refused;
use serde_json::{Value, json};

fn device(name: &str, fields: Value) -> Value {
    let mut device = fields;
    device["name"] = json!(name);
    device
}

/// A claim that has a device.
fn holding(device: &str, consumers: Value, more: Value) -> Value {
    let mut result =
        json!({"request": "r", "driver": "gpu.example.com", "pool": "pool", "device": device});
    if more.is_object() {
        result["consumedCapacity"] = more;
    }
    json!({"allocation": {"devices": {"results": [result]}}, "reservedFor": consumers})
}

fn pods(uids: &[&str]) -> Value {
    uids.iter()
        .map(|uid| json!({"resource": "pods", "name": uid, "uid": uid}))
        .collect()
}

fn spec() -> Value {
    json!({"devices": {"requests": exactly("gpu", 1)}})
}

/// SCH-293, SCH-299, DA-03: what a live pod or nobody in particular holds stays held; what only a
/// pod that goes away holds can be had.
#[test]
fn devices_that_are_held_are_not_given_twice() {
    let cases = [
        (json!([]), "", false),
        (pods(&["p"]), "", false),
        (pods(&["p"]), "p", true),
        (pods(&["p", "q"]), "p", false),
        (
            json!([{"apiGroup": "x.io", "resource": "jobs", "name": "j", "uid": "p"}]),
            "p",
            false,
        ),
    ];
    for (consumers, deleting, free) in cases {
        let allocator = World::new()
            .ready("n")
            .slice(json!({"nodeName": "n", "devices": devices(1, &json!({}))}))
            .whole_claim(
                "held",
                spec(),
                holding("device-0", consumers.clone(), Value::Null),
            )
            .claim("a", exactly("gpu", 1))
            .deleting(deleting)
            .allocator();
        let answer = ready("n", "t").ask(&allocator, &["a"]);
        assert_eq!(answer.is_ok(), free, "{consumers} {deleting:?}: {answer:?}");
    }
}

/// DA-02, DA-03: what is held follows the claims; a device that two claims hold is free when both
/// have let it go, or when all that use either of them go.
#[test]
fn what_is_held_follows_the_claims() {
    let world = |claims: &[Value]| {
        let mut world = World::new()
            .ready("n")
            .slice(json!({"nodeName": "n", "devices": devices(2, &json!({}))}))
            .claim("a", exactly("gpu", 1));
        for (at, status) in claims.iter().enumerate() {
            world = world.whole_claim(&format!("held-{at}"), spec(), status.clone());
        }
        world
    };
    let free = |world: World| {
        let mut allocator = world.allocator();
        ready("n", "t").take(&mut allocator, &["a"]).unwrap();
        granted(&allocator, "a", "t")
    };
    let of = |device: &str, uid: &str| holding(device, pods(&[uid]), Value::Null);
    let cases = [
        ("allocated", vec![of("device-0", "p")], "device-1"),
        ("reallocated", vec![of("device-1", "p")], "device-0"),
        ("deallocated", vec![json!({})], "device-0"),
        ("deleted", vec![], "device-0"),
        (
            "two",
            vec![of("device-0", "p"), of("device-0", "q")],
            "device-1",
        ),
        (
            "one of two",
            vec![json!({}), of("device-0", "q")],
            "device-1",
        ),
    ];
    for (name, claims, device) in cases {
        let answer = free(world(&claims));
        assert!(answer.contains(device), "{name}: {answer}");
    }
    let job = json!([{"apiGroup": "x.io", "resource": "jobs", "name": "j", "uid": "j"}]);
    for (other, device) in [
        (of("device-0", "p"), "device-0"),
        (of("device-0", "q"), "device-1"),
        (holding("device-0", job, Value::Null), "device-1"),
    ] {
        let answer = free(world(&[of("device-0", "p"), other.clone()]).deleting("p"));
        assert!(answer.contains(device), "{other}: {answer}");
    }
}

/// SCH-293: a claim that has its devices gets no others, and stays where they are.
#[test]
fn an_allocated_claim_is_used_where_its_devices_are() {
    let mut status = holding("device-0", pods(&["p"]), Value::Null);
    status["allocation"]["nodeSelector"] = json!({"nodeSelectorTerms":
        [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]});
    let mut allocator = World::new()
        .ready("n")
        .slice(json!({"nodeName": "n", "devices": devices(2, &json!({}))}))
        .whole_claim("held", spec(), status)
        .allocator();
    assert_eq!(
        ready("n", "t").take(&mut allocator, &["held"]).unwrap(),
        "t"
    );
    assert_eq!(granted(&allocator, "held", "t"), "");
    for place in [ready("m", "t"), planned("x", &["t"])] {
        let refused = place.ask(&allocator, &["held"]).unwrap_err();
        let text = "in-cluster allocation topology is incompatible with NodeClaim requirements";
        assert!(refused.to_string().ends_with(text), "{refused}");
    }
}

/// SCH-296: a free device of a node; other nodes don't reach it, and neither do planned ones.
#[test]
fn published_devices_of_a_node_are_its_own() {
    let mut allocator = World::new()
        .ready("n")
        .slice(json!({"nodeName": "n", "devices": devices(1, &json!({}))}))
        .promise("gpu.1", template("gpu.example.com", devices(1, &json!({}))))
        .claim("a", exactly("gpu", 1))
        .allocator();
    assert!(ready("m", "t").ask(&allocator, &["a"]).is_err());
    assert!(planned("x", &["t"]).ask(&allocator, &["a"]).is_err());
    assert_eq!(
        ready("n", "gpu.1").take(&mut allocator, &["a"]).unwrap(),
        "gpu.1"
    );
    assert!(allocator.drivers("n").is_empty());
}

/// SCH-297, SCH-294: devices of zones pin the node; alternatives stay alternatives.
#[test]
fn devices_of_zones_pin_the_node_and_alternatives_are_kept() {
    let world = |second: &[&str]| {
        let slice = |name: &str, zones: &[&str]| {
            json!({"pool": {"name": name, "generation": 1, "resourceSliceCount": 1},
                "nodeSelector": in_zones(zones), "devices": devices(1, &json!({"attributes":
                    {"pool": {"string": name}}}))})
        };
        let of = |pool: &str| {
            json!([{"name": "r", "exactly": {"deviceClassName": "gpu", "selectors": [{"cel":
                {"expression": format!("device.attributes['gpu.example.com'].pool == '{pool}'")}}]}}])
        };
        World::new()
            .slice(slice("one", &["a", "b"]))
            .slice(slice("two", second))
            .claim("one", of("one"))
            .claim("two", of("two"))
    };
    let node = planned("n", &["t"]);
    let (_, zones) = node
        .take_in(&mut world(&["b"]).allocator(), &["one"])
        .unwrap();
    assert_eq!(zones, ["a", "b"], "either will do");
    let (_, zones) = node
        .take_in(&mut world(&["b", "c"]).allocator(), &["one", "two"])
        .unwrap();
    assert_eq!(zones, ["b"]);
    let apart = node.ask(&world(&["c"]).allocator(), &["one", "two"]);
    assert_eq!(apart, Err(Refused::NoType { types: 1 }));
    let elsewhere = planned("n", &["t"])
        .zone("c")
        .ask(&world(&["b"]).allocator(), &["one"]);
    assert!(elsewhere.is_err());
    assert_eq!(ZONE, "topology.kubernetes.io/zone");
}

/// SCH-298: a claim with devices in the cluster can be shared between nodes that reach them.
#[test]
fn a_shared_claim_goes_where_its_devices_can_be_reached() {
    let mut allocator = World::new()
        .slice(json!({"nodeSelector": in_zones(&["a"]), "devices": devices(1, &json!({}))}))
        .claim("x", exactly("gpu", 1))
        .allocator();
    planned("n", &["t"]).take(&mut allocator, &["x"]).unwrap();
    let (_, zones) = planned("m", &["t"])
        .take_in(&mut allocator, &["x"])
        .unwrap();
    assert_eq!(zones, ["a"]);
    let refused = planned("o", &["t"])
        .zone("b")
        .ask(&allocator, &["x"])
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("in-memory allocation topology"),
        "{refused}"
    );
}

/// SCH-300: pools that are not whole, old generations, and pools that contradict themselves.
#[test]
fn only_whole_sound_pools_of_the_newest_generation_count() {
    let slice = |generation: i64, slices: i64, devices: Value| {
        json!({"pool": {"name": "pool", "generation": generation, "resourceSliceCount": slices},
            "allNodes": true, "devices": devices})
    };
    let twins = json!([{"name": "d"}, {"name": "d"}]);
    let all =
        || json!([{"name": "r", "exactly": {"deviceClassName": "gpu", "allocationMode": "All"}}]);
    let cases = [
        (
            "whole",
            vec![slice(1, 1, json!([{"name": "d"}]))],
            "r=d",
            "r=d",
        ),
        (
            "incomplete",
            vec![slice(1, 2, json!([{"name": "d"}]))],
            "no instance type",
            "is incomplete",
        ),
        (
            "twins",
            vec![slice(1, 1, twins)],
            "no instance type",
            "is invalid",
        ),
        (
            "newest",
            vec![
                slice(1, 1, json!([{"name": "old"}])),
                slice(2, 1, json!([{"name": "new"}])),
            ],
            "r=new",
            "r=new",
        ),
    ];
    for (name, slices, exact, whole) in cases {
        for (claim, wanted) in [("one", exact), ("all", whole)] {
            let mut world = World::new()
                .claim("one", exactly("gpu", 1))
                .claim("all", all());
            for slice in &slices {
                world = world.slice(slice.clone());
            }
            let mut allocator = world.allocator();
            let answer = match planned("n", &["t"]).take(&mut allocator, &[claim]) {
                Ok(_) => granted(&allocator, claim, "t"),
                Err(refused) => refused.to_string(),
            };
            assert!(answer.contains(wanted), "{name} {claim}: {answer}");
        }
    }
}

/// SCH-301: shares of a device.
#[test]
fn shares_of_a_device_are_rounded_and_never_exceed_it() {
    let policy = json!({"default": "10", "validRange": {"min": "10", "max": "40", "step": "10"}});
    let nic = |policy: &Value| {
        device(
            "nic",
            json!({"allowMultipleAllocations": true,
            "capacity": {"bandwidth": {"value": "50", "requestPolicy": policy}}}),
        )
    };
    let ask = |name: &str, amount: Value| json!([{"name": "r", "exactly": {"deviceClassName": "gpu", "capacity": {"requests": {name: amount}}}}]);
    let values = json!({"default": "20", "validValues": ["20", "30"]});
    // The policy, what is held, what is asked for in turn, and how many of these are given.
    let cases = [
        (
            "exact shares",
            &policy,
            0,
            vec![ask("bandwidth", json!("20")); 3],
            2,
        ),
        (
            "rounded up",
            &policy,
            0,
            vec![ask("bandwidth", json!("11")); 3],
            2,
        ),
        ("default", &policy, 0, vec![exactly("gpu", 1); 6], 5),
        (
            "above the range",
            &policy,
            0,
            vec![ask("bandwidth", json!("41"))],
            0,
        ),
        (
            "unknown dimension",
            &policy,
            0,
            vec![ask("lanes", json!("1"))],
            0,
        ),
        (
            "listed values",
            &values,
            0,
            vec![ask("bandwidth", json!("21")); 2],
            1,
        ),
        (
            "no such value",
            &values,
            0,
            vec![ask("bandwidth", json!("31"))],
            0,
        ),
        ("held before", &policy, 40, vec![exactly("gpu", 1); 2], 1),
        (
            "no policy, oversize",
            &Value::Null,
            0,
            vec![ask("bandwidth", json!("51"))],
            0,
        ),
        (
            "no policy, whole",
            &Value::Null,
            0,
            vec![exactly("gpu", 1); 2],
            1,
        ),
    ];
    for (name, policy, held, asks, given) in cases {
        let mut world = World::new().slice(json!({"allNodes": true, "devices": [nic(policy)]}));
        if held > 0 {
            let status = holding("nic", pods(&["p"]), json!({"bandwidth": held.to_string()}));
            world = world.whole_claim("held", spec(), status);
        }
        for (at, ask) in asks.iter().enumerate() {
            world = world.claim(&format!("c{at}"), ask.clone());
        }
        let mut allocator = world.allocator();
        let place = |at: usize| planned(&format!("n{at}"), &["t"]);
        let taken = (0..asks.len())
            .filter(|at| {
                place(*at)
                    .take(&mut allocator, &[&format!("c{at}")])
                    .is_ok()
            })
            .count();
        assert_eq!(taken, given, "{name}");
    }
}

/// SCH-301, DA-04: shares of a device add up; the share of a pod that goes away can be had.
#[test]
fn the_share_of_a_pod_that_goes_is_free() {
    let nic = device(
        "nic",
        json!({"allowMultipleAllocations": true, "capacity": {"x": {"value": "50"}}}),
    );
    let share = |amount: &str| json!({"x": amount});
    let ask = json!([{"name": "r", "exactly": {"deviceClassName": "gpu", "capacity": {"requests": {"x": "30"}}}}]);
    for (deleting, free) in [("", false), ("p", true), ("q", false)] {
        let allocator = World::new()
            .slice(json!({"allNodes": true, "devices": [nic]}))
            .whole_claim("one", spec(), holding("nic", pods(&["p"]), share("30")))
            .whole_claim("two", spec(), holding("nic", pods(&["q"]), share("20")))
            .claim("a", ask.clone())
            .deleting(deleting)
            .allocator();
        assert_eq!(
            planned("n", &["t"]).ask(&allocator, &["a"]).is_ok(),
            free,
            "{deleting}"
        );
    }
}

/// SCH-302: partitions that are held leave what they don't take of the counters, also where the
/// device that holds it can't be reached.
#[test]
fn counters_are_charged_for_devices_that_are_held() {
    let part = |name: &str| {
        device(
            name,
            json!({"consumesCounters":
            [{"counterSet": "s", "counters": {"memory": {"value": "20"}}}]}),
        )
    };
    let pool = json!({"name": "pool", "generation": 1, "resourceSliceCount": 2});
    let world = |memory: &str| {
        World::new()
            .slice(json!({"pool": pool, "allNodes": true, "sharedCounters":
                [{"name": "s", "counters": {"memory": {"value": memory}}}]}))
            .slice(json!({"pool": pool, "allNodes": true, "devices": [part("a"), part("b")]}))
            .whole_claim("held", spec(), holding("a", pods(&["p"]), Value::Null))
            .claim("x", exactly("gpu", 1))
    };
    for (memory, free) in [("40", true), ("39", false)] {
        let answer = planned("n", &["t"]).ask(&world(memory).allocator(), &["x"]);
        assert_eq!(answer.is_ok(), free, "{memory}: {answer:?}");
    }
}

/// Of the types of one candidate only one will be: each may have the same device.
#[test]
fn types_of_one_candidate_share_devices_and_other_candidates_do_not() {
    let world = World::new().slice(json!({"allNodes": true, "devices": devices(1, &json!({}))}));
    let mut allocator = world
        .claim("a", exactly("gpu", 1))
        .claim("b", exactly("gpu", 1))
        .allocator();
    assert_eq!(
        planned("n", &["t", "u"])
            .take(&mut allocator, &["a"])
            .unwrap(),
        "t u"
    );
    assert!(planned("m", &["t"]).ask(&allocator, &["b"]).is_err());
    allocator.keep(&"n".into(), |name| name == "u");
    assert!(planned("m", &["t"]).ask(&allocator, &["b"]).is_err());
    allocator.keep(&"n".into(), |_| false);
    assert_eq!(planned("m", &["t"]).ask(&allocator, &["b"]).unwrap(), "t");
}
