//! What happened, in order: the time line of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// One line of the time line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Milliseconds from the start.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// Something worth a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Happening {
    /// A workload asks for another number of pods.
    Scaled {
        /// `Kind namespace/name`.
        workload: String,
        /// Pods before.
        from: u64,
        /// Pods now.
        to: u64,
    },
    /// A step of the scenario.
    Step {
        /// What it did.
        text: String,
    },
    /// Pods of a workload have appeared and wait for a node.
    PodsWaiting {
        /// `Kind namespace/name` of their owner.
        workload: String,
        /// How many.
        pods: usize,
    },
    /// A NodeClaim was created.
    ClaimCreated {
        /// Name.
        claim: String,
        /// Its pool.
        pool: String,
        /// What its pods and daemons request.
        requests: BTreeMap<String, String>,
        /// How many instance types it leaves open.
        instance_types: usize,
    },
    /// An instance was launched for a claim.
    Launched {
        /// The claim.
        claim: String,
        /// Instance type.
        instance_type: String,
        /// Zone.
        zone: String,
        /// Capacity type.
        capacity_type: String,
        /// Dollars per hour.
        price_per_hour: f64,
        /// Of how many types that hold the pods it was the cheapest.
        cheapest_of: usize,
    },
    /// A claim ended before it had a node.
    ClaimGone {
        /// The claim.
        claim: String,
    },
    /// A node has joined the cluster.
    Joined {
        /// The node.
        node: String,
        /// Its claim.
        claim: String,
        /// Milliseconds since the launch.
        after_ms: u64,
    },
    /// A node takes pods for the first time.
    Ready {
        /// The node.
        node: String,
    },
    /// Pods of a workload run on a node.
    PodsRunning {
        /// `Kind namespace/name` of their owner.
        workload: String,
        /// The node.
        node: String,
        /// How many.
        pods: usize,
    },
    /// Pods of a workload have gone.
    PodsGone {
        /// `Kind namespace/name` of their owner.
        workload: String,
        /// How many.
        pods: usize,
    },
    /// The last pod that is no daemon has left a node.
    Empty {
        /// The node.
        node: String,
    },
    /// Karpenter takes a node away.
    Disrupted {
        /// The node.
        node: String,
        /// Why: `Empty`, `Drifted`, `Underutilized`.
        reason: String,
    },
    /// A node has left the cluster.
    NodeGone {
        /// The node.
        node: String,
        /// Milliseconds since its launch.
        lived_ms: u64,
        /// What it cost, in dollars.
        cost: f64,
    },
    /// An object could not be created or changed.
    Problem {
        /// What the API server said.
        text: String,
    },
}

/// Collects entries and merges those that differ in a count only.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    entries: Vec<Entry>,
}

impl Timeline {
    /// Adds what happened at an offset from the start.
    pub(crate) fn add(&mut self, at: Duration, what: Happening) {
        let at_ms = at.as_millis() as u64;
        let now = self
            .entries
            .iter_mut()
            .rev()
            .take_while(|entry| entry.at_ms == at_ms);
        for entry in now {
            if merge(&mut entry.what, &what) {
                return;
            }
        }
        self.entries.push(Entry { at_ms, what });
    }

    /// The entries in order.
    pub(crate) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// Adds the count of `new` to `old` if they speak of the same pods in the same place.
fn merge(old: &mut Happening, new: &Happening) -> bool {
    use Happening::{PodsGone, PodsRunning, PodsWaiting, Problem};
    match (old, new) {
        (
            PodsWaiting { workload: a, pods },
            PodsWaiting {
                workload: b,
                pods: more,
            },
        )
        | (
            PodsGone { workload: a, pods },
            PodsGone {
                workload: b,
                pods: more,
            },
        ) if a == b => {
            *pods += more;
            true
        }
        (
            PodsRunning {
                workload: a,
                node: on,
                pods,
            },
            PodsRunning {
                workload: b,
                node,
                pods: more,
            },
        ) if a == b && on == node => {
            *pods += more;
            true
        }
        (Problem { text: a }, Problem { text: b }) => a == b,
        _ => false,
    }
}
