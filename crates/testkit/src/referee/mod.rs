//! Checks a placement against the rules, by brute force.
//!
//! Written from the documentation of Kubernetes and the rules of Karpenter, not from the solver: it
//! looks at every pod on every node, and for a planned node at every listed instance type, every
//! offering that the provider may choose and every set of labels that the node may then have. Sums
//! are exact quantities. It reads objects out of the snapshot, and none of the sums and projections
//! that the cluster keeps, except which taints of a young node count.
//!
//! What a placement must be *better* at (price, number of pods placed) is not its business, except
//! that the price of a launch must be what the catalog says.

mod account;
mod affinity;
mod claim;
mod labels;
mod limits;
mod machine;
mod node;
mod requests;
mod violation;

use cluster::Snapshot;
use model::Timestamp;
use scheduling::{Batch, Placement};

pub use violation::Violation;

/// Everything that is wrong with a placement of the batch; empty if it is valid.
pub fn check(
    snapshot: &Snapshot,
    batch: &Batch,
    now: Timestamp,
    placement: &Placement,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    account::check(snapshot, batch, now, placement, &mut violations);
    for claim in &placement.new_claims {
        claim::check(snapshot, claim, &mut violations);
    }
    for existing in &placement.existing {
        node::check(snapshot, batch, existing, &mut violations);
    }
    limits::check(snapshot, placement, &mut violations);
    violations
}
