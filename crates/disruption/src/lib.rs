//! Which nodes may go, and why the others stay.
//!
//! [`plan`] looks at every node of a snapshot and answers with commands, and with a reason for each
//! node that stays. [`validate()`] looks at a command again just before it is performed. [`budget`]
//! says how many nodes may be going at once, [`quiet`] which nodes have been left alone for long
//! enough.
//!
//! What is *not* here: where pods go (`scheduling`), forceful removal (the end of a claim's life,
//! repair, time-outs), which asks nobody (`lifecycle`), and any call.

pub mod balanced;
pub mod budget;
mod candidate;
mod command;
mod consolidate;
pub mod cost;
pub mod cron;
mod drift;
mod emptiness;
mod expiry;
mod next;
mod options;
mod parts;
mod plan;
pub mod quiet;
mod quota;
mod reason;
mod renew;
mod renewal;
mod stage;
#[cfg(test)]
mod testing;
mod threads;
mod validate;
mod why;

pub use command::{Candidate, Command, Decision, Kept, Move, Plan};
pub use consolidate::Stays;
pub use options::{Memory, Options, Payback, SpotToSpot};
pub use plan::plan;
pub use reason::{Class, Reason};
pub use validate::{Because, Rejected, Validated, still_may_go, validate};
pub use why::Why;

#[cfg(test)]
mod tests;
