//! What-ifs: would the pods of these nodes have a place elsewhere, and at what price?
//!
//! The cluster is put in numbers once, with the pods that might have to move; then thousands of
//! questions are asked of it, each of which costs what it touches. A question can be kept, so that
//! the next is asked of a cluster in which its nodes are gone.
//!
//! Answers are those of one packing policy. What is *not* here: the claims that would be made
//! ([`crate::solve`] with [`crate::Batch::without`] makes them), and which nodes may go.

use std::sync::Arc;

use catalog::Price;
use cluster::{PodRecord, Snapshot};
use model::Timestamp;
use rustc_hash::FxHashMap;

use crate::index::gather::label;
use crate::index::topology::CounterId;
use crate::index::topology::rules::Place;
use crate::index::topology::running::{address, looks_at};
use crate::index::{Index, index_with};
use crate::memory::Memory;
use crate::options::{Batch, BatchPods, Options};
use crate::pack::trial::{Machine, Opening, Trials, Tried, bound, ranks};
use crate::policy::Policy;
use crate::portfolio::balanced;
use crate::topology::DomainId;
use crate::view::Views;

/// A node that is asked about.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// Its position in the snapshot's list of nodes.
    pub position: usize,
    /// Its pods that would have to move.
    pub pods: Vec<Arc<PodRecord>>,
    /// Whether it may take pods of others while it is there.
    pub takes: Takes,
}

/// Whether a node takes pods of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// It does.
    Pods,
    /// It does not.
    Nothing,
}

/// The cluster, ready to be asked.
pub struct WhatIf<'s> {
    index: Index<'s>,
    policy: Policy,
    ranks: Vec<u32>,
    bound: Vec<(usize, DomainId, usize)>,
    machines: Vec<Machine>,
    closed: Vec<usize>,
    /// By asked node: the first of its pods that can't be placed anywhere.
    refused: Vec<Option<Arc<PodRecord>>>,
}

/// What came of a question.
#[derive(Clone, Debug)]
pub enum Answer {
    /// All pods have a place.
    Placed {
        /// What new nodes for them cost an hour; nothing where there are none.
        price: Price,
        /// How many new nodes there are.
        new_nodes: usize,
    },
    /// Pods have none.
    Stuck {
        /// One of them, or one like it.
        pod: Arc<PodRecord>,
        /// Whether they would have one at a higher price.
        too_dear: bool,
        /// Which of the nodes have such pods, ascending.
        nodes: Vec<usize>,
    },
}

/// What may be opened for pods that have to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewUpTo {
    /// Nothing.
    Nothing,
    /// Nodes that cost less than this an hour in all.
    Price(Price),
}

impl<'s> WhatIf<'s> {
    /// Puts a cluster in numbers. `closed` are nodes that take no pods, as [`Batch::closed`] has
    /// them; what nodes take that are asked about they say themselves. Pending pods play no part:
    /// see [`Snapshot::assuming`].
    pub fn new(
        memory: &mut Memory,
        snapshot: &'s Snapshot,
        leaving: &[Leaving],
        closed: Arc<[bool]>,
        (options, now): (&Options, Timestamp),
    ) -> Self {
        let movable: Vec<Arc<PodRecord>> = leaving.iter().flat_map(|l| l.pods.clone()).collect();
        let closed = open_for(leaving, &closed);
        let batch = Batch {
            pods: BatchPods::Displaced,
            closed,
            ..Batch::default()
        };
        let index = index_with(memory, snapshot, (&batch, &movable), options, now);
        let policy = balanced(options);
        let class_of = class_of(&index);
        let place_of: FxHashMap<usize, usize> = index
            .problem
            .nodes
            .iter()
            .enumerate()
            .map(|(at, node)| (node.source, at))
            .collect();
        let mut refused = Vec::with_capacity(leaving.len());
        let mut machines = Vec::with_capacity(leaving.len());
        for node in leaving {
            let mut machine = Machine {
                node: place_of.get(&node.position).copied(),
                frees: frees(&index, snapshot, node.position),
                ..Machine::default()
            };
            refused.push(sort_pods(node, &class_of, &mut machine));
            machines.push(machine);
        }
        count(&index, memory, leaving, &mut machines);
        let closed = leaving.iter().zip(&machines);
        let closed = closed.filter(|(leaving, _)| leaving.takes == Takes::Nothing);
        let closed = closed.filter_map(|(_, machine)| machine.node).collect();
        Self {
            ranks: ranks(&index.problem, &policy),
            bound: bound(&index.problem),
            index,
            policy,
            machines,
            closed,
            refused,
        }
    }

