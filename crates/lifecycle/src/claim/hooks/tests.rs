use super::*;
use crate::claim::{ClaimFacts, ClaimStep, decide};
use crate::conditions::find;
use crate::keys;
use crate::testing::{at, claim, launched_claim, node};

fn answer(name: &str, result: Result<HookOutcome, &str>) -> HookAnswer {
    HookAnswer {
        name: name.to_owned(),
        result: result.map_err(ToOwned::to_owned),
    }
}

fn done(name: &str) -> HookAnswer {
    answer(name, Ok(HookOutcome::done()))
}

fn waits(name: &str, seconds: u64) -> HookAnswer {
    let wait = Duration::from_secs(seconds);
    answer(name, Ok(HookOutcome::pending_for(wait)))
}

fn step_of(claim: &NodeClaim, hooks: &[HookAnswer], now: i64) -> ClaimStep {
    let nodes = [Arc::new(node("a"))];
    let facts = ClaimFacts {
        hooks,
        ..ClaimFacts::of_nodes(&nodes)
    };
    decide(claim, &facts, at(now))
}

fn step(hooks: &[HookAnswer]) -> ClaimStep {
    step_of(&launched_claim("a"), hooks, 30)
}

fn is_registered(step: &ClaimStep) -> bool {
    let condition = is_true(&step.claim.status.conditions, "Registered");
    let node = step.node.as_ref().expect("the node changes");
    let label = node.metadata.labels.contains_key(keys::REGISTERED);
    let tainted = node.spec.taints.contains(&keys::unregistered_taint());
    assert_eq!((label, tainted), (condition, !condition));
    condition
}

/// Which hooks the condition names.
fn named(step: &ClaimStep) -> String {
    assert!(!is_registered(step));
    let held = find(&step.claim.status.conditions, "Registered").expect("a condition");
    let state = (held.status.as_str(), held.reason.as_str());
    assert_eq!(state, ("Unknown", "RegistrationHookPending"));
    held.message.clone()
}

fn again(seconds: u64) -> Then {
    Then::Again(Duration::from_secs(seconds))
}

/// LC-18, LC-24: with no hook, or with hooks that are done, one pass is enough.
#[test]
fn a_node_whose_hooks_are_done_is_registered_in_one_pass() {
    for hooks in [&[][..], &[done("one")], &[done("one"), done("two")]] {
        assert!(is_registered(&step(hooks)), "{hooks:?}");
    }
}

/// LC-19: labels are synced meanwhile.
#[test]
fn a_hook_that_is_not_done_holds_up_the_registration_and_nothing_else() {
    let held = step(&[waits("one", 5)]);
    assert_eq!(named(&held), "one");
    assert_eq!(held.then, again(5));
    let node = held.node.expect("labels are synced");
    assert_eq!(node.metadata.labels[keys::NODEPOOL], "p");
    assert!(node.metadata.has_finalizer(keys::TERMINATION));
    assert_eq!(held.failures, Vec::<String>::new());
    assert_eq!(held.health, None);
}

/// LC-20: it is tried again after a growing wait, and the log says which hook failed.
#[test]
fn a_hook_that_fails_is_named_and_tried_again() {
    let failed = step(&[answer("one", Err("no answer")), waits("two", 5)]);
    assert_eq!(named(&failed), "one, two");
    assert_eq!(failed.failures, ["one: no answer"]);
    assert_eq!(failed.then, Then::Retry);
}

/// LC-21, LC-22: the shortest wait that is one counts.
#[test]
fn all_hooks_that_are_not_done_are_named_and_the_shortest_wait_counts() {
    assert_eq!(named(&step(&[done("one"), waits("two", 7)])), "two");
    let unsure = answer("one", Ok(HookOutcome::pending()));
    let hooks = [
        unsure.clone(),
        waits("two", 9),
        waits("three", 4),
        waits("four", 0),
    ];
    let several = step(&hooks);
    assert_eq!(named(&several), "one, two, three, four");
    assert_eq!(several.then, again(4));
    assert_eq!(step(&[unsure]).then, Then::Retry);
    assert_eq!(step(&[waits("one", 0)]).then, Then::Retry);
}

/// LC-23.
#[test]
fn a_node_is_registered_by_the_pass_in_which_its_last_hook_is_done() {
    let held = step(&[waits("one", 5)]);
    assert!(!is_registered(&held));
    assert!(is_registered(&step_of(&held.claim, &[done("one")], 35)));
}

/// LC-25.
#[test]
fn what_a_hook_finds_out_lands_on_the_claim_and_its_node() {
    let found = HookOutcome::done().label("example.com/rack", "r1");
    let step = step(&[answer("one", Ok(found))]);
    assert!(is_registered(&step));
    let node = step.node.expect("the node changes");
    for labels in [&step.claim.metadata.labels, &node.metadata.labels] {
        assert_eq!(labels["example.com/rack"], "r1");
    }
}

/// A hook that never is done does not keep a claim for ever.
#[test]
fn hooks_do_not_stop_the_registration_timeout() {
    use crate::measure::Removal;
    for hook in [waits("one", 5), answer("one", Err("no answer"))] {
        let late = step_of(&launched_claim("a"), &[hook], 16 * 60);
        assert_eq!(late.then, Then::Delete(Removal::RegistrationTimeout));
    }
    let soon = step_of(&launched_claim("a"), &[waits("one", 600)], 14 * 60);
    assert_eq!(soon.then, again(60));
}

#[test]
fn answers_are_good_until_it_is_time_to_ask_again() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let failed = answer("one", Err("no answer"));
    assert_eq!(ask_again_in(&[]), None);
    assert_eq!(ask_again_in(&[done("one")]), None);
    assert_eq!(
        ask_again_in(&[waits("one", 9), waits("two", 4)]),
        seconds(4)
    );
    assert_eq!(ask_again_in(&[failed, waits("two", 4)]), seconds(1));
}

#[test]
fn hooks_are_asked_of_launched_claims_whose_one_node_is_not_registered() {
    let nodes = [Arc::new(node("a")), Arc::new(node("b"))];
    let waiting = launched_claim("a");
    assert!(must_ask_hooks(&waiting, &nodes[..1]));
    assert!(!must_ask_hooks(&waiting, &[]));
    assert!(!must_ask_hooks(&waiting, &nodes));
    assert!(!must_ask_hooks(&claim("a"), &nodes[..1]));
    let registered = step(&[]).claim;
    assert!(!must_ask_hooks(&registered, &nodes[..1]));
}
