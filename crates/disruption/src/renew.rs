//! Nodes that are replaced because of what they are: drifted ones, and those that expire soon.
//!
//! Their pods must have a place, whatever it costs. What is *not* here: which nodes those are
//! (`drift`, `expiry`).

use std::sync::Arc;

use catalog::Price;
use scheduling::what_if::{Answer, NewUpTo};
use scheduling::{PlannedClaim, template_plan};

use crate::balanced::Verdict;
use crate::command::{Candidate, Command, Kept};
use crate::consolidate::Stays;
use crate::parts;
use crate::stage::{Receiving, Stage, settings};
use crate::{Memory, Options, Reason, Why};

/// Adds nodes of pools with a fixed number of nodes, each with one new node of its pool. They are
/// within budgets already.
pub(crate) fn fixed(
    stage: &mut Stage<'_>,
    options: &Options,
    (mut candidates, kept): (Vec<Candidate>, Vec<Kept>),
    reason: Reason,
) {
    keep_all(stage, kept);
    candidates.retain(|candidate| !stage.is_going(&candidate.node));
    *stage.eligible.entry(reason).or_default() += candidates.len();
    let mut commands: Vec<Command> = Vec::new();
    for candidate in candidates {
        if let Err(why) = stage.quota.take(&candidate, reason) {
            stage.keep_due(&candidate.node, why);
            continue;
        }
        let Some(planned) = of_template(stage, options, (&candidate, commands.len())) else {
            continue;
        };
        let mut command = Command {
            reason,
            candidates: vec![candidate],
            replacements: vec![planned],
            moves: Vec::new(),
            price_before: Price::ZERO,
            price_after: Price::ZERO,
            verdict: Verdict::default(),
        };
        parts::price(&mut command);
        commands.push(command);
    }
    stage.add(commands);
}

/// Adds nodes in their order, as far as budgets allow it and their pods have a place.
pub(crate) fn dynamic(
    stage: &mut Stage<'_>,
    memory: &mut Memory,
    options: &Options,
    (mut candidates, kept): (Vec<Candidate>, Vec<Kept>),
    reason: Reason,
) {
    keep_all(stage, kept);
    candidates.retain(|candidate| !stage.is_going(&candidate.node));
    *stage.eligible.entry(reason).or_default() += candidates.len();
    for candidate in &candidates {
        if stage.is_getting_pods(&candidate.node) {
            stage.keep_due(&candidate.node, Why::Stays(Stays::NotNow));
        }
    }
    candidates.retain(|candidate| !stage.is_getting_pods(&candidate.node));
    let chosen = choose(stage, memory, options, (&candidates, reason));
    place(stage, memory, options, (chosen, reason));
}

fn keep_all(stage: &mut Stage<'_>, kept: Vec<Kept>) {
    for Kept { node, reason } in kept {
        stage.keep_due(&node, reason);
    }
}

fn of_template(
    stage: &Stage<'_>,
    options: &Options,
    (candidate, number): (&Candidate, usize),
) -> Option<PlannedClaim> {
    let state = stage.snapshot.pool(&candidate.pool)?;
    let labels = options.scheduling.taint_labels;
    let name = format!("{}-{}", candidate.pool, stage.commands.len() + number + 1);
    let vocabulary = &stage.snapshot.vocabulary;
    Some(template_plan(state, vocabulary, labels, (name, stage.seed)))
}

/// Nodes whose pods all have a place, one after the other.
fn choose(
    stage: &mut Stage<'_>,
    memory: &mut Memory,
    options: &Options,
    (candidates, reason): (&[Candidate], Reason),
) -> Vec<Candidate> {
    if candidates.is_empty() {
        return Vec::new();
    }
    let leaving = candidates
        .iter()
        .filter_map(|candidate| stage.leaving(candidate, Receiving::Complete));
    let leaving: Vec<_> = leaving.collect();
    // The stage changes while questions are asked of it as it was.
    let asked_of = stage.clone();
    let what_if = asked_of.what_if(memory, options, (&leaving, Receiving::Complete));
    what_if.ask(|asked| {
        let mut chosen = Vec::new();
        for (at, candidate) in candidates.iter().enumerate() {
            if stage.quota.left(&candidate.pool, reason) == 0 {
                let why = stage.quota.why(&candidate.pool, reason);
                stage.keep_due(&candidate.node, why);
                continue;
            }
            if let Some(pod) = what_if.refused(at) {
                let pod = pod.key();
                stage.keep_due(&candidate.node, Why::Stays(Stays::Unplaceable { pod }));
                continue;
            }
            match asked.without(&[at], NewUpTo::Price(Price::MAX)) {
                Answer::Placed { .. } => {
                    asked.keep();
                    let _taken = stage.quota.take(candidate, reason);
                    chosen.push(candidate.clone());
                }
                Answer::Stuck { pod, .. } => {
                    asked.forget();
                    let pod = pod.key();
                    stage.keep_due(&candidate.node, Why::Stays(Stays::NowhereToGo { pod }));
                }
            }
        }
        chosen
    })
}

/// Makes commands of nodes. Together their pods are packed anew, so one of them may have no place
/// after all; then its node stays.
fn place(
    stage: &mut Stage<'_>,
    memory: &mut Memory,
    options: &Options,
    (mut nodes, reason): (Vec<Candidate>, Reason),
) {
    while !nodes.is_empty() {
        let names = nodes.iter().map(|candidate| candidate.node.clone());
        let placement = stage.place(
            memory,
            &settings(options),
            (names, stage.closed(Receiving::Complete)),
        );
        let Some(stuck) = placement.unplaced.first() else {
            let commands = parts::commands(&stage.snapshot, &nodes, &placement, reason);
            stage.add(commands);
            return;
        };
        let pod = stuck.pod.clone();
        let has_it = |candidate: &Candidate| {
            let node = stage.snapshot.node(&candidate.node);
            node.is_some_and(|node| node.pods.iter().any(|own| Arc::ptr_eq(own, &pod)))
        };
        let at = nodes.iter().position(has_it).unwrap_or(nodes.len() - 1);
        let stays = nodes.remove(at);
        stage.quota.give_back(&stays);
        let pod = pod.key();
        stage.keep_due(&stays.node, Why::Stays(Stays::NowhereToGo { pod }));
    }
}

#[cfg(test)]
mod tests;
