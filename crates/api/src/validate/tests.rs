use serde_json::json;

use super::*;

fn pool(spec: &Value) -> Value {
    json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "a"}, "spec": spec})
}

fn template(spec: &Value) -> Value {
    pool(&json!({"template": {"spec": spec}}))
}

fn texts(object: &Value) -> Vec<String> {
    lint(object).iter().map(ToString::to_string).collect()
}

#[test]
fn a_good_pool_has_no_findings() {
    assert_eq!(texts(&template(&json!({"requirements": []}))), [""; 0]);
}

#[test]
fn an_unknown_field_gets_the_nearest_known_one() {
    let object = template(&json!({"requirments": [], "requirements": []}));
    let expected = "error: spec.template.spec.requirments: is not a field that is known here (did you mean requirements?)";
    assert_eq!(texts(&object), [expected]);
}

#[test]
fn wrong_types_are_named_with_what_to_write() {
    let requirement = json!({"key": "a", "operator": "In", "values": "b"});
    let object = pool(&json!({"weight": "10", "limits": {"cpu": 0.5},
        "template": {"metadata": {"labels": {"a": true}}, "spec": {"requirements": [requirement]}}}));
    let expected = [
        "error: spec.limits.cpu: must be a quantity, not the number 0.5 (write \"0.5\")",
        "error: spec.template.metadata.labels.a: must be a text, not the truth value true (write \"true\")",
        "error: spec.template.spec.requirements[0].values: must be a list, not the text \"b\" (write [\"b\"])",
        "error: spec.weight: must be a whole number, not the text \"10\" (write 10 without quotes)",
    ];
    assert_eq!(texts(&object), expected);
}

#[test]
fn values_out_of_bounds_are_named_with_the_bounds() {
    let requirement = json!({"key": "a", "operator": "in", "values": ["b"]});
    let object = pool(
        &json!({"weight": 101, "disruption": {"consolidateAfter": "30"},
        "template": {"spec": {"requirements": [requirement]}}}),
    );
    let expected = [
        "error: spec.disruption.consolidateAfter: \"30\" is not a duration (write one such as 30s, 720h or Never)",
        "error: spec.template.spec.requirements[0].operator: \"in\" is not one of In, NotIn, Exists, DoesNotExist, Gt, Lt, Gte, Lte (did you mean In?)",
        "error: spec.weight: is 101, must be from 1 to 100",
    ];
    assert_eq!(texts(&object), expected);
}

#[test]
fn what_is_missing_is_named() {
    let expected = [
        "error: spec.template: is missing (add template: what its nodes are like)",
        "error: metadata.name: is missing (give the object a name)",
    ];
    let object = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "spec": {}});
    assert_eq!(texts(&object), expected);
}

#[test]
fn contradictory_requirements_are_an_error() {
    for (first, second) in [
        (
            json!({"key": "a", "operator": "In", "values": ["x"]}),
            json!({"key": "a", "operator": "In", "values": ["y"]}),
        ),
        (
            json!({"key": "a", "operator": "In", "values": ["x"]}),
            json!({"key": "a", "operator": "NotIn", "values": ["x"]}),
        ),
        (
            json!({"key": "a", "operator": "Exists"}),
            json!({"key": "a", "operator": "DoesNotExist"}),
        ),
        (
            json!({"key": "a", "operator": "Gt", "values": ["5"]}),
            json!({"key": "a", "operator": "Lt", "values": ["6"]}),
        ),
        (
            json!({"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}),
            json!({"key": "beta.kubernetes.io/arch", "operator": "In", "values": ["arm64"]}),
        ),
    ] {
        let findings = lint(&template(&json!({"requirements": [first, second]})));
        assert_eq!(findings.len(), 1, "{first} {second}: {findings:?}");
        assert_eq!(findings[0].path, "spec.template.spec.requirements[1]");
        assert!(
            findings[0].message.starts_with("no node can meet "),
            "{}",
            findings[0]
        );
    }
    let compatible = json!([{"key": "a", "operator": "Gt", "values": ["5"]}, {"key": "a", "operator": "Lte", "values": ["6"]}]);
    assert_eq!(
        texts(&template(&json!({"requirements": compatible}))),
        [""; 0]
    );
}

#[test]
fn a_label_that_contradicts_a_requirement_is_an_error() {
    let object = pool(&json!({"template": {"metadata": {"labels": {"team": "a"}},
        "spec": {"requirements": [{"key": "team", "operator": "In", "values": ["b"]}]}}}));
    let expected = "error: spec.template.spec.requirements[0]: no node can meet team In [b] and label team=a: the pool can never launch one (leave values that all of them allow)";
    assert_eq!(texts(&object), [expected]);
}

#[test]
fn run_time_checks_have_the_texts_of_the_condition() {
    let requirements =
        json!([{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["Spot"]}]);
    let expected = "error: spec.template.spec.requirements[0]: invalid value: no valid values found in [Spot] for karpenter.sh/capacity-type, expected one of: [on-demand reserved spot], got: [Spot] in requirements, restricted";
    assert_eq!(
        texts(&template(&json!({"requirements": requirements}))),
        [expected]
    );
}

#[test]
fn another_version_and_replaced_kinds_are_pointed_out() {
    let object = |version: &str, kind: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}});
    let one = |version: &str, kind: &str| texts(&object(version, kind)).join("\n");
    assert_eq!(
        one("karpenter.sh/v1beta1", "NodePool"),
        "error: apiVersion: NodePool is not served as \"karpenter.sh/v1beta1\" (write karpenter.sh/v1)"
    );
    assert_eq!(
        one("karpenter.sh/v1alpha5", "Provisioner"),
        "error: kind: Provisioner is no longer served (write a NodePool (karpenter.sh/v1))"
    );
    assert_eq!(
        one("karpenter.sh/v1", "Nodepool"),
        "error: kind: karpenter.sh/v1 has no kind \"Nodepool\" (did you mean NodePool?)"
    );
    assert_eq!(one("apps/v1", "Deployment"), "");
}

#[test]
fn a_class_without_role_is_a_warning() {
    let spec = json!({"amiFamily": "AL2023", "subnetSelectorTerms": [{"ids": ["subnet-1"]}],
        "securityGroupSelectorTerms": [{"tags": {"a": "b"}}]});
    let object = json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass",
        "metadata": {"name": "a"}, "spec": spec});
    let findings = lint(&object);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].severity, Severity::Warning);
}

#[test]
fn terms_that_select_by_nothing_or_by_too_much_are_named() {
    let spec = json!({"role": "r", "amiFamily": "AL2023",
        "subnetSelectorTerms": [{"id": "subnet-1", "tags": {"a": "b"}}],
        "securityGroupSelectorTerms": [{}]});
    let object = json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass",
        "metadata": {"name": "a"}, "spec": spec});
    let expected = [
        "error: spec.subnetSelectorTerms[0]: 'id' is mutually exclusive, it stands beside tags (make them two terms, or keep one)",
        "error: spec.securityGroupSelectorTerms[0]: selects by nothing (add one of tags, id, ids, name)",
    ];
    assert_eq!(texts(&object), expected);
}

#[test]
fn every_pattern_compiles() {
    fn patterns(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(
                    fields
                        .get("pattern")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                fields.values().for_each(|value| patterns(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| patterns(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for definition in crd::all() {
        patterns(&definition, &mut found);
    }
    assert!(found.len() > 50);
    for pattern in found {
        assert!(regex::Regex::new(&pattern).is_ok(), "{pattern}");
    }
}
