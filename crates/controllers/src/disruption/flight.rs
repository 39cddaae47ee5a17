//! Commands in flight, as values: what was decided, how far it has come, and all of them.
//!
//! They are in memory only. After a restart there are none: nodes that stay are freed of what marks
//! them, and replacements are nodes like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::disruption::{Candidate, Command, Decision};
use api::NodeClaim;
use model::Timestamp;
use runtime::Queue;
use runtime::queue::Backoff;
use scheduling::PlannedClaim;

use crate::shared::lock;

/// Shortest time that replacements are waited for.
const SHORTEST: Duration = Duration::from_mins(10);
/// Longest time that replacements are waited for.
const LONGEST: Duration = Duration::from_hours(1);
/// How long a node is left alone after the first failure.
const SHORTEST_REST: Duration = Duration::from_secs(30);
/// How long at most.
const LONGEST_REST: Duration = Duration::from_mins(30);
/// How long after a node's rest its failures still count.
const FORGOTTEN: Duration = Duration::from_hours(1);
/// By how much longer they are waited for with each node in flight.
const PER_NODE: Duration = Duration::from_millis(80);

/// A command that is being performed.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// Names it.
    pub(super) number: u64,
    /// As it was decided.
    pub(super) command: Command,
    /// The nodes that still are to go.
    pub(super) going: Vec<Candidate>,
    /// Claims whose deletion was asked for.
    pub(super) asked: BTreeSet<Arc<str>>,
    /// What comes in their place.
    pub(super) replacements: Vec<Replacement>,
    /// When it began.
    pub(super) since: Timestamp,
    /// How far it has come.
    pub(super) stage: Stage,
}

/// How far a command has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was written yet.
    Begun,
    /// Its nodes are marked and its replacements created.
    Waiting,
    /// Its nodes may go.
    Leaving,
    /// It was taken back; replacements that nobody needs are left.
    Surplus {
        /// How long they are looked after.
        until: Timestamp,
    },
}

/// A claim that comes in the place of nodes.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    /// The claim as it is to be created.
    pub(super) claim: Arc<NodeClaim>,
    /// What was planned.
    pub(super) planned: PlannedClaim,
    /// Whether its pool has a fixed number of nodes.
    pub(super) size: Size,
    /// How far it has come.
    pub(super) progress: Progress,
}

/// Who cares for the number of nodes of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Pods and those who remove nodes.
    Dynamic,
    /// It is fixed: what is too many is given up by the pool's own loop.
    Fixed,
}

/// How far a replacement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// It is announced.
    Announced,
    /// It is created.
    Created,
    /// It was initialized once; what becomes of it later does not matter.
    Initialized,
    /// It could not be created, or is gone.
    Lost,
}

/// What a step of a command leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Another step after this time.
    Again(Duration),
    /// Nothing more.
    Over,
}

impl Replacement {
    /// The name of the claim.
    pub(super) fn name(&self) -> &str {
        &self.claim.metadata.name
    }
}

impl Flight {
    /// How many replacements of each pool of fixed size there are.
    pub(super) fn fixed(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for one in self.replacements.iter().filter(|r| r.size == Size::Fixed) {
            *counts.entry(one.planned.pool.to_string()).or_default() += 1;
        }
        counts
    }

    /// Whether something comes in the place of its nodes.
    pub(super) fn is_replacing(&self) -> bool {
        self.command.decision() == Decision::Replace
    }
}

/// All commands in flight.
pub(crate) struct Flights {
    /// By number.
    pub(super) queue: Queue<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: u64,
    flights: BTreeMap<u64, Arc<Flight>>,
    /// How often attempts to take nodes down have failed one after the other, by node.
    failures: BTreeMap<Arc<str>, Failures>,
}

/// Attempts that have failed.
#[derive(Clone, Copy, Debug)]
struct Failures {
    /// How many.
    count: u32,
    /// Until when no other one is made.
    until: Timestamp,
}

impl Default for Flights {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let backoff = Backoff::exponential(seconds(1), seconds(10)).with_bucket(100.0, 1_000);
        Self {
            queue: Queue::new(backoff),
            state: Mutex::default(),
        }
    }
}

