//! Packings begin with what was placed before.

use super::open::NewNode;
use super::{Ask, NodeId, Packed, Packing};
use crate::view::ViewId;

impl Packing<'_, '_> {
    /// Opens the nodes of pods that have their places already, and puts these there.
    pub(super) fn begin(&mut self) {
        let first = &self.problem.first;
        for node in &first.nodes {
            let view = self
                .views
                .of_planned(node.pool, &node.masks, &node.ports)
                .unwrap_or_else(|| unreachable!("the node was opened before"));
            let mut new = self.new_of_kind(node.pool, view, node.kind);
            new.set_check(node.check);
            self.open_empty(new);
        }
        for put in &first.puts {
            let ask = Ask {
                class: put.class as usize,
                demand: put.demand,
                rules: put.rules,
            };
            self.put(ask, put.node, put.count);
        }
    }

    /// Makes a node that was there from the beginning what another packing has made of it.
    pub(super) fn restore(&mut self, packed: &Packed, node: NodeId) {
        let view = packed.nodes.view[node];
        if let Some(kind) = packed.nodes.kind(node) {
            let slot = self.slot_of(view, kind);
            self.resize(node, view, slot);
            self.nodes.check[node] = packed.nodes.check[node];
        }
    }

    fn new_of_kind(&self, pool: usize, view: ViewId, kind: u32) -> NewNode {
        let slot = self.slot_of(view, kind);
        let price = self.views.shelf(view).slot(slot).price;
        NewNode::of(pool, view, slot, price)
    }

    fn slot_of(&self, view: ViewId, kind: u32) -> usize {
        let slots = self.views.shelf(view).slots();
        slots
            .iter()
            .position(|slot| slot.kind == kind)
            .unwrap_or_else(|| unreachable!("the view was found with this type"))
    }
}
