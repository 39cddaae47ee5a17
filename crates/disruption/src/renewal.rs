//! Nodes that are to be replaced because of what they are, not because of what is on them: what
//! drift and expiry have in common.
//!
//! What is *not* here: which nodes those are (`drift`, `expiry`).

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{NodeState, PoolState, Snapshot};
use model::Timestamp;
use model::resources::NODES;

use crate::budget::{Allowance, PoolBudget};
use crate::candidate::candidate;
use crate::command::{Candidate, Kept};
use crate::{Reason, Why};

/// Which pools are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pools {
    /// Those that follow the pods.
    Dynamic,
    /// Those with a fixed number of nodes.
    Static,
}

/// A node that is to be replaced.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// The node.
    pub(crate) candidate: Candidate,
    /// When that began, or when it has to have ended.
    pub(crate) at: Timestamp,
}

/// The nodes that are to be replaced, by name, and those of them that stay. `at` says which.
pub(crate) fn due(
    snapshot: &Snapshot,
    pools: Pools,
    reason: Reason,
    now: Timestamp,
    at: impl Fn(&NodeState) -> Option<Timestamp>,
) -> (Vec<Due>, Vec<Kept>) {
    let mut due = Vec::new();
    let mut kept = Vec::new();
    for node in snapshot.nodes.iter() {
        let Some(at) = at(node).filter(|_| pools_of(snapshot, node) == pools) else {
            continue;
        };
        match candidate(snapshot, node, reason.class(), now) {
            Ok((candidate, _)) => due.push(Due { candidate, at }),
            Err(reason) => kept.push(Kept {
                node: node.name().clone(),
                reason,
            }),
        }
    }
    (due, kept)
}

fn pools_of(snapshot: &Snapshot, node: &NodeState) -> Pools {
    let pool = node.pool().and_then(|name| snapshot.pool(name));
    if pool.is_some_and(|state| state.pool.spec.replicas.is_some()) {
        Pools::Static
    } else {
        Pools::Dynamic
    }
}

/// A candidate that stays.
pub(crate) fn kept(candidate: Candidate, reason: Why) -> Kept {
    Kept {
        node: candidate.node,
        reason,
    }
}

/// How many nodes of pools with a fixed number of nodes may be replaced: a new node comes first, so
/// there must be room for one more.
#[derive(Debug)]
pub(crate) struct Room {
    pools: BTreeMap<Arc<str>, PoolRoom>,
}

#[derive(Clone, Copy, Debug, Default)]
struct PoolRoom {
    replicas: u64,
    /// The most nodes that the pool may have.
    limit: Option<u64>,
    /// Nodes that stay, claims without a machine among them.
    active: u64,
    /// Nodes that go.
    going: u64,
    allowance: Allowance,
    /// How many are about to be replaced.
    taken: u32,
}

impl Room {
    /// The room that there is now.
    pub(crate) fn of(snapshot: &Snapshot, budgets: &BTreeMap<Arc<str>, PoolBudget>) -> Self {
        let mut pools: BTreeMap<Arc<str>, PoolRoom> = BTreeMap::new();
        for state in snapshot.pools.iter() {
            let Some(replicas) = state.pool.spec.replicas else {
                continue;
            };
            let budget = budgets.get(state.name());
            let allowance = budget.map(|budget| budget.of(Reason::Drifted.budget()));
            let room = PoolRoom {
                replicas: u64::try_from(replicas).unwrap_or(0),
                limit: limit(state),
                allowance: allowance.unwrap_or_default(),
                ..PoolRoom::default()
            };
            pools.insert(state.name().into(), room);
        }
        for node in snapshot.nodes.iter().filter(|node| node.is_managed()) {
            let Some(room) = node.pool().and_then(|pool| pools.get_mut(pool)) else {
                continue;
            };
            if node.is_marked() {
                room.going += 1;
            } else {
                room.active += 1;
            }
        }
        Self { pools }
    }

    /// Takes the room of one more node of a pool.
    pub(crate) fn reserve(&mut self, pool: &Arc<str>) {
        self.pools.entry(pool.clone()).or_default().taken += 1;
    }

    /// Those that there is room for, in their order. The others are kept.
    pub(crate) fn take(&mut self, all: Vec<Due>, kept_back: &mut Vec<Kept>) -> Vec<Candidate> {
        let mut taken = Vec::new();
        for Due { candidate, .. } in all {
            let room = self.pools.entry(candidate.pool.clone()).or_default();
            match room.refusal(&candidate.pool) {
                None => {
                    self.reserve(&candidate.pool);
                    taken.push(candidate);
                }
                Some(why) => kept_back.push(kept(candidate, why)),
            }
        }
        taken
    }
}

impl PoolRoom {
    fn refusal(&self, pool: &Arc<str>) -> Option<Why> {
        let pool = pool.clone();
        let Allowance {
            allowed,
            disrupting,
        } = self.allowance;
        if allowed.saturating_sub(disrupting) <= self.taken {
            return Some(Why::Budget {
                pool,
                allowed,
                disrupting: disrupting + self.taken,
            });
        }
        if self.active > self.replicas {
            return Some(Why::TooMany {
                pool,
                nodes: self.active,
                replicas: self.replicas,
            });
        }
        // What the pool lacks is on its way or soon will be, and needs its own room.
        let nodes = self.active.max(self.replicas) + self.going + u64::from(self.taken);
        let limit = self.limit.filter(|limit| nodes >= *limit)?;
        Some(Why::NoRoom { pool, limit, nodes })
    }
}

fn limit(state: &PoolState) -> Option<u64> {
    let limit = state.pool.spec.limits.get(NODES)?;
    Some(u64::try_from(limit.units_floor()).unwrap_or(0))
}
