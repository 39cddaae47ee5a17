//! Nodes that are replaced before they reach the end of their life.
//!
//! At the end of its life a claim is deleted, whatever runs on it and whatever budgets say
//! (`lifecycle::expire`). Some time before, its node is replaced as a drifted one would be: a new
//! node first, within the budgets for `Drifted`. How long before differs by claim, so that nodes of
//! one age do not go at once.
//!
//! What is *not* here: the end itself.

use std::time::Duration;

use api::{NillableDuration, NodeClaim};
use cluster::{NodeState, Snapshot};
use model::Timestamp;

use crate::Reason;
use crate::budget::budgets;
use crate::command::{Candidate, Kept};
use crate::drift::{drifted_at, static_drifted, unhealthy_since};
use crate::renewal::{Due, Pools, Room, due};

/// What part of its life a node has before it when it is replaced at the latest.
const PART: u32 = 10;
/// The most that this is.
const LONGEST: Duration = Duration::from_hours(24);

/// The nodes of pools whose number of nodes is not fixed that expire soon, those that do so first
/// at the head. Nodes that go because they have drifted are left out. And those that stay.
pub(crate) fn expiring(snapshot: &Snapshot, now: Timestamp) -> (Vec<Candidate>, Vec<Kept>) {
    let (due, kept) = look(snapshot, Pools::Dynamic, now);
    let candidates = due.into_iter().map(|due| due.candidate).collect();
    (candidates, kept)
}

/// The same of pools with a fixed number of nodes: those that may be replaced now, each with one
/// new node, beside those that [`static_drifted`] takes.
pub(crate) fn static_expiring(snapshot: &Snapshot, now: Timestamp) -> (Vec<Candidate>, Vec<Kept>) {
    let (due, mut kept) = look(snapshot, Pools::Static, now);
    if due.is_empty() {
        return (Vec::new(), kept);
    }
    let mut room = Room::of(snapshot, &budgets(snapshot, now));
    for candidate in static_drifted(snapshot, now).0 {
        room.reserve(&candidate.pool);
    }
    let candidates = room.take(due, &mut kept);
    (candidates, kept)
}

fn look(snapshot: &Snapshot, pools: Pools, now: Timestamp) -> (Vec<Due>, Vec<Kept>) {
    let at = |node: &NodeState| {
        let end = end_if_due(node.claim.as_ref()?, now)?;
        let pool = node.pool().and_then(|name| snapshot.pool(name));
        let is_left_alone = pool.is_some_and(|pool| unhealthy_since(pool).is_some());
        (drifted_at(node).is_none() || is_left_alone).then_some(end)
    };
    let (mut due, kept) = due(snapshot, pools, Reason::Expired, now, at);
    due.sort_by(|a, b| {
        a.at.cmp(&b.at)
            .then_with(|| a.candidate.node.cmp(&b.candidate.node))
    });
    (due, kept)
}

/// When the claim's life ends, if it is time to replace its node and not too late.
fn end_if_due(claim: &NodeClaim, now: Timestamp) -> Option<Timestamp> {
    let (begin, end) = window(claim)?;
    (begin <= now && now < end).then_some(end)
}

/// From when on the claim's node is to be replaced, and when its life ends; none if it never does.
pub(crate) fn window(claim: &NodeClaim) -> Option<(Timestamp, Timestamp)> {
    let life = claim.spec.expire_after.as_ref();
    let life = life.and_then(NillableDuration::get)?;
    let end = claim.metadata.creation_timestamp? + life;
    let lead = (life / PART).min(LONGEST);
    let begin = end - lead - part(lead / 2, &claim.metadata.uid);
    Some((begin, end))
}

/// A part of a duration that follows from a text; texts share it out evenly.
fn part(of: Duration, text: &str) -> Duration {
    let mut hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // So that the last bytes of the text count in the upper bits as well.
    hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^= hash >> 29;
    let nanos = (of.as_nanos() * u128::from(hash)) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
