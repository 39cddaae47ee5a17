//! Random clusters for disruption: nodes of pools with running pods, what protects them, and
//! budgets.
//!
//! Everything is placed legally as far as amounts go; rules of pods about other pods may be broken
//! from the start, as they may be in any cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::cluster::Snapshot;
use catalog::{CapacityType, InstanceType, Offering, kwok};
use disruption::{Memory, Options, Plan, SpotToSpot, plan};
use model::Timestamp;
use model::{Quantity, ResourceList};
use serde_json::{Value, json};

use super::cluster as objects;
use super::demand::{self, APPS, TEAMS};
use super::dice::Dice;
use super::{extras, options, types};
use crate::build::{Builder, pod, pool};
use crate::joined::joined;
use crate::referee::round::{self, Fault};

/// All is looked at a day after the epoch.
const NOW: Timestamp = Timestamp::from_seconds(86_400);

/// A random cluster and the settings of a look at it.
#[derive(Clone, Debug)]
pub struct RandomCluster {
    /// The objects.
    pub items: Vec<Value>,
    /// What all pools can launch.
    pub types: Arc<[Arc<InstanceType>]>,
    /// The settings.
    pub options: Options,
    /// The clock.
    pub now: Timestamp,
}

/// The cluster of this seed with about `size` pods.
pub fn cluster(seed: u64, size: usize) -> RandomCluster {
    let mut dice = Dice::new(seed ^ 0xd15);
    let types = types(&mut dice);
    let pools: Vec<Value> = (0..dice.between(1, 3))
        .map(|at| one_pool(&mut dice, at))
        .collect();
    let mut items = objects::namespaces();
    items.extend(objects::daemons(&mut dice));
    let mut machines = machines(&mut dice, &pools, &types, 2 + size / 4);
    items.extend(pods(&mut dice, size, &mut machines));
    items.extend(machines.into_iter().flat_map(|machine| machine.items));
    items.extend(pools);
    items.extend(protections(&mut dice));
    RandomCluster {
        items,
        types,
        options: Options {
            scheduling: options(&mut dice),
            spot_to_spot: dice.one(&[SpotToSpot::Off, SpotToSpot::On]),
            ..Options::default()
        },
        now: NOW,
    }
}

impl RandomCluster {
    /// The cluster.
    pub fn snapshot(&self) -> Snapshot {
        let vocabulary = kwok::standard().vocabulary();
        crate::world::cluster_of(&self.items, vocabulary, &self.types).snapshot()
    }

    /// What is to be done now.
    pub fn plan(&self, snapshot: &Snapshot) -> Plan {
        plan(&mut Memory::default(), snapshot, &self.options, self.now, 1)
    }

    /// What is wrong with it.
    pub fn faults(&self) -> Vec<Fault> {
        let snapshot = self.snapshot();
        round::check(&snapshot, &self.options, self.now, &self.plan(&snapshot))
    }

    /// The same cluster, whose objects come in another order.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut shuffled = self.clone();
        Dice::new(seed).shuffle(&mut shuffled.items);
        shuffled
    }
}

/// A pool that is mostly willing to give up nodes.
fn one_pool(dice: &mut Dice, at: usize) -> Value {
    let mut made = pool(&format!("pool-{at}"));
    if dice.chance(30) {
        made = made.weight(dice.one(&[1, 10]));
    }
    if dice.chance(15) {
        made = made.taint("dedicated", "x", "NoSchedule");
    }
    if dice.chance(20) {
        made = made.node_label("team", dice.one(&TEAMS));
    }
    if dice.chance(25) {
        let key = "karpenter.sh/capacity-type";
        made = made.require(key, "In", &dice.some(&demand::CAPACITY_TYPES));
    }
    if dice.chance(15) {
        made = made.limit("cpu", dice.one(&["20", "100"]));
    }
    if dice.chance(15) {
        made = made.limit("nodes", dice.one(&["3", "8"]));
    }
    let budget = |dice: &mut Dice| {
        let mut budget = json!({"nodes": dice.one(&["0", "1", "3", "50%", "100%", "100%"])});
        if dice.chance(30) {
            budget["reasons"] = json!(dice.some(&["Empty", "Underutilized", "Drifted"]));
        }
        if dice.chance(20) {
            let schedule = dice.one(&["@daily", "0 12 * * *", "*/30 * * * fri", "0 0 1 * *"]);
            budget["schedule"] = json!(schedule);
            budget["duration"] = json!(dice.one(&["1h", "13h"]));
        }
        budget
    };
    let budgets: Vec<Value> = match dice.below(4) {
        0 => vec![budget(dice), budget(dice)],
        1 => vec![budget(dice)],
        _ => vec![json!({"nodes": "100%"})],
    };
    let policies = [
        "WhenEmpty",
        "Balanced",
        "Balanced",
        "WhenEmptyOrUnderutilized",
        "WhenEmptyOrUnderutilized",
        "WhenEmptyOrUnderutilized",
    ];
    let mut json = made.json();
    json["spec"]["disruption"] = json!({
        "consolidateAfter": dice.one(&["0s", "0s", "0s", "30m", "13h", "Never"]),
        "consolidationPolicy": dice.one(&policies),
        "budgets": budgets,
    });
    if dice.chance(15) {
        json["spec"]["template"]["spec"]["terminationGracePeriod"] = json!("1h");
    }
    if dice.chance(10) {
        json["spec"]["replicas"] = json!(dice.between(1, 4));
    }
    json
}

