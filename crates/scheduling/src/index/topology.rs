//! Rules about other pods: which counters there are, which pods they count, what pods demand.
//!
//! Steps: the terms of the batch's pods become counters (`terms`, `Counters`); running pods that
//! keep others away add theirs; running pods are counted (`running`); what each variant of a class
//! demands is put in terms of counters (`rules`).

pub(crate) mod rules;
pub(crate) mod running;
pub(crate) mod terms;

use std::sync::Arc;

use cluster::{PodRecord, Snapshot};
use rustc_hash::{FxHashMap, FxHashSet};

use super::intern::Interner;
use terms::{CounterKey, Declarer, Labels, Namespaces, Of, Term};

/// Index of a counter in [`Counters`].
pub(crate) type CounterId = usize;

/// A namespace and labels: all that selections look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity {
    namespace: Arc<str>,
    labels: Labels,
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
    pub(crate) fn intern(&mut self, key: &CounterKey, binds: Binds) -> CounterId {
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
        let labels = if has_own {
            pod.labels()
        } else {
            pod.shape.content.labels.clone()
        };
        let namespace = pod.shape.namespace.clone();
        let at = self.identities.intern(&Identity { namespace, labels });
        if !has_own {
            self.by_shape.insert(pod.shape.id, at);
        }
        at
    }

    /// Finds out which selections are about which pods. To be called once all are known.
    pub(crate) fn select(&mut self, namespaces: &Namespaces) {
        for identity in &self.identities.all()[self.selected.len()..] {
            let about =
                |key: &CounterKey| key.selects(&identity.namespace, &identity.labels, namespaces);
            let found = self
                .keys
                .all()
                .iter()
                .enumerate()
                .filter(|(_, key)| about(key));
            self.selected.push(found.map(|(at, _)| at).collect());
        }
    }

    /// The counters whose selection is about an identity.
    pub(crate) fn selecting(&self, identity: usize) -> &[CounterId] {
        &self.selected[identity]
    }

    /// Whether a selection is about any pod of the identities that are known.
    fn selects_any(&self, key: &CounterKey, namespaces: &Namespaces) -> bool {
        let about =
            |identity: &Identity| key.selects(&identity.namespace, &identity.labels, namespaces);
        self.identities.all().iter().any(about)
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

/// Whether any selection of pods in the cluster names a label that differs from pod to pod.
pub(crate) fn own_labels(shapes: &[&cluster::PodShape]) -> OwnLabels {
    let named = |shape: &&cluster::PodShape| {
        let declarer = Declarer {
            namespace: &shape.namespace,
            labels: &shape.content.labels,
            spec: &shape.spec,
            spreads: &shape.spec.topology_spread_constraints,
        };
        names_own_label(declarer)
    };
    if shapes.iter().any(named) {
        OwnLabels::Matter
    } else {
        OwnLabels::Idle
    }
}

fn names_own_label(pod: Declarer<'_>) -> bool {
    let is_own = |key: &str| cluster::OWN_LABELS.contains(&key);
    let kept = super::variants::Kept {
        spreads: (0..pod.spreads.len()).collect(),
        ..super::variants::Kept::default()
    };
    let of_terms = terms::terms(pod, &kept, &[])
        .into_iter()
        .map(|term| match term {
            Term::Spread { counter, .. } | Term::Near(counter) | Term::Away(counter) => counter,
        });
    let keys_listed = pod.spreads.iter().flat_map(|c| &c.match_label_keys);
    of_terms
        .chain(terms::declared(pod))
        .any(|counter| counter.selections.iter().any(|s| s.keys().any(is_own)))
        || keys_listed.into_iter().any(|key| is_own(key))
}

/// Notes running pods that keep pods of the batch away. Call when the batch's pods have identities.
pub(crate) fn note_running_declarers(counters: &mut Counters, snapshot: &Snapshot) {
    let mut seen: FxHashSet<cluster::ShapeId> = FxHashSet::default();
    for pod in snapshot.nodes.iter().flat_map(|node| &node.pods) {
        if pod.shape.spec.affinity.is_none() || !seen.insert(pod.shape.id) {
            continue;
        }
        for key in terms::declared(running::declarer(pod)) {
            if counters.selects_any(&key, &snapshot.namespaces) {
                counters.intern(&key, Binds::Yes);
            }
        }
    }
}

/// Whether a counter counts pods that declare its term, rather than those that it selects.
pub(crate) fn counts_declarers(key: &CounterKey) -> bool {
    key.of == Of::Declarers
}
