//! Scenarios of instance types: which ones hold a pod, which of them are listed, and which is the
//! cheapest.

mod common;

use catalog::Price;
use common::world::{
    CAPACITY_TYPE, Place, World, ZONE, affinity, instance_type, merge, new_node, place, reasons,
    requires,
};
use scheduling::PlannedClaim;
use serde_json::{Value, json};

const ARCH: &str = "kubernetes.io/arch";
const OS: &str = "kubernetes.io/os";
const TYPE: &str = "node.kubernetes.io/instance-type";

fn names(claim: &PlannedClaim) -> Vec<&str> {
    claim.instance_types.iter().map(|ty| &*ty.name).collect()
}

fn selects(key: &str, value: &str) -> Value {
    json!({"nodeSelector": {key: value}})
}

/// SCH-54: pods of different systems, instance types or zones get nodes of their own, pods of the
/// same one share a node.
#[test]
fn pods_that_select_different_nodes_get_different_nodes() {
    let windows = json!({"operatingSystems": ["windows"]});
    let mut types = common::world::default_types();
    types.push(instance_type("windows-instance-type", 4, 4, windows));
    for (key, one, other) in [
        (OS, "linux", "windows"),
        (TYPE, "small-instance-type", "default-instance-type"),
        (ZONE, "test-zone-1", "test-zone-2"),
    ] {
        let placement = World::new()
            .with_types(&types)
            .pods("p", 2, "100m", selects(key, one))
            .pod("q", "100m", selects(key, other))
            .solve();
        assert_eq!(placement.new_claims.len(), 2, "{key}");
        let (p, q) = (new_node(&placement, "p-0"), new_node(&placement, "q"));
        assert_eq!(p.name, new_node(&placement, "p-1").name, "{key}");
        for (claim, value) in [(p, one), (q, other)] {
            let all = claim.all_requirements();
            let written = all
                .get(key)
                .and_then(|requirement| requirement.single_value());
            assert_eq!(written.map(|value| &**value), Some(value), "{key}");
        }
    }
}

/// SCH-56: labels that a provider gives to some types only are selected by.
#[test]
fn labels_of_a_provider_choose_types() {
    let large = Some(vec!["arm-instance-type"]);
    let mut both = affinity("special", "Exists", &[]);
    merge(&mut both, selects("size", "large"));
    let mut contradiction = affinity("special", "Exists", &[]);
    merge(&mut contradiction, selects("size", "small"));
    let others = vec![
        "small-instance-type",
        "default-instance-type",
        "gpu-a",
        "gpu-b",
        "single-pod-instance-type",
    ];
    let table = [
        (affinity("size", "In", &["large"]), large.clone()),
        (affinity("special", "Exists", &[]), large.clone()),
        (affinity("special", "In", &["optional"]), large.clone()),
        (both, large),
        (contradiction, None),
        (affinity("special", "In", &["other"]), None),
        (affinity("special", "DoesNotExist", &[]), Some(others)),
    ];
    for (spec, expected) in table {
        let placement = World::new().pod("p", "1", spec.clone()).solve();
        let found = match place(&placement, "p") {
            Place::New(claim) => Some(names(claim)),
            _ => None,
        };
        assert_eq!(found, expected, "{spec}");
    }
}

/// SCH-62: a large and a small pod that no type holds together get a node each, of the size that
/// each needs.
#[test]
fn pods_that_no_type_holds_together_get_types_of_their_size() {
    let ty = |cpu: u32| instance_type(&format!("t{cpu}"), cpu, 2 * cpu, json!({}));
    let placement = World::new()
        .with_types(&(1..=5).map(ty).collect::<Vec<_>>())
        .pod("large", "4500m", json!({}))
        .pod("small", "1", json!({}))
        .solve();
    let launched = |name: &str| new_node(&placement, name).launch.instance_type.to_string();
    assert_eq!(launched("large"), "t5");
    assert_eq!(launched("small"), "t2");
    assert_eq!(placement.new_claims.len(), 2);
}

