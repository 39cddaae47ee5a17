//! Nodes whose pods have room elsewhere, or on cheaper nodes.
//!
//! Every node that may go is asked about by itself (`singles`), sets of nodes are looked for that
//! save most when they go together (`sets`), and the best becomes commands (`realize`) whose
//! replacements are cheaper whichever of their types is launched (`tighten`). What is *not* here:
//! where pods go (`scheduling`), and budgets as such (`budget`).

mod again;
mod candidates;
pub(crate) mod prices;
mod realize;
mod sets;
mod singles;
mod stays;
mod tighten;
mod worth;

use crate::balanced::Totals;
use crate::command::Candidate;
use crate::stage::{Receiving, Stage};
use crate::{Memory, Options, Reason, Why};

pub(crate) use again::validate;
pub use stays::Stays;
pub(crate) use worth::Worth;

use realize::{Judge, Realized};
use singles::Single;

/// Sets of more nodes are large: they are made commands of with less work.
const LARGE: usize = 100;
/// How many sets of nodes are made commands of to find the best; more if nothing comes of those.
const MOST_REALIZED: usize = 3;

/// Adds what saves most to a plan.
pub(crate) fn consolidate(stage: &mut Stage<'_>, memory: &mut Memory, options: &Options) {
    let (candidates, kept) = candidates::look(stage, options);
    for (node, why) in kept {
        stage.keep(&node, why);
    }
    stage
        .eligible
        .insert(Reason::Underutilized, candidates.len());
    if candidates.is_empty() {
        return;
    }
    // Types may have other prices than at the last look.
    memory.prices = prices::Prices::default();
    let worth = Worth::new(options);
    let totals = Totals::of(&stage.now_there, &candidates);
    let judge = Judge {
        worth,
        totals: &totals,
    };
    let found = search(stage, memory, options, &candidates, worth);
    let Found { singles, proposals } = found;
    let mut best: Option<Realized> = None;
    for (tried, proposal) in proposals.into_iter().enumerate() {
        // Of a large set much is lost before another is worth the work.
        let enough = if proposal.nodes.len() > LARGE {
            0.9
        } else {
            1.0
        };
        let is_any = |best: &Realized| !best.commands.is_empty();
        if tried >= MOST_REALIZED && best.as_ref().is_some_and(is_any) {
            break;
        }
        let found = best.as_ref().map(|best: &Realized| best.saves);
        if found.is_some_and(|found| found >= proposal.saves * enough) {
            break;
        }
        let nodes = proposal.nodes.iter().map(|at| candidates[*at].clone());
        let realized = realize::realize(stage, memory, options, (nodes.collect(), judge));
        if best.as_ref().is_none_or(|best| realized.saves > best.saves) {
            best = Some(realized);
        }
    }
    let best = best.unwrap_or_default();
    for candidate in best.commands.iter().flat_map(|command| &command.candidates) {
        // The search has kept to what budgets allow.
        let _allowed = stage.quota.take(candidate, Reason::Underutilized);
    }
    tell(stage, &candidates, &singles);
    for (node, why) in best.kept {
        stage.keep(&node, why);
    }
    stage.rejected.extend(best.rejected);
    stage.add(best.commands);
}

/// What was found.
struct Found {
    /// About each candidate by itself.
    singles: Vec<Single>,
    /// Sets of candidates, the best first.
    proposals: Vec<sets::Proposal>,
}

fn search(
    stage: &Stage<'_>,
    memory: &mut Memory,
    options: &Options,
    candidates: &[Candidate],
    worth: Worth,
) -> Found {
    let leaving = candidates
        .iter()
        .filter_map(|candidate| stage.leaving(candidate, Receiving::Settled));
    let leaving: Vec<_> = leaving.collect();
    let what_if = stage.what_if(memory, options, (&leaving, Receiving::Settled));
    let singles = singles::ask(
        &what_if,
        candidates,
        (worth, options.spot_to_spot),
        options.threads,
    );
    let budgets = (&stage.quota, Reason::Underutilized, options.spot_to_spot);
    let found = (&*singles, worth);
    let proposals = sets::search(&what_if, candidates, found, budgets, options.threads);
    Found { singles, proposals }
}

/// Says why each candidate stays, as far as it does.
fn tell(stage: &mut Stage<'_>, candidates: &[Candidate], singles: &[Single]) {
    for (candidate, single) in candidates.iter().zip(singles) {
        let why = match &single.stays {
            Some(stays) => Why::Stays(stays.clone()),
            None if stage.quota.left(&candidate.pool, Reason::Underutilized) == 0 => {
                stage.quota.why(&candidate.pool, Reason::Underutilized)
            }
            None => Why::Stays(Stays::NotNow),
        };
        stage.keep(&candidate.node, why);
    }
}

#[cfg(test)]
mod tests;
