//! Rules about other pods as pods declare them, with what they select resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::labels::HOSTNAME;
use cluster::ObjectKey;
use model::k8s::affinity::{PodAffinityTerm, TopologySpreadConstraint};
use model::k8s::selector::LabelSelectorRequirement;
use model::k8s::{LabelSelector, Namespace, PodSpec, Toleration};
use requirements::{Requirement, Requirements};

use crate::index::variants::{Kept, tolerate_soft};

/// Namespaces by name, for their labels.
pub(crate) type Namespaces = BTreeMap<ObjectKey, Arc<Namespace>>;

/// Labels of a pod.
pub(crate) type Labels = BTreeMap<String, String>;

/// Pods that a term is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Selection {
    namespaces: BTreeSet<String>,
    namespace_selector: Option<LabelSelector>,
    selector: LabelSelector,
}

impl Selection {
    /// Whether a pod in a namespace with these labels is one of them.
    pub(crate) fn selects(&self, namespace: &str, labels: &Labels, known: &Namespaces) -> bool {
        self.in_scope(namespace, known) && self.selector.matches(labels)
    }

    fn in_scope(&self, name: &str, known: &Namespaces) -> bool {
        self.namespaces.contains(name)
            || self.namespace_selector.as_ref().is_some_and(|selector| {
                let namespace = known.get(&ObjectKey::new("", name));
                // A namespace that is not known may have any labels.
                namespace.is_none_or(|namespace| selector.matches(&namespace.metadata.labels))
            })
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// Pods that the selection is about.
    Selected,
    /// Pods that declare an anti-affinity to what the selection is about.
    Declarers,
}

/// What makes two counters one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CounterKey {
    /// The label that makes a domain.
    pub(crate) topology_key: Arc<str>,
    /// What is counted.
    pub(crate) of: Of,
    /// All of them must select a pod.
    pub(crate) selections: Vec<Selection>,
    /// Which nodes are looked at.
    pub(crate) filter: FilterKey,
}

/// What makes two node filters one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct FilterKey {
    /// Alternatives of node selector and required node affinity, where they count.
    pub(crate) alternatives: Option<Vec<Requirements>>,
    /// Tolerations, where taints count.
    pub(crate) tolerations: Option<Vec<Toleration>>,
}

impl CounterKey {
    /// Whether it counts per node.
    pub(crate) fn is_per_host(&self) -> bool {
        &*self.topology_key == HOSTNAME
    }

    /// A label that everything has that it selects, if there is one.
    pub(crate) fn wanted_label(&self) -> Option<(&str, &str)> {
        let mut wanted = self
            .selections
            .iter()
            .flat_map(|s| &s.selector.match_labels);
        wanted.next().map(|(key, value)| (&**key, &**value))
    }

    /// Whether the selection is about a pod.
    pub(crate) fn selects(&self, namespace: &str, labels: &Labels, known: &Namespaces) -> bool {
        let selects = |selection: &Selection| selection.selects(namespace, labels, known);
        !self.selections.is_empty() && self.selections.iter().all(selects)
    }
}

/// A rule as a pod declares it.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    /// Topology spread.
    Spread {
        /// What is counted; no selections where nothing is.
        counter: CounterKey,
        /// How uneven domains may be.
        max_skew: u32,
        /// With fewer domains the smallest count is 0.
        min_domains: u32,
    },
    /// Near pods.
    Near(CounterKey),
    /// Away from pods.
    Away(CounterKey),
}

/// A pod, as terms see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declarer<'a> {
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// Its labels.
    pub(crate) labels: &'a Labels,
    /// Its spec.
    pub(crate) spec: &'a PodSpec,
    /// Its spread constraints: its own, or those that the cluster gives to pods without any.
    pub(crate) spreads: &'a [TopologySpreadConstraint],
}

