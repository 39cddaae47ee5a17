//! The placement loop: classes of pods, in order, onto nodes that are there, planned and new.
//!
//! Slack before growth before new: a planned node is charged at the price of the cheapest type that
//! holds its pods now, so filling it up is free, and growing it costs the exact difference. What is
//! *not* here: which views exist (`view`), in which order and how greedily (`policy`), output.

mod blocks;
mod budget;
mod cost;
mod count;
pub(crate) mod devices;
mod domains;
mod first;
mod first_fit;
mod found;
mod grow;
mod journal;
mod nodes;
mod open;
mod rebuild;
pub(crate) mod trial;

use std::collections::BTreeMap;

use crate::policy::{Policy, order};
use crate::problem::{DemandId, Problem, bits_meet};
use crate::topology::{DomainId, DomainRule, Rules, RulesId};
use crate::view::{ViewId, Views};

use budget::Choice;
pub(crate) use budget::{Budgets, MOST_TYPES, MinValuesCheck, distinct_values, listed};
pub(crate) use cost::Cost;
use domains::depends_on_others;
pub(crate) use nodes::{NodeId, Nodes};
pub(crate) use rebuild::{Joining, Planned, rebuild, repack};

/// `count` pods of a class were put on a node under one demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Put {
    /// The node.
    pub(crate) node: NodeId,
    /// The class.
    pub(crate) class: u32,
    /// What was asked of the node; with the domains that it was pinned to.
    pub(crate) demand: DemandId,
    /// What was asked of the pods beside it.
    pub(crate) rules: RulesId,
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
    /// Nodes that were filled on trial while a packing was made cheaper.
    pub fills: u64,
    /// Kinds of pods looked at while filling.
    pub fill_steps: u64,
    /// Times that a few nodes were dissolved and their pods packed cheaper.
    pub dissolved: u64,
}

impl Counters {
    /// Adds another run's work.
    pub(crate) fn add(&mut self, other: Self) {
        self.scans += other.scans;
        self.type_queries += other.type_queries;
        self.grown += other.grown;
        self.opened += other.opened;
        self.fills += other.fills;
        self.fill_steps += other.fill_steps;
        self.dissolved += other.dissolved;
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
    /// Pods by domain counter and domain, running ones included.
    pub(crate) domains: Vec<Vec<u32>>,
    /// Work done.
    pub(crate) counters: Counters,
}

impl Packed {
    /// Pods without a place.
    pub(crate) fn unplaced(&self) -> u64 {
        self.left.iter().map(|count| u64::from(*count)).sum()
    }

    /// The sum of the planned nodes' prices, billionths of a dollar an hour.
    #[cfg(test)]
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
    let left = packing.place_all(order(problem, policy), counts(problem));
    packing.finish(left)
}

/// Classes that are spread and can be in one domain only: class, counter, domain.
fn bound_to_domains(problem: &Problem) -> Vec<(usize, DomainId, usize)> {
    let mut bound = Vec::new();
    for (at, class) in problem.classes.iter().enumerate() {
        let Some(variant) = class.variants.first() else {
            continue;
        };
        let masks = &problem.demands[variant.demand as usize].masks;
        for rule in &problem.topology.rules[variant.rules as usize].domains {
            let DomainRule::Spread(spread) = rule else {
                continue;
            };
            let key = problem.topology.domains[spread.counter as usize].key;
            let own = masks.iter().find(|(id, _)| *id == key);
            let only = own.and_then(|(_, mask)| problem.keys.only_domain(key, mask));
            bound.extend(only.filter(|_| spread.own).map(|d| (at, spread.counter, d)));
        }
    }
    bound
}

/// Pods of each class that are to be placed.
fn counts(problem: &Problem) -> Vec<u32> {
    let counts = problem.classes.iter().map(|class| class.count);
    let mut counts: Vec<u32> = counts.collect();
    for class in &problem.first.classes {
        counts[*class] = 0;
    }
    counts
}

/// Pods of a class as they are to be placed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// The class.
    class: usize,
    /// What is asked of the node.
    demand: DemandId,
    /// What is asked of the pods beside it.
    rules: RulesId,
}

