//! What is known of the nodes that are there, piece by piece of their list.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::{NodeState, PodShape, ResourceId, Snapshot};
use model::k8s::Taint;
use requirements::{Key, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::index::gather::label;
use crate::index::topology::running::{Running, looks_at};
use crate::index::topology::terms::{CounterKey, Namespaces};
use crate::mask::Mask;
use crate::options::Batch;
use crate::shelf::Room;

/// A piece of the list of nodes.
pub(crate) type Piece = Arc<Vec<Arc<NodeState>>>;

/// So many counters are remembered; beyond that all counts are forgotten.
const MOST_COUNTERS: usize = 4096;

/// The nodes that are there.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    /// In the order of the snapshot.
    pieces: Vec<Known>,
    /// Numbers of the counters that were met so far.
    counters: FxHashMap<CounterKey, usize>,
    /// The number of each counter of the pass.
    in_pass: Vec<usize>,
    /// The namespaces that counts were made with: their labels play a part.
    namespaces: Arc<Namespaces>,
}

/// The pods on the nodes of a piece that a counter counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Pods on each node that has any, by position in the piece.
    pub(crate) on_nodes: Vec<(usize, u32)>,
    /// Pods by value of the counter's label, on nodes that it looks at.
    pub(crate) by_value: Vec<(Value, u32)>,
    /// Pods on any node.
    pub(crate) anywhere: u32,
}

/// What is known of the nodes of a piece.
#[derive(Debug)]
struct Known {
    nodes: Piece,
    /// Positions of those that are marked.
    marked: Vec<usize>,
    /// Shapes of pods there that have an affinity, each once.
    with_affinity: Vec<Arc<PodShape>>,
    /// Values of labels that were asked for so far.
    values: FxHashMap<Key, Arc<[Value]>>,
    /// Pods by number of the counter.
    tallies: FxHashMap<usize, Tally>,
    /// The same for this pass alone, where pods are thought away.
    passing: Option<FxHashMap<usize, Tally>>,
    /// By number of the counter: values of its label on nodes that it looks at.
    looked_at: FxHashMap<usize, Arc<[Value]>>,
}

/// A node in numbers, as far as pods of the batch play no part.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// A mask for every key in play.
    pub(crate) masks: Arc<[Mask]>,
    /// Its taints.
    pub(crate) taints: Vec<Taint>,
    /// Room by dimension, expected daemons taken off and volumes left aside; or of what more is
    /// promised than there is, and by how much.
    pub(crate) room: Result<Room, (ResourceId, i64)>,
    /// Whether it goes.
    pub(crate) is_marked: bool,
    /// Whether it is complete.
    pub(crate) is_initialized: bool,
}

impl Nodes {
    /// Takes note of which nodes there are now.
    pub(crate) fn see(&mut self, snapshot: &Snapshot) {
        if !Arc::ptr_eq(&self.namespaces, &snapshot.namespaces) {
            self.namespaces = snapshot.namespaces.clone();
            self.forget_counts();
        }
        let known = std::mem::take(&mut self.pieces);
        let mut known: FxHashMap<usize, Known> = known
            .into_iter()
            .map(|known| (address(&known.nodes), known))
            .collect();
        let pieces = snapshot.nodes.chunks().iter();
        self.pieces = pieces
            .map(|nodes| {
                let known = known.remove(&address(nodes));
                known.unwrap_or_else(|| Known::new(nodes))
            })
            .collect();
    }

    fn forget_counts(&mut self) {
        self.counters.clear();
        for known in &mut self.pieces {
            known.tallies.clear();
            known.looked_at.clear();
        }
    }

    /// The number of a counter.
    fn number(&mut self, key: &CounterKey) -> usize {
        if let Some(number) = self.counters.get(key) {
            return *number;
        }
        let number = self.counters.len();
        self.counters.insert(key.clone(), number);
        number
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.pieces.iter().map(|known| known.nodes.len()).sum()
    }

    /// Counts the pods that run for each counter of the pass, where that is not known.
    pub(crate) fn tally(&mut self, mut running: Running<'_>, snapshot: &Snapshot, batch: &Batch) {
        if self.counters.len() > MOST_COUNTERS {
            self.forget_counts();
        }
        self.in_pass.clear();
        for key in running.counters() {
            let number = self.number(key);
            self.in_pass.push(number);
        }
        if self.in_pass.is_empty() {
            return;
        }
        let without = batch.without.iter().filter_map(|n| snapshot.position(n));
        let without: Vec<usize> = without.collect();
        let mut first = 0;
        for known in &mut self.pieces {
            let range = first..first + known.nodes.len();
            first = range.end;
            let goes = !known.marked.is_empty() || without.iter().any(|at| range.contains(at));
            known.tally(&self.in_pass, &mut running, snapshot, goes);
        }
    }

