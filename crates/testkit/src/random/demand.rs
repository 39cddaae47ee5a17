//! What pods may ask for, as patches of their spec.

use serde_json::{Value, json};

use super::dice::Dice;

pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
pub(super) const ZONES: [&str; 4] = ["test-zone-a", "test-zone-b", "test-zone-c", "test-zone-d"];
pub(super) const CAPACITY_TYPES: [&str; 2] = ["spot", "on-demand"];
pub(super) const TEAMS: [&str; 3] = ["a", "b", "c"];
pub(super) const APPS: [&str; 4] = ["web", "db", "cache", "job"];

/// Labels that rules between pods are about, the usual ones more often.
const TOPOLOGY_KEYS: [&str; 6] = [
    ZONE,
    ZONE,
    "kubernetes.io/hostname",
    "kubernetes.io/hostname",
    "karpenter.sh/capacity-type",
    "team",
];

/// Any demand of a pod of this app.
pub(super) fn any(dice: &mut Dice, app: &str) -> Value {
    match dice.below(13) {
        0 => json!({"nodeSelector": selector(dice)}),
        1 => node_affinity(dice),
        2..=5 => spread(dice, app),
        6 | 7 => rule(dice, app, "podAffinity"),
        8..=10 => rule(dice, app, "podAntiAffinity"),
        11 => json!({"containers": [{"name": "main",
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
            "ports": [{"containerPort": 80, "hostPort": dice.between(1, 3)}]}]}),
        _ => json!({"initContainers": [{"name": "init",
            "resources": {"requests": {"cpu": "3", "memory": "64Mi"}}}],
            "overhead": {"memory": "64Mi"}}),
    }
}

fn selector(dice: &mut Dice) -> Value {
    match dice.below(5) {
        0 | 1 => json!({ZONE: dice.one(&ZONES)}),
        2 => json!({"kubernetes.io/arch": dice.one(&["amd64", "arm64"])}),
        3 => json!({"karpenter.sh/capacity-type": dice.one(&CAPACITY_TYPES)}),
        _ => json!({"team": dice.one(&TEAMS)}),
    }
}

fn expression(dice: &mut Dice) -> Value {
    match dice.below(8) {
        5 => json!({"key": "team", "operator": "NotIn", "values": dice.some(&TEAMS)}),
        6 => json!({"key": "team", "operator": dice.one(&["Gt", "Lt"]), "values": ["7"]}),
        7 => json!({"key": "node.kubernetes.io/instance-type", "operator": "In",
            "values": dice.some(&["c-4x-amd64-linux", "m-8x-arm64-linux", "s-2x-amd64-linux"])}),
        0 => {
            json!({"key": ZONE, "operator": dice.one(&["In", "NotIn"]), "values": dice.some(&ZONES[..3])})
        }
        1 => json!({"key": "team", "operator": "In", "values": dice.some(&TEAMS)}),
        2 => json!({"key": "team", "operator": dice.one(&["Exists", "DoesNotExist"])}),
        3 => json!({"key": "karpenter.sh/capacity-type", "operator": "In",
            "values": [dice.one(&CAPACITY_TYPES)]}),
        _ => json!({"key": "karpenter.kwok.sh/instance-cpu", "operator": dice.one(&["Gt", "Lt"]),
            "values": [dice.one(&["2", "8", "32"])]}),
    }
}

fn node_affinity(dice: &mut Dice) -> Value {
    let term = |dice: &mut Dice| {
        let expressions: Vec<Value> = (0..dice.between(1, 2)).map(|_| expression(dice)).collect();
        json!({"matchExpressions": expressions})
    };
    let rules = if dice.chance(60) {
        let terms: Vec<Value> = (0..dice.between(1, 2)).map(|_| term(dice)).collect();
        json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}})
    } else {
        json!({"preferredDuringSchedulingIgnoredDuringExecution":
            [{"weight": dice.between(1, 100), "preference": term(dice)}]})
    };
    json!({"affinity": {"nodeAffinity": rules}})
}

fn spread(dice: &mut Dice, app: &str) -> Value {
    let mut constraints: Vec<Value> = Vec::new();
    for _ in 0..dice.one(&[1, 1, 1, 2]) {
        let constraint = one_spread(dice, app);
        // Kubernetes allows no two of a key.
        if constraints
            .iter()
            .all(|other| other["topologyKey"] != constraint["topologyKey"])
        {
            constraints.push(constraint);
        }
    }
    json!({"topologySpreadConstraints": constraints})
}

fn one_spread(dice: &mut Dice, app: &str) -> Value {
    let hard = dice.chance(75);
    let mut constraint = json!({
        "maxSkew": dice.one(&[1, 1, 2]),
        "topologyKey": dice.one(&TOPOLOGY_KEYS),
        "whenUnsatisfiable": if hard { "DoNotSchedule" } else { "ScheduleAnyway" },
        "labelSelector": pods(dice, app),
    });
    if hard && dice.chance(20) {
        constraint["minDomains"] = json!(dice.between(2, 4));
    }
    if dice.chance(15) {
        constraint["nodeAffinityPolicy"] = json!("Ignore");
    }
    if dice.chance(15) {
        constraint["nodeTaintsPolicy"] = json!("Honor");
    }
    if dice.chance(15) {
        constraint["matchLabelKeys"] = json!(["version"]);
    }
    constraint
}

/// A selector, mostly of the pod's own app.
fn pods(dice: &mut Dice, app: &str) -> Value {
    match dice.below(8) {
        0 => json!({"matchLabels": {"app": dice.one(&APPS)}}),
        1 => json!({"matchExpressions":
            [{"key": "app", "operator": "In", "values": dice.some(&APPS)}]}),
        _ => json!({"matchLabels": {"app": app}}),
    }
}

fn rule(dice: &mut Dice, app: &str, kind: &str) -> Value {
    let mut term = json!({
        "topologyKey": dice.one(&TOPOLOGY_KEYS),
        "labelSelector": pods(dice, app),
    });
    match dice.below(10) {
        0 => term["namespaces"] = json!(["other"]),
        1 => term["namespaceSelector"] = json!({"matchLabels": {"stage": "live"}}),
        2 => term["namespaceSelector"] = json!({}),
        3 => term["matchLabelKeys"] = json!(["version"]),
        4 => term["mismatchLabelKeys"] = json!(["version"]),
        _ => {}
    }
    let rules = if dice.chance(75) {
        json!({"requiredDuringSchedulingIgnoredDuringExecution": [term]})
    } else {
        json!({"preferredDuringSchedulingIgnoredDuringExecution":
            [{"weight": dice.between(1, 100), "podAffinityTerm": term}]})
    };
    json!({"affinity": {kind: rules}})
}
