//! The strict form of what users write.

use std::time::Duration;

use api::{ConsolidationPolicy, Ec2NodeClass, NodePool, ProviderDefaults};
use serde_json::{Value, json};

fn pool(spec: Value) -> NodePool {
    let pool: NodePool = serde_json::from_value(json!({"spec": spec})).expect("a pool");
    pool.normalized(&ProviderDefaults::aws())
}

fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

#[test]
fn a_class_reference_is_completed_from_what_is_written_and_the_provider() {
    let class = |written: Value| {
        let pool = pool(json!({"template": {"spec": {"nodeClassRef": written}}}));
        let class = pool.spec.template.spec.node_class_ref;
        format!("{}/{}/{}", class.group, class.kind, class.name)
    };
    let own = "karpenter.k8s.aws/EC2NodeClass";
    assert_eq!(class(json!({})), format!("{own}/default"));
    assert_eq!(class(json!({"name": "x"})), format!("{own}/x"));
    let versioned =
        json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "name": "x"});
    assert_eq!(class(versioned), format!("{own}/x"));
    assert_eq!(
        class(json!({"group": "g", "kind": "K", "name": "n"})),
        "g/K/n"
    );
}

#[test]
fn an_expiry_that_was_written_beats_a_default() {
    let after = |template: Value, older: Value| {
        let mut spec = json!({"template": {"spec": {}}, "disruption": {}});
        if !template.is_null() {
            spec["template"]["spec"]["expireAfter"] = template;
        }
        if !older.is_null() {
            spec["disruption"]["expireAfter"] = older;
        }
        let pool = pool(spec);
        assert!(pool.spec.disruption.expire_after.is_none());
        pool.expire_after()
    };
    assert_eq!(after(Value::Null, Value::Null), Some(hours(720)));
    assert_eq!(after(Value::Null, json!("24h")), Some(hours(24)));
    assert_eq!(after(Value::Null, json!("Never")), None);
    assert_eq!(after(json!("168h"), json!("720h")), Some(hours(168)));
    assert_eq!(after(json!("Never"), json!("24h")), None);
    // What the API server filled in.
    assert_eq!(after(json!("720h"), json!("24h")), Some(hours(24)));
}

#[test]
fn an_expiry_that_was_applied_is_no_default() {
    let applied = json!({"spec": {"template": {"spec": {"expireAfter": "720h"}}}}).to_string();
    let pool: NodePool = serde_json::from_value(json!({
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}},
        "spec": {"template": {"spec": {"expireAfter": "720h"}}, "disruption": {"expireAfter": "24h"}},
    }))
    .expect("a pool");
    assert_eq!(
        pool.normalized(&ProviderDefaults::aws()).expire_after(),
        Some(hours(720))
    );
}

#[test]
fn an_older_policy_and_place_become_todays() {
    let pool = pool(json!({
        "template": {"spec": {}}, "maxPodGracePeriod": 300,
        "disruption": {"consolidationPolicy": "WhenUnderutilized"},
    }));
    let policy = pool.spec.disruption.consolidation_policy;
    assert_eq!(policy, ConsolidationPolicy::WhenEmptyOrUnderutilized);
    assert_eq!(pool.spec.max_pod_grace_period, None);
    assert_eq!(pool.spec.template.spec.max_pod_grace_period, Some(300));
    assert_eq!(pool.consolidate_after(), Some(Duration::ZERO));
    assert_eq!(pool.spec.disruption.budgets[0].nodes, "10%");
}

#[test]
fn the_strict_form_is_its_own_strict_form() {
    let once = pool(json!({"template": {"spec": {}}, "disruption": {"expireAfter": "24h"}}));
    assert_eq!(once.clone().normalized(&ProviderDefaults::aws()), once);
}

fn class(spec: Value) -> Ec2NodeClass {
    let class: Ec2NodeClass = serde_json::from_value(json!({"spec": spec})).expect("a class");
    class.normalized()
}

#[test]
fn a_family_without_terms_selects_its_newest_image() {
    let alias = |spec: Value| {
        class(spec)
            .spec
            .ami_selector_terms
            .first()
            .map(|term| term.alias.clone())
    };
    assert_eq!(
        alias(json!({"amiFamily": "AL2023"})).as_deref(),
        Some("al2023@latest")
    );
    assert_eq!(
        alias(json!({"amiFamily": "Ubuntu"})).as_deref(),
        Some("ubuntu@latest")
    );
    assert_eq!(alias(json!({"amiFamily": "Custom"})), None);
    let terms = json!({"amiFamily": "AL2", "amiSelectorTerms": [{"id": "ami-1"}]});
    assert_eq!(alias(terms).as_deref(), Some(""));
}

#[test]
fn lists_of_ids_become_terms() {
    let class = class(json!({
        "subnetSelectorTerms": [{"ids": ["subnet-1", "subnet-2"]}, {"tags": {"a": "b"}}],
        "securityGroupSelectorTerms": [{"id": "sg-1"}],
    }));
    let subnets: Vec<&str> = class
        .spec
        .subnet_selector_terms
        .iter()
        .map(|t| t.id.as_str())
        .collect();
    assert_eq!(subnets, ["subnet-1", "subnet-2", ""]);
    assert!(
        class
            .spec
            .subnet_selector_terms
            .iter()
            .all(|term| term.ids.is_empty())
    );
    assert_eq!(class.spec.security_group_selector_terms.len(), 1);
}

#[test]
fn metadata_options_default_to_version_two_tokens() {
    let options = class(json!({})).spec.metadata_options.expect("defaults");
    assert_eq!(options.http_tokens.as_deref(), Some("required"));
    assert_eq!(options.http_put_response_hop_limit, Some(1));
}
