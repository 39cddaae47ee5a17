//! Empties a few planned nodes and places their pods anew, under all rules, if that is cheaper.
//!
//! What `improve` must leave as it is may change here: limits, `minValues` and the domains that
//! pods are counted in are looked at again. So pods move into room that was made after they were
//! placed, onto nodes of pools with limits too. The work is bounded by the size of the problem, and
//! the choice of nodes is random with a fixed seed: the answer is a function of the problem.

use crate::options::{Effort, Options};
use crate::pack::{Counters, NodeId, Packed, repack};
use crate::policy::{Policy, order};
use crate::problem::Problem;
use crate::random::Random;
use crate::topology::DomainRule;
use crate::view::Views;

use super::{Score, is_better, score};

/// Nodes and pods taken over, over all tries.
const STEPS: usize = 20_000;
/// How often nodes are emptied at most.
const TRIES: usize = 100;
/// How much more is tried where nobody waits for the answer.
const THOROUGH: usize = 10;
/// How many nodes are emptied at once at most.
const TOGETHER: usize = 3;

/// A packing of the same pods that costs less, if one is found; and the work done.
pub(super) fn evacuate<'p>(
    problem: &'p Problem,
    views: &mut Views<'p>,
    (packed, old): (&Packed, Score),
    (policies, options): (&[Policy], &Options),
) -> (Option<Packed>, Counters) {
    let mut counters = Counters::default();
    let mut best: (Score, Option<Packed>) = (old, None);
    let orders: Vec<Vec<usize>> = policies.iter().map(|p| order(problem, p)).collect();
    let more = if options.effort == Effort::Thorough {
        THOROUGH
    } else {
        1
    };
    let size = packed.nodes.len() + packed.puts.len();
    let tries = TRIES.min(STEPS / size.max(1)) * more;
    let mut random = Random::new();
    let mut movable = movable(problem, views, packed);
    // First each node alone, the last that were opened first.
    let mut alone = movable.len();
    for tried in 0..tries {
        let current = best.1.as_ref().unwrap_or(packed);
        let chosen = if alone > 0 {
            alone -= 1;
            vec![movable[alone]]
        } else if movable.len() < 2 {
            break;
        } else {
            some(&movable, &mut random)
        };
        let mut keep = vec![true; current.nodes.len()];
        for node in &chosen {
            keep[*node] = false;
        }
        let at = tried % policies.len();
        let way = (&policies[at], orders[at].as_slice());
        let Some(new) = repack(problem, views, way, (current, &keep)) else {
            continue;
        };
        counters.add(new.counters);
        let score = score(&new, problem, views);
        let valid = !new.budgets.are_exceeded() && is_as_even(problem, &new, current);
        if valid && is_better(score, best.0, options) {
            movable = self::movable(problem, views, &new);
            alone = movable.len();
            best = (score, Some(new));
        }
    }
    (best.1, counters)
}

/// Two or more of the nodes.
fn some(nodes: &[NodeId], random: &mut Random) -> Vec<NodeId> {
    let count = 2 + random.below(TOGETHER - 1);
    let mut chosen: Vec<NodeId> = (0..count)
        .map(|_| nodes[random.below(nodes.len())])
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Planned nodes that may be emptied: nobody stays behind who wanted to be with their pods, and
/// these wanted to be with nobody.
fn movable(problem: &Problem, views: &Views<'_>, packed: &Packed) -> Vec<NodeId> {
    let wanted = wanted(problem);
    let topology = &problem.topology;
    let mut movable: Vec<bool> = (0..packed.nodes.len())
        .map(|node| node >= problem.fixed_nodes() && views.pool(packed.nodes.view[node]).is_some())
        .collect();
    for put in &packed.puts {
        let class = &problem.classes[put.class as usize];
        let rules = &topology.rules[put.rules as usize];
        let near = |rule: &DomainRule| matches!(rule, DomainRule::Together { .. });
        let follows =
            !rules.together.is_empty() || rules.joins_others() || rules.domains.iter().any(near);
        let leads = class
            .hosts
            .iter()
            .any(|host| topology.hosts[*host as usize].followed)
            || class
                .domains
                .iter()
                .any(|counter| wanted[*counter as usize]);
        if follows || leads {
            movable[put.node] = false;
        }
    }
    (0..movable.len()).filter(|node| movable[*node]).collect()
}

/// Whether no spread is further beyond its skew than before. Pods that a spread counts and that do
/// not declare it may go anywhere, but those that stayed were placed beside the old counts.
fn is_as_even(problem: &Problem, new: &Packed, old: &Packed) -> bool {
    let rules = problem.topology.rules.iter();
    rules.flat_map(|rules| &rules.domains).all(|rule| {
        let DomainRule::Spread(spread) = rule else {
            return true;
        };
        let counter = spread.counter as usize;
        let (new, old) = (&new.domains[counter], &old.domains[counter]);
        new == old || spread.excess(new) <= spread.excess(old)
    })
}

/// By domain counter: whether some pods want to be near what it counts.
fn wanted(problem: &Problem) -> Vec<bool> {
    let mut wanted = vec![false; problem.topology.domains.len()];
    let rules = problem.topology.rules.iter();
    for rule in rules.flat_map(|rules| &rules.domains) {
        if let DomainRule::Together { counter } = rule {
            wanted[*counter as usize] = true;
        }
    }
    wanted
}

#[cfg(test)]
mod tests;
