//! Pods that run, counted.

use cluster::{NodeState, PodRecord, PodShape, ShapeId, Snapshot};
use requirements::Requirements;
use requirements::taints::tolerate_all;
use rustc_hash::{FxHashMap, FxHashSet};

use super::terms::{CounterKey, Declarer, Of, declared};
use crate::index::gather::label;

use super::{CounterId, Counters, OwnLabels, has_own_labels};

/// Pods on one node by counter.
pub(crate) type Tally = Vec<(CounterId, u32)>;

/// A running pod, as terms see it. Spread constraints play no part: it has its place.
pub(crate) fn declarer(shape: &PodShape) -> Declarer<'_> {
    Declarer {
        namespace: &shape.namespace,
        labels: &shape.content.labels,
        spec: &shape.spec,
        spreads: &[],
    }
}

/// Which counters pods count for, by shape.
pub(crate) struct Running<'c> {
    counters: &'c mut Counters,
    own_labels: OwnLabels,
    declared: FxHashMap<ShapeId, Vec<CounterId>>,
    /// Addresses of pods that are part of the batch.
    batch: FxHashSet<usize>,
}

impl<'c> Running<'c> {
    /// To count all pods but those of the batch.
    pub(crate) fn new(
        counters: &'c mut Counters,
        own_labels: OwnLabels,
        batch: FxHashSet<usize>,
    ) -> Self {
        Self {
            counters,
            own_labels,
            declared: FxHashMap::default(),
            batch,
        }
    }

    /// The pods on a node by counter, whatever the counters' filters.
    pub(crate) fn tally(&mut self, node: &NodeState, snapshot: &Snapshot) -> Tally {
        let mut tally = Tally::new();
        for pod in &node.pods {
            if self.batch.contains(&address(pod)) {
                continue;
            }
            // One that is on its way out is no longer looked for; it still keeps others away.
            if !pod.is_terminating() {
                let identity = self.counters.identity(pod, self.own_labels);
                self.counters.select(&snapshot.namespaces);
                for counter in self.counters.selecting(identity) {
                    if self.counters.keys.get(*counter).of == Of::Selected {
                        add(&mut tally, *counter);
                    }
                }
            }
            for counter in self.declared_by(pod) {
                add(&mut tally, counter);
            }
        }
        tally
    }

    /// The counters.
    pub(crate) fn counters(&self) -> &[CounterKey] {
        self.counters.keys.all()
    }

    /// The value of a counter's label that a node has, if the counter looks at it. None of those
    /// that count by node.
    pub(crate) fn value<'n>(&self, counter: CounterId, node: &'n NodeState) -> Option<&'n str> {
        let key = self.counters.keys.get(counter);
        if key.is_per_host() {
            return None;
        }
        label(node, &key.topology_key).filter(|_| looks_at(key, node))
    }

    fn declared_by(&mut self, pod: &PodRecord) -> Vec<CounterId> {
        if pod.shape.spec.affinity.is_none() {
            return Vec::new();
        }
        if let Some(known) = self.declared.get(&pod.shape.id) {
            return known.clone();
        }
        let keys = declared(declarer(&pod.shape));
        let found: Vec<CounterId> = keys
            .iter()
            .filter_map(|key| self.counters.keys.find(key))
            .collect();
        if !has_own_labels(pod) || self.own_labels == OwnLabels::Idle {
            self.declared.insert(pod.shape.id, found.clone());
        }
        found
    }
}

/// Whether a counter looks at a node.
pub(crate) fn looks_at(counter: &CounterKey, node: &NodeState) -> bool {
    let filter = &counter.filter;
    let admits = |set: &Requirements| set.iter().all(|r| r.admits(label(node, r.key())));
    let selected = filter.alternatives.as_ref();
    selected.is_none_or(|all| all.iter().any(admits))
        && filter
            .tolerations
            .as_ref()
            .is_none_or(|tolerations| tolerate_all(tolerations, node.taints()).is_ok())
}

/// A pod's address, which tells it from others for as long as the snapshot lives.
pub(crate) fn address(pod: &std::sync::Arc<PodRecord>) -> usize {
    std::sync::Arc::as_ptr(pod).addr()
}

fn add(tally: &mut Tally, counter: CounterId) {
    match tally.iter_mut().find(|(known, _)| *known == counter) {
        Some((_, count)) => *count += 1,
        None => tally.push((counter, 1)),
    }
}
