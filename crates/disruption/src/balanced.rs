//! The policy `Balanced`: whether what a change saves is worth the pods that must move.
//!
//! A change is scored for each pool that it takes nodes from: the part of the pool's cost that it
//! saves, divided by the part of the pool's disruption that it makes. Both are parts of a whole, so
//! the score depends neither on the size of the pool nor on the unit. A change is made if each pool
//! with this policy scores at least [`THRESHOLD`].
//!
//! What is *not* here: which changes are possible, what else they must save
//! ([`crate::Payback`]), and telling anybody.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use api::ConsolidationPolicy;
use catalog::Price;
use cluster::{PoolState, Snapshot};

use crate::command::Candidate;
use crate::cost::{price, reschedule_cost};

/// How many times its part of the savings the disruption may be.
pub const K: u32 = 2;

/// The least score of a change that is made: one by [`K`].
pub const THRESHOLD: f64 = 1.0 / K as f64;

/// Reason of the event that tells of an approved change. Its text is the [`Score`] as text.
pub const APPROVED: &str = "ConsolidationApproved";

/// What the pools of some candidates add up to.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    pools: BTreeMap<Arc<str>, Pool>,
}

#[derive(Clone, Copy, Debug)]
struct Pool {
    policy: ConsolidationPolicy,
    /// Only of pools that are scored.
    total: Total,
}

/// What a whole pool costs, and what it would cost to make all its pods move.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// All its nodes, an hour.
    pub cost: Price,
    /// All its nodes, by [`reschedule_cost`].
    pub disruption: f64,
}

/// What a change does to one pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// What it saves, in billionths of a dollar an hour; negative if it costs more.
    pub savings: f64,
    /// What it costs to make the pods move.
    pub disruption: f64,
}

/// How well a change pays for one pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Part of the savings by part of the disruption: 0 if nothing is saved, infinite if something
    /// is and no pod is disturbed.
    pub value: f64,
    /// What part of the pool's cost is saved.
    pub savings: f64,
    /// What part of the pool's disruption is made.
    pub disruption: f64,
}

/// What one pool says to a change.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolVerdict {
    /// The pool.
    pub pool: Arc<str>,
    /// Its policy.
    pub policy: ConsolidationPolicy,
    /// The score; none if its policy does not ask for one.
    pub score: Option<Score>,
}

/// What the pools say to a change, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Each pool that nodes are taken from.
    pub pools: Vec<PoolVerdict>,
}

impl Totals {
    /// What the pools of these candidates add up to. All nodes of a pool count, whether or not they
    /// may go.
    pub fn of<'c>(
        snapshot: &Snapshot,
        candidates: impl IntoIterator<Item = &'c Candidate>,
    ) -> Self {
        let mut pools: BTreeMap<Arc<str>, Pool> = BTreeMap::new();
        let mut scored: BTreeMap<&str, (&PoolState, Total)> = BTreeMap::new();
        for candidate in candidates {
            if pools.contains_key(&candidate.pool) {
                continue;
            }
            let Some(state) = snapshot.pool(&candidate.pool) else {
                continue;
            };
            let policy = state.pool.spec.disruption.consolidation_policy;
            let total = Total::default();
            pools.insert(candidate.pool.clone(), Pool { policy, total });
            if policy == ConsolidationPolicy::Balanced {
                scored.insert(state.name(), (state, total));
            }
        }
        for node in snapshot.nodes.iter().filter(|node| node.is_managed()) {
            let Some((state, total)) = node.pool().and_then(|name| scored.get_mut(name)) else {
                continue;
            };
            total.cost += price(node, state).unwrap_or_default();
            total.disruption += reschedule_cost(node);
        }
        for (name, (_, total)) in scored {
            if let Some(pool) = pools.get_mut(name) {
                pool.total = total;
            }
        }
        Self { pools }
    }

    /// What a pool adds up to; none if it is not scored or not known.
    pub fn pool(&self, name: &str) -> Option<Total> {
        let pool = self.pools.get(name)?;
        (pool.policy == ConsolidationPolicy::Balanced).then_some(pool.total)
    }

    /// Whether any change that takes this node alone can be approved: none saves more than its
    /// price.
    pub fn could_approve(&self, candidate: &Candidate) -> bool {
        let Some(total) = self.pool(&candidate.pool) else {
            return true;
        };
        let all = Effect {
            savings: candidate.price.unwrap_or_default().nanos() as f64,
            disruption: candidate.cost,
        };
        total.cost == Price::ZERO || score(all, Some(total)).is_approved()
    }
}

