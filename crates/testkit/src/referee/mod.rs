//! Checks a placement against the rules, by brute force.
//!
//! Written from the documentation of Kubernetes and the rules of Karpenter, not from the solver: it
//! looks at every pod on every node, and for a planned node at every listed instance type, every
//! offering that the provider may choose and every set of labels that the node may then have. Sums
//! are exact quantities. It reads objects out of the snapshot, and none of the sums and projections
//! that the cluster keeps, except which taints of a young node count.
//!
//! Rules between pods are judged in the picture at the end (`picture`): a placement is wrong if
//! there is no order of arrival in which the Kubernetes scheduler would have taken each pod. What a
//! planned node leaves open counts as open. Preferences are no rules.
//!
//! [`round`] checks what disruption wants to do.
//!
//! What a placement must be *better* at (price, number of pods placed) is not its business, except
//! that the price of a launch must be what the catalog says.

mod account;
mod apart;
mod claim;
mod devices;
mod labels;
mod limits;
mod machine;
mod near;
mod node;
mod picture;
mod reach;
mod requests;
mod reserved;
pub mod round;
mod spread;
mod terms;
mod violation;
mod volumes;
mod ways;

use cluster::Snapshot;
use model::Timestamp;
use picture::Picture;
use scheduling::{Batch, Placement};
use ways::Ways;

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
    let mut ways = Ways::new(snapshot, placement);
    for claim in &placement.new_claims {
        claim::check(snapshot, &mut ways, claim, &mut violations);
    }
    for existing in &placement.existing {
        node::check(snapshot, batch, existing, &mut violations);
    }
    limits::check(snapshot, batch, placement, &mut violations);
    reserved::check(placement, &mut violations);
    devices::check(snapshot, placement, &mut violations);
    let displaced = account::displaced(snapshot, batch, now);
    let picture = Picture::new(snapshot, batch, placement, &displaced, &mut ways);
    picture.check_open(&mut violations);
    apart::check(&picture, &mut violations);
    near::check(&picture, &mut violations);
    spread::check(&picture, batch, &mut violations);
    violations
}