impl Flights {
    /// Hands out nothing more.
    pub(crate) fn shut_down(&self) {
        self.queue.shut_down();
    }

    /// The first of these nodes that is in flight already.
    pub(super) fn find(&self, candidates: &[Candidate]) -> Option<Arc<str>> {
        let state = lock(&self.state);
        let flights = state.flights.values();
        let taken: BTreeSet<&str> = flights
            .flat_map(|flight| &flight.going)
            .map(|one| &*one.node)
            .collect();
        let mut found = candidates.iter().filter(|one| taken.contains(&*one.node));
        found.next().map(|one| one.node.clone())
    }

    /// Takes a command on.
    pub(super) fn begin(
        &self,
        command: Command,
        replacements: Vec<Replacement>,
        since: Timestamp,
    ) -> u64 {
        let mut state = lock(&self.state);
        state.begun += 1;
        let number = state.begun;
        let flight = Flight {
            number,
            going: command.candidates.clone(),
            command,
            asked: BTreeSet::new(),
            replacements,
            since,
            stage: Stage::Begun,
        };
        state.flights.insert(number, Arc::new(flight));
        drop(state);
        self.queue.add(number);
        number
    }

    /// A command, to bring it a step further.
    pub(super) fn get(&self, number: u64) -> Option<Flight> {
        let state = lock(&self.state);
        state.flights.get(&number).map(|flight| (**flight).clone())
    }

    /// A command has come a step further.
    pub(super) fn put(&self, flight: Flight) {
        lock(&self.state)
            .flights
            .insert(flight.number, Arc::new(flight));
    }

    /// A command is over.
    pub(super) fn remove(&self, number: u64) {
        lock(&self.state).flights.remove(&number);
    }

    /// An attempt to take nodes down has failed; until when no other one is made.
    pub(super) fn failed(&self, candidates: &[Candidate], now: Timestamp) -> Timestamp {
        let mut state = lock(&self.state);
        state
            .failures
            .retain(|_, failures| now < failures.until + FORGOTTEN);
        let nodes = candidates.iter().map(|one| one.node.clone());
        let counts = nodes
            .clone()
            .map(|node| state.failures.get(&node).map_or(1, |held| held.count + 1));
        let count = counts.max().unwrap_or(1);
        let until = now + rest(count);
        state
            .failures
            .extend(nodes.map(|node| (node, Failures { count, until })));
        until
    }

    /// A node goes.
    pub(super) fn succeeded(&self, node: &str) {
        lock(&self.state).failures.remove(node);
    }

    /// How long replacements are waited for, with as much in flight as there is.
    pub(super) fn patience(&self) -> Duration {
        let state = lock(&self.state);
        let nodes = state.flights.values().map(|flight| flight.going.len());
        patience(nodes.sum())
    }
}

/// How long replacements are waited for while so many nodes are in flight.
fn patience(nodes: usize) -> Duration {
    let nodes = u32::try_from(nodes).unwrap_or(u32::MAX);
    PER_NODE.saturating_mul(nodes).clamp(SHORTEST, LONGEST)
}

/// How long nodes rest after so many failures: each time twice as long.
fn rest(failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    SHORTEST_REST.saturating_mul(doubled).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// QU-07: the more is in flight, the longer launches may take.
    #[test]
    fn replacements_are_waited_for_the_longer_the_more_is_in_flight() {
        for (nodes, seconds) in [
            (0, 600),
            (100, 600),
            (4_000, 600),
            (10_000, 13 * 60 + 20),
            (40_000, 53 * 60 + 20),
            (45_000, 3_600),
            (1_000_000, 3_600),
        ] {
            assert_eq!(patience(nodes), Duration::from_secs(seconds), "{nodes}");
        }
    }

    #[test]
    fn nodes_rest_twice_as_long_after_each_failure() {
        for (failures, seconds) in [
            (1, 30),
            (2, 60),
            (3, 120),
            (6, 960),
            (7, 1_800),
            (99, 1_800),
        ] {
            assert_eq!(rest(failures), Duration::from_secs(seconds), "{failures}");
        }
    }
}
