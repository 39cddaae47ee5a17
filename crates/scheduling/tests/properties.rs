//! Random problems: every placement is valid, and the same whatever the order of the input.

mod common;

use common::world::{World, ZONE, instance_type, now};
use proptest::prelude::*;
use scheduling::{Effort, Options, Placement, solve};
use serde_json::{Value, json};
use testkit::referee;

const ZONES: [&str; 3] = ["test-zone-1", "test-zone-2", "test-zone-3"];

fn any_zones() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => Just(json!({})),
        1 => prop::sample::select(ZONES.to_vec()).prop_map(|zone| json!({"nodeSelector": {ZONE: zone}})),
        1 => prop::sample::select(ZONES.to_vec()).prop_map(|zone| {
            common::world::affinity(ZONE, "NotIn", &[zone])
        }),
        1 => prop::sample::select(vec!["a", "b"]).prop_map(|team| json!({"nodeSelector": {"team": team}})),
        1 => Just(json!({"tolerations": [{"operator": "Exists"}]})),
        1 => Just(json!({"nodeSelector": {"karpenter.sh/capacity-type": "on-demand"}})),
        1 => (80_u16..83).prop_map(|port| json!({"containers": [
            {"name": "app", "ports": [{"hostPort": port}], "resources": {"requests": {"cpu": "300m"}}},
        ]})),
    ]
}

fn any_types() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec((1_u32..17, 1_u32..33, 1_u32..30), 1..12).prop_map(|types| {
        types
            .into_iter()
            .enumerate()
            .map(|(at, (cpu, memory, pods))| {
                let pods = json!({"resources": {"pods": pods.to_string()}});
                instance_type(&format!("type-{at:02}"), cpu, memory, pods)
            })
            .collect()
    })
}

fn any_pool() -> impl Strategy<Value = Value> {
    let taints = prop_oneof![
        3 => Just(json!([])),
        1 => Just(json!([{"key": "k", "value": "v", "effect": "NoSchedule"}])),
        1 => Just(json!([{"key": "k", "effect": "PreferNoSchedule"}])),
    ];
    let requirements = prop_oneof![
        2 => Just(json!([])),
        1 => Just(json!([{"key": "team", "operator": "In", "values": ["a", "b"]}])),
        1 => Just(json!([{"key": "node.kubernetes.io/instance-type", "operator": "Exists", "minValues": 2}])),
    ];
    let limits = prop_oneof![
        3 => Just(json!({})),
        1 => (1_u32..40).prop_map(|cpu| json!({"cpu": cpu.to_string()})),
        1 => (0_u32..5).prop_map(|nodes| json!({"nodes": nodes.to_string()})),
    ];
    (taints, requirements, limits, 0_i64..3).prop_map(|(taints, requirements, limits, weight)| {
        json!({"spec": {"weight": weight, "limits": limits, "template": {"spec": {
            "taints": taints, "requirements": requirements,
        }}}})
    })
}

fn any_world() -> impl Strategy<Value = World> {
    let pods = prop::collection::vec((1_usize..6, 1_u32..50, any_zones()), 1..10);
    let nodes = prop::collection::vec((1_u32..9, prop::sample::select(ZONES.to_vec())), 0..4);
    let pools = prop::collection::vec(any_pool(), 0..4);
    let daemons = prop::collection::vec((1_u32..9, any_zones()), 0..3);
    (any_types(), pods, nodes, pools, daemons).prop_map(|(types, pods, nodes, pools, daemons)| {
        let mut world = World::empty().with_types(&types);
        for (at, pool) in pools.into_iter().enumerate() {
            world = world.pool(&format!("pool-{at}"), pool);
        }
        for (at, (cpu, zone)) in nodes.into_iter().enumerate() {
            let labels = json!({"metadata": {"labels": {ZONE: zone, "team": "a"}}});
            world = world.node(&format!("node-{at}"), &cpu.to_string(), labels);
        }
        for (at, (cpu, spec)) in daemons.into_iter().enumerate() {
            let cpu = format!("{cpu}0m");
            world = world.object(common::world::daemon_set(
                &format!("daemon-{at}"),
                &cpu,
                spec,
            ));
        }
        for (at, (count, cpu, spec)) in pods.into_iter().enumerate() {
            world = world.pods(&format!("pod-{at}"), count, &format!("{cpu}00m"), spec);
        }
        world
    })
}

/// A placement as text: everything that it decides.
fn text(placement: &Placement) -> String {
    let mut lines = Vec::new();
    for claim in &placement.new_claims {
        let pods: Vec<String> = claim.pods.iter().map(|pod| pod.key().to_string()).collect();
        let types: Vec<&str> = claim.instance_types.iter().map(|ty| &*ty.name).collect();
        lines.push(format!(
            "{} {pods:?} {types:?} {} {:?}",
            claim.name, claim.requirements, claim.launch
        ));
        lines.push(format!("{:?} {:?}", claim.labels, claim.requests));
    }
    for existing in &placement.existing {
        let pods: Vec<String> = existing
            .pods
            .iter()
            .map(|pod| pod.key().to_string())
            .collect();
        lines.push(format!("{} {pods:?}", existing.node));
    }
    for unplaced in &placement.unplaced {
        lines.push(format!("{} {:?}", unplaced.pod.key(), unplaced.refusals));
    }
    lines.join("\n")
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Whatever is asked for, the placement breaks no rule and decides every pod once.
    #[test]
    fn every_placement_is_valid(world in any_world()) {
        let snapshot = world.snapshot();
        for effort in [Effort::Portfolio, Effort::Single] {
            let options = Options { effort, ..Options::default() };
            let placement = solve(&snapshot, &world.batch, &options, now(), 1);
            let violations = referee::check(&snapshot, &world.batch, now(), &placement);
            prop_assert!(violations.is_empty(), "{:#?}", violations);
            if let Some(bound) = placement.lower_bound {
                prop_assert!(bound <= placement.price(), "bound {} price {}", bound, placement.price());
            }
        }
    }

    /// The same objects in another order give the same placement, byte for byte.
    #[test]
    fn the_order_of_the_input_does_not_matter(
        world in any_world(),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut other = World { items: world.items.clone(), ..World::empty() };
        other.catalog = world.catalog.clone();
        other.items.reverse();
        let middle = turn.index(other.items.len());
        other.items.rotate_left(middle);
        prop_assert_eq!(text(&world.solve()), text(&other.solve()));
    }

    /// Trying more packings never places fewer pods, and never costs more for the same pods.
    #[test]
    fn more_effort_is_never_worse(world in any_world()) {
        let snapshot = world.snapshot();
        let [single, portfolio] = [Effort::Single, Effort::Portfolio].map(|effort| {
            let options = Options { effort, ..Options::default() };
            let placement = solve(&snapshot, &world.batch, &options, now(), 1);
            (placement.unplaced.len(), placement.price())
        });
        prop_assert!(portfolio <= single, "{portfolio:?} {single:?}");
    }
}
