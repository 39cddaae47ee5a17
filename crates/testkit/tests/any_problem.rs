//! Whatever the problem, the solver's placement is valid, and the same in whatever order objects
//! come.

use std::sync::Arc;

use catalog::{InstanceType, kwok};
use cluster::Snapshot;
use model::Timestamp;
use proptest::prelude::*;
use scheduling::{Batch, Options, Placement, solve};
use serde_json::{Value, json};
use testkit::build::{self, daemon_set, node, pod, pool};
use testkit::{referee, world};

const NOW: Timestamp = Timestamp::EPOCH;
const ZONES: [&str; 3] = ["test-zone-a", "test-zone-b", "test-zone-c"];

/// One of these texts.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(texts)
}

/// What a pod may ask of its node, as a patch of its spec.
fn demand() -> impl Strategy<Value = Value> {
    let zone = one_of(&ZONES);
    prop_oneof![
        6 => Just(json!({})),
        2 => zone.prop_map(|zone| json!({"nodeSelector": {"topology.kubernetes.io/zone": zone}})),
        1 => one_of(&["amd64", "arm64"]).prop_map(|a| json!({"nodeSelector": {"kubernetes.io/arch": a}})),
        1 => one_of(&["spot", "on-demand"])
            .prop_map(|c| json!({"nodeSelector": {"karpenter.sh/capacity-type": c}})),
        1 => one_of(&["a", "b", "c"]).prop_map(|team| json!({"nodeSelector": {"team": team}})),
        1 => expressions().prop_map(|terms| json!({"affinity": {"nodeAffinity":
            {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}})),
        1 => (1_u16..4).prop_map(|port| json!({"containers": [{"name": "main",
            "resources": {"requests": {"cpu": "100m"}},
            "ports": [{"containerPort": 80, "hostPort": port}]}]})),
        1 => Just(json!({"initContainers": [{"name": "init", "resources": {"requests": {"cpu": "3"}}}],
            "overhead": {"memory": "64Mi"}})),
    ]
}

fn expressions() -> impl Strategy<Value = Vec<Value>> {
    let expression = prop_oneof![
        one_of(&ZONES).prop_map(|zone| json!({"key": "topology.kubernetes.io/zone",
            "operator": "NotIn", "values": [zone]})),
        one_of(&["a", "b"])
            .prop_map(|team| json!({"key": "team", "operator": "In", "values": [team, "c"]})),
        one_of(&["Exists", "DoesNotExist"]).prop_map(|op| json!({"key": "team", "operator": op})),
        one_of(&["2", "8"]).prop_map(|cpu| json!({"key": "karpenter.kwok.sh/instance-cpu",
            "operator": "Gt", "values": [cpu]})),
    ];
    let term = proptest::collection::vec(expression, 1..3)
        .prop_map(|list| json!({"matchExpressions": list}));
    proptest::collection::vec(term, 1..3)
}

/// Several pods that are alike, some of them running on nodes.
fn pods() -> impl Strategy<Value = Vec<Value>> {
    let group = (
        (
            1_usize..8,
            one_of(&["100m", "1", "3500m", "9"]),
            one_of(&["64Mi", "1Gi", "7Gi", "40Gi"]),
        ),
        (
            demand(),
            any::<bool>(),
            proptest::option::weighted(0.2, 0_usize..4),
        ),
    );
    proptest::collection::vec(group, 1..6).prop_map(|groups| {
        let mut all = Vec::new();
        for (index, ((count, cpu, memory), (demand, tolerant, on))) in
            groups.into_iter().enumerate()
        {
            for number in 0..count {
                let mut pod = pod(&format!("g{index}-{number}")).cpu(cpu).memory(memory);
                pod = pod
                    .label("group", &index.to_string())
                    .with(&json!({"spec": demand}));
                if tolerant {
                    pod = pod.tolerate("dedicated");
                }
                if let Some(node) = on {
                    pod = pod.on(&format!("n{node}"));
                }
                all.push(pod.json());
            }
        }
        all
    })
}

fn pools() -> impl Strategy<Value = Vec<Value>> {
    let one = (
        (0_i32..3, any::<bool>(), one_of(&["", "a", "b", "Exists"])),
        (
            proptest::option::of(one_of(&["4", "20"])),
            proptest::option::of(1_u32..4),
        ),
        one_of(&["", "amd64", "spot", "min"]),
    );
    proptest::collection::vec(one, 1..3).prop_map(|pools| {
        let mut all = Vec::new();
        for (index, (basics, limits, special)) in pools.into_iter().enumerate() {
            let ((weight, tainted, team), (cpu, nodes)) = (basics, limits);
            let mut pool = pool(&format!("pool-{index}"));
            if weight > 0 {
                pool = pool.weight(weight);
            }
            if tainted {
                pool = pool.taint("dedicated", "x", "NoSchedule");
            }
            pool = match team {
                "" => pool,
                "Exists" => pool.require("team", "In", &["a", "b"]),
                team => pool.node_label("team", team),
            };
            if let Some(cpu) = cpu {
                pool = pool.limit("cpu", cpu);
            }
            if let Some(nodes) = nodes {
                pool = pool.limit("nodes", &nodes.to_string());
            }
            pool = match special {
                "amd64" => pool.require("kubernetes.io/arch", "In", &["amd64"]),
                "spot" => pool.require("karpenter.sh/capacity-type", "NotIn", &["on-demand"]),
                _ => pool,
            };
            let mut json = pool.json();
            if special == "min" {
                json["spec"]["template"]["spec"]["requirements"].as_array_mut().expect("a list").push(
                    json!({"key": "node.kubernetes.io/instance-type", "operator": "Exists", "minValues": 5}),
                );
            }
            all.push(json);
        }
        all
    })
}

fn nodes() -> impl Strategy<Value = Vec<Value>> {
    let one = (
        one_of(&["1", "4", "16"]),
        one_of(&ZONES),
        any::<bool>(),
        any::<bool>(),
    );
    proptest::collection::vec(one, 0..4).prop_map(|nodes| {
        let mut all = Vec::new();
        for (index, (cpu, zone, tainted, ours)) in nodes.into_iter().enumerate() {
            let name = format!("n{index}");
            let mut node = node(&name)
                .amount("cpu", cpu)
                .label("topology.kubernetes.io/zone", zone)
                .label("kubernetes.io/arch", "amd64");
            if tainted {
                node = node.taint("dedicated", "x", "NoSchedule");
            }
            if ours {
                let id = format!("id-{index}");
                node = node.provider_id(&id).of_pool("pool-0", "c-4x-amd64-linux");
                let claim = build::claim(&format!("claim-{index}"), "pool-0").provider_id(&id);
                all.push(claim.json());
            }
            all.push(node.json());
        }
        all
    })
}

fn daemons() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec((one_of(&["50m", "700m"]), any::<bool>()), 0..3).prop_map(|daemons| {
        let mut all = Vec::new();
        for (index, (cpu, picky)) in daemons.into_iter().enumerate() {
            let mut daemon = daemon_set(&format!("d{index}")).request("cpu", cpu);
            if picky {
                daemon = daemon.with(&json!({"spec": {"template": {"spec":
                    {"nodeSelector": {"kubernetes.io/arch": "arm64"}}}}}));
            }
            all.push(daemon.json());
        }
        all
    })
}