/// SCH-65: a sidecar counts beside the init containers that start after it, not beside those
/// before it. SCH-66: what is requested for the whole pod counts in place of its containers.
#[test]
fn requests_follow_the_rules_of_the_scheduler() {
    let requests = |cpu: &str| json!({"requests": {"cpu": cpu}});
    let init = |cpu: &str| json!({"name": format!("i{cpu}"), "resources": requests(cpu)});
    let sidecar = |cpu: &str| json!({"name": format!("s{cpu}"), "restartPolicy": "Always", "resources": requests(cpu)});
    let starting = |containers: Value| json!({"initContainers": containers});
    let whole = |cpu: &str| json!({"resources": requests(cpu)});
    let mut whole_and_init = starting(json!([init("6")]));
    merge(&mut whole_and_init, whole("3"));
    let mut whole_and_overhead = whole("3");
    merge(
        &mut whole_and_overhead,
        json!({"overhead": {"cpu": "500m"}}),
    );
    let of_memory = json!({"resources": {"requests": {"memory": "1Gi"}}});
    let table = [
        ("SCH-65", starting(json!([init("4"), sidecar("2")])), "4"),
        ("SCH-65", starting(json!([sidecar("2"), init("4")])), "6"),
        (
            "SCH-65",
            starting(json!([init("7"), sidecar("2"), init("4")])),
            "7",
        ),
        (
            "SCH-65",
            starting(json!([sidecar("2"), init("1"), sidecar("3")])),
            "6",
        ),
        ("SCH-66", whole("3"), "3"),
        ("SCH-66", whole_and_init, "3"),
        ("SCH-66", whole_and_overhead, "3500m"),
        ("SCH-66", of_memory, "1"),
    ];
    for (scenario, spec, expected) in table {
        let placement = World::new().pod("p", "1", spec.clone()).solve();
        let claim = new_node(&placement, "p");
        let found = claim.requests["cpu"].to_string();
        assert_eq!(found, expected, "{scenario}: {spec}");
    }
}

