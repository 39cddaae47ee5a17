//! Scenarios of pools: weights, limits, and `minValues`.

mod common;

use common::world::{Place, World, ZONE, new_node, place, reasons, requires};
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