/// How well a change pays for a pool that adds up to `total`. Nothing pays where that is not known,
/// or nothing.
pub fn score(effect: Effect, total: Option<Total>) -> Score {
    let total = total.unwrap_or_default();
    let cost = total.cost.nanos() as f64;
    if cost <= 0.0 || total.disruption <= 0.0 {
        return Score {
            value: 0.0,
            savings: 0.0,
            disruption: 0.0,
        };
    }
    let value = if effect.savings <= 0.0 {
        0.0
    } else if effect.disruption <= 0.0 {
        f64::INFINITY
    } else {
        // One division, so that a change that is exactly worth it is not lost to rounding.
        (effect.savings * total.disruption) / (effect.disruption * cost)
    };
    Score {
        value,
        savings: effect.savings / cost,
        disruption: effect.disruption / total.disruption,
    }
}

/// What the pools say to a change that takes these nodes and starts others for `price_after` an
/// hour. What it saves is shared between the pools by what their nodes cost.
pub fn judge<'c>(
    candidates: impl IntoIterator<Item = &'c Candidate>,
    price_after: Price,
    totals: &Totals,
) -> Verdict {
    let mut taken: BTreeMap<&Arc<str>, (Price, f64)> = BTreeMap::new();
    for candidate in candidates {
        let (price, disruption) = taken.entry(&candidate.pool).or_default();
        *price += candidate.price.unwrap_or_default();
        *disruption += candidate.cost;
    }
    let before: Price = taken.values().map(|(price, _)| *price).sum();
    let saved = (before - price_after) as f64;
    let of_pool = |(pool, (price, disruption)): (&Arc<str>, (Price, f64))| {
        let known = totals.pools.get(pool);
        // Nothing is known of a pool that is not in the totals, so nothing pays for it.
        let policy = known.map_or(ConsolidationPolicy::Balanced, |known| known.policy);
        let part = if before == Price::ZERO {
            0.0
        } else {
            price.nanos() as f64 / before.nanos() as f64
        };
        let effect = Effect {
            savings: saved * part,
            disruption,
        };
        let scored = policy == ConsolidationPolicy::Balanced;
        PoolVerdict {
            pool: pool.clone(),
            policy,
            score: scored.then(|| score(effect, totals.pool(pool))),
        }
    };
    Verdict {
        pools: taken.into_iter().map(of_pool).collect(),
    }
}

impl Score {
    /// Whether the change is worth it.
    pub fn is_approved(&self) -> bool {
        /// What sums of many amounts may be off by.
        const ROUNDING: f64 = 1e-9;
        self.value >= THRESHOLD * (1.0 - ROUNDING)
    }
}

impl fmt::Display for Score {
    /// `score 2.81 >= threshold 0.50 (k: 2, savings 12.5%, disruption 4.4%)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = if self.is_approved() { ">=" } else { "<" };
        write!(
            f,
            "score {:.2} {relation} threshold {THRESHOLD:.2} (k: {K}, savings {:.1}%, disruption \
             {:.1}%)",
            self.value,
            self.savings * 100.0,
            self.disruption * 100.0
        )
    }
}

impl PoolVerdict {
    /// Whether the pool agrees. One that is not scored always does.
    pub fn is_approved(&self) -> bool {
        self.score.is_none_or(|score| score.is_approved())
    }

    /// The value of the label `decision`.
    pub fn decision(&self) -> &'static str {
        if self.is_approved() {
            "approved"
        } else {
            "rejected"
        }
    }

    /// The value of the label `policy`: the policy as pools have it.
    pub fn policy_label(&self) -> &'static str {
        match self.policy {
            ConsolidationPolicy::WhenEmpty => "WhenEmpty",
            ConsolidationPolicy::WhenEmptyOrUnderutilized
            | ConsolidationPolicy::WhenUnderutilized => "WhenEmptyOrUnderutilized",
            ConsolidationPolicy::Balanced => "Balanced",
        }
    }
}

impl Verdict {
    /// Whether every pool agrees.
    pub fn is_approved(&self) -> bool {
        self.pools.iter().all(PoolVerdict::is_approved)
    }

    /// The pools that were scored, with their scores.
    pub fn scores(&self) -> impl Iterator<Item = (&PoolVerdict, Score)> {
        let pools = self.pools.iter();
        pools.filter_map(|pool| Some((pool, pool.score?)))
    }
}

#[cfg(test)]
mod tests;