/// A type that is offered in one way.
struct Assorted {
    values: [&'static str; 4],
    dollars: f64,
}

const KEYS: [&str; 4] = [ARCH, OS, ZONE, CAPACITY_TYPE];

/// Types of every architecture, system, zone and capacity type in two sizes. No factor outweighs
/// another by far, so that the cheapest is another one for most constraints.
fn assorted(keep: impl Fn(&Assorted) -> bool) -> (Vec<Value>, Vec<Assorted>) {
    let (mut types, mut kept) = (Vec::new(), Vec::new());
    let zones = [
        ("test-zone-1", 1.07),
        ("test-zone-2", 1.0),
        ("test-zone-3", 0.96),
    ];
    for cpu in [2, 8] {
        for (arch, of_arch) in [("amd64", 1.0), ("arm64", 0.9)] {
            for (os, of_os) in [("linux", 1.0), ("windows", 1.2)] {
                for (zone, of_zone) in zones {
                    for (capacity_type, of_capacity) in [("spot", 0.8), ("on-demand", 1.0)] {
                        let dollars = f64::from(cpu) * of_arch * of_os * of_zone * of_capacity;
                        let one = Assorted {
                            values: [arch, os, zone, capacity_type],
                            dollars,
                        };
                        if !keep(&one) {
                            continue;
                        }
                        let name = format!("{cpu}-{arch}-{os}-{zone}-{capacity_type}");
                        let offering = json!({"Price": dollars, "Requirements": [
                            {"key": ZONE, "operator": "In", "values": [zone]},
                            {"key": CAPACITY_TYPE, "operator": "In", "values": [capacity_type]},
                        ]});
                        let more = json!({"architecture": arch, "operatingSystems": [os],
                            "offerings": [offering]});
                        types.push(instance_type(&name, cpu, 4, more));
                        kept.push(one);
                    }
                }
            }
        }
    }
    (types, kept)
}

/// A pod of some size in a world of assorted types, the wishes being the pod's or the pool's.
fn wishing(types: &[Value], cpu: &str, wishes: &[Option<&str>; 4], of_pool: [bool; 4]) -> World {
    let (mut pod, mut pool) = (json!({}), Vec::new());
    for ((key, wish), of_pool) in KEYS.iter().zip(wishes).zip(of_pool) {
        let Some(value) = wish else { continue };
        if of_pool {
            pool.push(json!({"key": key, "operator": "In", "values": [value]}));
        } else {
            merge(&mut pod, selects(key, value));
        }
    }
    World::empty()
        .with_types(types)
        .pool("default", requires(json!(pool)))
        .pod("p", cpu, pod)
}

/// SCH-68: for every combination of wishes of pod and pool the cheapest type that meets them is
/// launched, and only types that meet them are listed.
#[test]
fn the_cheapest_type_that_meets_all_wishes_is_launched() {
    let (types, all) = assorted(|_| true);
    let wishes = |values: &[&'static str]| -> Vec<Option<&'static str>> {
        let wished = values.iter().copied().map(Some);
        std::iter::once(None).chain(wished).collect()
    };
    let zones = wishes(&["test-zone-1", "test-zone-2", "test-zone-3"]);
    let mut combinations = Vec::new();
    for arch in wishes(&["amd64", "arm64"]) {
        for os in wishes(&["linux", "windows"]) {
            for zone in &zones {
                for capacity_type in wishes(&["spot", "on-demand"]) {
                    combinations.push([arch, os, *zone, capacity_type]);
                }
            }
        }
    }
    assert_eq!(combinations.len(), 3 * 3 * 4 * 3);
    let splits = [
        [false; 4],
        [true; 4],
        [true, false, true, false],
        [false, true, false, true],
    ];
    let sizes = [("1", 0.0), ("3", 4.0)];
    for (at, wishes) in combinations.iter().enumerate() {
        let meets = |one: &Assorted| {
            let mut pairs = wishes.iter().zip(one.values);
            pairs.all(|(wish, value)| wish.is_none_or(|wish| wish == value))
        };
        for (turn, split) in splits.into_iter().enumerate() {
            // The small type does not hold 3 cpu, and no large one is as cheap as 4 dollars.
            let (cpu, above) = sizes[(at + turn) % 2];
            let fitting = || all.iter().filter(|one| meets(one) && one.dollars > above);
            let least = fitting().map(|one| one.dollars).fold(f64::MAX, f64::min);
            let placement = wishing(&types, cpu, wishes, split).solve();
            let claim = new_node(&placement, "p");
            let case = format!("{wishes:?} {split:?} {cpu}");
            assert_eq!(claim.launch.price, Price::from_dollars(least), "{case}");
            for ty in claim.instance_types.iter() {
                let values = KEYS.map(|key| ty.requirements.get(key).cloned());
                let mut pairs = values.iter().zip(wishes);
                let meets = pairs.all(|(of_type, wish)| {
                    wish.is_none_or(|wish| of_type.as_ref().is_some_and(|r| r.has(wish)))
                });
                assert!(meets, "{case}: {}", ty.name);
            }
            assert_eq!(claim.instance_types.len(), fitting().count(), "{case}");
        }
    }
}

/// SCH-69: where no type meets what pod and pool wish, nothing is created.
#[test]
fn where_no_type_meets_all_wishes_nothing_is_created() {
    let arm = [Some("arm64"), None, None, None];
    let arm_in_zone_2 = [Some("arm64"), None, Some("test-zone-2"), None];
    let is = |one: &Assorted, wishes: &[Option<&str>; 4]| {
        let mut pairs = wishes.iter().zip(one.values);
        pairs.all(|(wish, value)| wish.is_none_or(|wish| wish == value))
    };
    let (whole, _) = assorted(|_| true);
    for (wishes, splits) in [
        (arm, vec![[false; 4], [true; 4]]),
        (
            arm_in_zone_2,
            vec![
                [false; 4],
                [true; 4],
                [true, false, false, false],
                [false, false, true, false],
            ],
        ),
    ] {
        let (types, kept) = assorted(|one| !is(one, &wishes));
        assert!(kept.len() < whole.len() && !kept.is_empty());
        for split in splits {
            let placement = wishing(&types, "1", &wishes, split).solve();
            assert!(placement.new_claims.is_empty(), "{wishes:?} {split:?}");
            assert_eq!(reasons(&placement, "p").len(), 1);
            new_node(&wishing(&whole, "1", &wishes, split).solve(), "p");
        }
    }
}

/// A type of 4 cpu that can also be had, dearer and in another zone, with a device or, cheaper and
/// in a third zone, with one cpu only.
fn with_overrides(available: bool) -> Value {
    let offering = |price: f64, zone: &str, more: Value| {
        let mut offering = json!({"Price": price, "Requirements": [
            {"key": ZONE, "operator": "In", "values": [zone]},
            {"key": CAPACITY_TYPE, "operator": "In", "values": ["on-demand"]},
        ]});
        merge(&mut offering, more);
        offering
    };
    let device = json!({"CapacityOverride": {"fake.com/device": "1"}, "Available": available});
    let offerings = [
        offering(0.5, "test-zone-1", json!({})),
        offering(0.7, "test-zone-2", device),
        offering(
            0.1,
            "test-zone-3",
            json!({"CapacityOverride": {"cpu": "1"}}),
        ),
    ];
    instance_type("special", 4, 4, json!({"offerings": offerings}))
}

/// SCH-72: an offering whose machines have something else than their type is planned with what it
/// has: a pod that wants the device gets that type by that offering, and nothing if it can't be
/// had.
#[test]
fn offerings_with_other_capacity_are_planned_with_what_they_have() {
    let device = json!({"containers": [{"name": "app",
        "resources": {"requests": {"cpu": "1", "fake.com/device": "1"}}}]});
    let plain = instance_type("plain", 8, 8, json!({}));
    let solve = |available: bool, count: usize, cpu: &str, spec: &Value| {
        World::new()
            .with_types(&[with_overrides(available), plain.clone()])
            .pods("p", count, cpu, spec.clone())
            .solve()
    };
    let placement = solve(true, 2, "1", &device);
    assert_eq!(placement.new_claims.len(), 2, "one device each");
    for claim in &placement.new_claims {
        let launch = (&*claim.launch.instance_type, &*claim.launch.zone);
        assert_eq!(launch, ("special", "test-zone-2"));
        assert_eq!(names(claim), ["special"]);
        let offerings = &claim.instance_types[0].offerings;
        let zones: Vec<&str> = offerings.iter().map(|offering| &*offering.zone).collect();
        assert_eq!(zones, ["test-zone-2"]);
        let written = claim.all_requirements();
        let types = written.get(TYPE).expect("is written");
        assert_eq!(types.values().len(), 1);
    }
    let none = solve(false, 1, "1", &device);
    assert!(none.new_claims.is_empty());
    reasons(&none, "p-0");
    for (cpu, zone) in [
        ("800m", "test-zone-3"),
        ("1", "test-zone-1"),
        ("3", "test-zone-1"),
    ] {
        let placement = solve(true, 1, cpu, &json!({}));
        let claim = new_node(&placement, "p-0");
        let launch = (&*claim.launch.instance_type, &*claim.launch.zone);
        assert_eq!(launch, ("special", zone), "{cpu}");
        let written = claim.all_requirements();
        let types = written.get(TYPE).expect("is written").values();
        assert_eq!(types.len(), 2, "{cpu}: each name once");
    }
}