/// What a pod demands of others with some preferences given up. `alternatives` are those of its
/// node selector and required node affinity.
pub(crate) fn terms(pod: Declarer<'_>, kept: &Kept, alternatives: &[Requirements]) -> Vec<Term> {
    let mut all = Vec::new();
    for at in &kept.spreads {
        all.push(spread(pod, &pod.spreads[*at], alternatives));
    }
    let affinity = pod.spec.affinity.as_ref();
    if let Some(near) = affinity.and_then(|affinity| affinity.pod_affinity.as_ref()) {
        // The scheduler counts only pods that all required terms are about.
        let together: Vec<Selection> = near.required.iter().map(|t| selection(pod, t)).collect();
        let keys: BTreeSet<&str> = near.required.iter().map(|t| &*t.topology_key).collect();
        let counters = keys
            .into_iter()
            .map(|key| counter(key, Of::Selected, together.clone()));
        all.extend(counters.map(Term::Near));
        let preferred = by_weight(&near.preferred)
            .into_iter()
            .skip(kept.affinity_dropped);
        all.extend(preferred.map(|term| Term::Near(one(pod, term, Of::Selected))));
    }
    if let Some(away) = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref()) {
        let required = away.required.iter();
        all.extend(required.map(|term| Term::Away(one(pod, term, Of::Selected))));
        let preferred = by_weight(&away.preferred);
        let preferred = preferred.into_iter().skip(kept.anti_affinity_dropped);
        all.extend(preferred.map(|term| Term::Away(one(pod, term, Of::Selected))));
    }
    all
}

/// What a pod's required anti-affinity keeps away from it.
pub(crate) fn declared(pod: Declarer<'_>) -> Vec<CounterKey> {
    let affinity = pod.spec.affinity.as_ref();
    let away = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    let required = away.into_iter().flat_map(|away| &away.required);
    required.map(|term| one(pod, term, Of::Declarers)).collect()
}

/// Whether a selection of pods that a spec declares names such a label.
pub(crate) fn names(spec: &PodSpec, is_such: impl Fn(&str) -> bool) -> bool {
    let in_selector = |selector: &LabelSelector| {
        let others = selector.match_expressions.iter();
        selector.match_labels.keys().any(|key| is_such(key))
            || others.into_iter().any(|other| is_such(&other.key))
    };
    let among = |keys: &[String]| keys.iter().any(|key| is_such(key));
    let in_term = |term: &PodAffinityTerm| {
        term.label_selector.as_ref().is_some_and(in_selector)
            || among(&term.match_label_keys)
            || among(&term.mismatch_label_keys)
    };
    let of_spread = |constraint: &TopologySpreadConstraint| {
        constraint.label_selector.as_ref().is_some_and(in_selector)
            || among(&constraint.match_label_keys)
    };
    let affinity = spec.affinity.as_ref();
    let near = affinity.and_then(|affinity| affinity.pod_affinity.as_ref());
    let away = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    let near = near.map(|near| (&near.required, &near.preferred));
    let away = away.map(|away| (&away.required, &away.preferred));
    let mut of_pods = near.into_iter().chain(away);
    spec.topology_spread_constraints.iter().any(of_spread)
        || of_pods.any(|(required, preferred)| {
            let preferred = preferred.iter().map(|term| &term.pod_affinity_term);
            required.iter().chain(preferred).any(in_term)
        })
}

fn by_weight(terms: &[model::k8s::affinity::WeightedPodAffinityTerm]) -> Vec<&PodAffinityTerm> {
    let mut sorted: Vec<_> = terms.iter().collect();
    sorted.sort_by_key(|term| std::cmp::Reverse(term.weight));
    sorted
        .into_iter()
        .map(|term| &term.pod_affinity_term)
        .collect()
}

fn one(pod: Declarer<'_>, term: &PodAffinityTerm, of: Of) -> CounterKey {
    counter(&term.topology_key, of, vec![selection(pod, term)])
}

fn counter(topology_key: &str, of: Of, selections: Vec<Selection>) -> CounterKey {
    CounterKey {
        topology_key: canonical(topology_key).into(),
        of,
        selections,
        filter: FilterKey::default(),
    }
}

/// Labels have old names that mean the same.
fn canonical(key: &str) -> &str {
    match key {
        "failure-domain.beta.kubernetes.io/zone" => api::labels::ZONE,
        "failure-domain.beta.kubernetes.io/region" => api::labels::REGION,
        other => other,
    }
}

