//! Nodes that are not what their pool or node class asks for any more.
//!
//! A pool whose new nodes do not join is left alone: its drifted nodes still work. An hour after
//! that began, one node of it is tried, and then one after the other, until a node joins again or
//! somebody changes the pool or its class.
//!
//! What is *not* here: what has drifted (the condition `Drifted` says so), where the pods go, and
//! budgets of pools whose number of nodes is not fixed, which the caller counts down.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use api::labels;
use api::nodeclaim::conditions::DRIFTED;
use api::nodepool::conditions::NODE_REGISTRATION_HEALTHY;
use cluster::{NodeState, PoolState, Snapshot};
use model::Timestamp;

use crate::budget::budgets;
use crate::command::{Candidate, Kept};
use crate::renewal::{Due, Pools, Room, due, kept};
use crate::{Reason, Why};

/// How long after a pool's nodes stopped joining one node is tried.
const TRIAL_AFTER: Duration = Duration::from_hours(1);

/// The drifted nodes of pools whose number of nodes is not fixed, in the order in which they should
/// be tried: those that are soon taken away first, then empty ones, then those that drifted first.
/// And those that stay, with the reason.
pub(crate) fn drifted(snapshot: &Snapshot, now: Timestamp) -> (Vec<Candidate>, Vec<Kept>) {
    let (due, mut kept) = look(snapshot, Pools::Dynamic, now);
    let due = healthy(due, snapshot, now, &mut kept);
    let candidates = due.into_iter().map(|due| due.candidate).collect();
    (candidates, kept)
}

/// The drifted nodes of pools with a fixed number of nodes that may be replaced now, each with one
/// new node: no more than budgets and the pools' limits have room for. And those that stay.
pub(crate) fn static_drifted(snapshot: &Snapshot, now: Timestamp) -> (Vec<Candidate>, Vec<Kept>) {
    let (due, mut kept) = look(snapshot, Pools::Static, now);
    if due.is_empty() {
        return (Vec::new(), kept);
    }
    let mut due = healthy(due, snapshot, now, &mut kept);
    // All become what the template says, so the dearest come first.
    due.sort_by_key(|due| Reverse(due.candidate.price));
    let mut room = Room::of(snapshot, &budgets(snapshot, now));
    let candidates = room.take(due, &mut kept);
    (candidates, kept)
}

/// When the node drifted; none if it has not. Nodes of pools that are left alone have drifted, too.
pub(crate) fn drifted_at(node: &NodeState) -> Option<Timestamp> {
    let claim = node.claim.as_ref()?;
    let condition = claim.condition(DRIFTED).filter(|held| held.is_true())?;
    Some(condition.last_transition_time.unwrap_or(Timestamp::EPOCH))
}

/// When the pool's nodes stopped joining; none if they do join, or nothing is known.
pub(crate) fn unhealthy_since(pool: &PoolState) -> Option<Timestamp> {
    let conditions = &pool.pool.status.conditions;
    let condition = api::condition::find(conditions, NODE_REGISTRATION_HEALTHY)?;
    condition
        .is_false()
        .then(|| condition.last_transition_time.unwrap_or(Timestamp::EPOCH))
}

/// Whether a node is soon taken away if it is not replaced: that can't wait for others.
fn is_urgent(snapshot: &Snapshot, due: &Due) -> bool {
    let node = snapshot.node(&due.candidate.node);
    let claim = node.and_then(|node| node.claim.as_ref());
    claim.is_some_and(|claim| claim.metadata.annotations.contains_key(labels::REPLACE))
}

/// Drifted nodes that may go as far as they and their pods are concerned, in order.
fn look(snapshot: &Snapshot, pools: Pools, now: Timestamp) -> (Vec<Due>, Vec<Kept>) {
    let (mut due, kept) = due(snapshot, pools, Reason::Drifted, now, drifted_at);
    due.sort_by(|a, b| {
        let key = |due: &Due| (!is_urgent(snapshot, due), due.candidate.pods > 0, due.at);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.candidate.node.cmp(&b.candidate.node))
    });
    (due, kept)
}

/// Those whose pool is not left alone, and of one that is the first, if it is time to try.
fn healthy(
    all: Vec<Due>,
    snapshot: &Snapshot,
    now: Timestamp,
    kept_back: &mut Vec<Kept>,
) -> Vec<Due> {
    let mut tried: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut go = Vec::with_capacity(all.len());
    for due in all {
        let pool = snapshot.pool(&due.candidate.pool);
        let Some((pool, since)) = pool.and_then(|pool| Some((pool, unhealthy_since(pool)?))) else {
            go.push(due);
            continue;
        };
        let until = since + TRIAL_AFTER;
        let is_first = tried.insert(due.candidate.pool.clone());
        if is_first && now >= until && !is_under_way(snapshot, pool.name()) {
            go.push(due);
            continue;
        }
        let why = Why::PoolUnhealthy {
            pool: due.candidate.pool.clone(),
            trial: (now < until).then_some(until),
        };
        kept_back.push(kept(due.candidate, why));
    }
    go
}

/// Whether a node of the pool is going or has not joined yet.
fn is_under_way(snapshot: &Snapshot, pool: &str) -> bool {
    let mut nodes = snapshot.nodes.iter();
    nodes.any(|node| {
        node.is_managed()
            && node.pool() == Some(pool)
            && (node.is_marked() || !node.is_registered())
    })
}

#[cfg(test)]
mod tests;
