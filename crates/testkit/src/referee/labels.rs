//! Selecting nodes by labels, as the Kubernetes documentation has it
//! (<https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/>).

use std::collections::BTreeMap;

use model::k8s::pod::PodSpec;
use model::k8s::selector::NodeSelector;
use model::k8s::{NodeSelectorRequirement, Taint, TaintEffect, Toleration};
use requirements::Vocabulary;

/// Labels of a node.
pub(super) type Labels = BTreeMap<String, String>;

/// Whether one condition holds for a label.
pub(super) fn holds(operator: &str, values: &[String], label: Option<&str>) -> bool {
    let integer = |text: &str| text.parse::<i64>().ok();
    let compare = |test: fn(&i64, &i64) -> bool| {
        let bound = values.first().and_then(|value| integer(value));
        label
            .and_then(integer)
            .zip(bound)
            .is_some_and(|(have, bound)| test(&have, &bound))
    };
    match operator {
        "In" => label.is_some_and(|label| values.iter().any(|value| value == label)),
        "NotIn" => label.is_none_or(|label| values.iter().all(|value| value != label)),
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        "Gt" => compare(i64::gt),
        "Lt" => compare(i64::lt),
        "Gte" => compare(i64::ge),
        "Lte" => compare(i64::le),
        _ => false,
    }
}

/// The value of a label. Its key may be written in an older spelling.
pub(super) fn find<'a>(labels: &'a Labels, key: &str, vocabulary: &Vocabulary) -> Option<&'a str> {
    let usual = || labels.get(vocabulary.normalize(key));
    labels.get(key).or_else(usual).map(String::as_str)
}

/// Keys that a pod's node selector and required node affinity ask for.
pub(super) fn keys(spec: &PodSpec) -> impl Iterator<Item = &str> {
    let terms = required(spec)
        .into_iter()
        .flat_map(|required| &required.node_selector_terms);
    let expressions = terms.flat_map(|term| &term.match_expressions);
    spec.node_selector
        .keys()
        .chain(expressions.map(|expression| &expression.key))
        .map(String::as_str)
}

/// Whether a pod may be on a node with these labels.
pub(super) fn selects(spec: &PodSpec, labels: &Labels, vocabulary: &Vocabulary) -> bool {
    selected(&spec.node_selector, required(spec), labels, vocabulary)
}

/// A pod's required node affinity.
pub(super) fn required(spec: &PodSpec) -> Option<&NodeSelector> {
    let node_affinity = spec.affinity.as_ref()?.node_affinity.as_ref()?;
    node_affinity.required.as_ref()
}

/// Whether a node with these labels has every entry of the selector and meets one of the required
/// terms, if there are any. A key may be written in an older spelling.
pub(super) fn selected(
    selector: &Labels,
    required: Option<&NodeSelector>,
    labels: &Labels,
    vocabulary: &Vocabulary,
) -> bool {
    let label = |key: &str| find(labels, key, vocabulary);
    let expression = |e: &NodeSelectorRequirement| holds(&e.operator, &e.values, label(&e.key));
    selector
        .iter()
        .all(|(key, value)| label(key) == Some(value.as_str()))
        && required.is_none_or(|required| {
            required.node_selector_terms.iter().any(|term| {
                term.match_fields.is_empty()
                    && !term.match_expressions.is_empty()
                    && term.match_expressions.iter().all(expression)
            })
        })
}

/// The first taint that keeps a pod away. `PreferNoSchedule` keeps nobody away.
pub(super) fn repelled_by<'a>(
    tolerations: &[Toleration],
    taints: &'a [Taint],
) -> Option<&'a Taint> {
    taints
        .iter()
        .filter(|taint| taint.effect != TaintEffect::PreferNoSchedule)
        .find(|taint| {
            !tolerations
                .iter()
                .any(|toleration| tolerates(toleration, taint))
        })
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration
        .effect
        .is_none_or(|effect| effect == taint.effect);
    let key = toleration.key.is_empty() || toleration.key == taint.key;
    let integers = taint
        .value()
        .parse::<i64>()
        .ok()
        .zip(toleration.value.parse::<i64>().ok());
    let value = match toleration.operator.as_str() {
        "" | "Equal" => toleration.value == taint.value(),
        "Exists" => true,
        "Gt" => integers.is_some_and(|(taint, bound)| taint > bound),
        "Lt" => integers.is_some_and(|(taint, bound)| taint < bound),
        _ => false,
    };
    effect && key && value
}