fn selection(pod: Declarer<'_>, term: &PodAffinityTerm) -> Selection {
    let mut namespaces: BTreeSet<String> = term.namespaces.iter().cloned().collect();
    if namespaces.is_empty() && term.namespace_selector.is_none() {
        namespaces.insert(pod.namespace.to_owned());
    }
    let mut selector = term.label_selector.clone().unwrap_or_else(nothing);
    add_keys(&mut selector, pod.labels, &term.match_label_keys, "In");
    add_keys(
        &mut selector,
        pod.labels,
        &term.mismatch_label_keys,
        "NotIn",
    );
    Selection {
        namespaces,
        namespace_selector: term.namespace_selector.clone(),
        selector,
    }
}

fn spread(
    pod: Declarer<'_>,
    constraint: &TopologySpreadConstraint,
    alternatives: &[Requirements],
) -> Term {
    let mut selector = constraint.label_selector.clone().unwrap_or_else(nothing);
    add_keys(
        &mut selector,
        pod.labels,
        &constraint.match_label_keys,
        "In",
    );
    let mut counter = counter(
        &constraint.topology_key,
        Of::Selected,
        vec![Selection {
            namespaces: [pod.namespace.to_owned()].into(),
            namespace_selector: None,
            selector,
        }],
    );
    counter.filter = filter(pod, constraint, alternatives);
    let at_least = |number: i32| u32::try_from(number).unwrap_or(0);
    Term::Spread {
        counter,
        max_skew: at_least(constraint.max_skew).max(1),
        min_domains: at_least(constraint.min_domains.unwrap_or(0)),
    }
}

/// Nodes that a spread constraint counts. Taints that are mere preferences keep no node out, and a
/// node that lacks the label of another constraint of the pod is none of this one either.
fn filter(
    pod: Declarer<'_>,
    constraint: &TopologySpreadConstraint,
    alternatives: &[Requirements],
) -> FilterKey {
    let honours_affinity = constraint.node_affinity_policy.as_deref() != Some("Ignore");
    let selective = alternatives
        .iter()
        .any(|alternative| !alternative.is_empty());
    let mut counted = if honours_affinity && selective {
        alternatives.to_vec()
    } else {
        Vec::new()
    };
    let beside = keys_beside(pod, constraint);
    if !beside.is_empty() && counted.is_empty() {
        counted.push(Requirements::new());
    }
    for set in &mut counted {
        set.extend(beside.iter().map(|key| Requirement::exists(*key)));
    }
    let honours_taints = constraint.node_taints_policy.as_deref() == Some("Honor");
    let tolerations = || {
        let mut tolerations = pod.spec.tolerations.clone();
        tolerations.push(tolerate_soft());
        tolerations
    };
    FilterKey {
        alternatives: (!counted.is_empty()).then_some(counted),
        tolerations: honours_taints.then(tolerations),
    }
}

/// Keys of the pod's other constraints that must hold, where this one must. Every node has a host
/// name.
fn keys_beside<'a>(pod: Declarer<'a>, constraint: &TopologySpreadConstraint) -> BTreeSet<&'a str> {
    let is_hard = |other: &TopologySpreadConstraint| other.when_unsatisfiable != "ScheduleAnyway";
    let own = canonical(&constraint.topology_key);
    if !is_hard(constraint) || own == HOSTNAME {
        return BTreeSet::new();
    }
    let others = pod.spreads.iter().filter(|other| is_hard(other));
    let mut keys: BTreeSet<&str> = others.map(|other| canonical(&other.topology_key)).collect();
    keys.remove(own);
    keys.remove(HOSTNAME);
    keys
}

/// The selector that selects nothing, which is what an absent one means.
fn nothing() -> LabelSelector {
    LabelSelector {
        match_expressions: vec![LabelSelectorRequirement {
            operator: "In".to_owned(),
            ..LabelSelectorRequirement::default()
        }],
        ..LabelSelector::default()
    }
}

fn add_keys(selector: &mut LabelSelector, labels: &Labels, keys: &[String], operator: &str) {
    for key in keys {
        if let Some(value) = labels.get(key) {
            selector.match_expressions.push(LabelSelectorRequirement {
                key: key.clone(),
                operator: operator.to_owned(),
                values: vec![value.clone()],
            });
        }
    }
}
