use serde_json::json;

use super::*;
use crate::conditions::{Conditions, Status};
use crate::keys;
use crate::testing::{at, launched_claim, pod};

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

/// What is decided at 100 s about a pod whose pool caps its grace.
fn capped(pod: &PodRecord, cap: u64) -> Eviction {
    let longest_grace = Some(Duration::from_secs(cap));
    let leaving = Leaving {
        pod,
        deadline: None,
        longest_grace,
    };
    decide(&leaving, at(100))
}

#[test]
fn a_pool_may_cap_the_grace_of_a_pod() {
    let shorter = |grace| Eviction::Evict { grace: Some(grace) };
    assert_eq!(capped(&with_grace(3600), 300), shorter(300));
    assert_eq!(capped(&with_grace(60), 300), PLAIN);
    assert_eq!(capped(&with_grace(300), 300), PLAIN);
    let default = pod(&json!({"spec": {"nodeName": "n"}}));
    assert_eq!(capped(&default, 10), shorter(10));
    // Without any grace the pod would be forgotten while it still runs.
    assert_eq!(capped(&default, 0), shorter(1));
}

/// The cap does not let anybody do what a pod forbids.
#[test]
fn a_cap_does_not_lift_a_protection() {
    let protected = pod(&json!({
        "metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
        "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 3600}
    }));
    assert_eq!(capped(&protected, 10), Eviction::Wait);
}

#[test]
fn a_pod_that_was_going_before_the_drain_gets_no_more_than_the_cap_either() {
    let mut going = with_grace(3600);
    going.facts.deletion = Some(at(3000));
    assert_eq!(capped(&going, 300), Eviction::Shorten { grace: 300 });
    going.facts.deletion = Some(at(400));
    assert_eq!(capped(&going, 300), Eviction::LetBe);
    assert_eq!(decided(&going, None, 100), Eviction::LetBe);
}

/// A kubelet that does not answer is not asked the same thing every second.
#[test]
fn a_pod_that_cannot_be_made_to_go_sooner_is_let_be() {
    let mut going = with_grace(60);
    going.facts.deletion = Some(at(101));
    assert_eq!(decided(&going, Some(50), 100), Eviction::LetBe);
    assert_eq!(decided(&going, Some(50), 99), Eviction::Delete { grace: 1 });
}

/// EQ-09.
#[test]
fn a_deadline_becomes_earlier_and_never_later() {
    let (early, late) = (Some(at(100)), Some(at(200)));
    for (known, new, expected) in [
        (early, late, early),
        (late, early, early),
        (early, None, early),
        (None, late, late),
        (None, None, None),
    ] {
        assert_eq!(tightened(known, new), expected);
    }
}

/// EQ-06.
#[test]
fn pods_are_counted_by_why_their_node_goes() {
    let mut claim = launched_claim("a");
    assert_eq!(reason(&claim), "Forceful Termination");
    let mut set = |status: Status| {
        let mut conditions = Conditions::of_claim(&mut claim, at(50));
        conditions.set("DisruptionReason", status, "Drifted", "");
        reason(&claim).to_owned()
    };
    assert_eq!(set(Status::True), "Drifted");
    assert_eq!(set(Status::False), "Forceful Termination");
}

#[test]
fn a_drain_is_voluntary_unless_somebody_else_set_its_deadline() {
    let mut claim = launched_claim("a");
    claim.metadata.deletion_timestamp = Some(at(100));
    assert!(is_voluntary(&claim));
    let deadline = |claim: &NodeClaim, seconds: i64| {
        let mut claim = claim.clone();
        let (key, value) = (keys::TERMINATION_TIMESTAMP, at(seconds).to_string());
        claim.metadata.annotations.insert(key.to_owned(), value);
        claim
    };
    assert!(!is_voluntary(&deadline(&claim, 100)), "repair");
    claim.spec.termination_grace_period = Some("10m".parse().expect("a duration"));
    assert!(is_voluntary(&deadline(&claim, 700)), "its own");
    assert!(!is_voluntary(&deadline(&claim, 220)), "sooner");
}
