//! A set of nodes as commands, as far as each is allowed and worth it.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{CapacityType, Price};
use scheduling::{Effort, PlannedClaim, Pricing};

use crate::balanced::{self, Totals, Verdict};
use crate::command::{Candidate, Command};
use crate::options::SpotToSpot;
use crate::parts;
use crate::stage::{Receiving, Stage, settings};
use crate::{Memory, Options, Reason, Why};

use super::prices::Prices;
use super::tighten::{self, Dear};
use super::{LARGE, Stays, Worth};

/// How often nodes are left out whose pods have no place after all.
const MOST_TRIES: usize = 4;

/// The least number of nodes that are put in commands at once: nodes of one batch may come to share
/// a replacement, and then go together.
const LEAST_BATCH: usize = 50;
/// The most batches.
const MOST_BATCHES: usize = 16;

/// What became of a set.
#[derive(Debug, Default)]
pub(super) struct Realized {
    /// What is to be done.
    pub(super) commands: Vec<Command>,
    /// What pools have said to changes that are not made for it.
    pub(super) rejected: Vec<Verdict>,
    /// Nodes that stay after all, and why.
    pub(super) kept: Vec<(Arc<str>, Why)>,
    /// What is saved an hour, once it is paid for; billionths of a dollar.
    pub(super) saves: f64,
}

