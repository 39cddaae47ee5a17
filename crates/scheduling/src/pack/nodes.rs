//! Nodes of a packing as parallel arrays: nodes that are there first, then planned ones.

use rustc_hash::FxHashMap;

use crate::mask::Mask;
use crate::problem::{Class, Problem, SharedClaim, bits_add, bits_have};
use crate::shelf::{Shelf, at_least, times};
use crate::topology::{HostCounter, HostId, Topology};
use crate::view::{ViewId, Views};

use super::blocks::Blocks;
use super::budget::MinValuesCheck;
use super::journal::{Journal, Noted};

/// Index of a node in [`Nodes`].
pub(crate) type NodeId = usize;

/// No type: a node that is there.
const NO_KIND: u32 = u32::MAX;

/// How many nodes have one summary of their slack.
const BLOCK: usize = 32;

/// Parallel arrays, one entry per node.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    dims: usize,
    words: usize,
    /// The node's view.
    pub(crate) view: Vec<ViewId>,
    /// Price of the type it would be launched as; 0 for nodes that are there.
    pub(crate) price: Vec<u64>,
    /// Pods put there.
    pub(crate) pods: Vec<u32>,
    /// How `minValues` is treated.
    pub(crate) check: Vec<MinValuesCheck>,
    kind: Vec<u32>,
    /// Room left in the type chosen now, by node and dimension.
    slack: Vec<i64>,
    /// Requests of the pods put there, by node and dimension.
    used: Vec<i64>,
    bits: Vec<u64>,
    /// Summaries of the slack of blocks of nodes.
    blocks: Blocks,
    /// Summaries of blocks of blocks.
    upper: Blocks,
    hosts: usize,
    /// Pods by node and host counter, running ones included.
    counts: Vec<u32>,
    /// What the trial that is on has changed; none while none is on.
    journal: Option<Box<Journal>>,
}

/// A copy with memory for more items.
fn roomy<T: Copy>(items: &[T], more: usize) -> Vec<T> {
    let mut copy = Vec::with_capacity(items.len() + more);
    copy.extend_from_slice(items);
    copy
}

impl Nodes {
    /// The nodes that are there.
    pub(crate) fn existing(problem: &Problem, views: &mut Views<'_>) -> Self {
        let mut nodes = Self {
            dims: problem.dims,
            words: problem.words,
            hosts: problem.topology.hosts.len(),
            ..Self::default()
        };
        let mut known: FxHashMap<(usize, *const Mask), ViewId> = FxHashMap::default();
        for node in &problem.nodes {
            // Masks are mostly shared: what was looked up for one node holds for the others.
            let view = known.entry((node.taints, node.masks.as_ptr()));
            let view = *view.or_insert_with(|| views.of_node(node.taints, &node.masks));
            let at = nodes.push(view, &node.room, &node.bits);
            for (host, count) in node.counts.iter().enumerate() {
                nodes.add(at, &problem.topology.hosts[host], host, *count);
            }
        }
        nodes
    }

    /// The same nodes, with memory for so many more.
    pub(crate) fn copy(&self, more: usize) -> Self {
        let each = more * self.dims;
        Self {
            dims: self.dims,
            words: self.words,
            view: roomy(&self.view, more),
            price: roomy(&self.price, more),
            pods: roomy(&self.pods, more),
            check: roomy(&self.check, more),
            kind: roomy(&self.kind, more),
            slack: roomy(&self.slack, each),
            used: roomy(&self.used, each),
            bits: roomy(&self.bits, more * self.words),
            blocks: self.blocks.clone(),
            upper: self.upper.clone(),
            hosts: self.hosts,
            counts: roomy(&self.counts, more * self.hosts),
            journal: None,
        }
    }

    /// How many pods on a node a host counter counts.
    pub(crate) fn count(&self, node: NodeId, host: HostId) -> u32 {
        self.counts[node * self.hosts + host as usize]
    }

    fn add(&mut self, node: NodeId, counter: &HostCounter, host: usize, count: u32) {
        let counted = &mut self.counts[node * self.hosts + host];
        *counted += count;
        for (_, bit) in counter
            .thresholds
            .iter()
            .take_while(|(most, _)| most < counted)
        {
            self.bits[node * self.words + bit / 64] |= 1 << (bit % 64);
        }
    }

    fn push(&mut self, view: ViewId, room: &[i64], bits: &[u64]) -> NodeId {
        self.view.push(view);
        self.price.push(0);
        self.pods.push(0);
        self.check.push(MinValuesCheck::Enforced);
        self.kind.push(NO_KIND);
        self.slack.extend_from_slice(room);
        self.used.extend(std::iter::repeat_n(0, self.dims));
        self.bits.extend_from_slice(bits);
        self.bits.resize(self.view.len() * self.words, 0);
        self.counts.extend(std::iter::repeat_n(0, self.hosts));
        let node = self.view.len() - 1;
        let slack = &self.slack[node * self.dims..];
        self.blocks.raise(node / BLOCK, slack);
        self.upper.raise(node / (BLOCK * BLOCK), slack);
        node
    }

