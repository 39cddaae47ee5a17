//! Which devices a pod's claims get on a node, and what follows from it for the node.
//!
//! [`Allocator::new`] takes everything that stands still during a pass: what drivers have
//! published, what instance types promise, what is held. [`Allocator::allocate`] answers for one
//! candidate (a node that is there, or one that is planned with the types that it may become)
//! whether a pod's claims can be met, with which of its types and in which
//! places; [`Allocator::commit`] keeps the answer, [`Allocator::keep`] gives back what it held for
//! types that a node will not be.
//!
//! Devices are counted by one rule: everything that can run out is a charge against a limit (a
//! whole device has a limit of one), and of a candidate counts the largest charge over its types,
//! because it will be of one type. The search is depth first in a fixed order, and bounded in
//! steps.
//!
//! Pure: no clock, no randomness. What is *not* here: the choice of the candidate (`scheduling`),
//! and writing allocations, which is the Kubernetes scheduler's to do.

mod allocator;
mod charge;
mod classify;
mod constraint;
mod held;
mod inputs;
mod places;
mod plan;
mod pool;
mod reach;
mod refused;
mod search;
mod selector;
mod share;

pub use allocator::{Allocation, Allocator, Candidate, CandidateNode, Granted};
pub use inputs::{Inputs, resolve};
pub use pool::DeviceId;
pub use refused::{Refused, Unsupported};