    /// The counts of a counter of the pass, each with the position of the first node.
    pub(crate) fn tallies(&self, counter: usize) -> impl Iterator<Item = (usize, &Tally)> {
        let id = self.in_pass[counter];
        let mut first = 0;
        self.pieces.iter().filter_map(move |known| {
            let at = first;
            first += known.nodes.len();
            let tallies = known.passing.as_ref().unwrap_or(&known.tallies);
            tallies.get(&id).map(|tally| (at, tally))
        })
    }

    /// The values of a counter's label on nodes that it looks at; one may come several times.
    pub(crate) fn looked_at(&mut self, key: &CounterKey) -> impl Iterator<Item = Value> {
        let number = self.number(key);
        self.pieces
            .iter_mut()
            .flat_map(move |known| known.looked_at(number, key).to_vec())
    }

    /// Nodes that go.
    pub(crate) fn marked(&self) -> impl Iterator<Item = &Arc<NodeState>> {
        let of = |known: &'_ Known| known.marked.clone().into_iter();
        self.pieces
            .iter()
            .flat_map(move |known| of(known).map(|at| &known.nodes[at]))
    }

    /// Shapes of running pods that have an affinity; one may come several times.
    pub(crate) fn with_affinity(&self) -> impl Iterator<Item = &Arc<PodShape>> {
        self.pieces.iter().flat_map(|known| &known.with_affinity)
    }

    /// The values that nodes have of a label; one may come several times.
    pub(crate) fn values(&mut self, key: &Key) -> impl Iterator<Item = Value> {
        self.pieces
            .iter_mut()
            .flat_map(|known| known.values(key).to_vec())
    }
}

impl Known {
    fn new(nodes: &Piece) -> Self {
        let mut seen = FxHashSet::default();
        let pods = nodes.iter().flat_map(|node| &node.pods);
        let with_affinity = pods
            .map(|pod| &pod.shape)
            .filter(|shape| shape.spec.affinity.is_some() && seen.insert(shape.id));
        let marked = nodes.iter().enumerate();
        let marked = marked.filter(|(_, node)| node.is_marked());
        Self {
            marked: marked.map(|(at, _)| at).collect(),
            with_affinity: with_affinity.cloned().collect(),
            values: FxHashMap::default(),
            tallies: FxHashMap::default(),
            passing: None,
            looked_at: FxHashMap::default(),
            nodes: nodes.clone(),
        }
    }

    /// Counts for counters that are not counted for yet; for all of them where pods go.
    fn tally(
        &mut self,
        counters: &[usize],
        running: &mut Running<'_>,
        snapshot: &Snapshot,
        goes: bool,
    ) {
        self.passing = None;
        if !goes && counters.iter().all(|id| self.tallies.contains_key(id)) {
            return;
        }
        let mut tallies: Vec<Tally> = vec![Tally::default(); counters.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            for (counter, count) in running.tally(node, snapshot) {
                let tally = &mut tallies[counter];
                tally.anywhere += count;
                tally.on_nodes.push((at, count));
                let Some(value) = running.value(counter, node) else {
                    continue;
                };
                match tally
                    .by_value
                    .iter_mut()
                    .find(|(known, _)| **known == *value)
                {
                    Some((_, sum)) => *sum += count,
                    None => tally.by_value.push((value.into(), count)),
                }
            }
        }
        let found = counters.iter().copied().zip(tallies);
        if goes {
            self.passing = Some(found.collect());
        } else {
            self.tallies.extend(found);
        }
    }

    fn looked_at(&mut self, number: usize, key: &CounterKey) -> Arc<[Value]> {
        let nodes = &self.nodes;
        let of_nodes = || {
            let nodes = nodes.iter().filter(|node| looks_at(key, node));
            let values = nodes.filter_map(|node| label(node, &key.topology_key));
            let values: BTreeSet<&str> = values.collect();
            values.into_iter().map(Value::from).collect()
        };
        let values = self.looked_at.entry(number);
        values.or_insert_with(of_nodes).clone()
    }

    fn values(&mut self, key: &Key) -> Arc<[Value]> {
        let nodes = &self.nodes;
        let of_nodes = || {
            let values: BTreeSet<&str> = nodes.iter().filter_map(|node| label(node, key)).collect();
            values.into_iter().map(Value::from).collect()
        };
        let values = self.values.entry(key.clone());
        values.or_insert_with(of_nodes).clone()
    }
}

/// What tells a piece from others for as long as it is kept.
pub(super) fn address(piece: &Piece) -> usize {
    Arc::as_ptr(piece).addr()
}
