//! A scheduling problem in numbers: what `index` makes of a snapshot and `pack` solves.
//!
//! Amounts are in the units of `cluster`'s resource vectors, one per dimension; dimensions are the
//! resources that some pod of the batch asks for. What is *not* here: names, except where output
//! needs them; anything that changes while packing.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::first::First;
use crate::mask::{KeyId, Keys, Mask};
use crate::memory::Shelves;
use crate::shelf::Room;
use crate::topology::{DomainId, HostId, RulesId, Topology};
use crate::types::Types;

/// Index of a [`Demand`].
pub(crate) type DemandId = u32;

/// Masks by key, only of the keys that are constrained.
pub(crate) type Masks = Vec<(KeyId, Mask)>;

/// Everything one pass needs.
#[derive(Debug, Default)]
pub(crate) struct Problem {
    /// The label keys in play.
    pub(crate) keys: Keys,
    /// How many resources are counted.
    pub(crate) dims: usize,
    /// Words of the bit set that a node carries (host ports, hostname rules).
    pub(crate) words: usize,
    /// Pools that can open nodes, in the order in which they are asked.
    pub(crate) pools: Vec<Pool>,
    /// Nodes that are there, in the order in which they are asked.
    pub(crate) nodes: Vec<Existing>,
    /// Kinds of pods, in a fixed order of their content.
    pub(crate) classes: Vec<Class>,
    /// What pods ask of a node beside room.
    pub(crate) demands: Vec<Demand>,
    /// Daemon sets.
    pub(crate) daemons: Vec<Daemon>,
    /// Whether a list of tolerations (row) tolerates a list of taints (column).
    pub(crate) tolerated: Vec<Vec<bool>>,
    /// Rules about other pods.
    pub(crate) topology: Topology,
    /// Instances that are left in each capacity reservation.
    pub(crate) reservations: Vec<u32>,
    /// Shelves that views have in common with earlier passes.
    pub(crate) shelves: Shelves,
    /// What is placed before everything else.
    pub(crate) first: First,
}

/// Pods that nothing in this problem tells apart.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// How many there are.
    pub(crate) count: u32,
    /// Requests by dimension.
    pub(crate) request: Vec<i64>,
    /// To be tried in this order: preferences are given up one by one.
    pub(crate) variants: Arc<[Variant]>,
    /// Host port bits that a pod of this class sets on its node.
    pub(crate) sets: Arc<[u64]>,
    /// Counters per node that count its pods.
    pub(crate) hosts: Arc<[HostId]>,
    /// Counters per domain that count its pods.
    pub(crate) domains: Arc<[DomainId]>,
    /// Volumes that its pods share with each other or with pods of other classes.
    pub(crate) shared: Arc<[SharedClaim]>,
    /// Whether its pods only stand for room that a capacity buffer keeps.
    pub(crate) is_virtual: bool,
}

/// A claim that several pods share: a node attaches its volume once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SharedClaim {
    /// The bit that a node has whose volume is attached.
    pub(crate) bit: usize,
    /// The dimension of its driver.
    pub(crate) dim: usize,
}

/// What a pod asks for, with some preferences kept and others given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    /// Of the node.
    pub(crate) demand: DemandId,
    /// Of the pods beside it.
    pub(crate) rules: RulesId,
}

/// Requirements, tolerations, and host ports that daemons might hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Demand {
    /// Masks by key.
    pub(crate) masks: Masks,
    /// Row in [`Problem::tolerated`].
    pub(crate) tolerations: usize,
    /// Bits that no daemon of the node may set.
    pub(crate) ports: Vec<u64>,
}

/// A pool and its instance types; or what of them a capacity reservation has.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Pools of one group have their limits in common.
    pub(crate) group: usize,
    /// The reservation whose instances these are.
    pub(crate) reservation: Option<usize>,
    /// Column in [`Problem::tolerated`] of the taints its nodes have for good.
    pub(crate) taints: usize,
    /// Column of those taints without `PreferNoSchedule`, for daemons.
    pub(crate) hard_taints: usize,
    /// A mask for every key in play.
    pub(crate) masks: Vec<Mask>,
    /// Its instance types, in catalogue order.
    pub(crate) types: Arc<Types>,
    /// What is left of each limit.
    pub(crate) limits: Vec<i64>,
    /// Whether limits are watched while packing.
    pub(crate) watch: Watch,
    /// How many different values of a key the listed types must have.
    pub(crate) min_values: Vec<MinValues>,
}

impl Pool {
    /// Whether types must be looked at one by one: a limit, a minimum of values or a reservation is
    /// in play.
    pub(crate) fn is_picky(&self) -> bool {
        (!self.limits.is_empty() && self.watch == Watch::Closely)
            || !self.min_values.is_empty()
            || self.reservation.is_some()
    }
}

/// Whether limits are watched while packing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Watch {
    /// At every step.
    #[default]
    Closely,
    /// At the end: they are so far away that they will hardly be reached. If they are, packing
    /// begins anew with a close watch.
    AtTheEnd,
}

/// A `minValues` entry of a pool.
#[derive(Clone, Debug)]
pub(crate) struct MinValues {
    /// The least count of different values.
    pub(crate) least: usize,
    /// Per type of the pool: the values that it has, as small integers.
    pub(crate) values: Vec<SmallVec<[u32; 4]>>,
}

/// A node that is there.
#[derive(Debug)]
pub(crate) struct Existing {
    /// Position in the snapshot's list of nodes.
    pub(crate) source: usize,
    /// Column in [`Problem::tolerated`].
    pub(crate) taints: usize,
    /// A mask for every key in play: what its labels are.
    pub(crate) masks: Arc<[Mask]>,
    /// Room by dimension, expected daemons taken off.
    pub(crate) room: Room,
    /// Bits that are set already.
    pub(crate) bits: Vec<u64>,
    /// Running pods by host counter; empty stands for none at all.
    pub(crate) counts: Vec<u32>,
}

/// A daemon set's pod.
#[derive(Debug)]
pub(crate) struct Daemon {
    /// Alternatives of its requirements; the first that a node can meet counts.
    pub(crate) alternatives: Vec<Masks>,
    /// Row in [`Problem::tolerated`].
    pub(crate) tolerations: usize,
    /// Requests by dimension.
    pub(crate) request: Vec<i64>,
    /// Host port bits that it takes from the pods of the batch.
    pub(crate) ports: Vec<u64>,
}

impl Problem {
    /// How many nodes every packing begins with: those that are there, and those that were opened
    /// before everything else.
    pub(crate) fn fixed_nodes(&self) -> usize {
        self.nodes.len() + self.first.nodes.len()
    }

    /// Whether tolerations tolerate taints.
    pub(crate) fn tolerates(&self, tolerations: usize, taints: usize) -> bool {
        self.tolerated[tolerations][taints]
    }
}

/// Whether two bit sets have a bit in common.
pub(crate) fn bits_meet(left: &[u64], right: &[u64]) -> bool {
    left.iter().zip(right).any(|(a, b)| a & b != 0)
}

/// Whether a bit is set.
pub(crate) fn bits_have(bits: &[u64], bit: usize) -> bool {
    bits[bit / 64] & (1 << (bit % 64)) != 0
}

/// Adds the bits of one set to another.
pub(crate) fn bits_add(to: &mut [u64], bits: &[u64]) {
    for (to, bits) in to.iter_mut().zip(bits) {
        *to |= bits;
    }
}