fn problem() -> impl Strategy<Value = Vec<Value>> {
    (pods(), pools(), nodes(), daemons())
        .prop_map(|(pods, pools, nodes, daemons)| [pods, pools, nodes, daemons].concat())
}

fn types() -> Arc<[Arc<InstanceType>]> {
    kwok::standard().types.into()
}

fn snapshot(items: &[Value], types: &Arc<[Arc<InstanceType>]>) -> Snapshot {
    world::cluster_of(items, kwok::standard().vocabulary(), types).snapshot()
}

/// The answer in words, without what may depend on the order of arrival.
fn describe(placement: &Placement) -> Vec<String> {
    let names = |pods: &[Arc<cluster::PodRecord>]| -> Vec<String> {
        pods.iter().map(|pod| pod.key().to_string()).collect()
    };
    let claims = placement.new_claims.iter().map(|claim| {
        let types: Vec<&str> = claim.instance_types.iter().map(|t| &*t.name).collect();
        format!(
            "{} {:?} {:?} {types:?}",
            claim.name,
            names(&claim.pods),
            claim.launch
        )
    });
    let existing = placement
        .existing
        .iter()
        .map(|e| format!("{} {:?}", e.node, names(&e.pods)));
    let unplaced = placement
        .unplaced
        .iter()
        .map(|u| format!("{} {:?}", u.pod.key(), u.refusals));
    claims.chain(existing).chain(unplaced).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_placement_is_valid(items in problem()) {
        let snapshot = snapshot(&items, &types());
        let batch = Batch::default();
        let placement = solve(&snapshot, &batch, &Options::default(), NOW, 1);
        let violations = referee::check(&snapshot, &batch, NOW, &placement);
        prop_assert!(violations.is_empty(), "{violations:#?}");
    }

    #[test]
    fn the_order_in_which_objects_come_does_not_matter(
        (items, shuffled) in problem().prop_flat_map(|items| {
            (Just(items.clone()), Just(items).prop_shuffle())
        })
    ) {
        let types = types();
        let answer = |items: &[Value]| {
            let snapshot = snapshot(items, &types);
            describe(&solve(&snapshot, &Batch::default(), &Options::default(), NOW, 1))
        };
        prop_assert_eq!(answer(&items), answer(&shuffled));
    }
}
