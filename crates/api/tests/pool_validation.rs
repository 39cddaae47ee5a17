//! What `ValidationSucceeded` says about a NodePool that the API server let through.

use api::NodePool;
use api::nodepool::validate::{LabelRules, validate};
use serde_json::{Value, json};

fn messages(template: Value) -> Vec<String> {
    let pool: NodePool =
        serde_json::from_value(json!({"spec": {"template": template}})).expect("a pool");
    validate(&pool, &LabelRules::aws())
        .into_iter()
        .map(|wrong| wrong.message)
        .collect()
}

fn requirement(item: Value) -> Vec<String> {
    messages(json!({"spec": {"requirements": [item]}}))
}

fn one(messages: Vec<String>) -> String {
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.into_iter().next().unwrap_or_default()
}

#[test]
fn a_good_pool_is_valid() {
    let template = json!({
        "metadata": {"labels": {"team": "a", "example.com/b": ""}},
        "spec": {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}],
            "startupTaints": [{"key": "a", "effect": "NoExecute"}],
            "requirements": [
                {"key": "beta.kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                {"key": "nvidia.com/gpu", "operator": "Exists"},
                {"key": "karpenter.k8s.aws/instance-cpu", "operator": "Gt", "values": ["3"]},
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "unknown"]}]},
    });
    assert_eq!(messages(template), [""; 0]);
}

#[test]
fn labels_are_checked() {
    let label = |key: &str, value: &str| messages(json!({"metadata": {"labels": {key: value}}}));
    let restricted = one(label("kubernetes.io/hostname", "a"));
    assert!(restricted.starts_with("invalid key name \"kubernetes.io/hostname\" in labels, using label kubernetes.io/hostname is not allowed as it might interfere with the internal provisioning logic; specify a well known label: [karpenter.k8s.aws/"), "{restricted}");
    assert!(restricted.ends_with("or a custom label that does not use a restricted domain: [karpenter.k8s.aws karpenter.sh]"), "{restricted}");
    assert_eq!(
        one(label("karpenter.sh/nodepool", "a")),
        "invalid key name \"karpenter.sh/nodepool\" in labels, restricted"
    );
    assert!(one(label("a_/b", "a")).starts_with(
        "invalid key name \"a_/b\" in labels, \"prefix part a lowercase RFC 1123 subdomain"
    ));
    assert!(
        one(label("a/b/c", "a"))
            .starts_with("invalid key name \"a/b/c\" in labels, \"a qualified name must")
    );
    assert!(
        one(label("a", "b c"))
            .starts_with("invalid value: b c for label[a], a valid label must be")
    );
    assert_eq!(
        one(label("a", &"b".repeat(64))).rsplit(", ").next(),
        Some("must be no more than 63 characters")
    );
}

#[test]
fn taints_are_checked_over_both_lists() {
    let taint = json!({"key": "a", "effect": "NoSchedule"});
    let twice = messages(json!({"spec": {"taints": [taint], "startupTaints": [taint]}}));
    assert_eq!(one(twice), "duplicate taint Key/Effect pair a=NoSchedule");
    let bad = json!({"key": "a", "value": "b c", "effect": "NoSchedule"});
    let message = one(messages(json!({"spec": {"startupTaints": [bad]}})));
    assert!(
        message.starts_with("invalid value: name part must consist of"),
        "{message}"
    );
    assert!(message.ends_with(" in startupTaints"), "{message}");
}

#[test]
fn requirements_are_checked() {
    let wrap = |text: &str| format!("invalid value: {text} in requirements, restricted");
    for (item, expected) in [
        (
            json!({"key": "a", "operator": "In"}),
            "key a with operator In must have a value defined",
        ),
        (
            json!({"key": "a", "operator": "Gt", "values": ["1.5"]}),
            "key a with operator Gt must have a single positive integer value",
        ),
        (
            json!({"key": "a", "operator": "Lte", "values": ["1", "2"]}),
            "key a with operator Lte must have a single positive integer value",
        ),
        (
            json!({"key": "a", "operator": "In", "values": ["x"], "minValues": 2}),
            "key a with operator In must have at least minimum number of values defined in 'values' field",
        ),
        (
            json!({"key": "a", "operator": "Is", "values": ["x"]}),
            "key a has an unsupported operator Is not in [DoesNotExist Exists Gt Gte In Lt Lte NotIn]",
        ),
        (
            json!({"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["Spot"]}),
            "no valid values found in [Spot] for karpenter.sh/capacity-type, expected one of: [on-demand reserved spot], got: [Spot]",
        ),
        (
            json!({"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "Spot"], "minValues": 2}),
            "not enough valid values found in [spot Spot] for karpenter.sh/capacity-type, expected at least 2 valid values from: [on-demand reserved spot], got: 1",
        ),
    ] {
        assert_eq!(one(requirement(item)), wrap(expected));
    }
}

/// ADM-36
#[test]
fn a_tenancy_has_a_value_that_there_is() {
    let tenancy = |values: Value| {
        let key = "karpenter.k8s.aws/instance-tenancy";
        requirement(json!({"key": key, "operator": "In", "values": values}))
    };
    let expected = "invalid value: no valid values found in [host shared] for \
                    karpenter.k8s.aws/instance-tenancy, expected one of: [dedicated default], got: \
                    [host shared] in requirements, restricted";
    assert_eq!(one(tenancy(json!(["host", "shared"]))), expected);
    for good in [
        json!(["default"]),
        json!(["dedicated"]),
        json!(["host", "dedicated"]),
    ] {
        assert_eq!(tenancy(good), [""; 0]);
    }
}

#[test]
fn the_label_of_the_pool_itself_is_no_requirement() {
    let item = json!({"key": "karpenter.sh/nodepool", "operator": "In", "values": ["a"]});
    let expected = "invalid key: \"karpenter.sh/nodepool\" in requirements, restricted";
    assert_eq!(one(requirement(item)), expected);
}

#[test]
fn domains_are_restricted_by_whole_parts() {
    let rules = LabelRules::kwok(["example.com/rack"]);
    assert!(rules.restriction("karpenter.sh/x").is_some());
    assert!(rules.restriction("a.karpenter.sh/x").is_some());
    assert!(rules.restriction("karpenter.kwok.sh/x").is_some());
    assert!(rules.restriction("notkarpenter.sh/x").is_none());
    assert!(rules.restriction("kubernetes.io/x").is_none());
    assert!(
        rules
            .restriction("karpenter.kwok.sh/instance-size")
            .is_none()
    );
}
