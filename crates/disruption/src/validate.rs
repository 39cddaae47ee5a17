//! A second look at commands, just before they are performed: what was true a while ago may not be
//! now.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::{NodeState, Snapshot};
use model::Timestamp;

use crate::budget::budgets;
use crate::candidate::check_pods;
use crate::command::Command;
use crate::cost::{reschedulable_pods, reschedule_cost};
use crate::{Class, Kept, Memory, Options, Reason, Why, emptiness};

/// What is left of commands.
#[derive(Clone, Debug, Default)]
pub struct Validated {
    /// Those that are to be performed, in their order.
    pub commands: Vec<Command>,
    /// Those that are not, or the nodes of them that have to stay.
    pub rejected: Vec<Rejected>,
}

/// A command that is not performed after all, as far as it is not.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The command, with those of its nodes that stay.
    pub command: Command,
    /// What has changed.
    pub because: Because,
    /// The nodes that stay, and why; by name. A node that is gone is not here.
    pub kept: Vec<Kept>,
}

/// What has changed since a command was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// Budgets allow fewer nodes to go, or pods are expected on one.
    Budget,
    /// Its pods would not have a place, or not at that price.
    Scheduling,
    /// A node may not go any more.
    Churn,
}

impl Because {
    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Scheduling => "scheduling",
            Self::Churn => "churn",
        }
    }
}

/// Looks at commands again. They are judged together, in their order.
pub fn validate(
    _memory: &mut Memory,
    commands: Vec<Command>,
    snapshot: &Snapshot,
    _options: &Options,
    now: Timestamp,
) -> Validated {
    let mut validated = Validated::default();
    for command in commands {
        empty(command, snapshot, now, &mut validated);
    }
    validated
}

/// Empty nodes may go one by one: a command shrinks to those that still may.
fn empty(command: Command, snapshot: &Snapshot, now: Timestamp, validated: &mut Validated) {
    let wanted: BTreeSet<Arc<str>> = command
        .candidates
        .iter()
        .map(|candidate| candidate.provider_id.clone())
        .collect();
    let (mut empty, mut kept) = emptiness::look(snapshot, now);
    empty.retain(|candidate| wanted.contains(&candidate.provider_id));
    let (taken, over) = emptiness::within_budgets(empty, &budgets(snapshot, now));
    let because = if over.is_empty() {
        Because::Churn
    } else {
        Because::Budget
    };
    kept.extend(over);
    let go: BTreeSet<&str> = taken.iter().map(|candidate| &*candidate.node).collect();
    let mut dropped = command.candidates;
    dropped.retain(|candidate| !go.contains(&*candidate.node));
    kept.retain(|kept| dropped.iter().any(|dropped| dropped.node == kept.node));
    kept.sort_by(|a, b| a.node.cmp(&b.node));
    if let Some(command) = emptiness::command(dropped) {
        validated.rejected.push(Rejected {
            command,
            because,
            kept,
        });
    }
    validated.commands.extend(emptiness::command(taken));
}

/// Whether a node that was chosen may still go, now that nothing new is placed on it: the last
/// question before it is removed.
pub fn still_may_go(
    snapshot: &Snapshot,
    node: &NodeState,
    reason: Reason,
    now: Timestamp,
) -> Result<(), Why> {
    let annotations = [
        Some(node.annotations()),
        node.claim.as_ref().map(|claim| &claim.metadata.annotations),
    ];
    if annotations.into_iter().flatten().any(|map| {
        map.get(api::labels::DO_NOT_DISRUPT)
            .is_some_and(|v| v == "true")
    }) {
        return Err(Why::DoNotDisrupt);
    }
    if reason == Reason::Empty && reschedule_cost(node) > 1.0 {
        return Err(Why::NotBuilt {
            pods: reschedulable_pods(node),
        });
    }
    let deadline = node
        .claim
        .as_ref()
        .is_some_and(|claim| claim.spec.termination_grace_period.is_some());
    if reason.class() == Class::Eventual && deadline {
        return Ok(());
    }
    check_pods(snapshot, node, now)
}
