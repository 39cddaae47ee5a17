//! A packing of which some nodes are kept and the pods of the others are put on new ones.

use crate::policy::Policy;
use crate::problem::{DemandId, Problem};
use crate::topology::RulesId;
use crate::view::Views;

use super::open::NewNode;
use super::{Ask, NodeId, Packed, Packing};

/// Pods that a new node gets, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joining {
    /// The class.
    pub(crate) class: usize,
    /// What is asked of the node.
    pub(crate) demand: DemandId,
    /// What is asked of the pods beside.
    pub(crate) rules: RulesId,
    /// How many pods.
    pub(crate) count: u32,
}

/// A node to be opened.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// Its pool.
    pub(crate) pool: usize,
    /// Its pods.
    pub(crate) pods: Vec<Joining>,
}

/// Keeps nodes of a packing and opens others for the rest of its pods. None if no type of a pool
/// holds what its node is to get.
pub(crate) fn rebuild<'p>(
    problem: &'p Problem,
    views: &mut Views<'p>,
    policy: &Policy,
    (packed, keep): (&Packed, &[bool]),
    planned: &[Planned],
) -> Option<Packed> {
    let mut packing = Packing::new(problem, views, policy);
    packing.keep(packed, keep)?;
    for node in planned {
        packing.open_planned(node)?;
    }
    Some(packing.finish(packed.left.clone()))
}

/// Keeps nodes of a packing and places the pods of the others anew, under all rules, the classes in
/// this order. None if some of them have no place.
pub(crate) fn repack<'p>(
    problem: &'p Problem,
    views: &mut Views<'p>,
    (policy, order): (&Policy, &[usize]),
    (packed, keep): (&Packed, &[bool]),
) -> Option<Packed> {
    let mut packing = Packing::new(problem, views, policy);
    packing.keep(packed, keep)?;
    let mut left = vec![0; problem.classes.len()];
    for put in packed.puts.iter().filter(|put| !keep[put.node]) {
        left[put.class as usize] += put.count;
    }
    let order = order.iter().copied().filter(|class| left[*class] > 0);
    let left = packing.place_all(order.collect(), left);
    let all_placed = left.iter().all(|count| *count == 0);
    all_placed.then(|| packing.finish(packed.left.clone()))
}

impl Packing<'_, '_> {
    /// Takes over nodes of another packing with their pods. None if a pool has no such type now.
    fn keep(&mut self, packed: &Packed, keep: &[bool]) -> Option<()> {
        let mut places: Vec<NodeId> = (0..packed.nodes.len()).collect();
        let fixed = self.problem.fixed_nodes();
        for node in self.problem.nodes.len()..packed.nodes.len() {
            if node < fixed {
                self.restore(packed, node);
            } else if keep[node] {
                places[node] = self.reopen(packed, node)?;
            }
        }
        // Those that are placed before everything else are there already.
        let others = packed.puts.iter().skip(self.problem.first.puts.len());
        for put in others.filter(|put| keep[put.node]) {
            let ask = Ask {
                class: put.class as usize,
                demand: put.demand,
                rules: put.rules,
            };
            self.put(ask, places[put.node], put.count);
        }
        Some(())
    }

    /// Opens a node as another packing has it, without its pods.
    fn reopen(&mut self, packed: &Packed, node: NodeId) -> Option<NodeId> {
        let view = packed.nodes.view[node];
        let pool = self.views.pool(view)?;
        let kind = packed.nodes.kind(node)?;
        let slots = self.views.shelf(view).slots();
        let slot = slots.iter().position(|slot| slot.kind == kind)?;
        let mut new = NewNode::of(pool, view, slot, slots[slot].price);
        new.set_check(packed.nodes.check[node]);
        Some(self.open_empty(new))
    }

    fn open_planned(&mut self, planned: &Planned) -> Option<()> {
        let mut view = self.views.root(planned.pool)?;
        let mut need = vec![0; self.problem.dims];
        for pods in &planned.pods {
            view = self.views.step(view, pods.demand)?;
            let request = &self.problem.classes[pods.class].request;
            for (need, request) in need.iter_mut().zip(request) {
                *need += request * i64::from(pods.count);
            }
        }
        self.counters.type_queries += 1;
        let shelf = self.views.shelf(view);
        let slot = shelf.cheapest(&need)?;
        let new = NewNode::of(planned.pool, view, slot, shelf.slot(slot).price);
        let node = self.open_empty(new);
        for pods in &planned.pods {
            let ask = Ask {
                class: pods.class,
                demand: pods.demand,
                rules: pods.rules,
            };
            self.put(ask, node, pods.count);
        }
        Some(())
    }
}