/// A machine, and what is left on it.
struct Machine {
    name: String,
    items: Vec<Value>,
    room: ResourceList,
    tainted: bool,
}

fn machines(
    dice: &mut Dice,
    pools: &[Value],
    types: &[Arc<InstanceType>],
    most: usize,
) -> Vec<Machine> {
    let count = dice.between(1, most);
    let one = |at: usize| {
        let pool = &pools[dice.below(pools.len())];
        let known = &types[dice.below(types.len())];
        let not_reserved = |o: &&Offering| o.capacity_type != CapacityType::Reserved;
        let offerings: Vec<&Offering> = known.offerings.iter().filter(not_reserved).collect();
        let offering = offerings[dice.below(offerings.len())];
        machine(dice, pool, (known, offering), &format!("n{at:02}"))
    };
    (0..count).map(one).collect()
}

fn machine(
    dice: &mut Dice,
    pool: &Value,
    (known, offering): (&InstanceType, &Offering),
    name: &str,
) -> Machine {
    let pool_name = pool["metadata"]["name"].as_str().unwrap_or_default();
    let template = &pool["spec"]["template"];
    let hours = dice.one(&[1, 12, 23]);
    let since = NOW.before(Duration::from_hours(hours));
    let mut made = joined(name, pool_name, (known, offering), since);
    let taints = &template["spec"]["taints"];
    if taints.is_array() {
        made = made.with(&json!({"spec": {"taints": taints}}));
    }
    if template["metadata"]["labels"].is_object() {
        made = made.with(&json!({"metadata": {"labels": template["metadata"]["labels"]}}));
    }
    let period = &template["spec"]["terminationGracePeriod"];
    if !period.is_null() {
        made.claim = made
            .claim
            .with(&json!({"spec": {"terminationGracePeriod": period}}));
    }
    if dice.chance(10) {
        let quiet = NOW.before(Duration::from_mins(dice.one(&[5, 45])));
        made.claim = made
            .claim
            .with(&json!({"status": {"lastPodEventTime": quiet}}));
    }
    odd(dice, &mut made);
    Machine {
        name: name.to_owned(),
        items: made.json().into(),
        room: known.allocatable_of(offering),
        tainted: taints.is_array(),
    }
}

/// Some machines are not as usual.
fn odd(dice: &mut Dice, made: &mut crate::joined::Joined) {
    let condition = |name: &str, status: &str| json!({"type": name, "status": status, "lastTransitionTime": Timestamp::EPOCH});
    let mut claim = made.claim.json();
    let conditions = claim["status"]["conditions"].as_array_mut();
    match dice.below(40) {
        0..=3 => conditions
            .into_iter()
            .for_each(|c| c.push(condition("Drifted", "True"))),
        4 => conditions
            .into_iter()
            .for_each(|c| c.retain(|c| c["type"] != "Consolidatable")),
        5 => {
            claim["metadata"]["deletionTimestamp"] = json!(NOW);
            claim["metadata"]["finalizers"] = json!(["karpenter.sh/termination"]);
        }
        6 => {
            let ready = json!({"status": {"conditions": [condition("Ready", "False")]}});
            made.node = made.node.clone().with(&ready);
        }
        7 => {
            let young = json!({"metadata": {"labels": {"karpenter.sh/initialized": "false"}}});
            made.node = made.node.clone().with(&young);
        }
        8 => {
            made.node = made
                .node
                .clone()
                .annotation("karpenter.sh/do-not-disrupt", "true");
        }
        9 => claim["spec"]["expireAfter"] = json!("24h"),
        _ => {}
    }
    made.claim = made.claim.clone().with(&claim);
}

