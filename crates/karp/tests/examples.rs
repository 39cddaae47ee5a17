//! Every example simulates to what it is an example of.

mod common;

use std::collections::BTreeMap;

use common::{json, karp, root, stdout};
use serde_json::Value;

fn simulate(example: &str) -> Value {
    json(
        &[
            "simulate",
            "-f",
            &format!("examples/{example}"),
            "-o",
            "json",
        ],
        0,
    )
}

fn nodes(report: &Value) -> Vec<&Value> {
    report["nodes"].as_array().unwrap().iter().collect()
}

fn all(report: &Value, field: &str, expected: &str) {
    for node in nodes(report) {
        assert_eq!(node[field], expected, "{node}");
    }
}

fn started(report: &Value) -> u64 {
    let rows = report["workloads"].as_array().unwrap();
    rows.iter()
        .map(|row| row["started"].as_u64().unwrap())
        .sum()
}

#[test]
fn inflate_goes_from_nothing_to_ten_pods_and_back_to_nothing() {
    let report = simulate("inflate");
    assert_eq!(report["settled"], true);
    assert_eq!(started(&report), 10);
    assert!(!nodes(&report).is_empty());
    assert!(
        nodes(&report).iter().all(|node| node["goneMs"].is_u64()),
        "all nodes are gone"
    );
    let events: Vec<&str> = report["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["event"].as_str().unwrap())
        .collect();
    let mut order = events.clone();
    order.dedup();
    for (earlier, later) in [
        ("scaled", "claimCreated"),
        ("claimCreated", "launched"),
        ("launched", "joined"),
        ("joined", "podsRunning"),
        ("podsRunning", "empty"),
        ("empty", "disrupted"),
        ("disrupted", "nodeGone"),
    ] {
        let first = |wanted: &str| order.iter().position(|event| *event == wanted);
        assert!(
            first(earlier).is_some() && first(earlier) < first(later),
            "{earlier} {later}"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_other_names() {
    let run = |seed: &str| {
        stdout(&karp(&[
            "simulate",
            "-f",
            "examples/inflate",
            "--seed",
            seed,
            "-o",
            "json",
        ]))
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
}

#[test]
fn the_default_pool_keeps_to_its_sizes_and_types() {
    let report = simulate("default-pool");
    assert_eq!(started(&report), 12);
    for node in nodes(&report) {
        let size = node["instanceType"]
            .as_str()
            .unwrap()
            .rsplit('.')
            .next()
            .unwrap();
        assert!(["xlarge", "2xlarge", "4xlarge"].contains(&size), "{node}");
    }
}

#[test]
fn tainted_pools_keep_teams_apart_and_label_nodes_with_their_taints() {
    let report = simulate("tainted-pools");
    assert_eq!(started(&report), 12);
    let of = |pool: &str| -> Vec<&Value> {
        nodes(&report)
            .into_iter()
            .filter(|node| node["nodePool"] == pool)
            .collect()
    };
    assert!(
        of("team-a")
            .iter()
            .all(|node| node["capacityType"] == "on-demand")
    );
    assert!(
        of("team-b")
            .iter()
            .all(|node| node["capacityType"] == "spot")
    );
    for pool in ["team-a", "team-b", "system"] {
        assert!(!of(pool).is_empty(), "{pool}");
    }
    let pods = |pool: &str| -> u64 {
        of(pool)
            .iter()
            .map(|node| node["mostPods"].as_u64().unwrap())
            .sum()
    };
    assert_eq!((pods("team-a"), pods("team-b"), pods("system")), (4, 6, 2));
}

#[test]
fn the_gpu_pool_launches_machines_with_devices_one_for_each_pod() {
    let report = simulate("gpu-pool");
    assert_eq!(started(&report), 2);
    assert_eq!(nodes(&report).len(), 2);
    for node in nodes(&report) {
        assert!(["g4dn.xlarge", "g5.xlarge"].contains(&node["instanceType"].as_str().unwrap()));
    }
}

#[test]
fn the_spot_pool_launches_spot_capacity_only() {
    let report = simulate("spot-pool");
    assert_eq!(started(&report), 20);
    all(&report, "capacityType", "spot");
}

#[test]
fn each_image_family_gets_nodes_for_its_pods() {
    for family in ["al2023", "bottlerocket", "ubuntu", "windows"] {
        let report = simulate(family);
        assert_eq!(started(&report), 4, "{family}");
        all(&report, "nodePool", family);
        all(&report, "capacityType", "on-demand");
    }
}

/// How many pods of a workload began to run on each node, between two times.
fn pods_by_node(report: &Value, workload: &str, from_ms: u64) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for entry in report["timeline"].as_array().unwrap() {
        let late = entry["atMs"].as_u64().unwrap() >= from_ms;
        if late && entry["event"] == "podsRunning" && entry["workload"] == workload {
            let node = entry["node"].as_str().unwrap().to_owned();
            *counts.entry(node).or_default() += entry["pods"].as_u64().unwrap();
        }
    }
    counts
}

/// The same by zone.
fn pods_by_zone(report: &Value, workload: &str, from_ms: u64) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (name, pods) in pods_by_node(report, workload, from_ms) {
        let all = nodes(report);
        let node = all.iter().find(|node| node["node"] == name.as_str());
        let zone = node.unwrap()["zone"].as_str().unwrap().to_owned();
        *counts.entry(zone).or_default() += pods;
    }
    counts
}

#[test]
fn topology_spread_keeps_zones_even_and_nodes_apart() {
    let report = simulate("topology-spread");
    assert_eq!(started(&report), 9);
    let zones = pods_by_zone(&report, "Deployment default/web", 0);
    let most = zones.values().max().unwrap();
    let least = zones.values().min().unwrap();
    assert!(zones.len() >= 3 && most - least <= 1, "{zones:?}");
    let nodes = pods_by_node(&report, "Deployment default/web", 0);
    assert!(nodes.values().all(|pods| *pods == 1), "{nodes:?}");
}

#[test]
fn anti_affinity_keeps_members_in_zones_of_their_own_and_gateways_on_nodes_of_their_own() {
    let report = simulate("anti-affinity");
    assert_eq!(started(&report), 9);
    let database = pods_by_zone(&report, "StatefulSet default/database", 0);
    assert_eq!(database.values().copied().collect::<Vec<_>>(), [1, 1, 1]);
    let gateways = pods_by_node(&report, "Deployment default/gateway", 0);
    assert_eq!(gateways.values().copied().collect::<Vec<_>>(), [1, 1, 1, 1]);
    let caches = pods_by_zone(&report, "Deployment default/cache", 0);
    assert!(
        caches.keys().all(|zone| database.contains_key(zone)),
        "{caches:?} {database:?}"
    );
}

#[test]
fn a_stateful_set_comes_back_to_the_zones_of_its_volumes() {
    let report = simulate("statefulset-volumes");
    assert_eq!(started(&report), 6);
    let queue = "StatefulSet default/queue";
    let later = 20 * 60 * 1000;
    let again = pods_by_zone(&report, queue, later);
    assert_eq!(again.values().copied().collect::<Vec<_>>(), [1, 1, 1]);
    let both = pods_by_zone(&report, queue, 0);
    assert_eq!(both.values().copied().collect::<Vec<_>>(), [2, 2, 2]);
    let gone = nodes(&report)
        .into_iter()
        .filter(|node| node["goneMs"].is_u64());
    assert_eq!(
        gone.count(),
        3,
        "the first nodes went while the set was off"
    );
}

#[test]
fn without_spot_capacity_the_lighter_pool_takes_over() {
    let report = simulate("spot-fallback");
    assert_eq!(started(&report), 8);
    let outage = 5 * 60 * 1000;
    for node in nodes(&report) {
        let before = node["launchedMs"].as_u64().unwrap() < outage;
        let pool = if before { "spot" } else { "on-demand" };
        assert_eq!(node["nodePool"], pool, "{node}");
        assert_eq!(node["capacityType"], pool, "{node}");
    }
}

#[test]
fn daemon_sets_get_their_room_on_each_node() {
    let report = simulate("daemon-sets");
    assert_eq!(started(&report), 6);
    // Six pods of two cores, 200m for the agent and nothing for the profiler, which is for ARM:
    // eight cores would be too few, and so would be sixteen with four of them for the profiler.
    assert_eq!(nodes(&report).len(), 1);
    let claims = report["timeline"].as_array().unwrap();
    let claim = claims.iter().find(|entry| entry["event"] == "claimCreated");
    assert_eq!(claim.unwrap()["requests"]["cpu"], "12200m");
}

#[test]
fn a_capacity_buffer_has_room_ready_for_pods_to_come() {
    let report = simulate("capacity-buffer");
    assert_eq!(started(&report), 6);
    assert!(nodes(&report).iter().all(|node| node["goneMs"].is_null()));
    let scaled = 5 * 60 * 1000;
    let timeline = report["timeline"].as_array().unwrap();
    let at = |entry: &Value| entry["atMs"].as_u64().unwrap();
    let of = |event: &str, from: u64| -> Vec<&Value> {
        let later = timeline.iter().filter(|entry| at(entry) >= from);
        later.filter(|entry| entry["event"] == event).collect()
    };
    // Room is made for four pods and two that may come.
    assert_eq!(of("claimCreated", 0)[0]["requests"]["cpu"], "6");
    let late = of("podsRunning", scaled);
    assert!(
        late.iter().all(|entry| at(entry) < scaled + 5000),
        "{late:?}"
    );
    let pods = late.iter().map(|entry| entry["pods"].as_u64().unwrap());
    assert_eq!(pods.sum::<u64>(), 2);
    // And then for three.
    let again = of("claimCreated", scaled);
    let cpu = again
        .iter()
        .map(|entry| entry["requests"]["cpu"].as_str().unwrap());
    assert_eq!(cpu.collect::<Vec<_>>(), ["3"]);
}

#[test]
fn every_example_is_covered_here_and_has_a_plan() {
    // Days are simulated in a test program of their own.
    let tests = ["examples", "scenarios"].map(|name| {
        let path = format!("crates/karp/tests/{name}.rs");
        std::fs::read_to_string(root().join(path)).unwrap()
    });
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            tests
                .iter()
                .any(|tests| tests.contains(&format!("\"{name}\""))),
            "examples/{name} has no test"
        );
        let path = format!("examples/{name}");
        let plan = json(&["plan", "-f", &path, "-o", "json"], 0);
        assert_eq!(plan["version"], 1);
        assert_eq!(plan["provisioning"]["unschedulable"], serde_json::json!([]));
    }
}
