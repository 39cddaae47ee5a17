//! Required anti-affinity of pods that run: where pods of the batch may not go because of it.
//!
//! Over host names it is a bit on the node; over any other key it is one more requirement of the
//! pod: not that value. `matchLabelKeys` are not looked at, which keeps pods away from more places
//! than need be, never from fewer.

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use api::labels::HOSTNAME;
use cluster::{ObjectKey, PodRecord, ShapeId, Snapshot};
use model::k8s::affinity::PodAffinityTerm;
use model::k8s::{LabelSelector, Namespace};
use requirements::{Operator, Requirement};
use rustc_hash::FxHashMap;

type Namespaces = BTreeMap<ObjectKey, Arc<Namespace>>;

/// All required anti-affinity terms of running pods. Terms of pods of one shape are one.
pub(crate) fn terms(snapshot: &Snapshot) -> Vec<Term<'_>> {
    let mut by_shape: FxHashMap<ShapeId, Vec<usize>> = FxHashMap::default();
    let mut terms: Vec<Term<'_>> = Vec::new();
    for (at, node) in snapshot.nodes.iter().enumerate() {
        for pod in &node.pods {
            let known = by_shape.entry(pod.shape.id).or_insert_with(|| {
                let first = terms.len();
                terms.extend(required(pod).iter().map(|rule| Term {
                    rule,
                    owner: pod,
                    nodes: Vec::new(),
                    values: Vec::new(),
                }));
                (first..terms.len()).collect()
            });
            for index in known {
                let term = &mut terms[*index];
                if term.nodes.last() != Some(&at) {
                    term.nodes.push(at);
                    term.values.extend(node.label(&term.rule.topology_key));
                }
            }
        }
    }
    for term in &mut terms {
        term.values.sort_unstable();
        term.values.dedup();
    }
    terms
}

fn required(pod: &PodRecord) -> &[PodAffinityTerm] {
    let affinity = pod.shape.spec.affinity.as_ref();
    affinity
        .and_then(|affinity| affinity.pod_anti_affinity.as_ref())
        .map_or(&[], |anti| &anti.required)
}

/// A term of a running pod, and the nodes where such pods run.
#[derive(Clone, Debug)]
pub(crate) struct Term<'a> {
    rule: &'a PodAffinityTerm,
    owner: &'a PodRecord,
    /// Positions of the nodes in the snapshot.
    pub(crate) nodes: Vec<usize>,
    /// Labels of these nodes for the term's key, sorted.
    values: Vec<&'a str>,
}

impl Term<'_> {
    /// Over which label.
    pub(crate) fn topology_key(&self) -> &str {
        &self.rule.topology_key
    }

    /// A pod that has the term.
    pub(crate) fn owner(&self) -> &PodRecord {
        self.owner
    }

    /// Whether it is a matter of single nodes.
    pub(crate) fn is_per_node(&self) -> bool {
        self.rule.topology_key == HOSTNAME
    }

    /// Whether it is about a pod.
    pub(crate) fn selects(&self, pod: &PodRecord, namespaces: &Namespaces) -> bool {
        let matches = |selector: &LabelSelector| pod.matches(selector);
        self.rule.label_selector.as_ref().is_some_and(matches)
            && self.in_namespace(pod.namespace(), namespaces)
    }

    fn in_namespace(&self, name: &str, namespaces: &Namespaces) -> bool {
        let term = self.rule;
        if term.namespaces.is_empty() && term.namespace_selector.is_none() {
            return name == self.owner.namespace();
        }
        term.namespaces.iter().any(|listed| listed == name)
            || term.namespace_selector.as_ref().is_some_and(|selector| {
                namespaces
                    .get(&ObjectKey::new("", name))
                    .is_none_or(|namespace| selector.matches(&namespace.metadata.labels))
            })
    }

    /// What keeps a pod out of the domains, where the term is not about single nodes.
    pub(crate) fn requirement(&self) -> Option<Requirement> {
        (!self.is_per_node() && !self.values.is_empty()).then(|| {
            let values = self.values.iter().copied();
            Requirement::new(self.topology_key(), Operator::NotIn, values, None)
        })
    }
}
