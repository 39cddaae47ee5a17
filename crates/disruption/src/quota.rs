//! How many more nodes of each pool may go, as a plan grows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::budget::PoolBudget;
use crate::command::Candidate;
use crate::{Reason, Why};

/// Budgets, and what a plan has taken of them so far. A node that goes for one reason counts for
/// all.
#[derive(Clone, Debug)]
pub(crate) struct Quota<'b> {
    budgets: &'b BTreeMap<Arc<str>, PoolBudget>,
    taken: BTreeMap<Arc<str>, u32>,
}

impl<'b> Quota<'b> {
    /// Nothing taken.
    pub(crate) fn new(budgets: &'b BTreeMap<Arc<str>, PoolBudget>) -> Self {
        Self {
            budgets,
            taken: BTreeMap::new(),
        }
    }

    /// How many more nodes of a pool may go.
    pub(crate) fn left(&self, pool: &str, reason: Reason) -> u32 {
        let left = self
            .budgets
            .get(pool)
            .map_or(0, |budget| budget.left(reason.budget()));
        left.saturating_sub(self.taken.get(pool).copied().unwrap_or(0))
    }

    /// Takes a node, if it may go; why not otherwise.
    pub(crate) fn take(&mut self, candidate: &Candidate, reason: Reason) -> Result<(), Why> {
        if self.left(&candidate.pool, reason) == 0 {
            return Err(self.why(&candidate.pool, reason));
        }
        *self.taken.entry(candidate.pool.clone()).or_default() += 1;
        Ok(())
    }

    /// Gives a node back.
    pub(crate) fn give_back(&mut self, candidate: &Candidate) {
        if let Some(taken) = self.taken.get_mut(&candidate.pool) {
            *taken = taken.saturating_sub(1);
        }
    }

    /// What to say of a node that budgets keep.
    pub(crate) fn why(&self, pool: &Arc<str>, reason: Reason) -> Why {
        let of = self.budgets.get(pool);
        let allowance = of
            .map(|budget| budget.of(reason.budget()))
            .unwrap_or_default();
        Why::Budget {
            pool: pool.clone(),
            allowed: allowance.allowed,
            disrupting: allowance.disrupting + self.taken.get(pool).copied().unwrap_or(0),
        }
    }
}
