//! A plan as it grows: what has been decided, and the cluster as it will be then.
//!
//! What is *not* here: the order of the steps (`plan`), and what each of them decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::{NodeState, PodRecord, Snapshot};
use model::Timestamp;
use scheduling::what_if::{Leaving, Takes, WhatIf};
use scheduling::{
    Batch, BatchPods, Effort, LowerBound, MinValuesPolicy, Placement, Pricing, solve_with,
};

use crate::balanced::Verdict;
use crate::budget::PoolBudget;
use crate::command::{Candidate, Command};
use crate::quota::Quota;
use crate::{Memory, Options, Reason, Why, quiet};

/// What has been decided so far.
#[derive(Clone)]
pub(crate) struct Stage<'b> {
    /// The cluster as it is.
    pub(crate) now_there: Snapshot,
    /// The cluster once that is done.
    pub(crate) snapshot: Snapshot,
    /// What budgets leave.
    pub(crate) quota: Quota<'b>,
    /// What is to be done.
    pub(crate) commands: Vec<Command>,
    /// Why other nodes stay; what was said last counts, of those that are to be renewed what was
    /// said of that.
    pub(crate) kept: BTreeMap<Arc<str>, Why>,
    /// What pools have said to changes that are not made for it.
    pub(crate) rejected: Vec<Verdict>,
    /// Nodes that could go, by reason, if budgets allowed it.
    pub(crate) eligible: BTreeMap<Reason, usize>,
    /// Nodes that go by these commands.
    going: BTreeSet<Arc<str>>,
    /// Nodes that get pods by these commands.
    getting: BTreeSet<Arc<str>>,
    /// Nodes that are to be renewed, and stay for now.
    due: BTreeSet<Arc<str>>,
    /// How many claims of each pool have names.
    claims: BTreeMap<Arc<str>, usize>,
    /// When.
    pub(crate) now: Timestamp,
    /// What decides where nothing else does.
    pub(crate) seed: u64,
}

/// Which pods nodes take that stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiving {
    /// Any, if they are complete.
    Complete,
    /// The same, unless they are to be left alone after pods came.
    Settled,
}

impl<'b> Stage<'b> {
    /// Nothing decided yet.
    pub(crate) fn new(
        snapshot: &Snapshot,
        budgets: &'b BTreeMap<Arc<str>, PoolBudget>,
        (now, seed): (Timestamp, u64),
    ) -> Self {
        Self {
            now_there: snapshot.clone(),
            snapshot: snapshot.clone(),
            claims: BTreeMap::new(),
            going: BTreeSet::new(),
            getting: BTreeSet::new(),
            due: BTreeSet::new(),
            quota: Quota::new(budgets),
            commands: Vec::new(),
            kept: BTreeMap::new(),
            rejected: Vec::new(),
            eligible: Reason::ALL.iter().map(|reason| (*reason, 0)).collect(),
            now,
            seed,
        }
    }

    /// Notes commands: their nodes are going, and where their pods go is taken.
    pub(crate) fn add(&mut self, mut commands: Vec<Command>) {
        if commands.is_empty() {
            return;
        }
        for claim in commands
            .iter_mut()
            .flat_map(|command| &mut command.replacements)
        {
            let number = self.claims.entry(claim.pool.clone()).or_default();
            *number += 1;
            claim.name = format!("{}-{number}", claim.pool);
            // Whatever comes later has to do with what is left of limits.
            self.snapshot.expect(&claim.pool, &claim.instance_types);
        }
        let moved = moved(&commands);
        let placed = moved.iter().map(|(node, pods)| (node, pods.as_slice()));
        self.getting
            .extend(moved.iter().map(|(node, _)| node.clone()));
        let candidates = commands.iter().flat_map(|command| &command.candidates);
        let going = candidates.map(|candidate| &candidate.node);
        self.snapshot = self.snapshot.assuming(placed, going.clone(), self.now);
        for node in going {
            self.kept.remove(node);
            self.going.insert(node.clone());
        }
        self.commands.extend(commands);
    }