/// Running pods where there is room, and a few pending ones.
fn pods(dice: &mut Dice, size: usize, machines: &mut [Machine]) -> Vec<Value> {
    let mut items = Vec::new();
    let mut workload = 0;
    while items.len() < size.max(3) {
        let app = dice.one(&APPS);
        let (cpu, memory) = (
            dice.one(&["100m", "500m", "1", "3500m"]),
            dice.one(&["64Mi", "1Gi"]),
        );
        let patch = if dice.chance(40) {
            demand::any(dice, app)
        } else {
            json!({})
        };
        let owner = dice.one(&[
            "ReplicaSet",
            "ReplicaSet",
            "ReplicaSet",
            "StatefulSet",
            "DaemonSet",
        ]);
        let pending = dice.chance(8);
        for number in 0..dice.one(&[1, 2, 3, 5, 8]) {
            let name = format!("w{workload}-{number}");
            let mut made = pod(&name)
                .cpu(cpu)
                .memory(memory)
                .label("app", app)
                .with(&json!({"spec": patch}))
                .owner("apps/v1", owner, &format!("w{workload}"));
            let needed: [(&str, Quantity); 3] = [
                ("cpu", amount(cpu)),
                ("memory", amount(memory)),
                ("pods", Quantity::from_units(1)),
            ];
            let fits = |machine: &&mut Machine| {
                let room = |(resource, needed): &(&str, Quantity)| {
                    machine
                        .room
                        .get(*resource)
                        .is_some_and(|room| room >= needed)
                };
                needed.iter().all(room)
            };
            let mut able: Vec<&mut Machine> = machines.iter_mut().filter(fits).collect();
            if !pending && !able.is_empty() {
                let at = dice.below(able.len());
                let machine: &mut Machine = able[at];
                for (resource, needed) in &needed {
                    if let Some(room) = machine.room.get_mut(*resource) {
                        *room -= *needed;
                    }
                }
                if machine.tainted {
                    made = made.tolerate("dedicated");
                }
                made = running(dice, made, &machine.name);
            }
            items.push(made.json());
        }
        workload += 1;
    }
    items
}

fn amount(text: &str) -> Quantity {
    text.parse().unwrap_or_default()
}

/// A pod on a node, now and then with something that makes it special.
fn running(
    dice: &mut Dice,
    made: Builder<model::k8s::Pod>,
    node: &str,
) -> Builder<model::k8s::Pod> {
    let hours = dice.one(&[1, 12, 23]);
    let start = NOW.before(Duration::from_hours(hours));
    let made = made.on(node).with(&json!({"status": {"startTime": start}}));
    match dice.below(40) {
        0 => made.annotation("karpenter.sh/do-not-disrupt", "true"),
        1 => made.annotation("karpenter.sh/do-not-disrupt", "6h"),
        2 => {
            let cost = dice.one(&["-2147483648", "1000000", "2147483647"]);
            made.annotation("controller.kubernetes.io/pod-deletion-cost", cost)
        }
        3 => made.with(&json!({"metadata": {"deletionTimestamp": NOW}})),
        4 => made.with(&json!({"status": {"phase": "Succeeded"}})),
        5 => made.with(&json!({"spec": {"tolerations": [{"operator": "Exists"}]}})),
        6 => made.with(&json!({"spec": {"priority": 100_000_000}})),
        _ => made,
    }
}

/// Budgets of pods.
fn protections(dice: &mut Dice) -> Vec<Value> {
    let mut budgets: BTreeMap<&str, Value> = BTreeMap::new();
    for at in 0..dice.one(&[0, 0, 1, 2]) {
        let app = dice.one(&APPS);
        let mut budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": format!("budget-{at}"), "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": app}}},
            "status": {"disruptionsAllowed": dice.below(3)}});
        match dice.below(4) {
            0 => budget["spec"]["maxUnavailable"] = json!(0),
            1 => budget["spec"]["minAvailable"] = json!("100%"),
            _ => budget["spec"]["maxUnavailable"] = json!(1),
        }
        budgets.insert(app, budget);
    }
    budgets.into_values().chain(extras::budgets(dice)).collect()
}
