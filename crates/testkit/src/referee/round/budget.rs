//! Budgets of pools, over all commands of a round, in their order.

use std::collections::BTreeSet;
use std::time::Duration;

use api::{Budget, NodePool};
use cluster::{NodeState, Snapshot};
use model::Timestamp;
use model::duration::parse_go;

use super::facts::says;
use super::{Fault, Look, budgeted_as, cron};
use disruption::Reason;

/// Checks that each command takes no more nodes of a pool than its budgets leave, when the nodes of
/// the commands before it are going.
pub(super) fn check(look: &Look<'_>, faults: &mut Vec<Fault>) {
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for (command, why) in look.commands() {
        let own: BTreeSet<&str> = command.candidates.iter().map(|c| &*c.node).collect();
        for state in look.snapshot.pools.iter() {
            let pool = state.name();
            let of_pool = |name: &&&str| look.node(name).and_then(|n| n.pool()) == Some(pool);
            let count = own.iter().filter(of_pool).count();
            let counted: Vec<&NodeState> = counted(look.snapshot, pool).collect();
            let going = |node: &&&NodeState| is_going(node) || taken.contains(&**node.name());
            let disrupting = counted.iter().filter(going).count();
            let allowed = allowed(&state.pool, why, counted.len(), look.now);
            if count > 0 && count + disrupting > allowed {
                faults.push(Fault::Budget {
                    pool: pool.to_owned(),
                    reason: why.as_str(),
                    taken: count,
                    disrupting,
                    allowed,
                });
            }
        }
        taken.extend(own);
    }
}

/// Nodes of a pool that budgets count: managed, complete, the instance not being ended.
fn counted<'a>(snapshot: &'a Snapshot, pool: &str) -> impl Iterator<Item = &'a NodeState> {
    snapshot
        .nodes
        .iter()
        .map(|node| &**node)
        .filter(move |node| {
            let complete = |claim| node.is_initialized() && !says(claim, "InstanceTerminating");
            node.pool() == Some(pool) && node.claim.as_deref().is_some_and(complete)
        })
}

fn is_going(node: &NodeState) -> bool {
    !node.node.as_ref().is_some_and(|node| node.is_ready()) || node.is_marked()
}

/// How many nodes may be going at once.
fn allowed(pool: &NodePool, why: Reason, nodes: usize, now: Timestamp) -> usize {
    let budgets = &pool.spec.disruption.budgets;
    let bounds: Option<Vec<_>> = budgets
        .iter()
        .map(|budget| bound(budget, nodes, now))
        .collect();
    // One that can't be read stops everything.
    let Some(bounds) = bounds else {
        return 0;
    };
    let concerns = |budget: &Budget| match &budget.reasons {
        None => true,
        Some(reasons) => reasons
            .iter()
            .any(|reason| reason.as_str() == budgeted_as(why)),
    };
    let bounds = budgets.iter().zip(bounds);
    bounds
        .filter(|(budget, _)| concerns(budget))
        .map(|(_, bound)| bound)
        .min()
        .unwrap_or(usize::MAX)
}

/// How many nodes a budget allows: any number while it is not active. None if it can't be read.
fn bound(budget: &Budget, nodes: usize, now: Timestamp) -> Option<usize> {
    let bound = match budget.nodes.strip_suffix('%') {
        None => budget.nodes.parse().ok()?,
        Some(percent) => {
            let percent: usize = percent.parse().ok().filter(|percent| *percent <= 100)?;
            (percent * nodes).div_ceil(100)
        }
    };
    let active = match (&budget.schedule, &budget.duration) {
        (None, None) => true,
        (Some(schedule), Some(duration)) => {
            let duration: Duration = parse_go(duration).ok()?;
            cron::is_active(schedule, duration, now)?
        }
        _ => return None,
    };
    Some(if active { bound } else { usize::MAX })
}
