//! Checks a round of disruption against the rules, by brute force.
//!
//! Written from the rules of Karpenter, not from the code that decides: it looks at every node that
//! goes, every pod on it, every budget and every type that may be launched. A round is judged as a
//! whole: all its commands are performed together, so the picture at the end, with all candidates
//! gone and all replacements there, must be legal ([`super::check`]), and budgets and limits hold
//! for their sum.
//!
//! What a round must be *better* at (how much it saves, how few pods it moves) is not its business.

mod balanced;
mod budget;
mod candidate;
mod cron;
mod facts;
mod fault;
mod fixed;
mod moves;
mod price;

use std::collections::{BTreeMap, BTreeSet};

use cluster::{NodeState, Snapshot};
use disruption::{Command, Options, Plan, Reason, SpotToSpot};
use model::Timestamp;

pub use fault::{Bar, Fault};

/// Everything that is wrong with a round of disruption; empty if it is valid.
pub fn check(snapshot: &Snapshot, options: &Options, now: Timestamp, plan: &Plan) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (command, of) in plan.commands.iter().enumerate() {
        if of.candidates.is_empty() {
            faults.push(Fault::Nothing { command });
        }
    }
    let candidates = plan.commands.iter().flat_map(|command| &command.candidates);
    let look = Look {
        snapshot,
        spot_to_spot: options.spot_to_spot,
        now,
        plan,
        nodes: snapshot
            .nodes
            .iter()
            .map(|node| (&**node.name(), &**node))
            .collect(),
        going: candidates.map(|candidate| &*candidate.node).collect(),
    };
    candidate::check(&look, &mut faults);
    budget::check(&look, &mut faults);
    fixed::check(&look, &mut faults);
    price::check(&look, &mut faults);
    balanced::check(&look, &mut faults);
    moves::check(&look, &mut faults);
    faults
}

/// What is judged.
struct Look<'a> {
    snapshot: &'a Snapshot,
    spot_to_spot: SpotToSpot,
    now: Timestamp,
    plan: &'a Plan,
    nodes: BTreeMap<&'a str, &'a NodeState>,
    /// Nodes that go in this round.
    going: BTreeSet<&'a str>,
}

/// What budgets call it: nodes that expire are renewed as drifted ones are.
fn budgeted_as(why: Reason) -> &'static str {
    match why {
        Reason::Empty => "Empty",
        Reason::Underutilized => "Underutilized",
        Reason::Drifted | Reason::Expired => "Drifted",
    }
}

impl<'a> Look<'a> {
    /// Commands with their reason.
    fn commands(&self) -> impl Iterator<Item = (&'a Command, Reason)> {
        let commands = self.plan.commands.iter();
        commands.map(|command| (command, command.reason))
    }

    fn node(&self, name: &str) -> Option<&'a NodeState> {
        self.nodes.get(name).copied()
    }

    /// Whether the node is of a pool with a fixed number of nodes.
    fn is_fixed(&self, node: &NodeState) -> bool {
        node.pool().is_some_and(|pool| self.is_fixed_pool(pool))
    }

    fn is_fixed_pool(&self, name: &str) -> bool {
        let mut pools = self.snapshot.pools.iter();
        pools.any(|pool| pool.name() == name && pool.pool.spec.replicas.is_some())
    }

    fn has_min_values(&self, name: &str) -> bool {
        let mut pools = self
            .snapshot
            .pools
            .iter()
            .filter(|pool| pool.name() == name);
        pools.any(|pool| {
            let mut items = pool.pool.spec.template.spec.requirements.iter();
            items.any(|item| item.min_values.is_some())
        })
    }
}
