//! Limits of pools while packing, and the choice of a type where limits or `minValues` count.
//!
//! A planned node is charged with the type it would be launched as. Only types that take no more
//! than that from any limit are listed on its claim, so that whichever is launched, the limit
//! holds.

use rustc_hash::FxHashSet;

use super::Packing;
use super::open::NewNode;
use crate::policy::Charge;
use crate::problem::{Pool, Problem};
use crate::shelf::{Shelf, at_least};

/// The most types that a claim lists.
pub(crate) const MOST_TYPES: usize = 600;

/// Whether a claim's types must have as many different values as `minValues` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MinValuesCheck {
    /// They must.
    #[default]
    Enforced,
    /// They need not: there is no such set of types, and the policy is to go on without.
    Relaxed,
}

/// What is left of each pool's limits, and of reservations.
#[derive(Clone, Debug)]
pub(crate) struct Budgets {
    /// By group of pools.
    left: Vec<Vec<i64>>,
    had: Vec<Vec<i64>>,
    /// By reservation.
    instances: Vec<u32>,
    /// Group and reservation by pool.
    pools: Vec<(usize, Option<usize>)>,
}

impl Budgets {
    /// Nothing spent.
    pub(crate) fn new(problem: &Problem) -> Self {
        let groups = problem.pools.iter().map(|pool| pool.group + 1).max();
        let mut had = vec![Vec::new(); groups.unwrap_or(0)];
        for pool in &problem.pools {
            had[pool.group].clone_from(&pool.limits);
        }
        Self {
            left: had.clone(),
            had,
            instances: problem.reservations.clone(),
            pools: problem
                .pools
                .iter()
                .map(|pool| (pool.group, pool.reservation))
                .collect(),
        }
    }

    /// What is left of a pool's limits.
    pub(crate) fn left(&self, pool: usize) -> &[i64] {
        &self.left[self.pools[pool].0]
    }

    /// Whether a pool is no reservation, or one with an instance left.
    pub(crate) fn has_instances(&self, pool: usize) -> bool {
        let reservation = self.pools[pool].1;
        reservation.is_none_or(|reservation| self.instances[reservation] > 0)
    }

    /// Whether more was spent than there was, of anything that there was some of.
    pub(crate) fn are_exceeded(&self) -> bool {
        let spent = |(left, had): (&i64, &i64)| *left < 0 && left < had;
        let of_pool = |(left, had): (&Vec<i64>, &Vec<i64>)| left.iter().zip(had).any(spent);
        self.left.iter().zip(&self.had).any(of_pool)
    }

    /// Takes an instance of the reservation that a pool is, if it is one.
    pub(super) fn take_instance(&mut self, pool: usize) {
        if let Some(reservation) = self.pools[pool].1 {
            self.instances[reservation] -= 1;
        }
    }

    pub(super) fn charge(&mut self, pool: usize, charge: &[i64]) {
        let group = self.pools[pool].0;
        for (left, charge) in self.left[group].iter_mut().zip(charge) {
            *left -= charge;
        }
    }

    pub(super) fn release(&mut self, pool: usize, charge: &[i64]) {
        let group = self.pools[pool].0;
        for (left, charge) in self.left[group].iter_mut().zip(charge) {
            *left += charge;
        }
    }
}

/// Where a type is chosen for.
pub(super) struct Choice<'a> {
    pub(super) pool: &'a Pool,
    /// What is left of its limits.
    pub(super) left: &'a [i64],
    /// The type that the node has now; it would be given back.
    pub(super) held: Option<u32>,
    pub(super) check: MinValuesCheck,
}

