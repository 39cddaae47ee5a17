//! How many nodes of a pool may be going at once.
//!
//! What is *not* here: schedules as such (`cron`).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Budget, DisruptionReason, NodePool};
use cluster::{NodeState, Snapshot};
use model::Timestamp;
use model::duration::parse_go;

use crate::cron::Schedule;

/// No bound.
const UNLIMITED: u32 = i32::MAX as u32;

/// What the budgets of one pool say now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolBudget {
    /// The pool.
    pub pool: Arc<str>,
    /// Its managed, complete nodes whose instance is not being ended.
    pub nodes: u32,
    /// How many of those are not ready or going, whoever decided that.
    pub disrupting: u32,
    /// How many may be going at once, by reason, in the order of [`DisruptionReason::ALL`].
    allowed: [u32; 3],
    /// Budgets that can't be read: nothing may go while there is one.
    pub broken: Vec<BrokenBudget>,
}

/// What one reason may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// How many nodes may be going at once.
    pub allowed: u32,
    /// How many are.
    pub disrupting: u32,
}

/// A budget that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenBudget {
    /// `nodes` is neither a number nor a percentage.
    #[error("nodes {0:?} is neither a number nor a percentage")]
    Nodes(String),
    /// The schedule can't be read.
    #[error("schedule {text:?}: {cause}")]
    Schedule {
        /// The schedule.
        text: String,
        /// What is wrong.
        cause: crate::cron::CronError,
    },
    /// There is a schedule without a duration, or the other way round.
    #[error("schedule and duration must be set together")]
    Half,
    /// The duration can't be read.
    #[error("duration {0:?} is not a duration such as 1h30m")]
    Duration(String),
}

impl PoolBudget {
    /// What a reason may take.
    pub fn of(&self, reason: DisruptionReason) -> Allowance {
        let at = DisruptionReason::ALL
            .iter()
            .position(|known| *known == reason)
            .unwrap_or(0);
        Allowance {
            allowed: self.allowed[at],
            disrupting: self.disrupting,
        }
    }

    /// How many more nodes may go for a reason.
    pub fn left(&self, reason: DisruptionReason) -> u32 {
        let Allowance {
            allowed,
            disrupting,
        } = self.of(reason);
        allowed.saturating_sub(disrupting)
    }
}

/// What the budgets of every pool say now.
pub fn budgets(snapshot: &Snapshot, now: Timestamp) -> BTreeMap<Arc<str>, PoolBudget> {
    let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for node in snapshot.nodes.iter().filter(|node| counts_at_all(node)) {
        let Some(pool) = node.pool() else { continue };
        let (nodes, disrupting) = counts.entry(pool).or_default();
        *nodes += 1;
        let ready = node.node.as_ref().is_some_and(|node| node.is_ready());
        if !ready || node.is_marked() {
            *disrupting += 1;
        }
    }
    let of_pool = |pool: &NodePool| {
        let name = pool.metadata.name.as_str();
        let (nodes, disrupting) = counts.get(name).copied().unwrap_or_default();
        pool_budget(pool, nodes, disrupting, now)
    };
    snapshot
        .pools
        .iter()
        .map(|state| (state.name().into(), of_pool(&state.pool)))
        .collect()
}

fn counts_at_all(node: &NodeState) -> bool {
    let Some(claim) = &node.claim else {
        return false;
    };
    let ending =
        |held: &api::Condition| held.r#type == "InstanceTerminating" && held.status == "True";
    node.node.is_some() && node.is_initialized() && !claim.status.conditions.iter().any(ending)
}

/// What the budgets of a pool with so many nodes say now.
pub fn pool_budget(pool: &NodePool, nodes: u32, disrupting: u32, now: Timestamp) -> PoolBudget {
    let budgets = pool.spec.disruption.budgets.as_slice();
    let mut allowed = [UNLIMITED; 3];
    let mut broken = Vec::new();
    for budget in budgets {
        match bound(budget, nodes, now) {
            Err(error) => broken.push(error),
            Ok(None) => {}
            Ok(Some(bound)) => {
                for (at, reason) in DisruptionReason::ALL.iter().enumerate() {
                    if applies(budget, *reason) {
                        allowed[at] = allowed[at].min(bound);
                    }
                }
            }
        }
    }
    if !broken.is_empty() {
        allowed = [0; 3];
    }
    PoolBudget {
        pool: pool.metadata.name.as_str().into(),
        nodes,
        disrupting,
        allowed,
        broken,
    }
}

fn applies(budget: &Budget, reason: DisruptionReason) -> bool {
    budget
        .reasons
        .as_ref()
        .is_none_or(|reasons| reasons.contains(&reason))
}

/// How many nodes a budget allows now; none if it is not active.
fn bound(budget: &Budget, nodes: u32, now: Timestamp) -> Result<Option<u32>, BrokenBudget> {
    let bound = parse_nodes(&budget.nodes, nodes)?;
    let active = match (&budget.schedule, &budget.duration) {
        (None, None) => true,
        (Some(schedule), Some(duration)) => {
            let text = schedule.as_str();
            let schedule = Schedule::parse(text).map_err(|cause| BrokenBudget::Schedule {
                text: text.to_owned(),
                cause,
            })?;
            let text = duration.clone();
            let duration = parse_go(&text).map_err(|_| BrokenBudget::Duration(text))?;
            schedule.hits_after(now - duration, now)
        }
        _ => return Err(BrokenBudget::Half),
    };
    Ok(active.then_some(bound))
}

/// `3`, or `10%` of the nodes, rounded up.
fn parse_nodes(text: &str, nodes: u32) -> Result<u32, BrokenBudget> {
    let error = || BrokenBudget::Nodes(text.to_owned());
    match text.strip_suffix('%') {
        None => text.parse().map_err(|_| error()),
        Some(percent) => {
            let percent: u64 = percent.parse().map_err(|_| error())?;
            if percent > 100 {
                return Err(error());
            }
            Ok(u32::try_from((percent * u64::from(nodes)).div_ceil(100)).unwrap_or(UNLIMITED))
        }
    }
}

#[cfg(test)]
mod tests;
