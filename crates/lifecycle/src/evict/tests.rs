use serde_json::json;

use super::*;
use crate::testing::{at, pod};

fn decided(pod: &PodRecord, deadline: Option<i64>, now: i64) -> Eviction {
    decide(
        &Leaving {
            pod,
            deadline: deadline.map(at),
            longest_grace: None,
        },
        at(now),
    )
}

fn with_grace(seconds: i64) -> PodRecord {
    pod(&json!({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": seconds}}))
}

const PLAIN: Eviction = Eviction::Evict { grace: None };

/// NT-07, NT-08, NT-11: pods without owner leave; ended, static and tolerating ones are let be.
#[test]
fn pods_leave_unless_they_have_ended_or_stay_by_their_nature() {
    assert_eq!(decided(&with_grace(30), None, 0), PLAIN);
    let ended = pod(&json!({"spec": {"nodeName": "n"}, "status": {"phase": "Succeeded"}}));
    assert_eq!(decided(&ended, None, 0), Eviction::LetBe);
    let mirror = pod(&json!({"metadata": {"ownerReferences":
        [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "n"}]}}));
    assert_eq!(decided(&mirror, None, 0), Eviction::LetBe);
}

/// NT-05, NT-06.
#[test]
fn only_pods_that_tolerate_the_disrupted_taint_stay() {
    for (key, operator, expected) in [
        ("karpenter.sh/disrupted", "Exists", Eviction::LetBe),
        ("karpenter.sh/disrupted", "Equal", Eviction::LetBe),
        ("node.kubernetes.io/unschedulable", "Exists", PLAIN),
    ] {
        let tolerating = pod(&json!({"spec": {"nodeName": "n",
            "tolerations": [{"key": key, "operator": operator}]}}));
        assert_eq!(decided(&tolerating, None, 0), expected, "{key} {operator}");
    }
}

/// NT-16, NT-17, EQ-07, EQ-08, EQ-10: as the deadline comes near, grace is cut so that the pod is
/// gone by then.
#[test]
fn a_deadline_turns_evictions_into_deletions_just_in_time() {
    assert_eq!(decided(&with_grace(60), Some(300), 240), PLAIN);
    assert_eq!(
        decided(&with_grace(60), Some(300), 241),
        Eviction::Delete { grace: 59 }
    );
    assert_eq!(
        decided(&with_grace(300), Some(300), 90),
        Eviction::Delete { grace: 210 }
    );
    assert_eq!(
        decided(&with_grace(60), Some(300), 400),
        Eviction::Delete { grace: 1 }
    );
}

/// NT-18: a pod that is going but would be gone too late is deleted again.
#[test]
fn a_pod_that_goes_too_slowly_is_deleted_again() {
    let mut going = with_grace(600);
    going.facts.deletion = Some(at(500));
    assert_eq!(
        decided(&going, Some(300), 10),
        Eviction::Delete { grace: 290 }
    );
    going.facts.deletion = Some(at(200));
    assert_eq!(decided(&going, Some(300), 10), Eviction::LetBe);
}

#[test]
fn a_protected_pod_waits_until_the_deadline_is_near() {
    let protected = pod(&json!({
        "metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
        "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 60}
    }));
    assert_eq!(decided(&protected, None, 100), Eviction::Wait);
    assert_eq!(decided(&protected, Some(300), 100), Eviction::Wait);
    assert_eq!(
        decided(&protected, Some(300), 250),
        Eviction::Delete { grace: 50 }
    );
}

#[test]
fn a_pool_may_cap_the_grace_of_a_pod() {
    let capped = |pod: &PodRecord, cap: u64| {
        let longest_grace = Some(Duration::from_secs(cap));
        decide(
            &Leaving {
                pod,
                deadline: None,
                longest_grace,
            },
            at(0),
        )
    };
    assert_eq!(
        capped(&with_grace(3600), 300),
        Eviction::Evict { grace: Some(300) }
    );
    assert_eq!(capped(&with_grace(60), 300), PLAIN);
    let default = pod(&json!({"spec": {"nodeName": "n"}}));
    assert_eq!(capped(&default, 10), Eviction::Evict { grace: Some(10) });
}
