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
use crate::plan::{Expected, settle};
use crate::stage::Stage;
use crate::{Class, Kept, Memory, Options, Reason, Stays, Why, consolidate, emptiness};

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
    /// What has changed, by why nodes stay.
    pub(crate) fn of(kept: &[Kept]) -> Self {
        let of_budget =
            |kept: &Kept| matches!(kept.reason, Why::Budget { .. } | Why::Nominated { .. });
        if kept.iter().any(of_budget) {
            Self::Budget
        } else {
            Self::Churn
        }
    }

    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Scheduling => "scheduling",
            Self::Churn => "churn",
        }
    }
}

/// Looks at commands again. They are judged together, in their order: each sees the cluster as it
/// will be once those before it are done. A command whose reason needs no second look passes.
pub fn validate(
    memory: &mut Memory,
    commands: Vec<Command>,
    snapshot: &Snapshot,
    options: &Options,
    now: Timestamp,
) -> Validated {
    let budgets = budgets(snapshot, now);
    let mut stage = Stage::new(snapshot, &budgets, (now, 0));
    let expected = settle(&mut stage, memory, options);
    let mut rejected = Vec::new();
    let mut moving = Vec::new();
    for command in commands {
        match command.reason {
            Reason::Empty => empty(command, &expected, &mut stage, &mut rejected),
            Reason::Underutilized => moving.push(command),
            Reason::Drifted | Reason::Expired => stage.add(vec![command]),
        }
    }
    consolidate::validate(&mut stage, memory, options, (moving, &mut rejected));
    Validated {
        commands: stage.commands,
        rejected,
    }
}

/// Empty nodes may go one by one: a command shrinks to those that still may.
fn empty(
    command: Command,
    expected: &Expected,
    stage: &mut Stage<'_>,
    rejected: &mut Vec<Rejected>,
) {
    let wanted: BTreeSet<Arc<str>> = command
        .candidates
        .iter()
        .map(|candidate| candidate.provider_id.clone())
        .collect();
    let (mut empty, mut kept) = emptiness::look(&stage.now_there, stage.now);
    empty.retain(|candidate| wanted.contains(&candidate.provider_id));
    let (needed, empty): (Vec<_>, Vec<_>) = empty
        .into_iter()
        .partition(|candidate| expected.contains_key(&candidate.node));
    kept.extend(needed.into_iter().map(|candidate| Kept {
        reason: Why::Stays(Stays::Needed {
            pod: expected[&candidate.node].key(),
        }),
        node: candidate.node,
    }));
    let (taken, over) = emptiness::within(empty, &mut stage.quota);
    kept.extend(over);
    let go: BTreeSet<&str> = taken.iter().map(|candidate| &*candidate.node).collect();
    let mut dropped = command.candidates;
    dropped.retain(|candidate| !go.contains(&*candidate.node));
    kept.retain(|kept| dropped.iter().any(|dropped| dropped.node == kept.node));
    kept.sort_by(|a, b| a.node.cmp(&b.node));
    if let Some(command) = emptiness::command(dropped) {
        rejected.push(Rejected {
            command,
            because: Because::of(&kept),
            kept,
        });
    }
    stage.add(emptiness::command(taken).into_iter().collect());
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
        return Err(Why::HasPods {
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
