//! The rest of the world: everything around Karpenter in a simulated cluster.
//!
//! A run starts the embedded API server, puts manifests into it, and lets Karpenter's own loops
//! (`controllers::run`, the same code as in a cluster) work on it in virtual time. This crate plays
//! the other parts: workload controllers, pod scheduler, kubelets, disruption controller, node
//! class controllers, and a cloud with real instance types and prices.
//!
//! Those parts are functions from the state to [`write::Write`]s; `engine` is the only place that
//! performs them. A run is a function of its input and its seed.
//!
//! What is *not* here: decisions about nodes, files, and how a run looks to a person (`karp`).

mod budgets;
mod classes;
mod cloud;
mod engine;
mod kubelet;
mod report;
mod scenario;
mod scheduler;
mod state;
mod storage;
mod timeline;
mod wire;
mod workloads;
mod write;

pub use cloud::{Machine, Outage, SimCloud};
pub use engine::{Config, Glimpse, SimError, simulate};
pub use kubelet::Timing;
pub use report::{Breach, NodeRow, PoolRow, Report, Sample, Tally, WaitingPod, Waits, WorkloadRow};
pub use scenario::{
    API_VERSION, Action, Again, Change, Curve, Failure, KIND, Named, OutageSpec, Reclaim, Scenario,
    ScenarioError, Share, Step,
};
pub use timeline::{Entry, Happening};
