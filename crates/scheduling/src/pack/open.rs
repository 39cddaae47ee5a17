//! Opening planned nodes: which pool, which type, for how many pods.

use smallvec::SmallVec;

use crate::shelf::{Shelf, times};
use crate::view::ViewId;

use super::budget::{Choice, MinValuesCheck};
use super::grow::Queue;
use super::{Ask, Cost, NodeId, Packing};

/// A node that could be opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewNode {
    pub(super) pool: usize,
    pub(super) view: ViewId,
    slot: usize,
    price: u64,
    /// How many pods of the class it holds.
    room: u32,
    /// With at least so many pods left, the choice would be the same.
    stable_from: u32,
    pub(super) check: MinValuesCheck,
}

impl NewNode {
    /// A node of a known type for so many pods.
    pub(super) fn of(pool: usize, view: ViewId, slot: usize, price: u64) -> Self {
        Self {
            pool,
            view,
            slot,
            price,
            room: 0,
            stable_from: u32::MAX,
            check: MinValuesCheck::Enforced,
        }
    }

    /// What it costs without the fee for a node.
    pub(super) fn price(&self, fee: u64) -> u64 {
        self.price.saturating_sub(fee)
    }

    /// Says how `minValues` is treated.
    pub(super) fn set_check(&mut self, check: MinValuesCheck) {
        self.check = check;
    }

    /// Whether this is still the best choice with `left` pods left.
    pub(super) fn holds_for(&self, left: u32) -> bool {
        left >= self.stable_from
    }

    pub(super) fn offer(&self, left: u32) -> Cost {
        Cost {
            price: self.price,
            count: self.room.min(left),
        }
    }
}

impl Packing<'_, '_> {
    /// The best new node for `left` pods of a class: of the first pool that can take one, the type
    /// with the lowest price per pod.
    pub(super) fn best_new(&mut self, ask: Ask, left: u32) -> Option<NewNode> {
        let rules = self.rules(ask.rules);
        if rules.joins_others() {
            // Wanted beside pods that are somewhere else.
            return None;
        }
        self.open_pools().into_iter().find_map(|pool| {
            let root = self.views.root(pool)?;
            let view = self.views.step(root, ask.demand)?;
            if self.problem.pools[pool].is_picky() {
                self.best_picky(ask, pool, view, left)
            } else {
                let most = left.min(self.fresh_cap(ask));
                let shelf = self.views.shelf(view);
                let request = &self.problem.classes[ask.class].request;
                let fee = self.policy.node_fee;
                best_slot(shelf, request, most, fee)
                    .map(|(slot, stable_from)| self.new_node(ask, pool, view, slot, stable_from))
            }
        })
    }

    /// Pools that have instances, in the order in which they are asked.
    pub(super) fn open_pools(&self) -> SmallVec<[usize; 8]> {
        let pools = if self.ceiling == 0 {
            0..0
        } else {
            0..self.problem.pools.len()
        };
        pools
            .filter(|pool| self.budgets.has_instances(*pool))
            .collect()
    }

    fn new_node(
        &self,
        ask: Ask,
        pool: usize,
        view: ViewId,
        slot: usize,
        stable_from: u32,
    ) -> NewNode {
        let shelf = self.views.shelf(view);
        let class = &self.problem.classes[ask.class];
        let most = self.fresh_cap(ask);
        NewNode {
            pool,
            view,
            slot,
            price: shelf.slot(slot).price + self.policy.node_fee,
            room: times(shelf.room(slot), &class.request, most),
            stable_from,
            check: MinValuesCheck::Enforced,
        }
    }

    /// The cheapest new node that holds `count` pods of a class at once.
    pub(super) fn best_for_all(&mut self, ask: Ask, count: u32) -> Option<NewNode> {
        let request = &self.problem.classes[ask.class].request;
        let need: Vec<i64> = request.iter().map(|r| r * i64::from(count)).collect();
        self.best_holding(ask, &need)
    }

    /// The cheapest new node for a class that holds so much.
    pub(super) fn best_holding(&mut self, ask: Ask, need: &[i64]) -> Option<NewNode> {
        self.open_pools().into_iter().find_map(|pool| {
            let root = self.views.root(pool)?;
            let view = self.views.step(root, ask.demand)?;
            let shelf = self.views.shelf(view);
            let choice = Choice {
                pool: &self.problem.pools[pool],
                left: self.budgets.left(pool),
                held: None,
                check: MinValuesCheck::Enforced,
            };
            let slot = choice.pick(shelf, need)?;
            Some(self.new_node(ask, pool, view, slot, u32::MAX))
        })
    }

