//! What is placed before everything else: pods whose claims hold devices.
//!
//! Devices are looked for once, pod by pod (`pack::devices`); every packing of the pass begins with
//! what was found and may put other pods beside. Empty where no pod has claims.

use crate::mask::Mask;
use crate::pack::{MinValuesCheck, Put};

/// Pods that have their places, and the nodes that were opened for them.
#[derive(Debug, Default)]
pub(crate) struct First {
    /// The classes that these pods are, each of one pod.
    pub(crate) classes: Vec<usize>,
    /// Those of them that have no place.
    pub(crate) left: Vec<usize>,
    /// Nodes that were opened. In each packing they come right after those that are there.
    pub(crate) nodes: Vec<FirstNode>,
    /// What was put where.
    pub(crate) puts: Vec<Put>,
}

/// A node that was opened, with everything that its pods demand of it.
#[derive(Debug)]
pub(crate) struct FirstNode {
    /// Its pool.
    pub(crate) pool: usize,
    /// The type that it would be launched as, by position in its pool's list.
    pub(crate) kind: u32,
    /// A mask for every key in play. Of types it leaves those that have the devices.
    pub(crate) masks: Vec<Mask>,
    /// Host ports that its pods keep from daemons.
    pub(crate) ports: Vec<u64>,
    /// How `minValues` is treated.
    pub(crate) check: MinValuesCheck,
}
