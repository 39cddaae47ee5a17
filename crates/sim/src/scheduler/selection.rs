//! Which pods a rule is about: namespaces and labels.

use std::collections::{BTreeMap, BTreeSet};

use model::k8s::LabelSelector;
use model::k8s::affinity::PodAffinityTerm;
use model::k8s::selector::LabelSelectorRequirement;

/// Labels of namespaces, by name.
pub(super) type Namespaces = BTreeMap<String, BTreeMap<String, String>>;

/// Pods by namespace and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Selection {
    /// Namespaces by name.
    pub(super) namespaces: BTreeSet<String>,
    /// Namespaces by label; empty selects all.
    pub(super) namespace_selector: Option<LabelSelector>,
    /// Absent selects nothing.
    pub(super) selector: Option<LabelSelector>,
}

impl Selection {
    /// The pods of one namespace that a spread constraint counts.
    pub(super) fn within(namespace: &str, selector: Option<LabelSelector>) -> Self {
        Self {
            namespaces: BTreeSet::from([namespace.to_owned()]),
            namespace_selector: None,
            selector,
        }
    }

    /// The pods that an affinity term of a pod with these labels is about. Without a word about
    /// namespaces those are of the pod's own.
    pub(super) fn of_term(
        term: &PodAffinityTerm,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Self {
        let mut namespaces: BTreeSet<String> = term.namespaces.iter().cloned().collect();
        if namespaces.is_empty() && term.namespace_selector.is_none() {
            namespaces.insert(namespace.to_owned());
        }
        let selector = with_keys(
            term.label_selector.as_ref(),
            &term.match_label_keys,
            "In",
            labels,
        );
        Self {
            namespaces,
            namespace_selector: term.namespace_selector.clone(),
            selector: with_keys(
                selector.as_ref(),
                &term.mismatch_label_keys,
                "NotIn",
                labels,
            ),
        }
    }

    /// Whether a pod is one of them.
    pub(super) fn matches(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
        namespaces: &Namespaces,
    ) -> bool {
        let nothing = BTreeMap::new();
        let by_label = |selector: &LabelSelector| {
            selector.matches(namespaces.get(namespace).unwrap_or(&nothing))
        };
        let selector = self.selector.as_ref();
        selector.is_some_and(|selector| selector.matches(labels))
            && (self.namespaces.contains(namespace)
                || self.namespace_selector.as_ref().is_some_and(by_label))
    }
}

/// A selector with the pod's own values of some label keys. Keys that the pod does not have, and a
/// selector that is not there, are left alone.
pub(super) fn with_keys(
    selector: Option<&LabelSelector>,
    keys: &[String],
    operator: &str,
    labels: &BTreeMap<String, String>,
) -> Option<LabelSelector> {
    let mut selector = selector?.clone();
    for key in keys {
        if let Some(value) = labels.get(key) {
            selector.match_expressions.push(LabelSelectorRequirement {
                key: key.clone(),
                operator: operator.to_owned(),
                values: vec![value.clone()],
            });
        }
    }
    Some(selector)
}
