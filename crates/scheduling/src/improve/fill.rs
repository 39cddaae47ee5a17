//! Filling one node: units in the order of their value for the room they take, each as often as
//! room, rules and what is left allow.
//!
//! What is *not* here: which nodes are filled (`pass`), what a unit is worth (`values`).

use smallvec::SmallVec;

use crate::problem::{bits_add, bits_meet};
use crate::shelf::{at_least, times};

use super::model::{Model, NodeCost};
use super::units::{Contents, UnitId};

/// How much room in each dimension counts when units are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weighting {
    /// All dimensions alike.
    Even,
    /// One dimension, the others a little.
    Mostly(usize),
}

/// What the dimensions besides the one that counts weigh.
const OTHERS: f64 = 0.02;

/// A node with contents.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    /// What it holds.
    pub(super) contents: Contents,
    /// What that is worth.
    pub(super) value: f64,
    /// What it costs.
    pub(super) cost: NodeCost,
}

impl Fill {
    /// What so much value costs at its price.
    pub(super) fn price_for(&self, value: f64) -> f64 {
        self.cost.weighed as f64 / self.value * value
    }
}

/// Memory for filling, used again and again; and the work done with it.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Entries that admit all that is on the node.
    within: Vec<u64>,
    bits: Vec<u64>,
    /// Groups that can't join.
    clash: Vec<u64>,
    /// Pods by host counter.
    counts: Vec<u32>,
    /// Whether any of these is not as on an empty node.
    ruled: bool,
    weights: Vec<f64>,
    keys: Vec<u64>,
    /// Nodes that were filled to see what they hold.
    pub(super) fills: u64,
    /// Units looked at while filling and sorting.
    pub(super) steps: u64,
}

impl Scratch {
    /// Nothing done.
    pub(super) fn new(model: &Model<'_>) -> Self {
        Self {
            within: vec![0; model.words()],
            bits: vec![0; model.problem.words],
            clash: vec![0; model.clashes(0).len()],
            counts: vec![0; model.problem.topology.hosts.len()],
            ruled: false,
            weights: Vec::new(),
            keys: Vec::new(),
            fills: 0,
            steps: 0,
        }
    }
}

/// Units that are to be ordered, with what does not depend on the bin.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    units: &'a [UnitId],
    /// By unit and dimension: what it requests for its value.
    rates: Vec<f64>,
}

impl<'a> Wanted<'a> {
    /// Units with what each is worth.
    pub(super) fn new(model: &Model<'_>, values: &[f64], units: &'a [UnitId]) -> Self {
        let mut rates = Vec::with_capacity(units.len() * model.dims);
        for unit in units {
            let inverse = 1.0 / values[*unit as usize];
            let request = model.request(*unit as usize);
            rates.extend(request.iter().map(|request| *request as f64 * inverse));
        }
        Self { units, rates }
    }
}

/// The units that a bin can hold in the order in which they are tried: by value for the room that
/// they take, of equal ones the larger first.
pub(super) fn ordered(
    model: &Model<'_>,
    (bin, weighting): (u32, Weighting),
    wanted: &Wanted<'_>,
    scratch: &mut Scratch,
) -> Vec<UnitId> {
    let room = model.room(bin);
    let weights = &mut scratch.weights;
    weights.clear();
    weights.extend_from_slice(model.shares(bin));
    if let Weighting::Mostly(only) = weighting {
        let others = weights
            .iter_mut()
            .enumerate()
            .filter(|(dim, _)| *dim != only);
        others.for_each(|(_, weight)| *weight *= OTHERS);
    }
    scratch.steps += wanted.units.len() as u64;
    scratch.keys.clear();
    let dims = model.dims.max(1);
    for (unit, rates) in wanted.units.iter().zip(wanted.rates.chunks_exact(dims)) {
        let at = *unit as usize;
        if !model.admits(bin, model.group[at]) || !at_least(room, model.request(at)) {
            continue;
        }
        let mut taken = 0.0;
        for (rate, weight) in rates.iter().zip(weights.iter()) {
            taken += rate * weight;
        }
        // Positive numbers are ordered like their bits.
        let key = u64::from((taken as f32).to_bits());
        scratch.keys.push(key << 32 | u64::from(*unit));
    }
    scratch.keys.sort_unstable();
    scratch.keys.iter().map(|key| *key as u32).collect()
}

