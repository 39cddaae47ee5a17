//! Growing planned nodes or opening new ones, whichever costs less per pod.

use std::collections::VecDeque;
use std::iter::Chain;
use std::ops::Range;

use crate::shelf::times;
use crate::view::ViewId;

use super::open::NewNode;
use super::{Ask, Cost, NodeId, Packing};

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

/// A queue of planned nodes. It begins with all of them, which are not written down before they are
/// asked for.
pub(super) struct Queue {
    fresh: Chain<Range<NodeId>, Range<NodeId>>,
    /// How many of those are left.
    left: usize,
    seen: VecDeque<NodeId>,
}

impl Queue {
    /// How many there are.
    fn len(&self) -> usize {
        self.left + self.seen.len()
    }

    /// Takes the first.
    fn take(&mut self) -> Option<NodeId> {
        if let Some(node) = self.fresh.next() {
            self.left -= 1;
            return Some(node);
        }
        self.seen.pop_front()
    }

    /// Adds one at the end.
    pub(super) fn add(&mut self, node: NodeId) {
        self.seen.push_back(node);
    }
}

impl Packing<'_, '_> {
    /// Grows planned nodes or opens new ones, whichever costs less per pod, until all pods have a
    /// place or nothing more can be done.
    pub(super) fn grow_or_open(&mut self, ask: Ask, count: u32) -> u32 {
        let mut left = count;
        if left == 0 {
            return 0;
        }
        let mut candidates = self.growth_candidates();
        let mut new: Option<NewNode> = None;
        while left > 0 {
            if new.as_ref().is_none_or(|new| !new.holds_for(left)) {
                new = self.best_new(ask, left);
            }
            let growth = self.best_growth(ask, left, &mut candidates);
            if self.is_too_dear(growth.as_ref(), new.as_ref()) {
                self.held_back = true;
                break;
            }
            let placed = match (growth, &new) {
                (Some(growth), Some(new))
                    if !self.policy.prefers(growth.offer(), new.offer(left)) =>
                {
                    self.open(ask, left, *new, &mut candidates)
                }
                (Some(growth), _) => self.grow(ask, left, growth),
                (None, Some(new)) => self.open(ask, left, *new, &mut candidates),
                (None, None) => break,
            };
            left -= placed;
            if placed == 0 {
                break;
            }
        }
        left
    }

    /// Whether whatever comes next costs more than may be spent.
    fn is_too_dear(&self, growth: Option<&Growth>, new: Option<&NewNode>) -> bool {
        let left = self.ceiling.saturating_sub(self.spent);
        let growth = growth.map(|growth| growth.increase);
        let new = new.map(|new| new.price(self.policy.node_fee));
        let least = growth.into_iter().chain(new).min();
        least.is_some_and(|least| least > left)
    }

    /// Planned nodes in the order in which they are considered for growth.
    fn growth_candidates(&mut self) -> Queue {
        let first = self.growing;
        let end = self.nodes.len();
        if first < end {
            self.cursor %= end - first;
        }
        let start = (first + self.cursor).min(end);
        Queue {
            fresh: (start..end).chain(first..start),
            left: end - first,
            seen: VecDeque::new(),
        }
    }

    /// The best of the first few candidates that may take a pod by growing. Those that may not are
    /// dropped: what they hold only becomes more.
    fn best_growth(&mut self, ask: Ask, left: u32, candidates: &mut Queue) -> Option<Growth> {
        let mut best: Option<Growth> = None;
        let mut seen = 0;
        while seen < self.policy.candidates && seen < candidates.len() {
            let node = candidates.take()?;
            let Some(growth) = self.growth(ask, left, node) else {
                continue;
            };
            candidates.add(node);
            self.cursor += 1;
            seen += 1;
            if best.is_none_or(|best| growth.is_better_than(&best)) {
                best = Some(growth);
            }
        }
        best
    }

    fn growth(&mut self, ask: Ask, left: u32, node: NodeId) -> Option<Growth> {
        if !self.admits(ask, node) {
            return None;
        }
        let view = self.views.step(self.nodes.view[node], ask.demand)?;
        let slot = self.cheapest(ask.class, node, view)?;
        let shelf = self.views.shelf(view);
        let class = &self.problem.classes[ask.class];
        let most = if self.counts_values(node) {
            1
        } else {
            left.min(self.cap(ask, node))
        };
        let room = shelf.room(slot).iter().zip(self.nodes.used(node));
        let room: smallvec::SmallVec<[i64; 8]> = room.map(|(room, used)| room - used).collect();
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

    fn grow(&mut self, ask: Ask, left: u32, growth: Growth) -> u32 {
        self.counters.grown += 1;
        self.resize(growth.node, growth.view, growth.slot);
        let count = growth.count.min(left);
        self.put(ask, growth.node, count);
        count
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
