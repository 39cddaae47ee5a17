//! Who decides which nodes go, as the loop sees it.
//!
//! The product has one answer, the crate `disruption`. Tests of how commands are performed bring
//! commands of their own.

use ::disruption::{Command, Memory, Options, Plan, Validated, plan, validate};
use cluster::Snapshot;
use model::Timestamp;

/// Decides which nodes go.
pub(crate) trait Decide: Send + Sync {
    /// What to do now.
    fn plan(&mut self, snapshot: &Snapshot, options: &Options, now: Timestamp, seed: u64) -> Plan;

    /// What is left of commands a while later.
    fn validate(
        &mut self,
        commands: Vec<Command>,
        snapshot: &Snapshot,
        options: &Options,
        now: Timestamp,
    ) -> Validated;
}

/// The product's decisions.
#[derive(Default)]
pub(crate) struct Product {
    memory: Memory,
}

impl Decide for Product {
    fn plan(&mut self, snapshot: &Snapshot, options: &Options, now: Timestamp, seed: u64) -> Plan {
        plan(&mut self.memory, snapshot, options, now, seed)
    }

    fn validate(
        &mut self,
        commands: Vec<Command>,
        snapshot: &Snapshot,
        options: &Options,
        now: Timestamp,
    ) -> Validated {
        validate(&mut self.memory, commands, snapshot, options, now)
    }
}
