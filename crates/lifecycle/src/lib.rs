//! NodeClaims, Nodes and NodePools from one phase to the next, as step functions: facts in, next
//! step out.
//!
//! A step holds the objects as they should be, what to tell, what to count, and what to do next;
//! the loop writes what differs. So a step for which nothing is to be done writes nothing, and a
//! step that was performed halfway is finished by the next.
//!
//! - [`buffer`]: room kept by capacity buffers.
//! - [`claim`]: launch, registration, initialization, giving up. [`finalize`]: its end.
//! - [`node`]: taint, drain, volumes, instance, release. [`evict`]: one pod of a drain.
//! - [`drift`]: whether a node is still what is asked for. [`consistency`]: whether it is what was
//!   promised.
//! - [`repair`]: nodes that are broken.
//! - [`gc`]: what is left over. [`expire`]: age. [`podevents`]: when pods last came or went.
//! - [`pool`]: counter, readiness, validation, record of registrations.
//!
//! What is *not* here: voluntary disruption (`disruption`), calls, and clocks.

pub mod buffer;
pub mod claim;
pub mod conditions;
pub mod consistency;
pub mod drift;
pub mod evict;
pub mod expire;
pub mod finalize;
pub mod gc;
pub mod keys;
pub mod measure;
pub mod node;
pub mod notice;
pub mod podevents;
pub mod pool;
pub mod repair;
#[cfg(test)]
mod testing;

pub use measure::{Belongs, Measure, Removal};
pub use notice::{InitializationLimit, News, Notice, Severity, Subject};
