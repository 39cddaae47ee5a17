//! Scenarios of pools: weights, limits, and `minValues`.

mod common;

use common::world::{
    CAPACITY_TYPE, Place, World, ZONE, instance_type, new_node, place, reasons, requires,
};
use scheduling::{MinValuesOutcome, MinValuesPolicy};
use serde_json::{Value, json};

fn port(number: u16) -> Value {
    json!({"containers": [{"name": "app", "ports": [{"containerPort": 80, "hostPort": number}],
        "resources": {"requests": {"cpu": "10m"}}}]})
}

fn limited(limits: Value) -> Value {
    json!({"spec": {"limits": limits}})
}

/// SCH-130 to SCH-134: limits.
#[test]
fn limits_hold() {
    let table = [
        ("SCH-131", json!({"cpu": "2"}), "1750m", true),
        ("SCH-132", json!({"cpu": "2"}), "2100m", false),
        ("SCH-134", json!({"pods": "4"}), "3", true),
        ("SCH-134", json!({"nodes": "0"}), "1", false),
        (
            "a limit on what no type has",
            json!({"fake.com/none": "0"}),
            "1",
            true,
        ),
    ];
    for (scenario, limits, cpu, expected) in table {
        let placement = World::empty()
            .pool("default", limited(limits.clone()))
            .pod("p", cpu, json!({}))
            .solve();
        let found = matches!(place(&placement, "p"), Place::New(_));
        assert_eq!(found, expected, "{scenario}: {limits}");
    }
    let three = World::empty()
        .pool("default", limited(json!({"nodes": "2"})))
        .pods("p", 3, "1", port(80))
        .solve();
    assert_eq!(
        (three.new_claims.len(), three.unplaced.len()),
        (2, 1),
        "SCH-135"
    );
    let refusals: Vec<String> = three.unplaced[0]
        .refusals
        .iter()
        .map(|r| r.rejection.to_string())
        .collect();
    assert_eq!(
        refusals,
        ["limit of 2 nodes: 2 are used, and another node takes at least 1"]
    );
}

/// What is left of a limit is shared among the claims: each may become a larger type, and the
/// largest of all together stay within the limit.
#[test]
fn claims_share_what_is_left_of_a_limit() {
    let largest = |limit: &str| -> Vec<i64> {
        let placement = World::empty()
            .pool("default", limited(json!({"cpu": limit})))
            .pods("p", 2, "1", port(80))
            .solve();
        let cpu = |claim: &scheduling::PlannedClaim| {
            let types = claim.instance_types.iter();
            types
                .map(|ty| ty.capacity["cpu"].units_ceil())
                .max()
                .unwrap()
        };
        placement.new_claims.iter().map(cpu).collect()
    };
    let tight = largest("4");
    assert_eq!(tight, [2, 2], "nothing is left");
    let wide = largest("64");
    assert!(wide.iter().all(|cpu| *cpu > 2), "{wide:?}");
    assert!(wide.iter().sum::<i64>() <= 64, "{wide:?}");
}

/// SCH-136, SCH-137: the heaviest pool that can take a pod does.
#[test]
fn the_heaviest_pool_that_can_take_a_pod_does() {
    let weight = |weight: i64| json!({"spec": {"weight": weight, "template": {"metadata": {"labels": {"w": weight.to_string()}}}}});
    let world = World::empty()
        .pool("light", weight(1))
        .pool("heavy", weight(100))
        .pool("middle", weight(50))
        .pods("p", 3, "3", json!({}))
        .pod(
            "chosen",
            "1",
            json!({"nodeSelector": {"karpenter.sh/nodepool": "light"}}),
        )
        .pod("labelled", "1", json!({"nodeSelector": {"w": "50"}}));
    let placement = world.solve();
    for number in 0..3 {
        assert_eq!(&*new_node(&placement, &format!("p-{number}")).pool, "heavy");
    }
    assert_eq!(&*new_node(&placement, "chosen").pool, "light");
    assert_eq!(&*new_node(&placement, "labelled").pool, "middle");
}

/// SCH-12, SCH-13, SCH-138: pools that are not to be used are named with the reason.
#[test]
fn unusable_pools_are_named_with_the_reason() {
    let not_ready = json!({"status": {"conditions": [
        {"type": "Ready", "status": "False", "reason": "NodeClassNotReady", "message": "no subnet"},
    ]}});
    let placement = World::empty()
        .pool("a", not_ready)
        .pool(
            "b",
            json!({"metadata": {"deletionTimestamp": "2026-01-01T11:00:00Z"}}),
        )
        .pool("c", json!({"spec": {"replicas": 2}}))
        .pod("p", "1", json!({}))
        .solve();
    assert_eq!(
        reasons(&placement, "p"),
        [
            "nodepool/c: has a fixed number of replicas",
            "nodepool/b: is being deleted",
            "nodepool/a: is not ready: NodeClassNotReady: no subnet",
        ],
    );
}

fn min_values(key: &str, least: u32) -> Value {
    requires(json!([{"key": key, "operator": "Exists", "minValues": least}]))
}

