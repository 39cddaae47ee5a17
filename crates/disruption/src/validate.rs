//! A second look at a command, just before it is performed: what was true a while ago may not be
//! now.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::Snapshot;
use model::Timestamp;

use crate::budget::budgets;
use crate::command::Command;
use crate::{Kept, emptiness};

/// What is left of a command.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The command without the nodes that have to stay after all; none if none is left.
    pub command: Option<Command>,
    /// The nodes that have to stay after all, and why; by name. A node that is gone is not here.
    pub dropped: Vec<Kept>,
    /// How many candidates fell away.
    pub failed: usize,
}

/// Looks at a command for empty nodes again.
pub fn validate(command: Command, snapshot: &Snapshot, now: Timestamp) -> Validated {
    let wanted: BTreeSet<Arc<str>> = command
        .candidates
        .iter()
        .map(|candidate| candidate.provider_id.clone())
        .collect();
    let names: BTreeSet<Arc<str>> = command
        .candidates
        .iter()
        .map(|candidate| candidate.node.clone())
        .collect();
    let before = command.candidates.len();
    let (mut empty, mut dropped) = emptiness::look(snapshot, now);
    empty.retain(|candidate| wanted.contains(&candidate.provider_id));
    let (taken, over) = emptiness::within_budgets(empty, &budgets(snapshot, now));
    dropped.extend(over);
    dropped.retain(|kept| names.contains(&kept.node));
    dropped.sort_by(|a, b| a.node.cmp(&b.node));
    let failed = before - taken.len();
    Validated {
        command: emptiness::command(taken),
        dropped,
        failed,
    }
}