/// The state of one run.
struct Packing<'a, 'p> {
    problem: &'p Problem,
    views: &'a mut Views<'p>,
    policy: &'a Policy,
    nodes: Nodes,
    puts: Vec<Put>,
    budgets: Budgets,
    /// Pods by domain counter and domain.
    domains: Vec<Vec<u32>>,
    /// The same without planned pods that do not declare a spread over the counter.
    declared: Vec<Vec<u32>>,
    /// Pods by domain counter, in no domain too.
    anywhere: Vec<u32>,
    /// Pods by host counter, on any node.
    on_hosts: Vec<u32>,
    /// Pods on planned nodes that a domain counter will count as soon as the domain is decided.
    loose: BTreeMap<NodeId, Vec<(DomainId, u32)>>,
    /// Pods by domain counter and domain that can be nowhere else and have no place yet.
    promised: Vec<Vec<u32>>,
    /// Whether room is left for them in the skew.
    keeps_promises: bool,
    /// Where the search for a node to grow goes on.
    cursor: usize,
    /// What nodes keep from the limits of their pools, where that may be more than their type
    /// takes.
    reserved: BTreeMap<NodeId, Vec<i64>>,
    /// Scratch: what a node would have to hold.
    need: Vec<i64>,
    /// From here on planned nodes may grow.
    growing: NodeId,
    /// The sum of the prices of nodes that were opened.
    spent: u64,
    /// What may be spent; where that is nothing no node is opened.
    ceiling: u64,
    /// Whether that kept a node from being opened or from growing.
    held_back: bool,
    counters: Counters,
}

impl<'a, 'p> Packing<'a, 'p> {
    fn new(problem: &'p Problem, views: &'a mut Views<'p>, policy: &'a Policy) -> Self {
        let nodes = views.existing();
        let topology = &problem.topology;
        let mut packing = Self {
            problem,
            views,
            policy,
            nodes,
            puts: Vec::new(),
            budgets: Budgets::new(problem),
            domains: topology.domains.iter().map(|d| d.running.clone()).collect(),
            declared: topology.domains.iter().map(|d| d.running.clone()).collect(),
            anywhere: topology.domains.iter().map(|d| d.anywhere).collect(),
            on_hosts: topology.hosts.iter().map(|h| h.running).collect(),
            loose: BTreeMap::new(),
            promised: Vec::new(),
            keeps_promises: true,
            cursor: 0,
            reserved: BTreeMap::new(),
            need: vec![0; problem.dims],
            growing: problem.nodes.len(),
            spent: 0,
            ceiling: u64::MAX,
            held_back: false,
            counters: Counters::default(),
        };
        packing.begin();
        packing
    }

    fn finish(mut self, mut left: Vec<u32>) -> Packed {
        self.give_back();
        for class in &self.problem.first.left {
            left[*class] = self.problem.classes[*class].count;
        }
        Packed {
            nodes: self.nodes,
            puts: self.puts,
            left,
            budgets: self.budgets,
            domains: self.domains,
            counters: self.counters,
        }
    }
}

