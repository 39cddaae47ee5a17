//! Makes a packing cheaper: pods of planned nodes are packed anew with prices in every decision.
//!
//! What the packing decided about domains, preferences and nodes that are there stays. The rest is
//! packed by opening, again and again, the node with the best price for the value of what it holds
//! (`pass`). What a pod is worth is corrected by what the nodes cost that it was given, over a few
//! rounds (`values`); then a few nodes at a time are dissolved and packed anew (`dissolve`). Work
//! is bounded in steps, never in seconds, and the result is never dearer than what came in.
//!
//! What is *not* here: the packing to begin with (`portfolio`).

mod dissolve;
mod fill;
mod model;
mod pass;
mod table;
mod units;
mod values;

use crate::pack::{Counters, Joining, Packed, Planned, rebuild};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::view::Views;

use dissolve::{Node, Setting, dissolve, spelled_out};
use fill::{Scratch, Wanted, Weighting};
use model::Model;
pub(crate) use model::Prices;
use pass::{Opened, Race, Task};
use units::{Thawed, UnitId, thaw};

/// How many bins are filled in rounds after the first, besides those that it opened.
const PROMISING: usize = 40;
/// Steps that a pass takes for each pair of a bin and a unit, about.
const STEPS_PER_PAIR: u64 = 10;
/// Pairs of a bin and a unit up to which several orders are tried.
const FEW_PAIRS: u64 = 4000;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// Passes, each with corrected values.
    pub(crate) rounds: u32,
    /// Times that a few nodes are dissolved.
    pub(crate) dissolutions: u32,
    /// Units looked at, over all rounds; the first round is always finished.
    pub(crate) steps: u64,
}

/// A packing of the same pods that costs less, if one is found; and the work done.
pub(crate) fn improve<'p>(
    problem: &'p Problem,
    views: &mut Views<'p>,
    packed: &Packed,
    (policy, prices, work): (&Policy, Prices, Work),
) -> (Option<Packed>, Counters) {
    let thawed = thaw(problem, views, packed);
    let mut counters = Counters::default();
    if thawed.units.is_empty() {
        return (None, counters);
    }
    let model = Model::new(problem, views, &thawed, prices);
    let mut scratch = Scratch::new(&model);
    let plan = search(&model, &thawed, work, &mut scratch, &mut counters);
    counters.fills = scratch.fills;
    counters.fill_steps = scratch.steps;
    let Some(nodes) = plan else {
        return (None, counters);
    };
    let planned: Option<Vec<Planned>> = nodes.iter().map(|node| planned(&model, node)).collect();
    let mut keep = vec![true; packed.nodes.len()];
    for (node, _) in &thawed.nodes {
        keep[*node] = false;
    }
    let improved =
        planned.and_then(|planned| rebuild(problem, views, policy, (packed, &keep), &planned));
    (improved, counters)
}

/// The cheapest plan that is found.
fn search(
    model: &Model<'_>,
    thawed: &Thawed,
    work: Work,
    scratch: &mut Scratch,
    counters: &mut Counters,
) -> Option<Vec<Node>> {
    let size = (model.bins.len() * model.units.len()) as u64;
    if size * STEPS_PER_PAIR > work.steps {
        return None;
    }
    let mut values = values::first_values(model);
    let weightings = weightings(model, size);
    let active: Vec<UnitId> = (0..model.units.len() as UnitId).collect();
    let mut bins = model.bins.clone();
    let mut best: Option<(u64, Vec<Opened>)> = None;
    for round in 0..work.rounds {
        if round > 0 && scratch.steps + scratch.steps / u64::from(round) > work.steps {
            break;
        }
        let task = Task {
            values: &values,
            active: &active,
            bins: &bins,
            weightings: &weightings,
            below: u64::MAX,
        };
        let mut left = thawed.counts.clone();
        let wanted = Wanted::new(model, &values, &active);
        let mut race = Race::new(model, task, &wanted, &left);
        let promising = if round == 0 {
            race.most_promising(model, &left, (PROMISING, scratch))
        } else {
            Vec::new()
        };
        let opened = race.run(model, &mut left, scratch)?;
        if round == 0 {
            bins = promising;
            bins.extend(opened.iter().map(|node| node.bin));
            bins.sort_unstable();
            bins.dedup();
        }
        let cost = cost(&opened);
        values::correct(&mut values, &opened, round);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, opened));
        }
    }
    let (_, opened) = best?;
    let mut nodes: Vec<Node> = spelled_out(&opened).collect();
    let setting = Setting {
        values: &values,
        bins: &bins,
        weightings: &weightings[..1],
        times: work.dissolutions,
        steps: work.steps,
    };
    counters.dissolved = dissolve(model, setting, &mut nodes, scratch);
    Some(nodes)
}

/// How units are ordered: in one way, or in several if there is little to order.
fn weightings(model: &Model<'_>, size: u64) -> Vec<Weighting> {
    let single = (0..model.dims).map(Weighting::Mostly);
    let all = std::iter::once(Weighting::Even).chain(single);
    all.take(if size > FEW_PAIRS { 1 } else { usize::MAX })
        .collect()
}

fn cost(opened: &[Opened]) -> u64 {
    opened
        .iter()
        .map(|node| node.cost.weighed * u64::from(node.copies))
        .sum()
}

fn planned(model: &Model<'_>, node: &Node) -> Option<Planned> {
    let (entry, _) = model.cost_of(&node.contents)?;
    let pods = node.contents.iter().map(|(unit, count)| {
        let unit = &model.units[*unit as usize];
        Joining {
            class: unit.class as usize,
            demand: unit.demand,
            rules: unit.rules,
            count: *count,
        }
    });
    Some(Planned {
        pool: model.pool(entry),
        pods: pods.collect(),
    })
}

#[cfg(test)]
mod tests;