/// Fills a bin; none if nothing is left that it can hold.
pub(super) fn fill(
    model: &Model<'_>,
    bin: u32,
    values: &[f64],
    (order, left): (&[UnitId], &[u32]),
    scratch: &mut Scratch,
) -> Option<Fill> {
    scratch.fills += 1;
    let mut room: SmallVec<[i64; 8]> = model.room(bin).into();
    let mut contents = Contents::new();
    let mut value = 0.0;
    let mut groups: SmallVec<[u32; 8]> = SmallVec::new();
    clear(scratch);
    let mut looked_at = 0;
    for unit in order {
        looked_at += 1;
        let at = *unit as usize;
        let request = model.request(at);
        if left[at] == 0 || !at_least(&room, request) {
            continue;
        }
        let group = model.group[at];
        let new_group = !groups.contains(&group);
        if new_group && has(&scratch.clash, group) {
            continue;
        }
        let most = if model.ruled[at] {
            cap(model, at, left[at], scratch)
        } else {
            left[at]
        };
        let count = if most > 1 {
            times(&room, request, most)
        } else {
            most
        };
        if count == 0 {
            continue;
        }
        for (room, request) in room.iter_mut().zip(request) {
            *room -= request * i64::from(count);
        }
        if new_group {
            join_group(model, group, groups.is_empty(), scratch);
            groups.push(group);
        }
        if model.ruled[at] {
            join(model, at, count, scratch);
        }
        contents.push((*unit, count));
        value += values[at] * f64::from(count);
        if !at_least(&room, &model.least) {
            break;
        }
    }
    scratch.steps += looked_at;
    if contents.is_empty() {
        return None;
    }
    let all = model.room(bin).iter().zip(&room);
    let need: SmallVec<[i64; 8]> = all.map(|(all, left)| all - left).collect();
    let (_, cost) = model.cost(&need, &scratch.within)?;
    Some(Fill {
        contents,
        value,
        cost,
    })
}

fn clear(scratch: &mut Scratch) {
    scratch.clash.fill(0);
    if std::mem::take(&mut scratch.ruled) {
        scratch.bits.fill(0);
        scratch.counts.fill(0);
    }
}

fn has(set: &[u64], at: u32) -> bool {
    set.get(at as usize / 64)
        .is_some_and(|word| word & (1 << (at % 64)) != 0)
}

fn join_group(model: &Model<'_>, group: u32, is_first: bool, scratch: &mut Scratch) {
    let admitted = model.admitted(group);
    if is_first {
        scratch.within.copy_from_slice(admitted);
    } else {
        for (word, admitted) in scratch.within.iter_mut().zip(admitted) {
            *word &= admitted;
        }
    }
    bits_add(&mut scratch.clash, model.clashes(group));
}

/// How many pods of a unit host ports and rules over host names let onto the node in one go.
fn cap(model: &Model<'_>, unit: usize, left: u32, scratch: &Scratch) -> u32 {
    let rules = &model.problem.topology.rules[model.units[unit].rules as usize];
    if bits_meet(&rules.clear, &scratch.bits) {
        return 0;
    }
    let most = if rules.single { 1 } else { left };
    let room = |(host, most): &(u32, u32)| most.saturating_sub(scratch.counts[*host as usize]);
    rules.caps.iter().map(room).fold(most, u32::min)
}

/// Counts pods of a unit for the rules of those that come later.
fn join(model: &Model<'_>, unit: usize, count: u32, scratch: &mut Scratch) {
    let class = &model.problem.classes[model.units[unit].class as usize];
    scratch.ruled = true;
    bits_add(&mut scratch.bits, &class.sets);
    for host in class.hosts.iter() {
        let counted = &mut scratch.counts[*host as usize];
        *counted += count;
        let thresholds = &model.problem.topology.hosts[*host as usize].thresholds;
        for (_, bit) in thresholds.iter().take_while(|(most, _)| most < counted) {
            scratch.bits[bit / 64] |= 1 << (bit % 64);
        }
    }
}