    /// Notes that a node has more slack than before.
    fn raise(&mut self, node: NodeId) {
        let slack = &self.slack[node * self.dims..(node + 1) * self.dims];
        self.blocks.raise(node / BLOCK, slack);
        self.upper.raise(node / (BLOCK * BLOCK), slack);
    }

    /// Notes that a node may have less slack than before.
    fn lower(&mut self, node: NodeId) {
        self.blocks.stale[node / BLOCK] = true;
        self.upper.stale[node / (BLOCK * BLOCK)] = true;
    }

    /// The nodes below `end` in blocks that may have a node with so much slack, in order: the next
    /// such node at or after `node`.
    pub(super) fn next_roomy(&mut self, node: NodeId, end: NodeId, request: &[i64]) -> NodeId {
        const UPPER: usize = BLOCK * BLOCK;
        let mut node = node;
        while node < end {
            if node.is_multiple_of(UPPER) && !self.upper_may_hold(node / UPPER, request) {
                node += UPPER;
            } else if node.is_multiple_of(BLOCK) && !self.may_hold(node / BLOCK, request) {
                node += BLOCK;
            } else if self.has_slack(node, request) {
                return node;
            } else {
                node += 1;
            }
        }
        end
    }

    fn upper_may_hold(&mut self, upper: usize, request: &[i64]) -> bool {
        if !at_least(self.upper.most(upper, self.dims), request) {
            return false;
        }
        if self.upper.stale[upper] {
            let blocks = self.len().div_ceil(BLOCK);
            let (first, end) = (upper * BLOCK, ((upper + 1) * BLOCK).min(blocks));
            self.upper.begin(upper, self.dims);
            for block in first..end {
                self.refresh(block);
                self.upper.raise(upper, self.blocks.most(block, self.dims));
            }
        }
        at_least(self.upper.most(upper, self.dims), request)
    }

    fn may_hold(&mut self, block: usize, request: &[i64]) -> bool {
        if !at_least(self.blocks.most(block, self.dims), request) {
            return false;
        }
        self.refresh(block);
        at_least(self.blocks.most(block, self.dims), request)
    }

    /// Makes the summary of a block exact.
    fn refresh(&mut self, block: usize) {
        if !self.blocks.stale[block] {
            return;
        }
        let dims = self.dims;
        let (first, end) = (block * BLOCK, ((block + 1) * BLOCK).min(self.len()));
        self.blocks.begin(block, dims);
        for node in first..end {
            let slack = &self.slack[node * dims..(node + 1) * dims];
            self.blocks.raise(block, slack);
        }
    }

    /// Adds an empty planned node.
    pub(super) fn open(&mut self, view: ViewId, shelf: &Shelf, slot: usize) -> NodeId {
        let node = self.push(view, shelf.room(slot), &[]);
        self.resize(node, view, shelf, slot);
        node
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.view.len()
    }

    /// The type that a planned node would be launched as, by position in its pool's list.
    pub(crate) fn kind(&self, node: NodeId) -> Option<u32> {
        (self.kind[node] != NO_KIND).then_some(self.kind[node])
    }

    /// Requests of the pods put there.
    pub(crate) fn used(&self, node: NodeId) -> &[i64] {
        &self.used[node * self.dims..(node + 1) * self.dims]
    }

    /// Room left.
    pub(crate) fn slack(&self, node: NodeId) -> &[i64] {
        &self.slack[node * self.dims..(node + 1) * self.dims]
    }

    /// Bits that are set.
    pub(crate) fn bits(&self, node: NodeId) -> &[u64] {
        &self.bits[node * self.words..(node + 1) * self.words]
    }

    /// Whether one more request fits as the node is.
    pub(super) fn has_slack(&self, node: NodeId, request: &[i64]) -> bool {
        at_least(self.slack(node), request)
    }

    /// How many pods of a class, up to `most`, fit into a node as it is. Of volumes that pods share
    /// those that the node has not attached yet need room, once.
    pub(super) fn fit(&self, node: NodeId, class: &Class, most: u32) -> u32 {
        if class.shared.is_empty() {
            return times(self.slack(node), &class.request, most);
        }
        let mut slack = self.slack(node).to_vec();
        for shared in self.unattached(node, class) {
            slack[shared.dim] -= 1;
        }
        if slack.iter().any(|room| *room < 0) {
            return 0;
        }
        times(&slack, &class.request, most)
    }

