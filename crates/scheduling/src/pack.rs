//! The placement loop: classes of pods, in order, onto nodes that are there, planned and new.
//!
//! Slack before growth before new: a planned node is charged at the price of the cheapest type that
//! holds its pods now, so filling it up is free, and growing it costs the exact difference. What is
//! *not* here: which views exist (`view`), in which order and how greedily (`policy`), output.

mod budget;
mod first_fit;
mod nodes;
mod open;
mod ratio;

use std::collections::VecDeque;

use crate::policy::{Policy, order};
use crate::problem::{DemandId, Problem, bits_meet};
use crate::shelf::times;
use crate::view::{ViewId, Views};

use budget::Choice;
pub(crate) use budget::{Budgets, MinValuesCheck, distinct_values, listed};
pub(crate) use nodes::{NodeId, Nodes};
use open::NewNode;
pub(crate) use ratio::pack_by_ratio;

/// `count` pods of a class were put on a node under one demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Put {
    /// The node.
    pub(crate) node: NodeId,
    /// The class.
    pub(crate) class: u32,
    /// Which of the class's variants.
    pub(crate) demand: DemandId,
    /// How many pods.
    pub(crate) count: u32,
}

/// Work done, in units that do not depend on the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Passes over the open nodes in search of slack.
    pub scans: u64,
    /// Questions for the cheapest type that holds something.
    pub type_queries: u64,
    /// Nodes that became larger.
    pub grown: u64,
    /// Nodes that were opened.
    pub opened: u64,
}

impl Counters {
    /// Adds another run's work.
    pub(crate) fn add(&mut self, other: Self) {
        self.scans += other.scans;
        self.type_queries += other.type_queries;
        self.grown += other.grown;
        self.opened += other.opened;
    }
}

/// What one policy made of a problem.
#[derive(Debug)]
pub(crate) struct Packed {
    /// Nodes that are there, then planned ones.
    pub(crate) nodes: Nodes,
    /// What was put where, in order.
    pub(crate) puts: Vec<Put>,
    /// Per class: pods without a place.
    pub(crate) left: Vec<u32>,
    /// What is left of each pool's limits.
    pub(crate) budgets: Budgets,
    /// Work done.
    pub(crate) counters: Counters,
}

impl Packed {
    /// Pods without a place.
    pub(crate) fn unplaced(&self) -> u64 {
        self.left.iter().map(|count| u64::from(*count)).sum()
    }

    /// The sum of the planned nodes' prices, billionths of a dollar an hour.
    pub(crate) fn price(&self) -> u128 {
        self.nodes
            .price
            .iter()
            .map(|price| u128::from(*price))
            .sum()
    }
}

/// Packs a problem under a policy.
pub(crate) fn pack<'p>(problem: &'p Problem, views: &mut Views<'p>, policy: &Policy) -> Packed {
    let mut packing = Packing::new(problem, views, policy);
    let mut left = counts(problem);
    for class in order(problem, policy) {
        for demand in &problem.classes[class].variants {
            if left[class] == 0 {
                break;
            }
            left[class] = packing.place(class, *demand, left[class]);
        }
    }
    packing.finish(left)
}

/// Pods of each class.
fn counts(problem: &Problem) -> Vec<u32> {
    problem.classes.iter().map(|class| class.count).collect()
}

/// The state of one run.
struct Packing<'a, 'p> {
    problem: &'p Problem,
    views: &'a mut Views<'p>,
    policy: &'a Policy,
    nodes: Nodes,
    puts: Vec<Put>,
    budgets: Budgets,
    /// Where the search for a node to grow goes on.
    cursor: usize,
    /// Scratch: what a node would have to hold.
    need: Vec<i64>,
    counters: Counters,
}

/// A way to make room on a planned node.
#[derive(Clone, Copy, Debug)]
struct Growth {
    node: NodeId,
    view: ViewId,
    slot: usize,
    /// What it costs more.
    increase: u64,
    /// How many pods then fit.
    count: u32,
    /// What is left of the first dimension, to break ties.
    rest: i64,
}

impl<'a, 'p> Packing<'a, 'p> {
    fn new(problem: &'p Problem, views: &'a mut Views<'p>, policy: &'a Policy) -> Self {
        let nodes = Nodes::existing(problem, views);
        Self {
            problem,
            views,
            policy,
            nodes,
            puts: Vec::new(),
            budgets: Budgets::new(problem),
            cursor: 0,
            need: vec![0; problem.dims],
            counters: Counters::default(),
        }
    }

    fn finish(self, left: Vec<u32>) -> Packed {
        Packed {
            nodes: self.nodes,
            puts: self.puts,
            left,
            budgets: self.budgets,
            counters: self.counters,
        }
    }
}

