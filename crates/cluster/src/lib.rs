//! The state of a cluster, kept up to date by events: the one owner of derived state.
//!
//! ```text
//!  watches ──Event──▶ ┌─────────┐
//!                     │ Cluster │──snapshot()──▶ Snapshot ──▶ scheduling, disruption, plan
//!  our writes ─Intent▶└─────────┘
//! ```
//!
//! [`Cluster`] takes in what watches say and what we have just done, pairs Nodes with NodeClaims,
//! sums up what pods request where, and sorts pending pods by shape. What it holds is a function of
//! the latest objects alone, whatever the order in which they came, repeats and late arrivals
//! included. A [`Snapshot`] is cheap and never changes.
//!
//! Memory: pods of one workload share a [`PodShape`]; one pod of its own costs about 200 bytes.
//!
//! What is *not* here: I/O, clocks, and decisions of where pods go (`scheduling`) or which nodes go
//! (`disruption`).

pub mod budget;
mod daemon;
pub mod decode;
pub mod disposition;
mod event;
mod list;
mod node;
mod owner;
pub mod pod;
mod pool;
pub mod ports;
pub mod requests;
pub mod resources;
pub mod selection;
mod snapshot;
mod store;

pub use budget::{Blocking, Budgets};
pub use daemon::DaemonState;
pub use decode::PodDecoder;
pub use event::{Announced, Change, Event, Gone, Intent, Touched};
pub use list::{List, ListIter};
pub use node::{NodeKey, NodeState};
pub use owner::{Broken, Cluster, Settings, UnknownReadiness};
pub use pod::{
    OWN_LABELS, OwnerKind, PodContent, PodFacts, PodRecord, PodShape, PodUpdate, SchedulingStatus,
    ShapeId,
};
pub use pool::{PoolProblem, PoolState};
pub use ports::HostPort;
pub use resources::{Dimensions, ResourceId, ResourceVec};
pub use selection::{PodProblem, Untaken, Withheld};
pub use snapshot::{BufferPods, DeviceObjects, PendingGroup, Selectors, Snapshot, Volumes};
pub use store::ObjectKey;