/// SCH-74, SCH-78, SCH-80, SCH-84, SCH-86: `minValues` is met or the pod stays.
#[test]
fn min_values_are_met_or_the_pod_stays() {
    let key = "node.kubernetes.io/instance-type";
    let table = [
        ("SCH-74", min_values(key, 2), "3", true),
        ("SCH-78", min_values(key, 2), "10", false),
        ("SCH-84", min_values(ZONE, 4), "1", false),
        ("SCH-84", min_values(ZONE, 3), "1", true),
    ];
    for (scenario, pool, cpu, expected) in table {
        let placement = World::empty()
            .pool("default", pool.clone())
            .pod("p", cpu, json!({}))
            .solve();
        match place(&placement, "p") {
            Place::New(claim) => {
                assert!(expected, "{scenario}: {pool}");
                assert_eq!(
                    claim.annotations["karpenter.sh/nodeclaim-min-values-relaxed"], "false",
                    "SCH-86"
                );
            }
            _ => assert!(!expected, "{scenario}: {pool}"),
        }
    }
    let placement = World::empty()
        .pool("default", min_values(key, 2))
        .pod("p", "10", json!({}))
        .solve();
    assert_eq!(
        reasons(&placement, "p"),
        [
            "nodepool/default: minValues requirement is not met for label node.kubernetes.io/instance-type: 2 different values are demanded, the instance types that hold the pod have 1"
        ],
    );
}

/// SCH-81, SCH-82: with best effort `minValues` is lowered to what can be met.
#[test]
fn best_effort_lowers_min_values() {
    let key = "node.kubernetes.io/instance-type";
    let mut heavy = min_values(key, 3);
    heavy["spec"]["weight"] = json!(10);
    let mut world = World::empty()
        .pool("heavy", heavy)
        .pool("light", json!({}))
        .pod("p", "10", json!({}));
    world.options.min_values_policy = MinValuesPolicy::BestEffort;
    let placement = world.solve();
    let claim = new_node(&placement, "p");
    assert_eq!(
        (&*claim.pool, claim.min_values),
        ("heavy", MinValuesOutcome::Relaxed)
    );
    assert_eq!(
        claim
            .requirements
            .get(key)
            .and_then(requirements::Requirement::min_values),
        Some(1)
    );
    assert_eq!(
        claim.annotations["karpenter.sh/nodeclaim-min-values-relaxed"],
        "true"
    );
}

/// Types of 1 to 5 cpu, labelled so.
fn numbered() -> World {
    let ty = |cpu: u32| instance_type(&format!("t{cpu}"), cpu, 4, json!({}));
    World::empty().with_types(&(1..=5).map(ty).collect::<Vec<_>>())
}

/// SCH-75: `minValues` of a number that is bounded: enough types within the bounds are listed, or
/// the pod stays.
#[test]
fn min_values_count_numbers_within_bounds() {
    let table = [
        ("Gt", "2", 2, Some(["t3", "t4", "t5"])),
        ("Gt", "2", 3, Some(["t3", "t4", "t5"])),
        ("Gt", "2", 4, None),
        ("Lt", "4", 3, Some(["t1", "t2", "t3"])),
        ("Lt", "4", 4, None),
    ];
    for (operator, bound, least, expected) in table {
        let item = json!({"key": "integer", "operator": operator, "values": [bound],
            "minValues": least});
        let placement = numbered()
            .pool("default", requires(json!([item])))
            .pod("p", "100m", json!({}))
            .solve();
        let case = format!("integer {operator} {bound}, {least} values");
        if let Some(names) = expected {
            let types = new_node(&placement, "p").instance_types.iter();
            let found: Vec<&str> = types.map(|ty| &*ty.name).collect();
            assert_eq!(found, names, "{case}");
        } else {
            let reasons = reasons(&placement, "p");
            assert!(reasons[0].contains("minValues"), "{case}: {reasons:?}");
        }
    }
}

/// SCH-79: what counts for `minValues` are the types that are listed, the cheapest 600. A type
/// beyond them does not help, and the pod stays with that reason.
#[test]
fn min_values_are_counted_among_the_types_that_are_listed() {
    let world = |dollars_of_the_other: f64| {
        let ty = |number: usize| {
            let (family, price) = if number == 600 {
                ("other", dollars_of_the_other)
            } else {
                ("usual", 1.0)
            };
            let offering = json!({"Price": price, "Requirements": [
                {"key": ZONE, "operator": "In", "values": ["test-zone-1"]},
                {"key": CAPACITY_TYPE, "operator": "In", "values": ["on-demand"]},
            ]});
            let more = json!({"labels": {"family": family}, "offerings": [offering]});
            instance_type(&format!("t{number:03}"), 2, 4, more)
        };
        World::empty()
            .with_types(&(0..=600).map(ty).collect::<Vec<_>>())
            .pool("default", min_values("family", 2))
            .pod("p", "1", json!({}))
            .solve()
    };
    let within = world(0.5);
    assert_eq!(new_node(&within, "p").instance_types.len(), 600);
    let beyond = world(2.0);
    assert!(beyond.new_claims.is_empty());
    assert_eq!(
        reasons(&beyond, "p"),
        [
            "nodepool/default: minValues requirement is not met for label family: 2 different values are demanded, the cheapest 600 instance types that hold the pod have 1"
        ],
    );
}

/// SCH-83: with best effort, of two pools that both have to give way the heavier one is used.
#[test]
fn of_pools_that_give_way_the_heavier_one_is_used() {
    let key = "node.kubernetes.io/instance-type";
    for (a, b) in [(10, 1), (1, 10)] {
        let weighted = |weight: u32| {
            let mut pool = min_values(key, 3);
            pool["spec"]["weight"] = json!(weight);
            pool
        };
        let mut world = World::empty()
            .pool("a", weighted(a))
            .pool("b", weighted(b))
            .pod("p", "10", json!({}));
        world.options.min_values_policy = MinValuesPolicy::BestEffort;
        let placement = world.solve();
        let claim = new_node(&placement, "p");
        let heavier = if a > b { "a" } else { "b" };
        let found = (&*claim.pool, claim.min_values);
        assert_eq!(found, (heavier, MinValuesOutcome::Relaxed));
    }
}
