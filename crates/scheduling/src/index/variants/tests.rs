use model::k8s::affinity::{Affinity, NodeAffinity};
use model::k8s::selector::{NodeSelector, PreferredSchedulingTerm};
use model::k8s::{NodeSelectorRequirement, NodeSelectorTerm};

use super::*;

fn term(key: &str, value: &str) -> NodeSelectorTerm {
    NodeSelectorTerm {
        match_expressions: vec![NodeSelectorRequirement {
            key: key.to_owned(),
            operator: "In".to_owned(),
            values: vec![value.to_owned()],
        }],
        match_fields: Vec::new(),
    }
}

fn spec(required: &[&str], preferred: &[(i32, &str)]) -> PodSpec {
    PodSpec {
        affinity: Some(Affinity {
            node_affinity: Some(NodeAffinity {
                required: (!required.is_empty()).then(|| NodeSelector {
                    node_selector_terms: required.iter().map(|v| term("zone", v)).collect(),
                }),
                preferred: preferred
                    .iter()
                    .map(|(weight, value)| PreferredSchedulingTerm {
                        weight: *weight,
                        preference: term("team", value),
                    })
                    .collect(),
            }),
            ..Affinity::default()
        }),
        ..PodSpec::default()
    }
}

fn texts(spec: &PodSpec, policy: PreferencePolicy, soft: SoftTaints) -> Vec<String> {
    variants(spec, &Vocabulary::core(), policy, soft, &[])
        .iter()
        .map(|variant| {
            let soft = if variant.soft_taints == SoftTaints::Tolerated {
                " soft"
            } else {
                ""
            };
            format!("{}{soft}", variant.requirements)
        })
        .collect()
}

/// SCH-39, SCH-40: preferences are given up heaviest first.
#[test]
fn preferences_are_given_up_heaviest_first() {
    let spec = spec(&[], &[(1, "light"), (100, "heavy"), (50, "middle")]);
    assert_eq!(
        texts(&spec, PreferencePolicy::Respect, SoftTaints::Tolerated),
        ["team In [heavy]", "team In [middle]", "team In [light]", ""],
    );
}

/// SCH-45: under Ignore a preference is never looked at.
#[test]
fn ignored_preferences_are_in_no_variant() {
    let spec = spec(&["a"], &[(1, "light")]);
    assert_eq!(
        texts(&spec, PreferencePolicy::Ignore, SoftTaints::Tolerated),
        ["zone In [a]"]
    );
}

/// SCH-38: required terms are alternatives in their order.
#[test]
fn required_terms_are_alternatives_in_their_order() {
    let spec = spec(&["a", "b", "c"], &[]);
    assert_eq!(
        texts(&spec, PreferencePolicy::Respect, SoftTaints::Tolerated),
        ["zone In [a]", "zone In [b]", "zone In [c]"],
    );
}

/// SCH-43: preferences go before soft taints are tolerated.
#[test]
fn soft_taints_are_tolerated_last() {
    let spec = spec(&["a", "b"], &[(1, "light")]);
    assert_eq!(
        texts(&spec, PreferencePolicy::Respect, SoftTaints::Stop),
        [
            "team In [light], zone In [a]",
            "team In [light], zone In [b]",
            "zone In [b]",
            "zone In [a]",
            "zone In [b] soft",
            "zone In [a] soft",
        ],
    );
}

#[test]
fn a_pod_whose_required_terms_are_all_empty_has_no_variant() {
    let mut spec = spec(&["a"], &[]);
    if let Some(affinity) = spec
        .affinity
        .as_mut()
        .and_then(|a| a.node_affinity.as_mut())
    {
        affinity.required = Some(NodeSelector {
            node_selector_terms: vec![NodeSelectorTerm::default()],
        });
    }
    assert!(texts(&spec, PreferencePolicy::Respect, SoftTaints::Stop).is_empty());
}
