//! The result of a run, as values that a program can read.

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
