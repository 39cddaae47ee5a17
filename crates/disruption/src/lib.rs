//! Which nodes may go, and why the others stay.
//!
//! [`plan`] looks at every node of a snapshot and answers with commands, and with a reason for each
//! node that stays. [`validate()`] looks at a command again just before it is performed. [`budget`]
//! says how many nodes may be going at once, [`quiet`] which nodes have been left alone for long
//! enough.
//!
//! This version removes empty nodes. What is *not* here yet: consolidation of nodes that have pods
//! and drift; such nodes are kept with a reason that says so ([`Why::NotBuilt`]). What will never
//! be here: forceful removal (expiry, repair, time-outs), which asks nobody (`lifecycle`), and any
//! call.

pub mod balanced;
pub mod budget;
mod candidate;
mod command;
pub mod cost;
pub mod cron;
#[cfg_attr(not(test), expect(dead_code, reason = "consolidation reads it"))]
mod drift;
mod emptiness;
#[cfg_attr(not(test), expect(dead_code, reason = "consolidation reads it"))]
mod expiry;
mod options;
pub mod quiet;
mod reason;
mod renewal;
#[cfg(test)]
mod testing;
mod validate;
mod why;

use std::collections::BTreeMap;

use cluster::Snapshot;
use model::Timestamp;

pub use command::{Candidate, Command, Decision, Kept, Move, Plan};
pub use options::{Memory, Options, Payback, SpotToSpot};
pub use reason::{Class, Reason};
pub use validate::{Because, Rejected, Validated, still_may_go, validate};
pub use why::Why;

/// What to do with the nodes of a snapshot now. `seed` decides only what nothing else does.
pub fn plan(
    _memory: &mut Memory,
    snapshot: &Snapshot,
    _options: &Options,
    now: Timestamp,
    _seed: u64,
) -> Plan {
    let budgets: BTreeMap<_, _> = budget::budgets(snapshot, now);
    let (empty, mut kept) = emptiness::look(snapshot, now);
    let eligible = BTreeMap::from([(Reason::Empty, empty.len())]);
    let (taken, over) = emptiness::within_budgets(empty, &budgets);
    kept.extend(over);
    kept.sort_by(|a, b| a.node.cmp(&b.node));
    Plan {
        commands: emptiness::command(taken).into_iter().collect(),
        kept,
        budgets: budgets.into_values().collect(),
        eligible,
    }
}

#[cfg(test)]
mod tests;
