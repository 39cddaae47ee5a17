//! Pools, nodes, daemon sets and namespaces.

use serde_json::{Value, json};

use super::demand::{CAPACITY_TYPES, TEAMS, ZONE, ZONES};
use super::dice::Dice;
use crate::build::{self, daemon_set, node, pool};

/// Nodes and what belongs to them.
pub(super) struct Nodes {
    pub(super) names: Vec<String>,
    pub(super) items: Vec<Value>,
}

/// One to three pools.
pub(super) fn pools(dice: &mut Dice) -> Vec<Value> {
    (0..dice.between(1, 3))
        .map(|at| one_pool(dice, at))
        .collect()
}

fn one_pool(dice: &mut Dice, at: usize) -> Value {
    let mut pool = pool(&format!("pool-{at}"));
    if dice.chance(40) {
        pool = pool.weight(dice.one(&[1, 10, 50]));
    }
    if dice.chance(20) {
        pool = pool.taint("dedicated", "x", "NoSchedule");
    }
    if dice.chance(10) {
        pool = pool.taint("rather-not", "x", "PreferNoSchedule");
    }
    match dice.below(9) {
        0 => pool = pool.node_label("team", dice.one(&TEAMS)),
        1 => pool = pool.require("team", "In", &dice.some(&TEAMS)),
        2 => pool = pool.require("team", "Exists", &[]),
        3 => pool = pool.require("team", dice.one(&["Gt", "Lt"]), &["5"]),
        4 => pool = pool.require("team", "NotIn", &["a"]),
        _ => {}
    }
    if dice.chance(20) {
        pool = pool.require(ZONE, dice.one(&["In", "NotIn"]), &dice.some(&ZONES[..3]));
    }
    if dice.chance(20) {
        let key = "karpenter.sh/capacity-type";
        pool = pool.require(key, "In", &dice.some(&CAPACITY_TYPES));
    }
    if dice.chance(20) {
        pool = pool.require("kubernetes.io/arch", "In", &["amd64"]);
    }
    if dice.chance(20) {
        pool = pool.limit("cpu", dice.one(&["4", "20", "100"]));
    }
    if dice.chance(8) {
        pool = pool.limit("memory", dice.one(&["8Gi", "64Gi"]));
    }
    if dice.chance(20) {
        pool = pool.limit("nodes", dice.one(&["1", "2", "5"]));
    }
    let mut json = pool.json();
    if dice.chance(10) {
        json["spec"]["template"]["spec"]["startupTaints"] =
            json!([{"key": "starting", "effect": "NoSchedule"}]);
    }
    if dice.chance(10) {
        let key = dice.one(&["node.kubernetes.io/instance-type", "kubernetes.io/arch"]);
        let item = json!({"key": key, "operator": "Exists", "minValues": dice.between(1, 4)});
        let requirements = &mut json["spec"]["template"]["spec"]["requirements"];
        if let Some(list) = requirements.as_array_mut() {
            list.push(item);
        }
    }
    // It has as many nodes as it says, and gets none for pods.
    if dice.chance(6) {
        json["spec"]["replicas"] = json!(dice.below(3));
    }
    json
}

/// A few nodes, of a pool or of nobody, some of them going.
pub(super) fn nodes(dice: &mut Dice, size: usize) -> Nodes {
    let mut nodes = Nodes {
        names: Vec::new(),
        items: Vec::new(),
    };
    for at in 0..dice.below(4 + size / 8) {
        let name = format!("n{at}");
        one_node(dice, &name, &mut nodes.items);
        nodes.names.push(name);
    }
    for at in 0..dice.one(&[0, 0, 0, 1, 2]) {
        one_launched(dice, &format!("launched-{at}"), &mut nodes.items);
    }
    nodes
}

