//! Trials: nodes are thought away, their pods placed elsewhere, and all of it taken back or kept.
//!
//! A packing that stands is changed in place and what changes is noted, so a trial costs what it
//! touches, however large the cluster is. What is *not* here: which nodes are tried
//! (`crate::what_if`).

use rustc_hash::FxHashMap;

use crate::policy::{Policy, order};
use crate::problem::Problem;
use crate::topology::{DomainId, HostId, Looks};
use crate::view::Views;

use super::budget::Budgets;
use super::{NodeId, Packing, Put, bound_to_domains, depends_on_others};

/// A node that may be thought away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    /// Its place in the packing; none if it takes no pods.
    pub(crate) node: Option<NodeId>,
    /// Its pods that would have to move: class and how many.
    pub(crate) moving: Vec<(u32, u32)>,
    /// How many of its pods each counter by host counts.
    pub(crate) hosts: Vec<(HostId, u32)>,
    /// How many of its pods each counter by domain counts; the domain where it is counted there.
    pub(crate) domains: Vec<(DomainId, Option<usize>, u32)>,
    /// What is free again of its pool's limits once it is gone; the pool in the problem.
    pub(crate) frees: Option<(usize, Vec<i64>)>,
}

/// What came of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// All pods have a place.
    Placed {
        /// What the new nodes cost, billionths of a dollar an hour.
        price: u64,
        /// How many new nodes there are.
        nodes: usize,
    },
    /// Pods of a class have none, or none at that price.
    Stuck {
        /// The class.
        class: u32,
        /// Whether they might have one at a higher price.
        too_dear: bool,
    },
}

/// Whether trials may open nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// They may, up to this price in all.
    UpTo(u64),
    /// They may not.
    No,
}

/// What else a trial changes, as it was before.
struct Before {
    domains: Vec<Vec<u32>>,
    declared: Vec<Vec<u32>>,
    anywhere: Vec<u32>,
    on_hosts: Vec<u32>,
    budgets: Budgets,
    puts: usize,
    nodes: usize,
    cursor: usize,
    spent: u64,
}

/// A packing of what is there, and trials on it.
pub(crate) struct Trials<'a, 'p> {
    packing: Packing<'a, 'p>,
    before: Before,
    /// By class: its place in the order of placement.
    rank: &'a [u32],
    /// Classes that are spread and can be in one domain only.
    bound: &'a [(usize, DomainId, usize)],
    /// Pods of each class that are to be placed; zero between trials.
    left: Vec<u32>,
    /// What nodes have got in trials that were kept.
    received: FxHashMap<NodeId, Vec<Put>>,
}

/// The place of each class in the order of placement.
pub(crate) fn ranks(problem: &Problem, policy: &Policy) -> Vec<u32> {
    let mut ranks = vec![0; problem.classes.len()];
    for (rank, class) in order(problem, policy).into_iter().enumerate() {
        ranks[class] = rank as u32;
    }
    ranks
}

/// Classes that are spread and can be in one domain only: class, counter, domain.
pub(crate) fn bound(problem: &Problem) -> Vec<(usize, DomainId, usize)> {
    bound_to_domains(problem)
}

impl<'a, 'p> Trials<'a, 'p> {
    /// Trials on what is there.
    pub(crate) fn new(
        problem: &'p Problem,
        views: &'a mut Views<'p>,
        policy: &'a Policy,
        (rank, bound): (&'a [u32], &'a [(usize, DomainId, usize)]),
    ) -> Self {
        let packing = Packing::new(problem, views, policy);
        let before = Before {
            domains: packing.domains.clone(),
            declared: packing.declared.clone(),
            anywhere: packing.anywhere.clone(),
            on_hosts: packing.on_hosts.clone(),
            budgets: packing.budgets.clone(),
            puts: 0,
            nodes: packing.nodes.len(),
            cursor: 0,
            spent: 0,
        };
        Self {
            packing,
            before,
            rank,
            bound,
            left: vec![0; problem.classes.len()],
            received: FxHashMap::default(),
        }
    }

    /// Lets a node take nothing from here on. Not to be taken back.
    pub(crate) fn close(&mut self, node: NodeId) {
        self.packing.nodes.close(node);
    }