    /// A pod of an asked node that can't be placed anywhere, so that the node can't go.
    pub fn refused(&self, leaving: usize) -> Option<&Arc<PodRecord>> {
        self.refused[leaving].as_ref()
    }

    /// Calls `ask` with somebody who answers.
    pub fn ask<R>(&self, ask: impl FnOnce(&mut Asked<'_, '_>) -> R) -> R {
        let mut views = Views::new(&self.index.problem);
        let order = (&*self.ranks, &*self.bound);
        let mut trials = Trials::new(&self.index.problem, &mut views, &self.policy, order);
        for node in &self.closed {
            trials.close(*node);
        }
        ask(&mut Asked {
            what_if: self,
            trials,
        })
    }
}

/// Who answers. What was kept counts for all questions that follow.
pub struct Asked<'a, 'p> {
    what_if: &'p WhatIf<'p>,
    trials: Trials<'a, 'p>,
}

impl Asked<'_, '_> {
    /// Whether the pods of these nodes, by position in the list that was given, have a place
    /// elsewhere. The answer stands until the next call of [`Self::keep`] or [`Self::forget`], one
    /// of which must come before the next question.
    pub fn without(&mut self, leaving: &[usize], new: NewUpTo) -> Answer {
        let what_if = self.what_if;
        let machines = leaving.iter().map(|at| &what_if.machines[*at]);
        let opening = match new {
            NewUpTo::Nothing => Opening::No,
            NewUpTo::Price(price) => Opening::UpTo(price.nanos()),
        };
        match self.trials.attempt(machines, opening) {
            Tried::Placed { price, nodes } => Answer::Placed {
                price: Price::from_nanos(price),
                new_nodes: nodes,
            },
            Tried::Stuck { class, too_dear } => Answer::Stuck {
                pod: self.of_class(class),
                too_dear,
                nodes: self.with_class(leaving, class),
            },
        }
    }

    /// Keeps the answer: its nodes are gone for all questions that follow.
    pub fn keep(&mut self) {
        self.trials.keep();
    }

    /// Forgets the answer.
    pub fn forget(&mut self) {
        self.trials.take_back();
    }

    /// Whether all new nodes of the answer that stands are reserved capacity.
    pub fn is_reserved(&self) -> bool {
        let pools = &self.what_if.index.pools;
        let is_reserved =
            |pool: Option<usize>| pool.is_some_and(|pool| pools[pool].reservation.is_some());
        self.trials.pools().all(is_reserved)
    }

    /// What the pods of each of these nodes cost on new nodes, as far as they are on new ones, in
    /// the answer that stands; billionths of a dollar an hour. Pods of a class share alike.
    pub fn shares(&self, leaving: &[usize]) -> Vec<f64> {
        let problem = &self.what_if.index.problem;
        let mut of_class: FxHashMap<u32, (f64, f64)> = FxHashMap::default();
        let mut weights: FxHashMap<usize, f64> = FxHashMap::default();
        let weight = |node: usize, class: u32, count: u32| -> f64 {
            let request = &problem.classes[class as usize].request;
            let used = self.trials.used(node);
            let shares = request.iter().zip(used).map(|(request, used)| {
                let all = *used as f64;
                if all > 0.0 {
                    *request as f64 / all
                } else {
                    0.0
                }
            });
            shares.fold(0.0, f64::max) * f64::from(count)
        };
        for put in self.trials.puts() {
            if self.trials.price(put.node) > 0 {
                *weights.entry(put.node).or_default() += weight(put.node, put.class, put.count);
            }
        }
        for put in self.trials.puts() {
            let price = self.trials.price(put.node) as f64;
            let (sum, count) = of_class.entry(put.class).or_default();
            *count += f64::from(put.count);
            if price > 0.0 {
                let share = weight(put.node, put.class, put.count) / weights[&put.node];
                *sum += price * share;
            }
        }
        let each = |class: u32| of_class.get(&class).map_or(0.0, |(sum, count)| sum / count);
        let of = |at: &usize| {
            let moving = self.what_if.machines[*at].moving.iter();
            moving
                .map(|(class, count)| each(*class) * f64::from(*count))
                .sum()
        };
        leaving.iter().map(of).collect()
    }

