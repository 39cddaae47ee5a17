use super::*;
use crate::testing::{at, claim, launched_claim, node};

fn deleted(mut claim: NodeClaim) -> NodeClaim {
    claim.metadata.deletion_timestamp = Some(at(100));
    claim
}

fn registered(name: &str) -> NodeClaim {
    let mut claim = launched_claim(name);
    Conditions::of_claim(&mut claim, at(30)).set_true("Registered");
    claim
}

fn nodes(names: &[&str]) -> Vec<Arc<Node>> {
    names.iter().map(|name| Arc::new(node(name))).collect()
}

#[test]
fn a_claim_that_lives_or_is_not_held_by_us_is_left_alone() {
    assert_eq!(decide(&claim("a"), &[]), FinalizeStep::Nothing);
    let mut free = deleted(claim("a"));
    free.metadata.finalizers.clear();
    assert_eq!(decide(&free, &[]), FinalizeStep::Nothing);
}

/// FI-01, FI-02: nodes go first, all of them.
#[test]
fn the_nodes_of_a_registered_claim_go_first() {
    let going = deleted(registered("a"));
    let mut two = nodes(&["a", "b"]);
    assert_eq!(decide(&going, &two), FinalizeStep::DeleteNodes(two.clone()));
    for node in &mut two {
        Arc::make_mut(node).metadata.deletion_timestamp = Some(at(101));
    }
    assert_eq!(
        decide(&going, &two),
        FinalizeStep::DeleteNodes(vec![]),
        "they are waited for"
    );
    assert_eq!(decide(&going, &[]), FinalizeStep::EndInstance);
}

/// FI-03, FI-04.
#[test]
fn an_unregistered_claim_never_deletes_a_node_and_an_unlaunched_one_looks_for_its_instance() {
    let going = deleted(launched_claim("a"));
    assert_eq!(decide(&going, &nodes(&["a"])), FinalizeStep::EndInstance);
    assert_eq!(
        decide(&deleted(claim("a")), &[]),
        FinalizeStep::FindInstance
    );
}

/// FI-06, FI-07.
#[test]
fn the_cloud_is_asked_until_the_instance_is_gone() {
    let going = deleted(registered("a"));
    let FinalizeStep::Wait { claim, wait } = ended(&going, Instance::Going, at(105)) else {
        panic!("it must wait")
    };
    assert_eq!(wait, Duration::from_secs(5));
    assert!(is_true(&claim.status.conditions, "InstanceTerminating"));
    let FinalizeStep::Release { claim, measures } = ended(&claim, Instance::Gone, at(125)) else {
        panic!("it must release")
    };
    assert!(!claim.metadata.has_finalizer(keys::TERMINATION));
    let took = |seconds| Duration::from_secs(seconds);
    assert!(matches!(measures[0], Measure::InstanceTerminated { took: t, .. } if t == took(20)));
    assert!(matches!(measures[1], Measure::ClaimTerminated { took: t, .. } if t == took(25)));
}

/// FI-08.
#[test]
fn the_deadline_is_written_once() {
    let mut going = deleted(registered("a"));
    going.spec.termination_grace_period = Some("5m".parse().expect("a duration"));
    let FinalizeStep::Annotate { claim, notice } = decide(&going, &nodes(&["a"])) else {
        panic!("it must annotate")
    };
    let written = &claim.metadata.annotations[keys::TERMINATION_TIMESTAMP];
    assert_eq!(*written, at(400).to_string());
    assert_eq!(notice.news.reason(), "TerminationGracePeriodExpiring");
    assert!(matches!(
        decide(&claim, &nodes(&["a"])),
        FinalizeStep::DeleteNodes(_)
    ));
}