    /// Thinks machines away and places their pods. What came of it stands until [`Self::keep`] or
    /// [`Self::take_back`].
    pub(crate) fn attempt<'m>(
        &mut self,
        machines: impl Iterator<Item = &'m Machine>,
        opening: Opening,
    ) -> Tried {
        self.begin(opening);
        let mut classes: Vec<usize> = Vec::new();
        for machine in machines {
            self.remove(machine, &mut classes);
        }
        classes.sort_unstable_by_key(|class| self.rank[*class]);
        let stuck = self.place(&classes);
        for class in classes {
            self.left[class] = 0;
        }
        let packing = &self.packing;
        stuck.unwrap_or(Tried::Placed {
            // A node of a trial that was kept may have become cheaper.
            price: packing.spent.saturating_sub(self.before.spent),
            nodes: packing.nodes.len() - self.before.nodes,
        })
    }

    /// What was put where in the trial that stands.
    pub(crate) fn puts(&self) -> &[Put] {
        &self.packing.puts[self.before.puts..]
    }

    /// What a new node of the trial that stands costs; 0 for one that was there.
    pub(crate) fn price(&self, node: NodeId) -> u64 {
        self.packing.nodes.price[node]
    }

    /// What was put on a node.
    pub(crate) fn used(&self, node: NodeId) -> &[i64] {
        self.packing.nodes.used(node)
    }

    /// Makes everything as it was before the trial.
    pub(crate) fn take_back(&mut self) {
        let (packing, before) = (&mut self.packing, &self.before);
        packing.nodes.take_back();
        packing.domains.clone_from(&before.domains);
        packing.declared.clone_from(&before.declared);
        packing.anywhere.clone_from(&before.anywhere);
        packing.on_hosts.clone_from(&before.on_hosts);
        packing.budgets.clone_from(&before.budgets);
        packing.puts.truncate(before.puts);
        packing.loose.split_off(&before.nodes);
        packing.reserved.split_off(&before.nodes);
        packing.cursor = before.cursor;
        packing.spent = before.spent;
    }

    /// The pool of each new node of the trial.
    pub(crate) fn pools(&self) -> impl Iterator<Item = Option<usize>> {
        let packing = &self.packing;
        let new = &packing.nodes.view[self.before.nodes..];
        new.iter().map(|view| packing.views.pool(*view))
    }

    /// Makes the trial part of what is there.
    pub(crate) fn keep(&mut self) {
        let (packing, before) = (&mut self.packing, &mut self.before);
        for put in &packing.puts[before.puts..] {
            let received = self.received.entry(put.node).or_default();
            received.push(*put);
        }
        before.domains.clone_from(&packing.domains);
        before.declared.clone_from(&packing.declared);
        before.anywhere.clone_from(&packing.anywhere);
        before.on_hosts.clone_from(&packing.on_hosts);
        before.budgets.clone_from(&packing.budgets);
        before.puts = packing.puts.len();
        before.nodes = packing.nodes.len();
        before.cursor = packing.cursor;
        before.spent = packing.spent;
        // What was opened is not to become larger by what comes later.
        packing.growing = packing.nodes.len();
    }

    fn begin(&mut self, opening: Opening) {
        let packing = &mut self.packing;
        packing.nodes.begin();
        packing.keeps_promises = true;
        packing.promised.clear();
        packing.held_back = false;
        packing.ceiling = match opening {
            Opening::UpTo(most) => packing.spent.saturating_add(most),
            Opening::No => 0,
        };
    }

    /// Takes a machine and its pods away.
    fn remove(&mut self, machine: &Machine, classes: &mut Vec<usize>) {
        let packing = &mut self.packing;
        for (host, count) in &machine.hosts {
            packing.on_hosts[*host as usize] -= count;
        }
        for (counter, domain, count) in &machine.domains {
            let counter = *counter as usize;
            packing.anywhere[counter] -= count;
            if let Some(domain) = domain {
                packing.domains[counter][*domain] -= count;
                packing.declared[counter][*domain] -= count;
            }
        }
        if let Some((pool, frees)) = &machine.frees {
            packing.budgets.release(*pool, frees);
        }
        let mut add = |class: u32, count: u32| {
            let class = class as usize;
            if self.left[class] == 0 {
                classes.push(class);
            }
            self.left[class] += count;
        };
        for (class, count) in &machine.moving {
            add(*class, *count);
        }
        let Some(node) = machine.node else { return };
        let received = self.received.get(&node).cloned().unwrap_or_default();
        for put in &received {
            add(put.class, put.count);
        }
        for put in &received {
            self.packing.uncount(put);
        }
        self.packing.nodes.close(node);
    }

    /// Places what is left of these classes, in this order; says who is stuck.
    fn place(&mut self, classes: &[usize]) -> Option<Tried> {
        let problem = self.packing.problem;
        let of = |(class, ..): &&(usize, DomainId, usize)| self.left[*class] > 0;
        let bound: Vec<_> = self.bound.iter().filter(of).copied().collect();
        let mut waiting = classes.to_vec();
        loop {
            let mut placed = 0;
            for class in &waiting {
                let wanted = self.left[*class];
                self.packing.promise(&bound, &self.left, *class);
                let left = self.packing.place_class(*class, wanted);
                self.left[*class] = left;
                placed += wanted - left;
                if left > 0 && !depends_on_others(problem, *class) {
                    return Some(self.stuck(*class));
                }
            }
            waiting.retain(|class| self.left[*class] > 0);
            let first = *waiting.first()?;
            if placed == 0 && !self.packing.keeps_promises {
                return Some(self.stuck(first));
            }
            self.packing.keeps_promises = placed > 0;
        }
    }

    fn stuck(&self, class: usize) -> Tried {
        Tried::Stuck {
            class: class as u32,
            too_dear: self.packing.held_back,
        }
    }
}

impl Packing<'_, '_> {
    /// Takes pods off the counts of hosts and domains.
    fn uncount(&mut self, put: &Put) {
        let class = &self.problem.classes[put.class as usize];
        for host in class.hosts.iter() {
            self.on_hosts[*host as usize] -= put.count;
        }
        let view = self.nodes.view[put.node];
        for counter in class.domains.iter() {
            let at = *counter as usize;
            self.anywhere[at] -= put.count;
            let of = &self.problem.topology.domains[at];
            let Some(domain) = self.views.domain(view, of.key) else {
                continue;
            };
            if self.views.looks(view, of.filter) == Looks::Surely {
                self.domains[at][domain] -= put.count;
            }
            if self.declares(put.rules, *counter) {
                self.declared[at][domain] -= put.count;
            }
        }
    }
}

#[cfg(test)]
mod tests;