/// Makes commands of nodes that go together.
pub(super) fn realize(
    stage: &Stage<'_>,
    memory: &mut Memory,
    options: &Options,
    (nodes, judge): (Vec<Candidate>, Judge<'_>),
) -> Realized {
    let mut best = with(stage, memory, options, (&nodes, judge, Pricing::Surely));
    if nodes.len() <= LARGE {
        // What is surely cheap is not always what costs least when it is launched.
        let other = with(stage, memory, options, (&nodes, judge, Pricing::Cheapest));
        if other.saves > best.saves {
            best = other;
        }
    }
    best
}

fn with(
    stage: &Stage<'_>,
    memory: &mut Memory,
    options: &Options,
    (nodes, judge, pricing): (&[Candidate], Judge<'_>, Pricing),
) -> Realized {
    let effort = if nodes.len() <= LARGE {
        Effort::Portfolio
    } else {
        Effort::Single
    };
    let settings = scheduling::Options {
        pricing,
        effort,
        ..settings(options)
    };
    let mut realized = Realized::default();
    // What is left of the set takes nothing, since it goes next.
    let mut closed = stage.closed(Receiving::Settled).to_vec();
    for candidate in nodes {
        if let Some(at) = stage.snapshot.position(&candidate.node) {
            closed[at] = true;
        }
    }
    let closed: Arc<[bool]> = closed.into();
    let mut stage = stage.clone();
    let size = (nodes.len() / MOST_BATCHES).max(LEAST_BATCH);
    for batch in nodes.chunks(size) {
        let before = realized.commands.len();
        let batch = batch.to_vec();
        let batch = (batch, &closed, &settings);
        one_batch(&stage, memory, options, batch, &judge, &mut realized);
        stage.add(realized.commands[before..].to_vec());
    }
    realized
}

/// What a command is judged by.
#[derive(Clone, Copy)]
pub(super) struct Judge<'t> {
    pub(super) worth: Worth,
    pub(super) totals: &'t Totals,
}

fn one_batch(
    stage: &Stage<'_>,
    memory: &mut Memory,
    options: &Options,
    (mut nodes, closed, settings): (Vec<Candidate>, &Arc<[bool]>, &scheduling::Options),
    judge: &Judge<'_>,
    realized: &mut Realized,
) {
    for _ in 0..MOST_TRIES {
        if nodes.is_empty() {
            return;
        }
        let names = nodes.iter().map(|candidate| candidate.node.clone());
        let placement = stage.place(memory, settings, (names, closed.clone()));
        if placement.unplaced.is_empty() {
            let reason = Reason::Underutilized;
            for command in parts::commands(&stage.snapshot, &nodes, &placement, reason) {
                realized.add(stage, command, (options, &mut memory.prices), judge);
            }
            return;
        }
        let stuck: Vec<_> = placement.unplaced.iter().map(|left| &left.pod).collect();
        nodes.retain(|candidate| {
            let Some(node) = stage.snapshot.node(&candidate.node) else {
                return false;
            };
            let stuck = stuck.iter().find(|pod| {
                let mut pods = node.pods.iter();
                pods.any(|own| Arc::ptr_eq(own, pod))
            });
            if let Some(pod) = stuck {
                let stays = Stays::NowhereToGo { pod: pod.key() };
                let kept = (candidate.node.clone(), Why::Stays(stays));
                realized.kept.push(kept);
            }
            stuck.is_none()
        });
    }
}

impl Realized {
    fn add(
        &mut self,
        stage: &Stage<'_>,
        mut command: Command,
        (options, prices): (&Options, &mut Prices),
        judge: &Judge<'_>,
    ) {
        let worth = judge.worth;
        let checked = check(stage, &mut command, (options, prices), worth);
        match checked.and_then(|()| self.approve(&mut command, judge)) {
            Ok(()) => {
                let after = command.price_after.nanos() as f64;
                let nodes = command.replacements.len();
                self.saves += worth.net(command.candidates.iter(), (after, nodes));
                self.commands.push(command);
            }
            Err(stays) => {
                let nodes = command.candidates.iter();
                let kept = nodes.map(|one| (one.node.clone(), Why::Stays(stays.clone())));
                self.kept.extend(kept);
            }
        }
    }
}

impl Realized {
    /// Whether every pool with the policy `Balanced` agrees.
    fn approve(&mut self, command: &mut Command, judge: &Judge<'_>) -> Result<(), Stays> {
        let candidates = command.candidates.iter();
        let verdict = balanced::judge(candidates, command.price_after, judge.totals);
        let against = verdict.scores().find(|(_, score)| !score.is_approved());
        let stays = against.map(|(pool, score)| Stays::Unbalanced {
            pool: pool.pool.clone(),
            score: score.value,
        });
        let Some(stays) = stays else {
            command.verdict = verdict;
            return Ok(());
        };
        self.rejected.push(verdict);
        Err(stays)
    }
}

/// Makes the replacements of a command surely cheaper than its nodes, and sees that it is worth it.
fn check(
    stage: &Stage<'_>,
    command: &mut Command,
    (options, prices): (&Options, &mut Prices),
    worth: Worth,
) -> Result<(), Stays> {
    if !command.replacements.is_empty() {
        let before = command.price_before;
        let no_cheaper = Stays::NoCheaper {
            price: (before > Price::ZERO).then_some(before),
        };
        cheaper(stage, command, (options, prices)).map_err(|dear| match dear {
            Dear::NoType => no_cheaper,
            Dear::MinValues => Stays::MinValues,
            Dear::SpotToSpotOff => Stays::SpotToSpotOff,
            Dear::FewSpotTypes { found } => Stays::FewSpotTypes {
                found,
                needed: tighten::SPOT_TYPES,
            },
        })?;
    }
    parts::price(command);
    let saves = command.price_before.saturating_sub(command.price_after);
    let costs = worth.of_command(command);
    let unknown = command.price_before == Price::ZERO && command.replacements.is_empty();
    if !unknown && saves.nanos() as f64 * worth.hours() < costs {
        return Err(Stays::NotWorthIt {
            saves,
            costs: Price::from_nanos(costs as u64),
            hours: worth.hours(),
        });
    }
    Ok(())
}

/// Leaves the replacements the types that are cheaper, whichever are launched.
fn cheaper(
    stage: &Stage<'_>,
    command: &mut Command,
    (options, prices): (&Options, &mut Prices),
) -> Result<(), Dear> {
    let spot = CapacityType::Spot;
    let only_spot = command.candidates.iter().all(|candidate| candidate.is_spot);
    let to_spot = command
        .replacements
        .iter()
        .any(|claim| tighten::admits(claim, spot, prices));
    let spot_to_spot = only_spot && to_spot;
    if spot_to_spot && options.spot_to_spot == SpotToSpot::Off {
        return Err(Dear::SpotToSpotOff);
    }
    let single = command.candidates.len() == 1;
    let several_into_one = !single && command.replacements.len() == 1;
    if spot_to_spot {
        for claim in &mut command.replacements {
            if tighten::admits(claim, spot, prices) {
                tighten::pin_to_spot(claim, prices);
            }
        }
    }
    let most = bounds(command, prices)?;
    let types = of_candidates(stage, command);
    for (claim, most) in command.replacements.iter_mut().zip(most) {
        tighten::keep_below(claim, most, prices)?;
        if spot_to_spot && single {
            tighten::keep_few(claim, prices)?;
        }
        if several_into_one {
            // They are not replaced by what one of them is already: that one may stay.
            let shared = claim.instance_types.iter();
            let shared = shared.filter_map(|ty| {
                let of_type = types.iter().filter(|(name, _)| *name == ty.name);
                of_type.map(|(_, price)| *price).min()
            });
            if let Some(least) = shared.min() {
                tighten::keep_below(claim, least, prices)?;
            }
        }
        let on_demand = CapacityType::OnDemand;
        if tighten::admits(claim, spot, prices) && tighten::admits(claim, on_demand, prices) {
            tighten::pin_to_spot(claim, prices);
            tighten::keep_below(claim, most, prices)?;
        }
    }
    Ok(())
}

/// What each replacement must cost less than, so that all together cost less than what they
/// replace: the least that each surely costs, and a share of what is left.
fn bounds(command: &Command, prices: &mut Prices) -> Result<Vec<Price>, Dear> {
    let before = command.price_before;
    let least = |claim: &PlannedClaim| tighten::least(claim, prices).ok_or(Dear::NoType);
    let least: Result<Vec<Price>, Dear> = command.replacements.iter().map(least).collect();
    let least = least?;
    let sum: Price = least.iter().copied().sum();
    if sum >= before {
        return Err(Dear::NoType);
    }
    let left = before.saturating_sub(sum);
    let count = least.len() as u64;
    let share = |least: &Price| match sum {
        Price::ZERO => left.scaled(1, count),
        sum => left.scaled(least.nanos(), sum.nanos()),
    };
    // Rounding up would let all together cost as much as before.
    let below = |least: &Price| *least + share(least).saturating_sub(Price::from_nanos(1));
    Ok(match least.as_slice() {
        [_] => vec![before],
        all => all.iter().map(below).collect(),
    })
}

/// Types of a command's nodes, with their prices.
fn of_candidates(stage: &Stage<'_>, command: &Command) -> Vec<(Arc<str>, Price)> {
    let of = |candidate: &Candidate| {
        let node = stage.snapshot.node(&candidate.node)?;
        let price = candidate.price.unwrap_or_default();
        Some((node.instance_type()?.into(), price))
    };
    let mut types: Vec<(Arc<str>, Price)> = command.candidates.iter().filter_map(of).collect();
    types.sort();
    let mut seen = BTreeSet::new();
    types.retain(|(name, _)| seen.insert(name.clone()));
    types
}
