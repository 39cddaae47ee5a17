use std::sync::Arc;

use model::k8s::pod::Pod;
use requirements::Vocabulary;
use serde_json::{Value, json};

use super::*;
use crate::Dimensions;
use crate::pod::{PodUpdate, Shapes};

fn pod(metadata: Value, tolerations: Value, status: Value) -> PodRecord {
    let pod: Pod = serde_json::from_value(
        json!({"metadata": metadata, "spec": {"tolerations": tolerations}, "status": status}),
    )
    .unwrap();
    let update = PodUpdate::from(&pod);
    let mut dimensions = Arc::new(Dimensions::default());
    let shape = Shapes::default().intern(&update.content, &mut dimensions, &Vocabulary::core());
    PodRecord {
        facts: update.facts,
        shape,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn protected(value: &str) -> PodRecord {
    pod(
        json!({"name": "p", "annotations": {"karpenter.sh/do-not-disrupt": value}}),
        json!([]),
        json!({"startTime": "2026-01-01T12:00:00Z"}),
    )
}

#[test]
fn protection_lasts_for_ever_or_for_a_time_after_the_start() {
    let now = at("2026-01-01T12:20:00Z");
    assert_eq!(protection(&protected("true"), now), Protection::Always);
    assert_eq!(
        protection(&protected("30m"), now),
        Protection::Until(at("2026-01-01T12:30:00Z"))
    );
    assert_eq!(protection(&protected("20m"), now), Protection::Lapsed(now));
    assert_eq!(
        protection(&protected("false"), now),
        Protection::Invalid("false".to_owned())
    );
    assert_eq!(
        protection(&protected("-5m"), now),
        Protection::Invalid("-5m".to_owned())
    );
    let unstarted = pod(
        json!({"name": "p", "annotations": {"karpenter.sh/do-not-disrupt": "5m"}}),
        json!([]),
        json!({}),
    );
    assert!(protection(&unstarted, now).is_active());
}

#[test]
fn a_protected_pod_is_neither_evictable_nor_disruptable_but_holds_a_drain_open() {
    let now = at("2026-01-01T12:20:00Z");
    let pod = protected("true");
    assert!(!is_evictable(&pod, now) && !is_disruptable(&pod, now));
    assert!(is_drainable(&pod, now) && is_waiting_eviction(&pod, now));
}

#[test]
fn a_pod_that_tolerates_disruption_is_left_on_its_node() {
    let now = at("2026-01-01T12:20:00Z");
    let pod = pod(
        json!({"name": "p"}),
        json!([{"operator": "Exists"}]),
        json!({}),
    );
    assert!(!is_evictable(&pod, now) && !is_drainable(&pod, now));
}

#[test]
fn a_terminating_pod_is_stuck_a_minute_after_its_time() {
    let pod = pod(
        json!({"name": "p", "deletionTimestamp": "2026-01-01T12:00:00Z"}),
        json!([]),
        json!({}),
    );
    assert!(!is_stuck_terminating(&pod, at("2026-01-01T12:01:00Z")));
    assert!(is_stuck_terminating(&pod, at("2026-01-01T12:01:01Z")));
    assert!(!is_drainable(&pod, at("2026-01-01T12:01:01Z")));
}

#[test]
fn only_terminating_pods_of_stateful_sets_still_need_a_place() {
    let terminating = |kind: &str| {
        pod(
            json!({"name": "p", "deletionTimestamp": "2026-01-01T12:00:00Z",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": "o", "uid": "u"}]}),
            json!([]),
            json!({}),
        )
    };
    assert!(is_reschedulable(&terminating("StatefulSet")));
    assert!(!is_reschedulable(&terminating("ReplicaSet")));
    let daemon = pod(
        json!({"name": "p", "ownerReferences":
            [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "o", "uid": "u"}]}),
        json!([]),
        json!({}),
    );
    assert!(!is_reschedulable(&daemon));
}
