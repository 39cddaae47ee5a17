use std::sync::Arc;

use model::k8s::{Node, Taint, TaintEffect};

use super::*;
use crate::claim::decide;
use crate::conditions::find;
use crate::testing::{at, launched_claim, node};

const MINUTE: i64 = 60;

/// A claim whose node registered at 30 s and whose startup taint nobody lifts, and that node.
fn stuck() -> (NodeClaim, Node) {
    let mut claim = launched_claim("a");
    claim.spec.startup_taints = vec![Taint::new("boot", "", TaintEffect::NoSchedule)];
    let step = step(&claim, node("a"), None, 30);
    (step.claim, step.node.expect("it registered"))
}

fn step(claim: &NodeClaim, node: Node, setting: Option<u64>, now: i64) -> ClaimStep {
    let nodes = [Arc::new(node)];
    let facts = ClaimFacts {
        initialization_timeout: setting.map(Duration::from_secs),
        ..ClaimFacts::of_nodes(&nodes)
    };
    decide(claim, &facts, at(now))
}

fn annotated(mut claim: NodeClaim, value: &str) -> NodeClaim {
    let key = INITIALIZATION_TIMEOUT.to_owned();
    claim.metadata.annotations.insert(key, value.to_owned());
    claim
}

fn message(step: &ClaimStep) -> String {
    let held = find(&step.claim.status.conditions, "Initialized").expect("a condition");
    assert_eq!(held.reason, "StartupTaintsExist");
    held.message.clone()
}

fn told(step: &ClaimStep) -> Vec<(&str, String)> {
    let brief = |notice: &Notice| {
        assert_eq!(notice.news.reason(), "InitializationOverdue");
        (notice.about.kind, notice.news.to_string())
    };
    step.notices.iter().map(brief).collect()
}

#[test]
fn a_node_that_is_not_complete_for_long_is_told_with_the_cause() {
    let (claim, node) = stuck();
    let early = step(&claim, node.clone(), None, 10 * MINUTE + 30);
    assert_eq!(early.notices, []);
    assert_eq!(early.then, Then::Again(Duration::from_mins(5)));
    assert_eq!(early.claim, claim, "nothing is written");
    let late = step(&claim, node.clone(), None, 20 * MINUTE + 30);
    let text = "Node registered 20m0s ago and is not initialized: StartupTaint \"boot:NoSchedule\" \
                still exists; it stays, since karpenter.sh/initialization-timeout says no limit";
    let expected = ["NodeClaim", "Node"].map(|kind| (kind, text.to_owned()));
    assert_eq!(told(&late), expected);
    assert_eq!(late.then, Then::Again(INITIALIZATION_PATIENCE));
    let text = format!(
        "StartupTaint \"boot:NoSchedule\" still exists; the node has not been complete since it \
         registered at {}",
        at(30)
    );
    assert_eq!(message(&late), text);
    let later = step(&late.claim, node, None, 60 * MINUTE);
    assert_eq!(later.claim, late.claim, "it is written once");
    assert!(told(&later)[0].1.contains("59m30s"), "{:?}", told(&later));
}

#[test]
fn a_node_that_is_complete_at_last_is_no_longer_told() {
    let (claim, mut node) = stuck();
    let late = step(&claim, node.clone(), None, 20 * MINUTE);
    node.spec.taints.clear();
    let done = step(&late.claim, node, Some(60), 21 * MINUTE);
    assert!(is_true(&done.claim.status.conditions, "Initialized"));
    assert_eq!((done.notices.len(), done.then), (0, Then::Rest));
}

#[test]
fn a_deadline_ends_a_node_that_is_not_complete() {
    let (claim, node) = stuck();
    let given_up = Then::Delete(Removal::InitializationTimeout);
    let of = |claim: &NodeClaim, setting, now| step(claim, node.clone(), setting, now);
    let setting = Some(600);
    assert_eq!(
        of(&claim, setting, 10 * MINUTE).then,
        Then::Again(Duration::from_secs(30))
    );
    assert_eq!(of(&claim, setting, 10 * MINUTE + 30).then, given_up);
    let patient = of(&claim, Some(3600), 20 * MINUTE);
    let end = format!("it is deleted at {} unless it is by then", at(3630));
    assert!(told(&patient)[0].1.ends_with(&end), "{:?}", told(&patient));
    // What the claim says wins over the setting, in both directions.
    let own = annotated(claim.clone(), "1m");
    assert_eq!(of(&own, Some(3600), 90).then, given_up);
    assert_eq!(of(&own, None, 90).then, given_up);
    for none in ["Never", "0s"] {
        let own = annotated(claim.clone(), none);
        assert_eq!(
            of(&own, Some(60), 20 * MINUTE).then,
            Then::Again(INITIALIZATION_PATIENCE),
            "{none}"
        );
    }
}

#[test]
fn a_limit_that_cannot_be_read_is_none_and_is_told() {
    let (claim, node) = stuck();
    let step = step(&annotated(claim, "soon"), node, Some(60), 20 * MINUTE);
    assert_eq!(step.then, Then::Again(INITIALIZATION_PATIENCE));
    let told = told(&step);
    assert!(told[0].1.ends_with("is no duration: \"soon\""), "{told:?}");
}