    /// Says why a node stays, if it does.
    pub(crate) fn keep(&mut self, node: &Arc<str>, why: Why) {
        if !self.is_going(node) && !self.due.contains(node) {
            self.kept.insert(node.clone(), why);
        }
    }

    /// Says why a node stays that is to be renewed, which matters more than anything else about it.
    pub(crate) fn keep_due(&mut self, node: &Arc<str>, why: Why) {
        if !self.is_going(node) {
            self.kept.insert(node.clone(), why);
            self.due.insert(node.clone());
        }
    }

    /// Whether a node goes by what has been decided.
    pub(crate) fn is_going(&self, node: &Arc<str>) -> bool {
        self.going.contains(node)
    }

    /// Whether pods come to a node by what has been decided. They would have to move twice if it
    /// went as well.
    pub(crate) fn is_getting_pods(&self, node: &Arc<str>) -> bool {
        self.getting.contains(node)
    }

    /// Which nodes take no pods of nodes that go, by position.
    pub(crate) fn closed(&self, receiving: Receiving) -> Arc<[bool]> {
        let nodes = self.snapshot.nodes.iter();
        nodes.map(|node| !self.receives(node, receiving)).collect()
    }

    fn receives(&self, node: &NodeState, receiving: Receiving) -> bool {
        node.is_initialized()
            && (receiving == Receiving::Complete
                || !quiet::is_settling(&self.snapshot, node, self.now))
    }

    /// A candidate as what-ifs ask about it.
    pub(crate) fn leaving(&self, candidate: &Candidate, receiving: Receiving) -> Option<Leaving> {
        let position = self.snapshot.position(&candidate.node)?;
        let node = self.snapshot.nodes.get(position)?;
        let takes = if self.receives(node, receiving) {
            Takes::Pods
        } else {
            Takes::Nothing
        };
        Some(Leaving {
            position,
            pods: self.moving(node),
            takes,
        })
    }

    /// The pods of a node that need a place elsewhere when it goes.
    pub(crate) fn moving(&self, node: &NodeState) -> Vec<Arc<PodRecord>> {
        let pods = node.pods.iter();
        pods.filter(|pod| self.snapshot.budgets.can_move(pod, self.now))
            .cloned()
            .collect()
    }

    /// The cluster once what has been decided is done, ready to be asked about these nodes.
    pub(crate) fn what_if(
        &self,
        memory: &mut Memory,
        options: &Options,
        (leaving, receiving): (&[Leaving], Receiving),
    ) -> WhatIf<'_> {
        WhatIf::new(
            &mut memory.scheduling,
            &self.snapshot,
            leaving,
            self.closed(receiving),
            (&settings(options), self.now),
        )
    }

    /// Where the pods of these nodes go, if others are closed.
    pub(crate) fn place(
        &self,
        memory: &mut Memory,
        settings: &scheduling::Options,
        (nodes, closed): (impl Iterator<Item = Arc<str>>, Arc<[bool]>),
    ) -> Placement {
        let batch = Batch {
            pods: BatchPods::Displaced,
            without: nodes.map(|node| node.to_string()).collect(),
            closed,
            ..Batch::default()
        };
        let (now, seed) = (self.now, self.seed);
        solve_with(
            &mut memory.scheduling,
            &self.snapshot,
            &batch,
            settings,
            now,
            seed,
        )
    }
}

/// How pods are placed that have to move: `minValues` is never lowered for that.
pub(crate) fn settings(options: &Options) -> scheduling::Options {
    scheduling::Options {
        min_values_policy: MinValuesPolicy::Strict,
        lower_bound: LowerBound::None,
        effort: Effort::Portfolio,
        pricing: Pricing::Surely,
        ..options.scheduling
    }
}

/// The pods of commands that go to nodes that are there, by node.
fn moved(commands: &[Command]) -> Vec<(Arc<str>, Vec<Arc<PodRecord>>)> {
    let mut by_node: BTreeMap<Arc<str>, Vec<Arc<PodRecord>>> = BTreeMap::new();
    for moved in commands.iter().flat_map(|command| &command.moves) {
        let pods = by_node.entry(moved.to.clone()).or_default();
        pods.push(moved.pod.clone());
    }
    by_node.into_iter().collect()
}
