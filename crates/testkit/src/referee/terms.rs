//! Whom the rules of a pod are about, as the Kubernetes documentation has it
//! (<https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/> and
//! <https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/>).

use cluster::{ObjectKey, PodRecord, Snapshot};
use model::k8s::affinity::{PodAffinityTerm, TopologySpreadConstraint};
use model::k8s::pod::PodSpec;
use model::k8s::selector::{LabelSelector, LabelSelectorRequirement};

/// The namespace label that every namespace has.
const NAME: &str = "kubernetes.io/metadata.name";

/// Required terms of pod affinity.
pub(super) fn near(spec: &PodSpec) -> &[PodAffinityTerm] {
    let affinity = spec.affinity.as_ref();
    let near = affinity.and_then(|affinity| affinity.pod_affinity.as_ref());
    near.map_or(&[], |near| &near.required)
}

/// Required terms of pod anti-affinity.
pub(super) fn apart(spec: &PodSpec) -> &[PodAffinityTerm] {
    let affinity = spec.affinity.as_ref();
    let apart = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    apart.map_or(&[], |apart| &apart.required)
}

/// Constraints of topology spread that are no mere preferences.
pub(super) fn spread(spec: &PodSpec) -> impl Iterator<Item = &TopologySpreadConstraint> {
    let hard =
        |constraint: &&TopologySpreadConstraint| constraint.when_unsatisfiable != "ScheduleAnyway";
    spec.topology_spread_constraints.iter().filter(hard)
}

/// Label keys that rules of a pod are about.
pub(super) fn topology_keys(spec: &PodSpec) -> impl Iterator<Item = &str> {
    let terms = near(spec).iter().chain(apart(spec));
    terms
        .map(|term| &*term.topology_key)
        .chain(spread(spec).map(|constraint| &*constraint.topology_key))
}

/// The term with the values of the declaring pod's labels put in, so that it says by itself whom it
/// is about.
pub(super) fn complete(pod: &PodRecord, term: &PodAffinityTerm) -> PodAffinityTerm {
    let mut complete = term.clone();
    if let Some(selector) = &mut complete.label_selector {
        add_labels(
            pod,
            &std::mem::take(&mut complete.match_label_keys),
            "In",
            selector,
        );
        add_labels(
            pod,
            &std::mem::take(&mut complete.mismatch_label_keys),
            "NotIn",
            selector,
        );
    }
    complete
}

/// The constraint with the values of the declaring pod's labels put in.
pub(super) fn complete_spread(
    pod: &PodRecord,
    constraint: &TopologySpreadConstraint,
) -> TopologySpreadConstraint {
    let mut complete = constraint.clone();
    if let Some(selector) = &mut complete.label_selector {
        add_labels(
            pod,
            &std::mem::take(&mut complete.match_label_keys),
            "In",
            selector,
        );
    }
    complete
}

/// Adds a condition for each of the labels that the pod has.
fn add_labels(pod: &PodRecord, keys: &[String], operator: &str, selector: &mut LabelSelector) {
    for key in keys {
        if let Some(value) = pod.label(key) {
            selector.match_expressions.push(LabelSelectorRequirement {
                key: key.clone(),
                operator: operator.to_owned(),
                values: vec![value.to_owned()],
            });
        }
    }
}

/// Whether a completed term, declared in `namespace`, is about the pod. A term without a selector
/// is about nobody.
pub(super) fn is_about(
    snapshot: &Snapshot,
    namespace: &str,
    term: &PodAffinityTerm,
    pod: &PodRecord,
) -> bool {
    let selector = term.label_selector.as_ref();
    selector.is_some_and(|selector| pod.matches(selector))
        && namespace_counts(snapshot, namespace, term, pod.namespace())
}

fn namespace_counts(
    snapshot: &Snapshot,
    own: &str,
    term: &PodAffinityTerm,
    namespace: &str,
) -> bool {
    if term.namespaces.is_empty() && term.namespace_selector.is_none() {
        return namespace == own;
    }
    let listed = term.namespaces.iter().any(|name| name == namespace);
    listed
        || term.namespace_selector.as_ref().is_some_and(|selector| {
            let known = snapshot.namespaces.get(&ObjectKey::new("", namespace));
            let mut labels = known
                .map(|known| known.metadata.labels.clone())
                .unwrap_or_default();
            labels
                .entry(NAME.to_owned())
                .or_insert_with(|| namespace.to_owned());
            selector.matches(&labels)
        })
}

/// Whether a completed constraint, declared in `namespace`, counts the pod.
pub(super) fn counts(
    namespace: &str,
    constraint: &TopologySpreadConstraint,
    pod: &PodRecord,
) -> bool {
    let selector = constraint.label_selector.as_ref();
    pod.namespace() == namespace && selector.is_some_and(|selector| pod.matches(selector))
}
