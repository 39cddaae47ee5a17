//! From a snapshot to a problem in numbers, and back: which pods a class stands for, which bit is
//! which host port.

pub(crate) mod amounts;
mod build;
pub(crate) mod devices;
pub(crate) mod gather;
mod nodes;
mod open;
pub(crate) mod pods;
pub(crate) mod pools;
pub(crate) mod ports;
mod shared;
mod source;
mod tolerations;
pub(crate) mod topology;
mod types;

pub(crate) mod variants;

use std::sync::Arc;

use cluster::{PodRecord, ResourceId, Snapshot};
use model::Timestamp;
use requirements::Requirements;

use crate::memory::Memory;
use crate::options::{Batch, Options};
use crate::problem::Problem;
use crate::reason::Rejection;

use self::devices::Claiming;
use amounts::Amounts;
use pools::{Limited, Reservation, Template};
use ports::Bits;
use topology::Counters;
use topology::rules::Place;

pub(crate) use nodes::effective_taints;

/// A problem, and what its numbers stand for.
pub(crate) struct Index<'s> {
    /// The problem.
    pub(crate) problem: Problem,
    /// The snapshot that it was made from.
    pub(crate) snapshot: &'s Snapshot,
    /// The pods of each class, in the order in which they get its places.
    pub(crate) pods: Vec<Arc<[Arc<PodRecord>]>>,
    /// The requirements of each demand.
    pub(crate) requirements: Vec<Requirements>,
    /// What each pool of the problem stands for.
    pub(crate) pools: Vec<PoolIndex<'s>>,
    /// The daemon sets of the problem, by position in the snapshot.
    pub(crate) daemons: Vec<usize>,
    /// Which resource a dimension is.
    pub(crate) amounts: Amounts,
    /// Which bit is which host port.
    pub(crate) bits: Bits,
    /// What is counted.
    pub(crate) counted: Counters,
    /// Bits of counts on hosts: counter, the count that may not be passed, bit.
    pub(crate) thresholds: Vec<(usize, u32, usize)>,
    /// Where each counter is found in the problem.
    pub(crate) places: Vec<Place>,
    /// Nodes that take nothing because more is promised on them than they have: position in the
    /// snapshot, a resource, and by how much.
    pub(crate) overcommitted: Vec<(usize, ResourceId, i64)>,
    /// Pods that are not tried, with the reason.
    pub(crate) refused: Vec<(Arc<[Arc<PodRecord>]>, Rejection)>,
    /// Pods with claims, where claims are looked at and there are some.
    pub(crate) claiming: Option<Claiming>,
}

/// What a pool of a problem stands for.
pub(crate) struct PoolIndex<'s> {
    /// What its nodes have in common.
    pub(crate) template: Arc<Template<'s>>,
    /// Its limits.
    pub(crate) limits: Vec<Limited>,
    /// The keys of its `minValues`.
    pub(crate) min_value_keys: Vec<Arc<str>>,
    /// The reservation whose instances it is.
    pub(crate) reservation: Option<Reservation>,
}

/// Makes a problem of a snapshot.
pub(crate) fn index<'s>(
    memory: &mut Memory,
    snapshot: &'s Snapshot,
    batch: &Batch,
    options: &Options,
    now: Timestamp,
) -> Index<'s> {
    index_with(memory, snapshot, (batch, &[]), options, now)
}

/// The same with classes for pods that run and might have to move. They count where they are, and
/// are among the pods of their classes.
pub(crate) fn index_with<'s>(
    memory: &mut Memory,
    snapshot: &'s Snapshot,
    (batch, movable): (&Batch, &[Arc<PodRecord>]),
    options: &Options,
    now: Timestamp,
) -> Index<'s> {
    let parts = gather::gather(memory, snapshot, (batch, movable), options, now);
    build::build(parts, memory, batch)
}
