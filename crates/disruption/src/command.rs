//! What is to be done, as values: one command is one decision, from plan to event.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use catalog::Price;
use cluster::PodRecord;
use model::Timestamp;
use scheduling::PlannedClaim;

use crate::Reason;
use crate::balanced::Verdict;

/// Everything that one look at the cluster leads to.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What to do, in this order.
    pub commands: Vec<Command>,
    /// Every other node, and why it stays; by name.
    pub kept: Vec<Kept>,
    /// Budgets of each pool that nodes were counted against; by pool.
    pub budgets: Vec<crate::budget::PoolBudget>,
    /// What the pools have said to changes that are not made for it.
    pub rejected: Vec<Verdict>,
    /// How many nodes could go for each reason if budgets allowed it.
    pub eligible: BTreeMap<Reason, usize>,
    /// The earliest time at which the same snapshot may have another answer, as far as it is known;
    /// none while only changes of the cluster matter.
    pub next: Option<Timestamp>,
}

/// Nodes that go together, and what comes in their place.
#[derive(Clone, Debug)]
pub struct Command {
    /// Why.
    pub reason: Reason,
    /// The nodes that go.
    pub candidates: Vec<Candidate>,
    /// The nodes that come first.
    pub replacements: Vec<PlannedClaim>,
    /// Where the candidates' pods go, as far as that is to existing nodes.
    pub moves: Vec<Move>,
    /// What the candidates cost an hour.
    pub price_before: Price,
    /// What the replacements cost an hour.
    pub price_after: Price,
    /// What the pools say to it; of consolidation only.
    pub verdict: Verdict,
}

/// A node that goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Name of the node.
    pub node: Arc<str>,
    /// Name of its claim.
    pub claim: Arc<str>,
    /// Its machine.
    pub provider_id: Arc<str>,
    /// Its pool.
    pub pool: Arc<str>,
    /// What it costs an hour; none if that is not known.
    pub price: Option<Price>,
    /// Whether it is a spot node.
    pub is_spot: bool,
    /// How many of its pods need a place elsewhere.
    pub pods: usize,
    /// What it costs to make them move: 1 for the node and about 1 for each.
    pub cost: f64,
    /// Savings by disruption: what nodes are chosen by.
    pub savings_ratio: f64,
}

/// A pod that moves to a node that is there.
#[derive(Clone, Debug)]
pub struct Move {
    /// The pod.
    pub pod: Arc<PodRecord>,
    /// The node.
    pub to: Arc<str>,
}

/// Whether something comes in the place of what goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Nothing does.
    Delete,
    /// New nodes do.
    Replace,
}

impl Decision {
    /// The value of the label `decision`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Replace => "replace",
        }
    }
}

impl Command {
    /// Whether something comes in the place of what goes.
    pub fn decision(&self) -> Decision {
        if self.replacements.is_empty() {
            Decision::Delete
        } else {
            Decision::Replace
        }
    }

    /// The value of the label `consolidation_type`.
    pub fn consolidation_type(&self) -> &'static str {
        match self.reason {
            Reason::Empty => "empty",
            Reason::Underutilized if self.candidates.len() > 1 => "multi",
            Reason::Underutilized => "single",
            Reason::Drifted | Reason::Expired => "",
        }
    }

    /// Pods that need a place elsewhere.
    pub fn pods(&self) -> usize {
        self.candidates.iter().map(|candidate| candidate.pods).sum()
    }
}

impl fmt::Display for Command {
    /// `delete 2 node(s) (empty): a, b`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .candidates
            .iter()
            .map(|candidate| &*candidate.node)
            .collect();
        write!(
            f,
            "{} {} node(s) ({}): {}",
            self.decision().as_str(),
            names.len(),
            self.reason.label(),
            names.join(", ")
        )
    }
}

/// A node that stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Name of the node, or of the claim of one that is not registered.
    pub node: Arc<str>,
    /// Why.
    pub reason: crate::Why,
}