impl Packing<'_, '_> {
    /// Places up to `count` pods of a class and says how many are left.
    fn place(&mut self, class: usize, demand: DemandId, count: u32) -> u32 {
        if self.policy.first_fit {
            let left = self.fill(class, demand, count, self.problem.nodes.len());
            return self.place_first_fit(class, demand, left);
        }
        let left = self.fill(class, demand, count, self.nodes.len());
        self.grow_or_open(class, demand, left)
    }

    /// Puts pods into the slack of the first `nodes` nodes, where that changes no price.
    fn fill(&mut self, class: usize, demand: DemandId, count: u32, nodes: usize) -> u32 {
        self.counters.scans += 1;
        let problem = self.problem;
        let request = &problem.classes[class].request;
        let mut left = count;
        for node in 0..nodes {
            if left == 0 {
                break;
            }
            if self.nodes.has_slack(node, request) && self.admits(class, node) {
                left -= self.fill_node(class, demand, left, node);
            }
        }
        left
    }

    fn fill_node(&mut self, class: usize, demand: DemandId, count: u32, node: NodeId) -> u32 {
        let before = self.nodes.view[node];
        let Some(view) = self.views.step(before, demand) else {
            return 0;
        };
        let class_of = &self.problem.classes[class];
        let most = if class_of.alone { 1 } else { count };
        if self.counts_values(node) {
            return self.fill_one_by_one(class, demand, most, (node, view));
        }
        if view != before && !self.narrow(class, node, view) {
            return 0;
        }
        let fit = times(self.nodes.slack(node), &class_of.request, most);
        self.put(class, demand, node, fit);
        fit
    }

    /// Every pod more leaves fewer types that hold all, so `minValues` is looked at for each.
    fn fill_one_by_one(
        &mut self,
        class: usize,
        demand: DemandId,
        most: u32,
        (node, view): (NodeId, ViewId),
    ) -> u32 {
        let mut placed = 0;
        while placed < most && self.narrow(class, node, view) {
            self.put(class, demand, node, 1);
            placed += 1;
        }
        placed
    }

    /// Whether the types that hold what is on a node must have a number of different values.
    fn counts_values(&self, node: NodeId) -> bool {
        let pool = self.views.pool(self.nodes.view[node]);
        self.nodes.check[node] == MinValuesCheck::Enforced
            && pool.is_some_and(|pool| !self.problem.pools[pool].min_values.is_empty())
    }

    /// Moves a node to a narrower view if it can then hold one more pod at no higher price.
    fn narrow(&mut self, class: usize, node: NodeId, view: ViewId) -> bool {
        if self.views.pool(view).is_none() {
            self.nodes.view[node] = view;
            return true;
        }
        let Some(slot) = self.cheapest(class, node, view) else {
            return false;
        };
        if self.views.shelf(view).slot(slot).price > self.nodes.price[node] {
            return false;
        }
        self.resize(node, view, slot);
        true
    }

    /// The cheapest type for a node's pods and one more, under a view.
    fn cheapest(&mut self, class: usize, node: NodeId, view: ViewId) -> Option<usize> {
        self.counters.type_queries += 1;
        let request = &self.problem.classes[class].request;
        for ((need, used), more) in self.need.iter_mut().zip(self.nodes.used(node)).zip(request) {
            *need = used + more;
        }
        let shelf = self.views.shelf(view);
        let pool = self.views.pool(view)?;
        if self.problem.pools[pool].is_picky() {
            let choice = Choice {
                pool: &self.problem.pools[pool],
                left: self.budgets.left(pool),
                held: self.nodes.kind(node),
                check: self.nodes.check[node],
            };
            choice.pick(shelf, &self.need)
        } else {
            shelf.cheapest(&self.need)
        }
    }

    /// Makes a planned node one of a view and type.
    fn resize(&mut self, node: NodeId, view: ViewId, slot: usize) {
        let shelf = self.views.shelf(view);
        let kind = shelf.slot(slot).kind;
        if let Some(pool) = self.views.pool(view) {
            let types = &self.problem.pools[pool].types;
            if let Some(held) = self.nodes.kind(node) {
                self.budgets.release(pool, &types[held as usize].charge);
            }
            self.budgets.charge(pool, &types[kind as usize].charge);
        }
        self.nodes.resize(node, view, shelf, slot);
    }

    /// Whether host ports and hostname rules let a pod of the class onto a node.
    fn admits(&self, class: usize, node: NodeId) -> bool {
        !bits_meet(
            &self.problem.classes[class].must_clear,
            self.nodes.bits(node),
        )
    }

