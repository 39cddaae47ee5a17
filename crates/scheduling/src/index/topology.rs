//! Rules about other pods: which counters there are, which pods they count, what pods demand.
//!
//! Steps: the terms of the batch's pods become counters (`terms`, `Counters`); running pods that
//! keep others away add theirs; running pods are counted (`running`); what each variant of a class
//! demands is put in terms of counters (`rules`).

pub(crate) mod rules;
pub(crate) mod running;
pub(crate) mod terms;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use cluster::{PodRecord, PodShape, Snapshot};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::intern::Interner;
use crate::memory::Nodes;
use terms::{CounterKey, Labels, Namespaces, Of};

/// Index of a counter in [`Counters`].
pub(crate) type CounterId = usize;

/// A namespace and labels: all that selections look at.
#[derive(Clone, Debug)]
struct Identity {
    shape: Arc<PodShape>,
    /// All labels of a pod that has some that its shape does not show.
    own: Option<Arc<Labels>>,
}

impl Identity {
    fn seen(&self) -> (&str, &Labels) {
        let labels = self.own.as_deref().unwrap_or(&self.shape.content.labels);
        (&self.shape.namespace, labels)
    }

    /// Whether a selection is about it.
    fn is_selected(&self, key: &CounterKey, namespaces: &Namespaces) -> bool {
        let (namespace, labels) = self.seen();
        key.selects(namespace, labels, namespaces)
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.seen() == other.seen()
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.seen().hash(state);
    }
}

/// Everything that is counted in a pass, and which pods are.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// The counters.
    pub(crate) keys: Interner<CounterKey>,
    /// Whether pods that a counter counts must stand in one domain: somebody wants to be near or
    /// away from them.
    pub(crate) binding: Vec<bool>,
    identities: Interner<Identity>,
    /// Per identity: counters whose selection is about it.
    selected: Vec<Vec<CounterId>>,
    by_shape: FxHashMap<cluster::ShapeId, usize>,
}

impl Counters {
    /// The counter of a key, made now if it is new.
    pub(crate) fn intern(&mut self, key: CounterKey, binds: Binds) -> CounterId {
        let at = self.keys.intern(key);
        self.binding.resize(self.keys.len(), false);
        self.binding[at] |= binds == Binds::Yes;
        at
    }

    /// The number of what selections see of a pod.
    pub(crate) fn identity(&mut self, pod: &PodRecord, own_labels: OwnLabels) -> usize {
        let has_own = own_labels == OwnLabels::Matter && has_own_labels(pod);
        if let Some(known) = self.by_shape.get(&pod.shape.id)
            && !has_own
        {
            return *known;
        }
        let at = self.identities.intern(Identity {
            shape: pod.shape.clone(),
            own: has_own.then(|| Arc::new(pod.labels())),
        });
        if !has_own {
            self.by_shape.insert(pod.shape.id, at);
        }
        at
    }

    /// Finds out which selections are about which pods. To be called once all are known.
    pub(crate) fn select(&mut self, namespaces: &Namespaces) {
        let keys = self.keys.all();
        let by_label = ByLabel::new(keys);
        for identity in &self.identities.all()[self.selected.len()..] {
            let mut found = by_label.candidates(identity.seen().1);
            found.retain(|at| identity.is_selected(&keys[*at], namespaces));
            found.sort_unstable();
            self.selected.push(found);
        }
    }

    /// The counters whose selection is about an identity.
    pub(crate) fn selecting(&self, identity: usize) -> &[CounterId] {
        &self.selected[identity]
    }

    /// Whether a selection is about any pod of the identities that are known.
    fn selects_any(&self, key: &CounterKey, namespaces: &Namespaces) -> bool {
        let mut identities = self.identities.all().iter();
        identities.any(|identity| identity.is_selected(key, namespaces))
    }
}

/// Counters by a label that everything has that they select.
struct ByLabel<'k> {
    having: FxHashMap<(&'k str, &'k str), Vec<CounterId>>,
    /// Those for which there is no such label.
    others: Vec<CounterId>,
}

impl<'k> ByLabel<'k> {
    fn new(keys: &'k [CounterKey]) -> Self {
        let mut all = Self {
            having: FxHashMap::default(),
            others: Vec::new(),
        };
        for (at, key) in keys.iter().enumerate() {
            match key.wanted_label() {
                Some(label) => all.having.entry(label).or_default().push(at),
                None => all.others.push(at),
            }
        }
        all
    }

    /// The counters that may select what has these labels.
    fn candidates(&self, labels: &Labels) -> Vec<CounterId> {
        let mut found = self.others.clone();
        for (key, value) in labels {
            found.extend(self.having.get(&(&**key, &**value)).into_iter().flatten());
        }
        found
    }
}

/// Whether a counted pod must stand in one domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binds {
    /// It must.
    Yes,
    /// It counts where it happens to be decided.
    No,
}

/// Whether labels that differ from pod to pod of a workload decide anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnLabels {
    /// Some selection names one.
    Matter,
    /// None does.
    Idle,
}

/// Whether a pod has labels that its shape does not show.
pub(crate) fn has_own_labels(pod: &PodRecord) -> bool {
    pod.own.as_ref().is_some_and(|own| !own.labels.is_empty())
}

/// Whether any selection that these shapes declare names a label that differs from pod to pod.
pub(crate) fn own_labels<'s>(mut shapes: impl Iterator<Item = &'s cluster::PodShape>) -> OwnLabels {
    if shapes.any(|shape| terms::names(&shape.spec, |key| cluster::OWN_LABELS.contains(&key))) {
        OwnLabels::Matter
    } else {
        OwnLabels::Idle
    }
}

/// Notes running pods that keep pods of the batch away. Call when the batch's pods have identities.
pub(crate) fn note_running_declarers(counters: &mut Counters, nodes: &Nodes, snapshot: &Snapshot) {
    let mut seen: FxHashSet<cluster::ShapeId> = FxHashSet::default();
    for shape in nodes.with_affinity() {
        if !seen.insert(shape.id) {
            continue;
        }
        for key in terms::declared(running::declarer(shape)) {
            if counters.selects_any(&key, &snapshot.namespaces) {
                counters.intern(key, Binds::Yes);
            }
        }
    }
}

/// Whether a counter counts pods that declare its term, rather than those that it selects.
pub(crate) fn counts_declarers(key: &CounterKey) -> bool {
    key.of == Of::Declarers
}

#[cfg(test)]
mod tests;
