//! Rounds of disruption, one after the other, each carried out before the next one is planned.

use std::collections::BTreeSet;

use catalog::Price;
use cluster::Snapshot;
use disruption::{Memory, Options, Plan, Reason, SpotToSpot, cost, plan};

use super::Problem;
use crate::perform::perform;
use crate::referee::round::{self, Fault};

/// The seed of all rounds.
const SEED: u64 = 1;
/// A cluster that is not settled then never will be.
const MOST_ROUNDS: usize = 50;
/// Prices are sums of floats on the reference's side.
const ROUNDING: f64 = 1e-9;

/// What came of a disruption problem.
#[derive(Clone, Debug)]
pub struct Course {
    /// Rounds with commands, in their order; the first one even if it has none.
    pub rounds: Vec<Round>,
    /// What all managed nodes cost before anything is done, an hour.
    pub before: Price,
    /// What they cost in the end.
    pub after: Price,
    /// How it ended.
    pub end: End,
}

/// What came of one round.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// What the commands say they save, in dollars an hour.
    pub saved: f64,
    /// Pods that have to move.
    pub evictions: usize,
    /// New nodes less nodes that go.
    pub nodes: i64,
    /// Commands.
    pub commands: usize,
    /// Reasons of the commands.
    pub reasons: BTreeSet<Reason>,
}

/// How rounds end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is left to be done.
    Settled,
    /// Consolidation brought back a cost that there was before: it goes round in circles.
    Circle,
    /// After so many rounds there is still something to be done.
    Endless,
    /// A round was not valid, so none came after it.
    Invalid,
}

impl Problem {
    /// The settings of a look.
    pub fn look(&self) -> Options {
        let on = |gate: &str| self.feature_gates.get(gate).copied().unwrap_or_default();
        let spot_to_spot = if on("SpotToSpotConsolidation") {
            SpotToSpot::On
        } else {
            SpotToSpot::Off
        };
        Options {
            scheduling: self.options,
            spot_to_spot,
            ..Options::default()
        }
    }

    /// Whether the reference's saving is a bar: its answer is valid, and it says what it launches.
    /// New nodes of pools with a fixed number of nodes have no price in its answers.
    pub fn has_saving(&self) -> bool {
        let bar = &self.reference;
        let names_launches = !self
            .features
            .iter()
            .any(|feature| feature == "d-static-drift");
        bar.breaks.is_empty() && bar.note.is_none() && names_launches
    }
}

/// Carries out round after round until nothing is left to be done.
pub fn follow(problem: &Problem) -> Course {
    let mut items = problem.items.clone();
    let mut snapshot = problem.snapshot();
    let before = cost_of(&snapshot);
    let mut course = Course {
        rounds: Vec::new(),
        before,
        after: before,
        end: End::Endless,
    };
    let mut memory = Memory::default();
    let mut seen = BTreeSet::from([before]);
    let options = problem.look();
    while course.rounds.len() < MOST_ROUNDS {
        let plan = plan(&mut memory, &snapshot, &options, problem.now, SEED);
        let round = Round::new(problem, &snapshot, &plan);
        let (commands, valid) = (round.commands, round.faults.is_empty());
        let consolidates = round.reasons.contains(&Reason::Underutilized);
        if commands > 0 || !valid || course.rounds.is_empty() {
            course.rounds.push(round);
        }
        if !valid {
            course.end = End::Invalid;
            break;
        }
        if commands == 0 {
            course.end = End::Settled;
            break;
        }
        items = perform(items, &snapshot, &plan, course.rounds.len(), problem.now);
        snapshot = crate::world::snapshot(&items, &problem.catalog);
        course.after = cost_of(&snapshot);
        if !seen.insert(course.after) && consolidates {
            course.end = End::Circle;
            break;
        }
    }
    course
}

impl Round {
    /// A plan for a cluster, checked.
    fn new(problem: &Problem, snapshot: &Snapshot, plan: &Plan) -> Self {
        let commands = &plan.commands;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            faults: round::check(snapshot, &problem.look(), problem.now, plan),
            // Nothing is 0, not -0.
            saved: commands.iter().fold(0.0, |sum, command| {
                sum + command.price_before.dollars() - command.price_after.dollars()
            }),
            evictions: commands.iter().map(disruption::Command::pods).sum(),
            nodes: commands
                .iter()
                .map(|command| count(command.replacements.len()) - count(command.candidates.len()))
                .sum(),
            commands: commands.len(),
            reasons: commands.iter().map(|command| command.reason).collect(),
        }
    }
}

/// What all nodes cost that have a claim and whose price is known.
fn cost_of(snapshot: &Snapshot) -> Price {
    let managed = snapshot.nodes.iter().filter(|node| node.is_managed());
    let price = |node: &_| -> Option<Price> {
        let node: &std::sync::Arc<cluster::NodeState> = node;
        cost::price(node, snapshot.pool(node.pool()?)?)
    };
    managed.filter_map(price).sum()
}

impl Course {
    /// The first thing that is wrong with any round.
    pub fn fault(&self) -> Option<&Fault> {
        self.rounds.iter().flat_map(|round| &round.faults).next()
    }

    /// What the first round saves, in dollars an hour.
    pub fn saved(&self) -> f64 {
        self.rounds.first().map_or(0.0, |round| round.saved)
    }

    /// Pods that move in all rounds.
    pub fn evictions(&self) -> usize {
        self.rounds.iter().map(|round| round.evictions).sum()
    }

    /// Whether the first round saves less than the reference's, where that can be compared.
    pub fn saves_less(&self, problem: &Problem) -> bool {
        let bar = &problem.reference;
        problem.has_saving() && self.saved() < -bar.price_per_hour - ROUNDING
    }
}