    fn put(&mut self, class: usize, demand: DemandId, node: NodeId, count: u32) {
        if count == 0 {
            return;
        }
        self.nodes.put(node, &self.problem.classes[class], count);
        self.puts.push(Put {
            node,
            class: class as u32,
            demand,
            count,
        });
    }

    /// Grows planned nodes or opens new ones, whichever costs less per pod, until all pods have a
    /// place or nothing more can be done.
    fn grow_or_open(&mut self, class: usize, demand: DemandId, count: u32) -> u32 {
        let mut left = count;
        if left == 0 {
            return 0;
        }
        let mut candidates = self.growth_candidates();
        let mut new: Option<NewNode> = None;
        while left > 0 {
            if new.as_ref().is_none_or(|new| !new.holds_for(left)) {
                new = self.best_new(class, demand, left);
            }
            let growth = self.best_growth(class, demand, left, &mut candidates);
            let placed = match (growth, &new) {
                (Some(growth), Some(new))
                    if !self.policy.prefers(growth.offer(), new.offer(left)) =>
                {
                    self.open(class, demand, left, *new, &mut candidates)
                }
                (Some(growth), _) => self.grow(class, demand, left, growth),
                (None, Some(new)) => self.open(class, demand, left, *new, &mut candidates),
                (None, None) => break,
            };
            left -= placed;
            if placed == 0 {
                break;
            }
        }
        left
    }

    /// Planned nodes in the order in which they are considered for growth.
    fn growth_candidates(&mut self) -> VecDeque<NodeId> {
        let first = self.problem.nodes.len();
        let planned = self.nodes.len() - first;
        if planned == 0 {
            return VecDeque::new();
        }
        self.cursor %= planned;
        let start = first + self.cursor;
        (start..self.nodes.len()).chain(first..start).collect()
    }

    /// The best of the first few candidates that may take a pod by growing. Those that may not are
    /// dropped: what they hold only becomes more.
    fn best_growth(
        &mut self,
        class: usize,
        demand: DemandId,
        left: u32,
        candidates: &mut VecDeque<NodeId>,
    ) -> Option<Growth> {
        let mut best: Option<Growth> = None;
        let mut seen = 0;
        while seen < self.policy.candidates && seen < candidates.len() {
            let node = candidates.pop_front()?;
            let Some(growth) = self.growth(class, demand, left, node) else {
                continue;
            };
            candidates.push_back(node);
            self.cursor += 1;
            seen += 1;
            if best.is_none_or(|best| growth.is_better_than(&best)) {
                best = Some(growth);
            }
        }
        best
    }

    fn growth(
        &mut self,
        class: usize,
        demand: DemandId,
        left: u32,
        node: NodeId,
    ) -> Option<Growth> {
        if !self.admits(class, node) {
            return None;
        }
        let view = self.views.step(self.nodes.view[node], demand)?;
        let slot = self.cheapest(class, node, view)?;
        let shelf = self.views.shelf(view);
        let class = &self.problem.classes[class];
        let most = if class.alone || self.counts_values(node) {
            1
        } else {
            left
        };
        let mut room: smallvec::SmallVec<[i64; 8]> = shelf.room(slot).into();
        for (room, used) in room.iter_mut().zip(self.nodes.used(node)) {
            *room -= used;
        }
        let count = times(&room, &class.request, most);
        let taken = class.request[0] * i64::from(count);
        Some(Growth {
            node,
            view,
            slot,
            increase: shelf
                .slot(slot)
                .price
                .saturating_sub(self.nodes.price[node]),
            count,
            rest: room[0] - taken,
        })
    }

    fn grow(&mut self, class: usize, demand: DemandId, left: u32, growth: Growth) -> u32 {
        self.counters.grown += 1;
        self.resize(growth.node, growth.view, growth.slot);
        let count = growth.count.min(left);
        self.put(class, demand, growth.node, count);
        count
    }
}

/// What room costs: a sum for a number of pods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Billionths of a dollar an hour.
    pub(crate) price: u64,
    /// For so many pods.
    pub(crate) count: u32,
}

impl Cost {
    /// Compares prices per pod.
    pub(crate) fn cmp(self, other: Self) -> std::cmp::Ordering {
        let left = u128::from(self.price) * u128::from(other.count);
        left.cmp(&(u128::from(other.price) * u128::from(self.count)))
    }
}

impl Growth {
    fn offer(&self) -> Cost {
        Cost {
            price: self.increase,
            count: self.count,
        }
    }

    fn is_better_than(&self, other: &Self) -> bool {
        self.offer()
            .cmp(other.offer())
            .then(self.rest.cmp(&other.rest))
            .is_lt()
    }
}

#[cfg(test)]
mod tests;
