//! Nodes without pods that anyone would miss.

use api::{ConsolidationPolicy, NodePool};
use catalog::Price;
use cluster::{NodeState, Snapshot};
use model::Timestamp;

use crate::balanced::Verdict;
use crate::candidate::candidate;
use crate::command::{Candidate, Command, Kept};
use crate::cost::{reschedulable_pods, reschedule_cost};
use crate::quota::Quota;
use crate::{Reason, Why};

/// Every node as a candidate for emptiness, or why it stays; by name.
pub(crate) fn look(snapshot: &Snapshot, now: Timestamp) -> (Vec<Candidate>, Vec<Kept>) {
    let mut empty = Vec::new();
    let mut kept = Vec::new();
    for node in snapshot.nodes.iter() {
        match check(snapshot, node, now) {
            Ok(candidate) => empty.push(candidate),
            Err(reason) => kept.push(Kept {
                node: node.name().clone(),
                reason,
            }),
        }
    }
    (empty, kept)
}

/// The candidates that budgets allow, those that save most first, and the others, which stay.
pub(crate) fn within(
    mut empty: Vec<Candidate>,
    quota: &mut Quota<'_>,
) -> (Vec<Candidate>, Vec<Kept>) {
    empty.sort_by(|a, b| {
        b.savings_ratio
            .total_cmp(&a.savings_ratio)
            .then_with(|| a.node.cmp(&b.node))
    });
    let mut taken = Vec::new();
    let mut kept = Vec::new();
    for candidate in empty {
        match quota.take(&candidate, Reason::Empty) {
            Ok(()) => taken.push(candidate),
            Err(reason) => kept.push(Kept {
                node: candidate.node,
                reason,
            }),
        }
    }
    (taken, kept)
}

/// One command for all of them; none if there are none.
pub(crate) fn command(taken: Vec<Candidate>) -> Option<Command> {
    if taken.is_empty() {
        return None;
    }
    let price_before = taken.iter().filter_map(|candidate| candidate.price).sum();
    Some(Command {
        reason: Reason::Empty,
        candidates: taken,
        replacements: Vec::new(),
        moves: Vec::new(),
        price_before,
        price_after: Price::default(),
        verdict: Verdict::default(),
    })
}

/// The node as a candidate for emptiness, or why it stays.
fn check(snapshot: &Snapshot, node: &NodeState, now: Timestamp) -> Result<Candidate, Why> {
    let (candidate, state) = candidate(snapshot, node, Reason::Empty.class(), now)?;
    let pool = &state.pool;
    let name = || pool.metadata.name.clone();
    if pool.spec.replicas.is_some() {
        return Err(Why::Static);
    }
    if pool.spec.disruption.consolidate_after.get().is_none() {
        return Err(Why::ConsolidationOff { pool: name() });
    }
    if reschedule_cost(node) > 1.0 {
        let pods = reschedulable_pods(node);
        return Err(match pool.spec.disruption.consolidation_policy {
            ConsolidationPolicy::WhenEmpty => Why::NotEmpty { pool: name(), pods },
            _ => Why::HasPods { pods },
        });
    }
    match snapshot.buffer_pods.on(node) {
        None => return Err(Why::BuffersUnknown),
        Some(0) => {}
        Some(_) => {
            let node = node.name().clone();
            return Err(Why::BufferPods { node });
        }
    }
    quiet(node, pool, now)?;
    Ok(candidate)
}

/// Whether pods have left the node alone for long enough. The condition `Consolidatable` says so;
/// it lags behind the time of the last pod event, so that is looked at as well.
pub(crate) fn quiet(node: &NodeState, pool: &NodePool, now: Timestamp) -> Result<(), Why> {
    let Some(claim) = &node.claim else {
        return Err(Why::NotManaged);
    };
    let until = crate::quiet::quiet_at(claim, pool);
    if until.is_some_and(|until| now < until) {
        return Err(Why::NotQuiet { until });
    }
    let says_so = |held: &&api::Condition| held.r#type == "Consolidatable" && held.status == "True";
    let condition = claim.status.conditions.iter().find(says_so);
    condition.map(|_| ()).ok_or(Why::NotQuiet { until: None })
}