    fn with_class(&self, leaving: &[usize], class: u32) -> Vec<usize> {
        let has = |at: &&usize| {
            let moving = &self.what_if.machines[**at].moving;
            moving.binary_search_by_key(&class, |(of, _)| *of).is_ok()
        };
        let mut with: Vec<usize> = leaving.iter().filter(has).copied().collect();
        with.sort_unstable();
        with
    }

    fn of_class(&self, class: u32) -> Arc<PodRecord> {
        let pods = &self.what_if.index.pods[class as usize];
        let first = pods.first();
        first
            .unwrap_or_else(|| unreachable!("a class has pods"))
            .clone()
    }
}

/// The closed nodes without those that are asked about.
fn open_for(leaving: &[Leaving], closed: &[bool]) -> Arc<[bool]> {
    let mut closed = closed.to_vec();
    for node in leaving {
        if let Some(closed) = closed.get_mut(node.position) {
            *closed = false;
        }
    }
    closed.into()
}

/// The class of each pod, by address.
fn class_of(index: &Index<'_>) -> FxHashMap<usize, u32> {
    let mut class_of = FxHashMap::default();
    for (class, pods) in index.pods.iter().enumerate() {
        class_of.extend(pods.iter().map(|pod| (address(pod), class as u32)));
    }
    class_of
}

/// Notes the classes of a node's pods; gives a pod that has none.
fn sort_pods(
    node: &Leaving,
    class_of: &FxHashMap<usize, u32>,
    machine: &mut Machine,
) -> Option<Arc<PodRecord>> {
    let mut classes: Vec<u32> = Vec::with_capacity(node.pods.len());
    let mut without = None;
    for pod in &node.pods {
        match class_of.get(&address(pod)) {
            Some(class) => classes.push(*class),
            None => without = without.or_else(|| Some(pod.clone())),
        }
    }
    classes.sort_unstable();
    for class in classes {
        match machine.moving.last_mut() {
            Some((last, count)) if *last == class => *count += 1,
            _ => machine.moving.push((class, 1)),
        }
    }
    without
}

/// Notes what counters count on each node.
fn count(index: &Index<'_>, memory: &Memory, leaving: &[Leaving], machines: &mut [Machine]) {
    let at: FxHashMap<usize, usize> = leaving
        .iter()
        .enumerate()
        .map(|(at, leaving)| (leaving.position, at))
        .collect();
    for (counter, place) in index.places.iter().enumerate() {
        for (first, tally) in memory.nodes.tallies(counter) {
            for (node, count) in &tally.on_nodes {
                let Some(machine) = at.get(&(first + node)) else {
                    continue;
                };
                let machine = &mut machines[*machine];
                match place {
                    Place::Host(host) => machine.hosts.push((*host, *count)),
                    Place::Domain(domain) => {
                        let counted = counted_in(index, first + node, (counter, *domain));
                        machine.domains.push((*domain, counted, *count));
                    }
                }
            }
        }
    }
}

/// What is free again of the limits of a node's pool once it is gone, if they count it now.
fn frees(index: &Index<'_>, snapshot: &Snapshot, position: usize) -> Option<(usize, Vec<i64>)> {
    let node = snapshot
        .nodes
        .get(position)
        .filter(|node| !node.is_marked())?;
    let name = node.pool()?;
    let pools = &index.pools;
    let pool = pools.iter().position(|pool| &*pool.template.name == name)?;
    let limits = &pools[pool].limits;
    if limits.is_empty() {
        return None;
    }
    let usage = node.pool_usage();
    let frees = limits.iter().map(|limit| limit.charge(&usage));
    Some((pool, frees.collect()))
}

/// The domain in which a counter counts the pods of a node, as all that run were counted; none if
/// it does not.
fn counted_in(
    index: &Index<'_>,
    position: usize,
    (counter, domain): (CounterId, DomainId),
) -> Option<usize> {
    let node = index.snapshot.nodes.get(position)?;
    let key = index.counted.keys.get(counter);
    let value = label(node, &key.topology_key).filter(|_| looks_at(key, node))?;
    let problem = &index.problem;
    let of = &problem.topology.domains[domain as usize];
    problem.keys.domain(of.key, value)
}
