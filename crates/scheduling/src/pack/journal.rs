//! What nodes were before a trial, so that it can be taken back.
//!
//! Nodes that were there when the trial began are noted as they were when they are first touched;
//! those that came later are simply dropped.

use crate::view::ViewId;

use super::NodeId;

/// What a node was, apart from its amounts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    pub(super) node: NodeId,
    pub(super) view: ViewId,
    pub(super) pods: u32,
    pub(super) kind: u32,
    pub(super) price: u64,
}

/// What a trial has changed.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// How many nodes there were when the trial began.
    pub(super) fixed: usize,
    /// Number of the trial.
    trial: u32,
    /// By node: the last trial that has touched it.
    touched: Vec<u32>,
    /// Touched nodes, each as it was.
    pub(super) nodes: Vec<Noted>,
    /// Slack, then what is used, by touched node.
    pub(super) amounts: Vec<i64>,
    /// Bits by touched node.
    pub(super) bits: Vec<u64>,
    /// Counts by touched node.
    pub(super) counts: Vec<u32>,
}

impl Journal {
    /// Begins a trial with so many nodes.
    pub(super) fn begin(&mut self, nodes: usize) {
        self.fixed = nodes;
        self.trial += 1;
        self.touched.resize(nodes.max(self.touched.len()), 0);
        self.nodes.clear();
        self.amounts.clear();
        self.bits.clear();
        self.counts.clear();
    }

    /// Whether a node is to be noted now: it was there and was not touched yet.
    pub(super) fn is_news(&mut self, node: NodeId) -> bool {
        if node >= self.fixed || self.touched[node] == self.trial {
            return false;
        }
        self.touched[node] = self.trial;
        true
    }
}
