use std::sync::Arc;

use model::k8s::pod::Pod;
use serde_json::{Value, json};

use super::*;
use crate::Dimensions;
use crate::pod::{PodUpdate, Shapes};

fn record(json: &Value) -> PodRecord {
    let pod: Pod = serde_json::from_value(json.clone()).unwrap();
    let update = PodUpdate::from(&pod);
    let mut dimensions = Arc::new(Dimensions::default());
    let shape = Shapes::default().intern(&update.content, &mut dimensions, &Vocabulary::core());
    PodRecord {
        facts: update.facts,
        shape,
    }
}

/// A provisionable pod, changed by laying `patch` over it.
fn pending(patch: &Value) -> PodRecord {
    let mut pod = json!({
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {},
        "status": {"phase": "Pending", "conditions":
            [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    });
    for section in ["metadata", "spec", "status"] {
        for (key, value) in patch[section].as_object().into_iter().flatten() {
            pod[section][key] = value.clone();
        }
    }
    record(&pod)
}

#[test]
fn a_pod_that_the_scheduler_calls_unschedulable_is_taken() {
    assert_eq!(untaken(&pending(&json!({}))), None);
}

#[test]
fn bound_gated_preempting_and_unseen_pods_are_left_alone() {
    let condition = |reason: &str| {
        json!({"status": {"conditions":
            [{"type": "PodScheduled", "status": "False", "reason": reason}]}})
    };
    let cases = [
        (
            json!({"spec": {"nodeName": "n1"}}),
            Untaken::Bound { node: "n1".into() },
        ),
        (
            json!({"status": {"nominatedNodeName": "n1"}}),
            Untaken::Preempting,
        ),
        (json!({"status": {"conditions": []}}), Untaken::Unseen),
        (json!({"status": {"phase": "Failed"}}), Untaken::Ended),
        (
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            Untaken::Deleting,
        ),
        (condition("SchedulingGated"), Untaken::Gated),
        (
            condition("AnotherSchedulersReason"),
            Untaken::NotUnschedulable,
        ),
    ];
    for (patch, expected) in cases {
        assert_eq!(untaken(&pending(&patch)), Some(expected), "{patch}");
    }
}

#[test]
fn pods_that_come_with_their_node_are_left_alone() {
    let owned = |api_version: &str, kind: &str| {
        pending(&json!({"metadata": {"ownerReferences":
            [{"apiVersion": api_version, "kind": kind, "name": "x", "uid": "u"}]}}))
    };
    assert_eq!(
        untaken(&owned("apps/v1", "DaemonSet")),
        Some(Untaken::DaemonSet)
    );
    assert_eq!(untaken(&owned("v1", "Node")), Some(Untaken::Static));
    assert_eq!(untaken(&owned("apps/v1", "ReplicaSet")), None);
    assert_eq!(untaken(&owned("example.com/v1", "DaemonSet")), None);
}

fn affinity(term: &Value) -> Value {
    json!({"spec": {"affinity": {"nodeAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}}})
}

#[test]
fn a_pod_that_stays_off_our_nodes_is_ignored_without_an_event() {
    let term = json!({"matchExpressions":
        [{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}]});
    let pod = pending(&affinity(&term));
    let [problem] = &pod.shape.problems[..] else {
        panic!("{:?}", pod.shape.problems)
    };
    assert!(!problem.is_reported());
    assert_eq!(
        problem.to_string(),
        "configured to not run on a Karpenter provisioned node (requirement=karpenter.sh/nodepool DoesNotExist)"
    );
}

/// SCH-7 to SCH-10: which labels a pod may select by.
#[test]
fn labels_of_karpenter_and_the_hostname_are_not_for_selection() {
    let refused = [
        "kubernetes.io/hostname",
        "karpenter.sh/unheard-of",
        "sub.karpenter.sh/unheard-of",
        "not a label",
    ];
    let allowed = [
        "disk",
        "example.com/disk",
        "kubernetes.io/disk",
        "sub.kubernetes.io/disk",
        "k8s.io/disk",
        "sub.k8s.io/disk",
        "node-restriction.kubernetes.io/team",
        "karpenter.sh/nodepool",
        "karpenter.sh/capacity-type",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone",
        "kubernetes.io/arch",
        "kubernetes.io/os",
    ];
    let problems = |key: &str| {
        let value = if key.ends_with("capacity-type") {
            "spot"
        } else {
            "x"
        };
        let selector = pending(&json!({"spec": {"nodeSelector": {key: value}}}));
        let required = pending(&affinity(
            &json!({"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}),
        ));
        [selector, required].map(|pod| pod.shape.problems.len())
    };
    for key in refused {
        assert_eq!(problems(key), [1, 1], "{key}");
    }
    for key in allowed {
        assert_eq!(problems(key), [0, 0], "{key}");
    }
}

/// What can never be met is said at once, and what is merely preferred is not looked at.
#[test]
fn values_must_suit_their_operator() {
    let expression = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
    let cases = [
        (expression("a", "In", &[]), false),
        (expression("a", "In", &["b"]), true),
        (expression("a", "Exists", &[]), true),
        (expression("a", "Gt", &["1"]), true),
        (expression("a", "Gt", &["1", "2"]), false),
        (expression("a", "Gte", &["-1"]), false),
        (expression("a", "In", &["not a value"]), false),
        (
            expression("karpenter.sh/capacity-type", "In", &["cheap"]),
            false,
        ),
        (
            expression("karpenter.sh/capacity-type", "In", &["cheap", "spot"]),
            true,
        ),
    ];
    for (term, valid) in cases {
        let required = pending(&affinity(&term));
        assert_eq!(required.shape.problems.is_empty(), valid, "{term}");
        let preferred = pending(&json!({"spec": {"affinity": {"nodeAffinity":
            {"preferredDuringSchedulingIgnoredDuringExecution":
                [{"weight": 1, "preference": term}]}}}}));
        assert!(preferred.shape.problems.is_empty(), "{term}");
    }
}

#[test]
fn invalid_selectors_and_affinities_are_problems() {
    let cases = [
        json!({"spec": {"nodeSelector": {"karpenter.sh/unheard-of": "x"}}}),
        json!({"spec": {"nodeSelector": {"kubernetes.io/hostname": "n1"}}}),
        affinity(&json!({"matchExpressions": [{"key": "a", "operator": "Near"}]})),
        affinity(&json!({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["x"]}]})),
        affinity(&json!({"matchFields":
            [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]})),
    ];
    for patch in cases {
        let pod = pending(&patch);
        assert!(
            pod.shape.problems.iter().any(PodProblem::is_reported),
            "{patch}"
        );
    }
    assert!(
        pending(&json!({"spec": {"nodeSelector": {"disk": "ssd"}}}))
            .shape
            .problems
            .is_empty()
    );
}
