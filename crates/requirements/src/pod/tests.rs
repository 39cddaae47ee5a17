use super::*;
use crate::Operator;

fn spec(json: serde_json::Value) -> PodSpec {
    serde_json::from_value(json).unwrap()
}

fn texts(sets: &[Requirements]) -> Vec<String> {
    sets.iter().map(ToString::to_string).collect()
}

#[test]
fn a_pod_without_affinity_has_its_selector_as_the_one_alternative() {
    let spec = spec(serde_json::json!({"nodeSelector": {"beta.kubernetes.io/arch": "arm64"}}));
    let alternatives = required(&spec, &Vocabulary::core());
    assert_eq!(texts(&alternatives), ["kubernetes.io/arch In [arm64]"]);
    assert!(preferred(&spec, &Vocabulary::core()).is_empty());
    assert!(!has_match_fields(&spec));
}

#[test]
fn each_required_term_is_an_alternative_on_top_of_the_selector() {
    let spec = spec(serde_json::json!({
        "nodeSelector": {"a": "1"},
        "affinity": {"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [
                    {"key": "b", "operator": "In", "values": ["x", "y"]},
                    {"key": "b", "operator": "NotIn", "values": ["x"]},
                ]},
                {},
                {"matchExpressions": [{"key": "a", "operator": "In", "values": ["2"]}]},
                {"matchExpressions": [{"key": "c", "operator": "Sideways"}]},
            ]},
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "preference": {"matchExpressions": [{"key": "p", "operator": "Exists"}]}},
                {"weight": 9, "preference": {"matchExpressions": [{"key": "q", "operator": "Exists"}]}},
                {"weight": 1, "preference": {"matchExpressions": [{"key": "r", "operator": "Exists"}]}},
            ],
        }},
    }));
    let vocabulary = Vocabulary::core();
    assert_eq!(
        texts(&required(&spec, &vocabulary)),
        ["a In [1], b In [y]", "a In []", "a In [1], c In []"]
    );
    let preferred: Vec<_> = preferred(&spec, &vocabulary)
        .into_iter()
        .map(|(w, set)| (w, set.to_string()))
        .collect();
    assert_eq!(
        preferred,
        [
            (9, "q Exists".to_owned()),
            (1, "p Exists".to_owned()),
            (1, "r Exists".to_owned())
        ]
    );
}

#[test]
fn a_pod_opts_out_by_asking_for_no_nodepool() {
    let spec = spec(serde_json::json!({"affinity": {"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}]}
        ]}
    }}}));
    let alternatives = required(&spec, &Vocabulary::core());
    assert!(opt_out(&alternatives[0]).is_some());
    let pinned = Vocabulary::core();
    let other: Requirements =
        [pinned.requirement("karpenter.sh/nodepool", Operator::NotIn, ["a"], None)]
            .into_iter()
            .collect();
    assert!(opt_out(&other).is_none());
}

#[test]
fn field_selectors_are_noticed() {
    let spec = spec(serde_json::json!({"affinity": {"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}
        ]}
    }}}));
    assert!(has_match_fields(&spec));
}
