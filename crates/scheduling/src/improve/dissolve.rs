//! Steps that dissolve a few nodes and pack what they held anew, if that is cheaper.
//!
//! The choice is random with a fixed seed, so the answer is a function of the problem.

use crate::random::Random;

use super::fill::{Scratch, Weighting};
use super::model::{Model, NodeCost};
use super::pass::{Opened, Task, pass};
use super::units::{Contents, UnitId};

/// How many nodes are compared to find one that is dear for what it holds.
const TOURNAMENT: usize = 6;
/// How much values are changed in the second try of each step.
const JITTER: f64 = 0.3;

/// A node of a plan.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// What it holds.
    pub(super) contents: Contents,
    /// What it costs.
    pub(super) cost: NodeCost,
}

/// What dissolving works with.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    /// What a pod of each unit is worth.
    pub(super) values: &'a [f64],
    /// Bins that may be opened, by price.
    pub(super) bins: &'a [u32],
    /// How units are ordered.
    pub(super) weightings: &'a [Weighting],
    /// How many times nodes are dissolved.
    pub(super) times: u32,
    /// Units looked at, those before included, after which no more are dissolved.
    pub(super) steps: u64,
}

/// Dissolves nodes; they never become dearer in sum. Says how often it helped.
pub(super) fn dissolve(
    model: &Model<'_>,
    setting: Setting<'_>,
    nodes: &mut Vec<Node>,
    scratch: &mut Scratch,
) -> u64 {
    let mut random = Random::new();
    let mut jittered = vec![0.0; setting.values.len()];
    let mut left = vec![0_u32; setting.values.len()];
    let mut helped = 0;
    for _ in 0..setting.times {
        if nodes.len() < 2 || scratch.steps > setting.steps {
            break;
        }
        let chosen = choose(nodes, setting.values, &mut random);
        let active = take(nodes, &chosen, &mut left);
        let cost: u64 = chosen.iter().map(|node| nodes[*node].cost.weighed).sum();
        for unit in &active {
            let change = JITTER * (2.0 * random.fraction() - 1.0);
            jittered[*unit as usize] = setting.values[*unit as usize] * (1.0 + change);
        }
        let bins = &setting.bins[..setting.bins.partition_point(|bin| model.price(*bin) < cost)];
        let mut best: Option<Vec<Opened>> = None;
        let mut below = cost;
        for values in [setting.values, &jittered] {
            let task = Task {
                values,
                active: &active,
                bins,
                weightings: setting.weightings,
                below,
            };
            let mut left = left.clone();
            if let Some(opened) = pass(model, task, &mut left, scratch) {
                below = opened
                    .iter()
                    .map(|node| node.cost.weighed * u64::from(node.copies))
                    .sum();
                best = Some(opened);
            }
        }
        for unit in &active {
            left[*unit as usize] = 0;
        }
        if let Some(opened) = best {
            helped += 1;
            for node in chosen {
                nodes.swap_remove(node);
            }
            nodes.extend(spelled_out(&opened));
        }
    }
    helped
}

/// Each node by itself.
pub(super) fn spelled_out(opened: &[Opened]) -> impl Iterator<Item = Node> {
    opened.iter().flat_map(|node| {
        let one = Node {
            contents: node.contents.clone(),
            cost: node.cost,
        };
        std::iter::repeat_n(one, node.copies as usize)
    })
}

/// Two to five nodes, the last first: one that is dear for what it holds, of the others some that
/// are and some that may be anything.
fn choose(nodes: &[Node], values: &[f64], random: &mut Random) -> Vec<usize> {
    let mut chosen = vec![dearest(nodes, values, TOURNAMENT, random)];
    let others = 1 + random.below(4);
    for other in 0..others {
        let node = if other % 2 == 0 {
            random.below(nodes.len())
        } else {
            dearest(nodes, values, TOURNAMENT / 2, random)
        };
        if !chosen.contains(&node) {
            chosen.push(node);
        }
    }
    chosen.sort_unstable_by(|a, b| b.cmp(a));
    chosen
}

fn dearest(nodes: &[Node], values: &[f64], of: usize, random: &mut Random) -> usize {
    let excess = |node: usize| {
        let node = &nodes[node];
        let worth: f64 = node
            .contents
            .iter()
            .map(|(unit, count)| values[*unit as usize] * f64::from(*count))
            .sum();
        node.cost.weighed as f64 - worth
    };
    let mut best = random.below(nodes.len());
    for _ in 1..of {
        let other = random.below(nodes.len());
        if excess(other) > excess(best) {
            best = other;
        }
    }
    best
}

/// Counts what the chosen nodes hold; says which units that are, in order.
fn take(nodes: &[Node], chosen: &[usize], left: &mut [u32]) -> Vec<UnitId> {
    let mut active: Vec<UnitId> = Vec::new();
    for node in chosen {
        for (unit, count) in &nodes[*node].contents {
            if left[*unit as usize] == 0 {
                active.push(*unit);
            }
            left[*unit as usize] += count;
        }
    }
    active.sort_unstable();
    active
}
