//! Repair: a node that its cloud's policies call broken for long enough is replaced, unless so many
//! are broken at once that the cause lies elsewhere.
//!
//! [`verdict`] looks at one node. Only where a repair is due, the nodes around it are counted
//! ([`Population`]) and [`decide`] says what to do. Budgets, `do-not-disrupt` and disruption
//! budgets of pods do not count: the claim's deadline becomes now, so the drain forces every pod.
//!
//! What is *not* here: which conditions mean broken (each cloud's policies), the drain (`node`),
//! and any call.

use std::time::Duration;

use api::{NodeClaim, NodePool};
use model::Timestamp;
use model::k8s::Node;

use crate::keys;
use crate::measure::{Belongs, Measure};
use crate::node::deadline;
use crate::notice::{News, Notice, Subject};

/// How long a repair that is held back waits for another look.
pub const BLOCKED_WAIT: Duration = Duration::from_mins(5);

/// One node in so many may be broken, rounded up, before repairs are held back: 20 %.
const ONE_IN: usize = 5;

/// A node condition that means that the node is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairPolicy {
    /// Type of the condition.
    pub condition: String,
    /// The bad status.
    pub status: String,
    /// How long it is tolerated.
    pub toleration: Duration,
}

impl RepairPolicy {
    /// Since when the node has been broken by this policy; none if it is not.
    fn since(&self, node: &Node) -> Option<Timestamp> {
        let held = node.condition(&self.condition)?;
        let created = node.metadata.creation_timestamp;
        (held.status == self.status).then(|| {
            let since = held.last_transition_time.or(created);
            since.unwrap_or_default()
        })
    }
}

/// What the policies say of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'p> {
    /// Nothing is wrong with it.
    Sound,
    /// It is broken, and still tolerated for so long.
    Tolerated(Duration),
    /// It has been broken for too long by this policy.
    Due(&'p RepairPolicy),
}

/// What the policies say of a node. Of several that it meets the one counts that is over first.
pub fn verdict<'p>(node: &Node, policies: &'p [RepairPolicy], now: Timestamp) -> Verdict<'p> {
    let met = policies.iter().filter_map(|policy| {
        let since = policy.since(node)?;
        Some((since + policy.toleration, policy))
    });
    match met.min_by_key(|(due, _)| *due) {
        None => Verdict::Sound,
        Some((due, _)) if now < due => Verdict::Tolerated(due.since(now)),
        Some((_, policy)) => Verdict::Due(policy),
    }
}

/// Whether a node meets any policy, tolerated or not.
pub fn is_broken(node: &Node, policies: &[RepairPolicy]) -> bool {
    policies.iter().any(|policy| policy.since(node).is_some())
}

/// How many nodes there are, and how many of them are broken at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// Nodes.
    pub nodes: usize,
    /// Those that meet a policy, tolerated or not.
    pub broken: usize,
}

impl Population {
    /// Counts nodes. One that is going and is not broken is left out: it will not be there to stand
    /// for the others. One that is going and is broken counts, so that repairs under way use up
    /// what is allowed.
    pub fn of<'n>(nodes: impl IntoIterator<Item = &'n Node>, policies: &[RepairPolicy]) -> Self {
        let mut population = Self::default();
        for node in nodes {
            let broken = is_broken(node, policies);
            if broken || !node.metadata.is_deleting() {
                population.nodes += 1;
                population.broken += usize::from(broken);
            }
        }
        population
    }

    /// How many may be broken for repairs to go on.
    pub fn allowed(self) -> usize {
        self.nodes.div_ceil(ONE_IN)
    }

    fn allows_repair(self) -> bool {
        self.broken <= self.allowed()
    }
}

/// A node whose repair is due.
#[derive(Clone, Copy, Debug)]
pub struct RepairFacts<'a> {
    /// The node.
    pub node: &'a Node,
    /// Its claim.
    pub claim: &'a NodeClaim,
    /// The pool that the claim names, if it is there.
    pub pool: Option<&'a NodePool>,
    /// The policy that it has met for too long.
    pub policy: &'a RepairPolicy,
    /// The nodes of the pool that the claim names, or those of the cluster if it names none.
    pub population: Population,
}

/// What to do about a node whose repair is due.
#[derive(Clone, Debug, PartialEq)]
pub enum RepairStep {
    /// Nothing: it is on its way out, and its pods are forced already.
    UnderWay,
    /// Tell so, and look again after [`BLOCKED_WAIT`].
    Blocked(Vec<Notice>),
    /// Write the claim as it should be, then delete it unless that was done.
    Replace {
        /// The claim as it should be.
        claim: Box<NodeClaim>,
        /// What to count if the claim is deleted now.
        measure: Measure,
    },
}

/// What to do about a node whose repair is due.
pub fn decide(facts: &RepairFacts<'_>, now: Timestamp) -> RepairStep {
    let claim = facts.claim;
    let forced = deadline(claim).is_some_and(|at| at <= now);
    if forced && claim.metadata.is_deleting() {
        return RepairStep::UnderWay;
    }
    if !facts.population.allows_repair() {
        return RepairStep::Blocked(blocked(facts));
    }
    let mut wanted = claim.clone();
    if !forced {
        let at = now.truncated_to_seconds().to_string();
        let annotations = &mut wanted.metadata.annotations;
        annotations.insert(keys::TERMINATION_TIMESTAMP.to_owned(), at);
    }
    RepairStep::Replace {
        claim: Box::new(wanted),
        measure: Measure::Repaired {
            of: Belongs::of(&claim.metadata.labels),
            condition: snake_case(&facts.policy.condition),
            image: claim.status.image_id.clone(),
        },
    }
}

/// The same news for each object that somebody may look at.
fn blocked(facts: &RepairFacts<'_>) -> Vec<Notice> {
    let news = News::RepairBlocked {
        broken: facts.population.broken,
        nodes: facts.population.nodes,
        pool: facts.claim.pool().map(ToOwned::to_owned),
    };
    let subjects = [Subject::of(facts.node), Subject::of(facts.claim)];
    let subjects = subjects.into_iter().chain(facts.pool.map(Subject::of));
    subjects
        .map(|about| Notice {
            about,
            news: news.clone(),
        })
        .collect()
}

/// `AcceleratedHardwareReady` as `accelerated_hardware_ready`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            snake.push('_');
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1).copied();
        if before.is_some_and(|before| begins_word(before, letter, after)) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Whether a letter begins a word, by its neighbours.
fn begins_word(before: char, letter: char, after: Option<char>) -> bool {
    if !before.is_alphanumeric() {
        return false;
    }
    let ends_capitals =
        before.is_uppercase() && letter.is_uppercase() && after.is_some_and(char::is_lowercase);
    let starts_capital = letter.is_uppercase() && !before.is_uppercase();
    starts_capital || ends_capitals || before.is_numeric() != letter.is_numeric()
}

#[cfg(test)]
mod tests;
