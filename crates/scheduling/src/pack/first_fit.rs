//! The reference's own policy: planned nodes are tried in ascending number of pods, a pod joins the
//! first that some type can still hold, and only then a node is opened.
//!
//! It fills nodes without regard to price. It is kept as a baseline: on small problems, where ties
//! and luck decide, it is now and then the cheapest.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Ask, NodeId, Packing};

impl Packing<'_, '_> {
    /// Places pods one by one on planned nodes and says how many are left.
    pub(super) fn place_first_fit(&mut self, ask: Ask, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        let mut left = count;
        let mut open: BinaryHeap<Reverse<(u32, NodeId)>> = (self.problem.nodes.len()
            ..self.nodes.len())
            .filter(|node| self.admits(ask, *node))
            .map(|node| Reverse((self.nodes.pods[node], node)))
            .collect();
        while left > 0 {
            let taken = match open.pop() {
                Some(Reverse((_, node))) => {
                    if !self.join(ask, node) {
                        // Its pods only become more: it will not take one of this class later.
                        continue;
                    }
                    node
                }
                None => match self.open_for_one(ask) {
                    Some(node) => node,
                    None => break,
                },
            };
            left -= 1;
            if self.admits(ask, taken) {
                open.push(Reverse((self.nodes.pods[taken], taken)));
            }
        }
        left
    }

    /// Adds one pod to a planned node, whatever that costs, if some type holds it.
    pub(super) fn join(&mut self, ask: Ask, node: NodeId) -> bool {
        let before = self.nodes.view[node];
        let Some(view) = self.views.step(before, ask.demand) else {
            return false;
        };
        let request = &self.problem.classes[ask.class].request;
        if view != before || !self.nodes.has_slack(node, request) || self.counts_values(node) {
            let Some(slot) = self.cheapest(ask.class, node, view) else {
                return false;
            };
            self.resize(node, view, slot);
        }
        self.put(ask, node, 1);
        true
    }

    /// Opens a node of the first pool that can have one, for one pod.
    pub(super) fn open_for_one(&mut self, ask: Ask) -> Option<NodeId> {
        let new = self.best_new(ask, 1)?;
        Some(self.open_node(ask, 1, new))
    }
}