    /// Volumes that pods of a class share and that a node has not attached.
    pub(crate) fn unattached<'c>(
        &self,
        node: NodeId,
        class: &'c Class,
    ) -> impl Iterator<Item = &'c SharedClaim> + use<'_, 'c> {
        let bits = self.bits(node);
        let is_new = |shared: &&SharedClaim| !bits_have(bits, shared.bit);
        class.shared.iter().filter(is_new)
    }

    /// Makes a planned node one of this type.
    pub(super) fn resize(&mut self, node: NodeId, view: ViewId, shelf: &Shelf, slot: usize) {
        self.touch(node);
        let chosen = shelf.slot(slot);
        self.view[node] = view;
        self.kind[node] = chosen.kind;
        self.price[node] = chosen.price;
        for (dim, room) in shelf.room(slot).iter().enumerate() {
            let at = node * self.dims + dim;
            self.slack[at] = room - self.used[at];
        }
        self.raise(node);
        self.lower(node);
    }

    /// Puts pods of a class there.
    pub(super) fn put(&mut self, node: NodeId, class: &Class, topology: &Topology, count: u32) {
        self.touch(node);
        for host in class.hosts.iter() {
            let host = *host as usize;
            self.add(node, &topology.hosts[host], host, count);
        }
        self.pods[node] += count;
        if count > 0 && !class.shared.is_empty() {
            let new: Vec<SharedClaim> = self.unattached(node, class).copied().collect();
            for shared in new {
                self.slack[node * self.dims + shared.dim] -= 1;
                self.used[node * self.dims + shared.dim] += 1;
                self.bits[node * self.words + shared.bit / 64] |= 1 << (shared.bit % 64);
            }
        }
        for (dim, request) in class.request.iter().enumerate() {
            let at = node * self.dims + dim;
            self.slack[at] -= request * i64::from(count);
            self.used[at] += request * i64::from(count);
        }
        self.lower(node);
        let words = node * self.words..(node + 1) * self.words;
        bits_add(&mut self.bits[words], &class.sets);
    }

    /// Gives a node that is there another view.
    pub(super) fn set_view(&mut self, node: NodeId, view: ViewId) {
        if self.view[node] != view {
            self.touch(node);
            self.view[node] = view;
        }
    }

    /// Lets a node take nothing more.
    pub(super) fn close(&mut self, node: NodeId) {
        self.touch(node);
        let dims = self.dims;
        self.slack[node * dims..(node + 1) * dims].fill(-1);
        self.lower(node);
    }

    /// From here on everything can be taken back.
    pub(super) fn begin(&mut self) {
        let nodes = self.len();
        self.journal.get_or_insert_default().begin(nodes);
    }

    /// Notes a node as it is, if it may have to be that again.
    fn touch(&mut self, node: NodeId) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        if journal.is_news(node) {
            let (dims, words, hosts) = (self.dims, self.words, self.hosts);
            journal.nodes.push(Noted {
                node,
                view: self.view[node],
                pods: self.pods[node],
                kind: self.kind[node],
                price: self.price[node],
            });
            let amounts = node * dims..(node + 1) * dims;
            journal
                .amounts
                .extend_from_slice(&self.slack[amounts.clone()]);
            journal.amounts.extend_from_slice(&self.used[amounts]);
            let bits = &self.bits[node * words..(node + 1) * words];
            journal.bits.extend_from_slice(bits);
            let counts = &self.counts[node * hosts..(node + 1) * hosts];
            journal.counts.extend_from_slice(counts);
        }
    }

    /// Makes everything as it was when the trial began.
    pub(super) fn take_back(&mut self) {
        let Some(journal) = self.journal.take() else {
            return;
        };
        let (dims, words, hosts) = (self.dims, self.words, self.hosts);
        for (at, noted) in journal.nodes.iter().copied().enumerate() {
            let node = noted.node;
            self.view[node] = noted.view;
            self.pods[node] = noted.pods;
            self.kind[node] = noted.kind;
            self.price[node] = noted.price;
            let slack = &journal.amounts[2 * at * dims..(2 * at + 1) * dims];
            self.slack[node * dims..(node + 1) * dims].copy_from_slice(slack);
            let used = &journal.amounts[(2 * at + 1) * dims..2 * (at + 1) * dims];
            self.used[node * dims..(node + 1) * dims].copy_from_slice(used);
            let bits = &journal.bits[at * words..(at + 1) * words];
            self.bits[node * words..(node + 1) * words].copy_from_slice(bits);
            let counts = &journal.counts[at * hosts..(at + 1) * hosts];
            self.counts[node * hosts..(node + 1) * hosts].copy_from_slice(counts);
            self.raise(node);
        }
        self.truncate(journal.fixed);
        self.journal = Some(journal);
    }

    /// Drops all nodes but the first.
    fn truncate(&mut self, nodes: usize) {
        if self.len() == nodes {
            return;
        }
        self.view.truncate(nodes);
        self.price.truncate(nodes);
        self.pods.truncate(nodes);
        self.check.truncate(nodes);
        self.kind.truncate(nodes);
        self.slack.truncate(nodes * self.dims);
        self.used.truncate(nodes * self.dims);
        self.bits.truncate(nodes * self.words);
        self.counts.truncate(nodes * self.hosts);
        self.blocks.truncate(nodes.div_ceil(BLOCK), self.dims);
        self.upper
            .truncate(nodes.div_ceil(BLOCK * BLOCK), self.dims);
    }
}