fn one_node(dice: &mut Dice, name: &str, items: &mut Vec<Value>) {
    let mut node = node(name)
        .amount("cpu", dice.one(&["2", "4", "16"]))
        .label("kubernetes.io/arch", "amd64")
        .label("kubernetes.io/os", "linux");
    // A node without a zone is in no domain.
    if dice.chance(90) {
        node = node.label(ZONE, dice.one(&ZONES));
    }
    if dice.chance(80) {
        node = node.label("karpenter.sh/capacity-type", dice.one(&CAPACITY_TYPES));
    }
    if dice.chance(30) {
        node = node.label("team", dice.one(&TEAMS));
    }
    if dice.chance(15) {
        node = node.taint("dedicated", "x", "NoSchedule");
    }
    if dice.chance(8) {
        node = node.taint("rather-not", "x", "PreferNoSchedule");
    }
    if dice.chance(5) {
        node = node.with(&json!({"spec": {"unschedulable": true}}));
    }
    if dice.chance(15) {
        node = node.amount("example.com/gpu", "2");
    }
    if dice.chance(15) {
        let csi = json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
            "metadata": {"name": name}, "spec": {"drivers": [{"name": "disk.example.com",
                "nodeID": name, "allocatable": {"count": dice.between(1, 3)}}]}});
        items.push(csi);
    }
    if dice.chance(60) {
        let id = format!("id-{name}");
        let mut claim = build::claim(&format!("claim-{name}"), "pool-0").provider_id(&id);
        node = node.provider_id(&id).of_pool("pool-0", "c-4x-amd64-linux");
        if dice.chance(15) {
            claim = claim.with(
                &json!({"metadata": {"finalizers": ["karpenter.sh/termination"],
                "deletionTimestamp": "1970-01-01T00:00:00Z"}}),
            );
        }
        items.push(claim.json());
    }
    items.push(node.json());
}

/// A machine that was launched and has not joined: a claim without a node.
fn one_launched(dice: &mut Dice, name: &str, items: &mut Vec<Value>) {
    let mut claim = build::claim(name, "pool-0")
        .provider_id(&format!("id-{name}"))
        .label("node.kubernetes.io/instance-type", "c-4x-amd64-linux")
        .label("kubernetes.io/arch", "amd64")
        .label("kubernetes.io/os", "linux")
        .label(ZONE, dice.one(&ZONES))
        .label("karpenter.sh/capacity-type", dice.one(&CAPACITY_TYPES))
        .amount("cpu", "4")
        .amount("memory", "16Gi")
        .amount("pods", "110");
    if dice.chance(30) {
        claim = claim.with(&json!({"spec": {"startupTaints":
            [{"key": "starting", "effect": "NoSchedule"}]}}));
    }
    items.push(claim.json());
}

/// Up to two daemon sets.
pub(super) fn daemons(dice: &mut Dice) -> Vec<Value> {
    let mut daemons = Vec::new();
    for at in 0..dice.below(3) {
        let mut daemon = daemon_set(&format!("d{at}")).request("cpu", dice.one(&["50m", "700m"]));
        let patch = match dice.below(8) {
            0 | 1 => json!({"nodeSelector": {"kubernetes.io/arch": "arm64"}}),
            2 => json!({"nodeSelector": {"team": dice.one(&TEAMS)}}),
            3 => json!({"affinity": {"nodeAffinity":
                {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                    {"matchExpressions": [{"key": ZONE, "operator": dice.one(&["In", "NotIn"]),
                        "values": dice.some(&ZONES[..3])}]},
                    {"matchExpressions": [{"key": "karpenter.sh/capacity-type", "operator": "In",
                        "values": [dice.one(&CAPACITY_TYPES)]}]}]}}}}),
            4 => json!({"containers": [{"name": "main",
                "resources": {"requests": {"cpu": "50m"}},
                "ports": [{"containerPort": 80, "hostPort": dice.between(1, 3)}]}]}),
            5 => json!({"tolerations": []}),
            _ => json!({}),
        };
        daemon = daemon.with(&json!({"spec": {"template": {"spec": patch}}}));
        daemons.push(daemon.json());
    }
    daemons
}

/// Two namespaces.
pub(super) fn namespaces() -> Vec<Value> {
    let namespace = |name: &str, stage: &str| {
        json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {"stage": stage}}})
    };
    vec![namespace("default", "live"), namespace("other", "test")]
}