    /// With limits or `minValues`, types are weighed one by one, and anew for each node.
    fn best_picky(&mut self, ask: Ask, pool: usize, view: ViewId, left: u32) -> Option<NewNode> {
        self.counters.type_queries += 1;
        let most = left.min(self.fresh_cap(ask));
        let request = &self.problem.classes[ask.class].request;
        let shelf = self.views.shelf(view);
        let mut choice = Choice {
            pool: &self.problem.pools[pool],
            left: self.budgets.left(pool),
            held: None,
            check: MinValuesCheck::Enforced,
        };
        if choice.pick(shelf, request).is_none() && self.policy.relax_min_values {
            choice.check = MinValuesCheck::Relaxed;
        }
        let fee = self.policy.node_fee;
        // For each count of pods that some type is just large enough for, the type that would be
        // chosen for it; the price per pod decides between them.
        let mut counts: Vec<u32> = (0..shelf.slots().len())
            .map(|slot| times(shelf.room(slot), request, most))
            .filter(|count| *count > 0)
            .collect();
        counts.sort_unstable();
        counts.dedup();
        let best = counts
            .into_iter()
            .filter_map(|count| {
                let need: Vec<i64> = request.iter().map(|r| r * i64::from(count)).collect();
                Some((choice.pick(shelf, &need)?, count))
            })
            .min_by(|(a, count_a), (b, count_b)| {
                let cost = |slot: usize, count: u32| Cost {
                    price: shelf.slot(slot).price + fee,
                    count,
                };
                cost(*a, *count_a)
                    .cmp(cost(*b, *count_b))
                    .then(count_b.cmp(count_a))
            });
        let check = choice.check;
        let (slot, count) = best?;
        let mut new = self.new_node(ask, pool, view, slot, u32::MAX);
        new.room = count;
        new.check = check;
        Some(new)
    }

    /// Opens a node and puts as many pods on it as were planned; says how many.
    pub(super) fn open(
        &mut self,
        ask: Ask,
        left: u32,
        new: NewNode,
        candidates: &mut Queue,
    ) -> u32 {
        let node = self.open_node(ask, left, new);
        candidates.add(node);
        self.nodes.pods[node]
    }

    /// Opens a node for up to `left` pods.
    pub(super) fn open_node(&mut self, ask: Ask, left: u32, new: NewNode) -> NodeId {
        let node = self.open_empty(new);
        self.put(ask, node, new.room.min(left));
        node
    }

    /// Opens a node without pods.
    pub(super) fn open_empty(&mut self, new: NewNode) -> NodeId {
        self.counters.opened += 1;
        let shelf = self.views.shelf(new.view);
        let node = self.nodes.open(new.view, shelf, new.slot);
        self.spent += self.nodes.price[node];
        self.nodes.check[node] = new.check;
        let kind = shelf.slot(new.slot).kind as usize;
        if let Some(most) = self.to_reserve(new) {
            self.budgets.charge(new.pool, &most);
            self.reserved.insert(node, most);
        } else {
            let charge = &self.problem.pools[new.pool].types[kind].charge;
            self.budgets.charge(new.pool, charge);
        }
        self.budgets.take_instance(new.pool);
        node
    }
}

/// The slot with the lowest price per pod, and the count of pods from which on that stays so.
///
/// With fewer pods left, a slot that is not full costs more per pod, and one that is full the same.
/// So the best one stays the best as long as it gets full.
fn best_slot(shelf: &Shelf, request: &[i64], most: u32, fee: u64) -> Option<(usize, u32)> {
    let mut best: Option<(usize, Cost)> = None;
    for slot in shelf.holding(request) {
        let price = shelf.slot(slot).price + fee;
        let full = Cost { price, count: most };
        if best.is_some_and(|(_, best)| full.cmp(best).is_gt()) {
            // Dearer even if it were full, and so are all that follow.
            break;
        }
        let count = times(shelf.room(slot), request, most);
        let cost = Cost { price, count };
        let better =
            best.is_none_or(|(_, best)| cost.cmp(best).then(best.count.cmp(&cost.count)).is_lt());
        if better && count > 0 {
            best = Some((slot, cost));
        }
        if count == most {
            break;
        }
    }
    best.map(|(slot, cost)| (slot, cost.count))
}