impl Choice<'_> {
    /// The cheapest type that holds `need`, is within the limits, and leaves enough different
    /// values.
    pub(super) fn pick(&self, shelf: &Shelf, need: &[i64]) -> Option<usize> {
        let mut affordable = shelf
            .holding(need)
            .filter(|slot| self.affords(shelf.slot(*slot).kind));
        if self.check == MinValuesCheck::Relaxed || self.pool.min_values.is_empty() {
            return affordable.next();
        }
        let holding: Vec<usize> = shelf.holding(need).collect();
        affordable
            .find(|slot| has_min_values(self.pool, &listed(self.pool, shelf, &holding, *slot, &[])))
    }

    fn affords(&self, kind: u32) -> bool {
        let charge = &self.pool.types[kind as usize].charge;
        charge.iter().enumerate().all(|(limit, charge)| {
            let back = self
                .held
                .map_or(0, |kind| self.pool.types[kind as usize].charge[limit]);
            *charge <= self.left[limit] + back
        })
    }
}

impl Packing<'_, '_> {
    /// What a new node is to keep from its pool's limits, if that is not what its type takes: the
    /// most that any type takes that the limits allow.
    pub(super) fn to_reserve(&self, new: NewNode) -> Option<Vec<i64>> {
        let pool = &self.problem.pools[new.pool];
        if self.policy.charge == Charge::Launched || pool.limits.is_empty() || !pool.is_picky() {
            return None;
        }
        let choice = Choice {
            pool,
            left: self.budgets.left(new.pool),
            held: None,
            check: new.check,
        };
        let mut most = vec![0; pool.limits.len()];
        let slots = self.views.shelf(new.view).slots();
        for slot in slots.iter().filter(|slot| choice.affords(slot.kind)) {
            let charge = &pool.types[slot.kind as usize].charge;
            for (most, charge) in most.iter_mut().zip(charge) {
                *most = (*most).max(*charge);
            }
        }
        Some(most)
    }

    /// Gives back what nodes kept from limits beyond what their types take.
    pub(super) fn give_back(&mut self) {
        for (node, reserved) in std::mem::take(&mut self.reserved) {
            let pool = self.views.pool(self.nodes.view[node]);
            let (Some(pool), Some(kind)) = (pool, self.nodes.kind(node)) else {
                continue;
            };
            self.budgets.release(pool, &reserved);
            let charge = &self.problem.pools[pool].types[kind as usize].charge;
            self.budgets.charge(pool, charge);
        }
    }
}

/// The types that a claim lists, cheapest first, if `launched` is the one it is charged for and it
/// may take so much more of each limit than that (nothing, where `spare` has no entry).
pub(crate) fn listed(
    pool: &Pool,
    shelf: &Shelf,
    holding: &[usize],
    launched: usize,
    spare: &[i64],
) -> Vec<u32> {
    if pool.limits.is_empty() {
        // No type takes anything from a limit.
        let all = holding.iter().map(|slot| shelf.slot(*slot).kind);
        return all.take(MOST_TYPES).collect();
    }
    let charge = &pool.types[shelf.slot(launched).kind as usize].charge;
    let spare = spare.iter().copied().chain(std::iter::repeat(0));
    let most: Vec<i64> = charge
        .iter()
        .zip(spare)
        .map(|(charge, spare)| charge.saturating_add(spare.max(0)))
        .collect();
    // A cheaper type that takes more than is charged would be launched in place of the one that the
    // packing has compared: only dearer ones may use what is to spare.
    let fits = |slot: usize| {
        let wanted = &pool.types[shelf.slot(slot).kind as usize].charge;
        at_least(charge, wanted) || (slot >= launched && at_least(&most, wanted))
    };
    holding
        .iter()
        .filter(|slot| fits(**slot))
        .map(|slot| shelf.slot(*slot).kind)
        .take(MOST_TYPES)
        .collect()
}

/// How many different values of each `minValues` key the types have.
pub(crate) fn distinct_values(pool: &Pool, kinds: &[u32]) -> Vec<usize> {
    pool.min_values
        .iter()
        .map(|min_values| {
            kinds
                .iter()
                .flat_map(|kind| &min_values.values[*kind as usize])
                .collect::<FxHashSet<_>>()
                .len()
        })
        .collect()
}

fn has_min_values(pool: &Pool, kinds: &[u32]) -> bool {
    distinct_values(pool, kinds)
        .iter()
        .zip(&pool.min_values)
        .all(|(count, min_values)| *count >= min_values.least)
}
