//! `solve`: every pending pod with the node it gets, or with the reasons why it gets none.
//!
//! A pass has four steps, each a module: `index` turns a snapshot into numbers (`problem`), `pack`
//! places classes of equal pods on nodes under a few policies (`policy`), `claims` turns the
//! cheapest answer that places most pods into node claims, `explain` says what would have to change
//! for the pods that are left.
//!
//! Pure: no clock, no randomness, no I/O. The same snapshot, options, time and seed give the same
//! placement, in whatever order the pods came.
//!
//! Rules of pods about other pods (spread, affinity, anti-affinity) are counters (`topology`). Pods
//! whose claims want devices are placed first, one by one (`first`, `pack::devices`); which devices
//! they get is found by the crate `devices`.

mod bound;
mod claims;
pub mod default_spread;
mod explain;
mod first;
mod improve;
mod index;
mod intern;
mod mask;
mod memory;
mod node_claim;
mod options;
mod pack;
mod placement;
mod policy;
mod portfolio;
mod problem;
mod random;
mod reason;
mod shelf;
mod solve;
#[cfg(test)]
mod testing;
mod topology;
mod types;
mod view;
pub mod volumes;
pub mod what_if;
mod zones;

pub use memory::{Memory, Remembered};
pub use node_claim::{template_claim, template_plan};
pub use options::{
    Batch, BatchPods, Effort, LowerBound, MinValuesPolicy, NewNodes, Options, PreferencePolicy,
    Pricing, Reserved, ResourceClaims, TaintLabels,
};
pub use pack::Counters;
pub use placement::{
    Candidate, ExistingPlacement, Launch, MinValuesOutcome, Placement, PlannedClaim, Refusal,
    Unplaced,
};
pub use reason::{Rejection, TopologyKind, TopologyRefusal};
pub use solve::{classes, solve, solve_with};
pub use zones::EffectiveZones;
