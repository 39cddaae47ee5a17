//! The result of a run, as values that a program can read.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::timeline::Entry;

/// All that a run has shown. The same input and seed give the same report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this format.
    pub version: u32,
    /// Name of the scenario; empty where none was given.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Virtual milliseconds that passed.
    pub elapsed_ms: u64,
    /// Whether the run ended because nothing happened any more.
    pub settled: bool,
    /// What happened.
    pub timeline: Vec<Entry>,
    /// All nodes that ever were launched, in that order.
    pub nodes: Vec<NodeRow>,
    /// Workloads and how long their pods waited.
    pub workloads: Vec<WorkloadRow>,
    /// Pods that still wait at the end, with the last reason given.
    pub waiting: Vec<WaitingPod>,
    /// Dollars spent.
    pub cost: f64,
    /// What was counted.
    pub tally: Tally,
    /// Where the prices come from.
    pub price_source: String,
    /// What the run took for granted.
    pub notes: Vec<String>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRow {
    /// Name of the Node.
    pub node: String,
    /// Name of the claim.
    pub claim: String,
    /// Its pool.
    pub node_pool: String,
    /// Instance type.
    pub instance_type: String,
    /// Zone.
    pub zone: String,
    /// Capacity type.
    pub capacity_type: String,
    /// Dollars per hour.
    pub price_per_hour: f64,
    /// Launch, in milliseconds from the start.
    pub launched_ms: u64,
    /// End, in milliseconds from the start; none while it lives.
    pub gone_ms: Option<u64>,
    /// Dollars until the end of the node or of the run.
    pub cost: f64,
    /// The most pods, daemons left out, that ran on it at once.
    pub most_pods: usize,
}

/// How long the pods of a workload waited, from creation to running.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRow {
    /// `Kind namespace/name`.
    pub workload: String,
    /// Pods that came to run.
    pub started: usize,
    /// Pods that wait at the end.
    pub waiting: usize,
    /// Shortest wait, in milliseconds.
    pub wait_min_ms: u64,
    /// Median wait, in milliseconds.
    pub wait_median_ms: u64,
    /// Longest wait, in milliseconds.
    pub wait_max_ms: u64,
}

/// A pod that still waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingPod {
    /// `namespace/name`.
    pub pod: String,
    /// The last reason that Karpenter gave, in one line; empty if it gave none.
    pub reason: String,
}

/// What was counted during a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Hours that instances ran, summed up.
    pub node_hours: f64,
    /// Pods that Karpenter asked to leave through the eviction API, by why their node went.
    pub evicted: BTreeMap<String, u64>,
    /// Pods that it deleted whatever protected them, to meet a deadline of their node.
    pub forced: BTreeMap<String, u64>,
    /// Evictions that a disruption budget refused.
    pub refused: u64,
    /// Pods that nobody asked Karpenter to move: they went with their node, or left one that had
    /// failed. By what became of the node.
    pub lost: BTreeMap<String, u64>,
    /// How long pods waited, from creation to running.
    pub waits: Waits,
    /// Pools, by name.
    pub pools: Vec<PoolRow>,
    /// Karpenter's writes to the API server, by method and resource.
    pub writes: BTreeMap<String, u64>,
    /// The last one, in milliseconds from the start.
    pub last_write_ms: Option<u64>,
    /// How often it has looked which nodes may go.
    pub looks: u64,
    /// How often each of its loops has looked at one object, by the loop's name.
    pub reconciles: BTreeMap<String, u64>,
    /// What must never happen and did. Empty unless Karpenter has a defect.
    pub breaches: Vec<Breach>,
    /// The cluster over time.
    pub samples: Vec<Sample>,
}

/// How long pods waited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waits {
    /// Pods that came to run.
    pub pods: usize,
    /// Mean, in milliseconds.
    pub mean_ms: u64,
    /// Half of the pods waited no longer.
    pub p50_ms: u64,
    /// 99 of 100 pods waited no longer.
    pub p99_ms: u64,
    /// No pod waited longer.
    pub max_ms: u64,
}

/// One pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolRow {
    /// Its name.
    pub node_pool: String,
    /// Instances that were launched for it.
    pub launched: usize,
    /// The most that it had at once.
    pub most_nodes: usize,
    /// Hours that they ran, summed up.
    pub node_hours: f64,
    /// Dollars.
    pub cost: f64,
    /// How many went, by why.
    pub removed: BTreeMap<String, u64>,
    /// The most nodes that were going at once because Karpenter wanted them to.
    pub most_going: usize,
    /// What the pool's disruption budgets allowed then; none where they set no bound.
    pub allowed_then: Option<u32>,
}

/// Something that must never happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// Milliseconds from the start.
    pub at_ms: u64,
    /// What happened.
    pub what: String,
}

/// The cluster at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Milliseconds from the start.
    pub at_ms: u64,
    /// Nodes.
    pub nodes: usize,
    /// Pods.
    pub pods: usize,
    /// Pods that wait for a node.
    pub waiting: usize,
    /// What all instances cost, in dollars per hour.
    pub price_per_hour: f64,
}