impl<'p> Packing<'_, 'p> {
    fn rules(&self, rules: RulesId) -> &'p Rules {
        &self.problem.topology.rules[rules as usize]
    }

    /// Places so many pods of each class, the classes in this order; says how many are left.
    fn place_all(&mut self, mut waiting: Vec<usize>, mut left: Vec<u32>) -> Vec<u32> {
        let problem = self.problem;
        let bound = bound_to_domains(problem);
        loop {
            let mut placed = 0;
            for class in &waiting {
                self.promise(&bound, &left, *class);
                let before = left[*class];
                left[*class] = self.place_class(*class, before);
                placed += before - left[*class];
            }
            // What others are placed near to, or keep level with, may be there by now.
            waiting.retain(|class| left[*class] > 0 && depends_on_others(problem, *class));
            if waiting.is_empty() || (placed == 0 && !self.keeps_promises) {
                return left;
            }
            // Pods that could only be in one domain and are not there by now will not come, and
            // those that merely match a spread may come after those that declare it.
            self.keeps_promises = placed > 0;
        }
    }

    /// Notes which pods of other classes can be in one domain only.
    fn promise(&mut self, bound: &[(usize, DomainId, usize)], left: &[u32], but: usize) {
        if bound.is_empty() {
            return;
        }
        let none = |counts: &Vec<u32>| vec![0; counts.len()];
        self.promised = self.domains.iter().map(none).collect();
        for (class, counter, domain) in bound.iter().filter(|(class, ..)| *class != but) {
            self.promised[*counter as usize][*domain] += left[*class];
        }
    }

    /// Places up to `count` pods of a class under one of its variants after the other; says how
    /// many are left.
    fn place_class(&mut self, class: usize, count: u32) -> u32 {
        let mut left = count;
        for variant in self.problem.classes[class].variants.iter() {
            if left == 0 {
                break;
            }
            let ask = Ask {
                class,
                demand: variant.demand,
                rules: variant.rules,
            };
            left = self.place_grouped(ask, left);
        }
        left
    }

    /// Places pods; the first of a group that wants to be together is placed apart from the rest.
    fn place_grouped(&mut self, ask: Ask, count: u32) -> u32 {
        let mut left = count - self.lead(ask, count);
        if let Some(first) = self.founding(ask) {
            let placed = self.found(first, left);
            left -= placed;
            if placed == 0 {
                return left;
            }
        }
        if self.rules(ask.rules).pins.is_empty() {
            self.place(ask, left)
        } else {
            self.place_in_domains(ask, left)
        }
    }

    /// Places up to `count` pods and says how many are left.
    fn place(&mut self, ask: Ask, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        if self.policy.first_fit {
            let left = self.fill(ask, count, self.problem.nodes.len());
            return self.place_first_fit(ask, left);
        }
        let left = self.fill(ask, count, self.nodes.len());
        self.grow_or_open(ask, left)
    }

    /// Puts pods into the slack of the first `nodes` nodes, where that changes no price.
    fn fill(&mut self, ask: Ask, count: u32, nodes: usize) -> u32 {
        self.counters.scans += 1;
        let problem = self.problem;
        let request = &problem.classes[ask.class].request;
        let mut left = count;
        // The last view that did not take the class: neighbours were often opened for one class.
        let mut closed: Option<ViewId> = None;
        let mut node = self.nodes.next_roomy(0, nodes, request);
        while left > 0 && node < nodes {
            let view = self.nodes.view[node];
            if closed != Some(view) && self.admits(ask, node) {
                match self.views.step(view, ask.demand) {
                    Some(next) => left -= self.fill_with(ask, left, (node, next)),
                    None => closed = Some(view),
                }
            }
            node = self.nodes.next_roomy(node + 1, nodes, request);
        }
        left
    }

    fn fill_node(&mut self, ask: Ask, count: u32, node: NodeId) -> u32 {
        let view = self.views.step(self.nodes.view[node], ask.demand);
        view.map_or(0, |view| self.fill_with(ask, count, (node, view)))
    }

    /// Puts pods into the slack of a node, which thereby gets a view.
    fn fill_with(&mut self, ask: Ask, count: u32, (node, view): (NodeId, ViewId)) -> u32 {
        let most = count.min(self.cap(ask, node));
        if self.counts_values(node) {
            return self.fill_one_by_one(ask, most, (node, view));
        }
        if view != self.nodes.view[node] && !self.narrow(ask.class, node, view) {
            return 0;
        }
        let class = &self.problem.classes[ask.class];
        let fit = self.nodes.fit(node, class, most);
        self.put(ask, node, fit);
        fit
    }

    /// Every pod more leaves fewer types that hold all, so `minValues` is looked at for each.
    fn fill_one_by_one(&mut self, ask: Ask, most: u32, (node, view): (NodeId, ViewId)) -> u32 {
        let mut placed = 0;
        while placed < most && self.narrow(ask.class, node, view) {
            self.put(ask, node, 1);
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
            self.nodes.set_view(node, view);
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
            let reserved = self.reserved.get(&node);
            let choice = Choice {
                pool: &self.problem.pools[pool],
                left: reserved.map_or(self.budgets.left(pool), Vec::as_slice),
                held: self.nodes.kind(node).filter(|_| reserved.is_none()),
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
        if let Some(pool) = self.views.pool(view)
            && !self.reserved.contains_key(&node)
        {
            let types = &self.problem.pools[pool].types;
            if let Some(held) = self.nodes.kind(node) {
                self.budgets.release(pool, &types[held as usize].charge);
            }
            self.budgets.charge(pool, &types[kind as usize].charge);
        }
        let before = self.nodes.view[node];
        self.spent = self.spent.saturating_sub(self.nodes.price[node]) + shelf.slot(slot).price;
        self.nodes.resize(node, view, shelf, slot);
        if view != before {
            self.count_loose(node);
        }
    }

    /// Whether host ports and rules over host names let a pod onto a node.
    fn admits(&self, ask: Ask, node: NodeId) -> bool {
        let rules = self.rules(ask.rules);
        let bits = self.nodes.bits(node);
        !bits_meet(&rules.clear, bits)
            && rules
                .set
                .iter()
                .zip(bits)
                .all(|(set, bits)| set & !bits == 0)
    }

    /// How many pods the rules over host names let onto a node in one go.
    fn cap(&self, ask: Ask, node: NodeId) -> u32 {
        let rules = self.rules(ask.rules);
        let most = if rules.single { 1 } else { u32::MAX };
        let room = |(host, most): &(u32, u32)| most.saturating_sub(self.nodes.count(node, *host));
        rules.caps.iter().map(room).fold(most, u32::min)
    }

    /// How many pods a new node may get.
    fn fresh_cap(&self, ask: Ask) -> u32 {
        let rules = self.rules(ask.rules);
        let most = if rules.single { 1 } else { u32::MAX };
        rules
            .caps
            .iter()
            .map(|(_, most)| *most)
            .fold(most, u32::min)
    }
}

#[cfg(test)]
mod tests;
