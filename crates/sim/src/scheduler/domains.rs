//! Counts of pods by topology domain, kept up node by node.
//!
//! A view answers "how many pods of this kind are in the domain of that node". It looks again only
//! at nodes that have changed since it was asked last, so placing a pod costs one node per view.

use std::collections::BTreeMap;

use model::k8s::selector::NodeSelector;
use model::k8s::{Node, Toleration};

use super::fit::{selects, tolerates_node};
use super::index::Entry;
use super::look::Look;
use super::selection::{Namespaces, Selection};

/// What a view counts, by which label, on which nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ViewKey {
    /// The node label that makes a domain.
    pub(super) topology_key: String,
    /// Which pods count.
    pub(super) counted: Counted,
    /// Which nodes count; none for all that have the label.
    pub(super) nodes: Option<NodeFilter>,
}

/// Which pods count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counted {
    /// Pods that are in all of the selections, also while they are being deleted.
    Selected(Vec<Selection>),
    /// Pods of the selection that are not being deleted.
    Staying(Selection),
    /// Pods that declare this bond.
    Declaring(usize),
}

/// Which nodes a spread constraint counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeFilter {
    /// Labels that must be there: the topology keys of all constraints of the pod.
    pub(super) keys: Vec<String>,
    /// `nodeAffinityPolicy: Honor`: selector and affinity of the pod.
    pub(super) affinity: Option<(BTreeMap<String, String>, Option<NodeSelector>)>,
    /// `nodeTaintsPolicy: Honor`: tolerations of the pod.
    pub(super) tolerations: Option<Vec<Toleration>>,
}

impl NodeFilter {
    fn admits(&self, node: &Node) -> bool {
        let labels = &node.metadata.labels;
        let affinity = self.affinity.as_ref();
        let tolerations = self.tolerations.as_ref();
        self.keys.iter().all(|key| labels.contains_key(key))
            && affinity.is_none_or(|(labels, terms)| selects(labels, terms.as_ref(), node))
            && tolerations.is_none_or(|all| tolerates_node(all, node))
    }
}

/// Pods and nodes of one domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Domain {
    /// Pods that count.
    pub(super) pods: i64,
    nodes: usize,
}

/// The counts.
#[derive(Debug)]
pub(super) struct View {
    key: ViewKey,
    /// Up to which change of the index the counts are right.
    pub(super) seen: u64,
    at: BTreeMap<usize, (String, i64)>,
    domains: BTreeMap<String, Domain>,
    /// Whether pods that look alike count, once it is known.
    counts: Vec<Option<bool>>,
}

impl View {
    pub(super) fn new(key: ViewKey) -> Self {
        Self {
            key,
            seen: 0,
            at: BTreeMap::new(),
            domains: BTreeMap::new(),
            counts: Vec::new(),
        }
    }

    /// Forgets everything: the labels of namespaces have changed.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.key.clone());
    }

    /// Looks at a node again.
    pub(super) fn look_at(
        &mut self,
        slot: usize,
        entry: &Entry,
        looks: &[Look],
        namespaces: &Namespaces,
    ) {
        if let Some((value, pods)) = self.at.remove(&slot)
            && let Some(domain) = self.domains.get_mut(&value)
        {
            domain.pods -= pods;
            domain.nodes -= 1;
            if domain.nodes == 0 {
                self.domains.remove(&value);
            }
        }
        let Some(node) = &entry.node else { return };
        let Some(value) = node.metadata.labels.get(&self.key.topology_key) else {
            return;
        };
        let spread = self.key.nodes.is_some();
        if self
            .key
            .nodes
            .as_ref()
            .is_some_and(|nodes| !nodes.admits(node))
        {
            return;
        }
        let pods = self.count(entry, looks, namespaces);
        // An empty domain matters to a spread only.
        if pods > 0 || spread {
            let domain = self.domains.entry(value.clone()).or_default();
            domain.pods += pods;
            domain.nodes += 1;
            self.at.insert(slot, (value.clone(), pods));
        }
    }

    fn count(&mut self, entry: &Entry, looks: &[Look], namespaces: &Namespaces) -> i64 {
        let mut sum = 0;
        for (&look, pods) in &entry.pods {
            let pods = match &self.key.counted {
                Counted::Staying(_) => pods.staying,
                Counted::Selected(_) | Counted::Declaring(_) => pods.all,
            };
            if pods > 0 && self.is_counted(look, looks, namespaces) {
                sum += pods as i64;
            }
        }
        sum
    }

    fn is_counted(&mut self, id: usize, looks: &[Look], namespaces: &Namespaces) -> bool {
        if self.counts.len() < looks.len() {
            self.counts.resize(looks.len(), None);
        }
        if let Some(known) = self.counts[id] {
            return known;
        }
        let look = &looks[id];
        let within =
            |selection: &Selection| selection.matches(&look.namespace, &look.labels, namespaces);
        let counts = match &self.key.counted {
            Counted::Selected(all) => all.iter().all(within),
            Counted::Staying(selection) => within(selection),
            Counted::Declaring(bond) => look.bonds.contains(bond),
        };
        self.counts[id] = Some(counts);
        counts
    }

    /// Pods in the domain of a node; none where the node is in no domain.
    pub(super) fn near(&self, node: &Node) -> Option<i64> {
        let value = node.metadata.labels.get(&self.key.topology_key)?;
        Some(self.domains.get(value).map_or(0, |domain| domain.pods))
    }

    /// Pods on the node itself.
    pub(super) fn on(&self, slot: usize) -> i64 {
        self.at.get(&slot).map_or(0, |(_, pods)| *pods)
    }

    /// Whether no pod is counted anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.domains.values().all(|domain| domain.pods == 0)
    }

    /// The domains, with their counts.
    pub(super) fn domains(&self) -> impl ExactSizeIterator<Item = (&String, &Domain)> {
        self.domains.iter()
    }

    /// The node label that makes a domain.
    pub(super) fn topology_key(&self) -> &str {
        &self.key.topology_key
    }
}
