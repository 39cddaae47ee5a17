use model::k8s::{Taint, TaintEffect};
use serde_json::json;

use super::*;
use crate::conditions::{Status, find, status};
use crate::notice::News;
use crate::testing::{at, claim, launched_claim, node};

fn step(claim: &NodeClaim, nodes: &[Node], now: i64) -> ClaimStep {
    let nodes: Vec<Arc<Node>> = nodes.iter().cloned().map(Arc::new).collect();
    decide(claim, &ClaimFacts::of_nodes(&nodes), at(now))
}

fn state(claim: &NodeClaim, r#type: &str) -> (Status, String) {
    let conditions = &claim.status.conditions;
    let reason = find(conditions, r#type)
        .map(|held| held.reason.clone())
        .unwrap_or_default();
    (status(conditions, r#type), reason)
}

fn unknown(reason: &str) -> (Status, String) {
    (Status::Unknown, reason.to_owned())
}

fn started(name: &str) -> Launch {
    Launch::Started(Box::new(Started {
        provider_id: format!("i-{name}"),
        labels: [("zone", "z1"), ("karpenter.sh/nodepool", "wrong")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Started::default()
    }))
}

/// LC-01: finalizer first and alone, then the launch, then what came of it.
#[test]
fn a_new_claim_gets_its_finalizer_before_anything_is_launched() {
    let mut fresh = claim("a");
    fresh.metadata.finalizers.clear();
    let first = step(&fresh, &[], 0);
    assert_eq!(first.then, Then::Again(Duration::ZERO));
    assert!(first.claim.metadata.has_finalizer(keys::TERMINATION));
    assert_eq!(first.claim.metadata.labels["g/class"], "default", "HY-01");
    let second = step(&first.claim, &[], 1);
    assert_eq!(second.then, Then::Launch);
    assert_eq!(
        second.claim, first.claim,
        "nothing is written before the launch"
    );
    let third = launched(&second.claim, started("a"), at(2));
    assert_eq!(third.then, Then::Rest);
    assert_eq!(state(&third.claim, "Launched").0, Status::True);
    assert_eq!(third.claim.status.provider_id, "i-a");
    let labels = &third.claim.metadata.labels;
    assert_eq!(
        (&*labels["zone"], &*labels["karpenter.sh/nodepool"]),
        ("z1", "p")
    );
}

/// LC-03, LC-04: what can't be launched is given up.
#[test]
fn a_claim_without_capacity_or_class_is_deleted() {
    let none = launched(
        &claim("a"),
        Launch::NoCapacity {
            error: "x".repeat(400),
        },
        at(5),
    );
    assert_eq!(none.then, Then::Delete(Removal::InsufficientCapacity));
    assert_eq!(none.claim, claim("a"), "no condition changes");
    assert_eq!(none.notices[0].news.reason(), "InsufficientCapacityError");
    assert!(none.notices[0].news.to_string().ends_with("xxx..."));
    let class = launched(
        &claim("a"),
        Launch::ClassNotReady {
            error: "no".to_owned(),
        },
        at(5),
    );
    assert_eq!(class.then, Then::Delete(Removal::NodeClassNotReady));
}

/// LC-05, LC-06: other failures are shown and tried again.
#[test]
fn a_failed_launch_is_shown_and_tried_again() {
    let failed = |reason: Option<&str>, error: &str| {
        let answer = Launch::Failed {
            reason: reason.map(str::to_owned),
            error: error.to_owned(),
        };
        launched(&claim("a"), answer, at(5))
    };
    let named = failed(Some("NoSubnets"), "none found");
    assert_eq!(named.then, Then::Retry);
    assert_eq!(state(&named.claim, "Launched"), unknown("NoSubnets"));
    let long = failed(None, &"y".repeat(400));
    let launched = find(&long.claim.status.conditions, "Launched").expect("a condition");
    assert_eq!(
        (launched.reason.as_str(), launched.message.len()),
        ("LaunchFailed", 303)
    );
}

/// LC-08, LC-13, LC-14.
#[test]
fn a_node_that_joins_is_made_to_match_its_claim() {
    let mut wanted = launched_claim("a");
    wanted
        .metadata
        .labels
        .insert("team".to_owned(), "x".to_owned());
    wanted.spec.taints = vec![Taint::new("gpu", "yes", TaintEffect::NoSchedule)];
    wanted.spec.startup_taints = vec![Taint::new("boot", "", TaintEffect::NoExecute)];
    let mut joined = node("a");
    joined
        .metadata
        .labels
        .insert("team".to_owned(), "other".to_owned());
    joined.status.conditions.clear();
    let step = step(&wanted, &[joined], 30);
    assert_eq!(state(&step.claim, "Registered").0, Status::True);
    assert_eq!(step.claim.status.node_name, "a");
    assert_eq!(step.health, Some(Health::Registered));
    let node = step.node.expect("the node changes");
    assert_eq!(node.metadata.labels["team"], "x");
    assert_eq!(node.metadata.labels[keys::REGISTERED], "true");
    assert!(node.metadata.has_finalizer(keys::TERMINATION));
    assert_eq!(node.metadata.owner_references[0].uid, "uid-a");
    let taints: Vec<String> = node.spec.taints.iter().map(ToString::to_string).collect();
    assert_eq!(taints, ["gpu=yes:NoSchedule", "boot:NoExecute"]);
}

/// LC-09, LC-10.
#[test]
fn no_node_is_waited_for_and_two_are_wrong_for_good() {
    let none = step(&launched_claim("a"), &[], 30);
    assert_eq!(state(&none.claim, "Registered"), unknown("NodeNotFound"));
    assert_eq!(none.then, Then::Again(Duration::from_secs(15 * 60 - 30)));
    assert_eq!(
        step(&none.claim, &[], 40).claim,
        none.claim,
        "nothing is written twice"
    );
    let mut other = node("b");
    other.spec.provider_id = "i-a".to_owned();
    let two = step(&launched_claim("a"), &[node("a"), other], 30);
    let failed = (Status::False, "MultipleNodesFound".to_owned());
    assert_eq!(state(&two.claim, "Registered"), failed);
    assert_eq!(
        state(&step(&two.claim, &[node("a")], 40).claim, "Registered"),
        failed
    );
}

/// LC-11: the owner reference is not doubled. LC-17: a lifted startup taint is not put back, even
/// if the claim's own status was never written.
#[test]
fn a_second_registration_changes_nothing() {
    let mut wanted = launched_claim("a");
    wanted.spec.startup_taints = vec![Taint::new("boot", "", TaintEffect::NoExecute)];
    let first = step(&wanted, &[node("a")], 30)
        .node
        .expect("the node changes");
    let mut lifted = first.clone();
    lifted.spec.taints.clear();
    let again = step(&wanted, &[lifted.clone()], 31);
    let node = again.node.expect("a node");
    assert_eq!(node.spec.taints, []);
    assert_eq!(
        node.metadata.owner_references,
        first.metadata.owner_references
    );
    assert!(again.notices.is_empty(), "{:?}", again.notices);
}

/// LC-12.
#[test]
fn a_node_without_the_unregistered_taint_registers_with_a_warning() {
    let mut bare = node("a");
    bare.spec.taints.clear();
    let step = step(&launched_claim("a"), &[bare], 30);
    assert_eq!(state(&step.claim, "Registered").0, Status::True);
    assert_eq!(step.notices[0].news, News::UnregisteredTaintMissing);
}

/// LC-15, LC-16.
#[test]
fn a_node_may_keep_its_taints_to_itself() {
    for (value, expected) in [("true", 0), ("yes", 1)] {
        let mut wanted = launched_claim("a");
        wanted.spec.taints = vec![Taint::new("gpu", "", TaintEffect::NoSchedule)];
        let mut own = node("a");
        let labels = &mut own.metadata.labels;
        labels.insert(keys::DO_NOT_SYNC_TAINTS.to_owned(), value.to_owned());
        let step = step(&wanted, &[own], 30);
        assert_eq!(
            step.node.expect("a node").spec.taints.len(),
            expected,
            "{value}"
        );
    }
}

/// LC-29, LC-30, LC-41.
#[test]
fn a_complete_node_is_initialized_and_the_claim_ready() {
    let done = step(&launched_claim("a"), &[node("a")], 30);
    assert_eq!(state(&done.claim, "Initialized").0, Status::True);
    assert_eq!(state(&done.claim, "Ready").0, Status::True);
    let node = done.node.clone().expect("the node changes");
    assert_eq!(node.metadata.labels[keys::INITIALIZED], "true");
    let again = step(&done.claim, std::slice::from_ref(&node), 60);
    assert_eq!(
        (again.claim, again.node),
        (done.claim.clone(), None),
        "nothing is written twice"
    );
    let mut newer = done.claim;
    newer.metadata.generation = 2;
    let refreshed = step(&newer, &[node], 90).claim;
    assert_eq!(state(&refreshed, "Ready").0, Status::True);
    assert!(
        refreshed
            .status
            .conditions
            .iter()
            .all(|held| held.observed_generation == 2)
    );
    assert_eq!(
        state(&step(&launched_claim("a"), &[], 30).claim, "Initialized").0,
        Status::Unknown
    );
}

/// LC-31, LC-32, LC-33, LC-34, LC-35.
#[test]
fn what_a_node_lacks_is_named_and_waited_for() {
    let taint = |key: &str| Taint::new(key, "v", TaintEffect::NoSchedule);
    let mut claim = launched_claim("a");
    claim.spec.startup_taints = vec![Taint::new("boot", "", TaintEffect::NoSchedule)];
    claim.spec.resources.requests =
        serde_json::from_value(json!({"cpu": "1", "example.com/gpu": "1"})).expect("amounts");
    let mut young = node("a");
    young.status.conditions[0].status = "False".to_owned();
    let registered = step(&claim, &[young.clone()], 30);
    assert_eq!(
        state(&registered.claim, "Initialized"),
        unknown("NodeNotReady")
    );
    let check = |node: &Node, expected: &str| {
        let step = step(&registered.claim, std::slice::from_ref(node), 40);
        assert_eq!(state(&step.claim, "Initialized").1, expected);
    };
    let mut node = registered.node.clone().expect("the node changes");
    node.status.conditions[0].status = "True".to_owned();
    node.spec.taints = vec![taint("boot"), taint("node.kubernetes.io/not-ready")];
    check(&node, "StartupTaintsExist");
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "readiness.k8s.io/x",
    ] {
        node.spec.taints = vec![taint(key)];
        check(&node, "KnownEphemeralTaintsExist");
    }
    node.spec.taints.clear();
    check(&node, "ResourceNotRegistered");
    let amounts = json!({"cpu": "4", "example.com/gpu": "0"});
    node.status.allocatable = serde_json::from_value(amounts).expect("amounts");
    check(&node, "ResourceNotRegistered");
    let amounts = json!({"cpu": "4", "example.com/gpu": "1"});
    node.status.allocatable = serde_json::from_value(amounts).expect("amounts");
    check(&node, "Initialized");
}

/// A startup taint that Kubernetes itself sets and lifts must not hang.
#[test]
fn a_startup_taint_that_kubernetes_lifts_is_waited_for_and_not_put_back() {
    let mut claim = launched_claim("a");
    let taint = Taint::new("node.kubernetes.io/not-ready", "", TaintEffect::NoSchedule);
    claim.spec.startup_taints = vec![taint];
    let mut young = node("a");
    young.status.conditions[0].status = "False".to_owned();
    let registered = step(&claim, &[young], 30);
    let mut node = registered.node.expect("the node changes");
    assert_eq!(node.spec.taints.len(), 1);
    node.status.conditions[0].status = "True".to_owned();
    let waiting = step(&registered.claim, &[node.clone()], 40);
    assert_eq!(state(&waiting.claim, "Initialized").0, Status::Unknown);
    node.spec.taints.clear();
    let done = step(&waiting.claim, &[node], 50);
    assert_eq!(state(&done.claim, "Initialized").0, Status::True);
    assert_eq!(done.node.expect("labelled").spec.taints, []);
}

/// LV-01, LV-02, LV-03, LV-04, LV-05, LV-06.
#[test]
fn claims_that_take_too_long_are_given_up() {
    let minutes = |n: i64| n * 60;
    let lost = step(&launched_claim("a"), &[], minutes(16));
    assert_eq!(lost.then, Then::Delete(Removal::RegistrationTimeout));
    assert_eq!(lost.health, Some(Health::Failed));
    let joined = step(&launched_claim("a"), &[node("a")], 30);
    let kept = step(&joined.claim, &[joined.node.expect("a node")], minutes(20));
    assert_eq!(kept.then, Then::Rest);
    assert_eq!(step(&claim("a"), &[], minutes(4)).then, Then::Launch);
    let slow = step(&claim("a"), &[], minutes(6));
    assert_eq!(slow.then, Then::Delete(Removal::LaunchTimeout));
    let facts = ClaimFacts {
        launch_timeout: Duration::from_secs(45),
        ..ClaimFacts::of_nodes(&[])
    };
    let soon = decide(&claim("a"), &facts, at(60));
    assert_eq!(soon.then, Then::Delete(Removal::LaunchTimeout));
    let mut recent = launched_claim("a");
    recent.metadata.creation_timestamp = Some(at(-minutes(60)));
    assert_eq!(
        step(&recent, &[], minutes(1)).then,
        Then::Again(Duration::from_mins(14))
    );
}

/// LC-36, LC-37, LC-38, LC-39, LC-40.
#[test]
fn a_node_is_complete_once_all_drivers_have_published_a_whole_pool() {
    let mut claim = launched_claim("a");
    let drivers = |claim: &mut NodeClaim, value: &str| {
        let key = api::labels::REQUESTED_DRA_DRIVERS.to_owned();
        claim.metadata.annotations.insert(key, value.to_owned());
    };
    drivers(&mut claim, "one, two");
    let registered = step(&claim, &[node("a")], 30);
    let node = registered.node.clone().expect("the node changes");
    let slice = |driver: &str, generation: i64, count: i64, owned: bool| {
        let mut slice = json!({"spec": {"driver": driver, "pool":
            {"name": "p", "generation": generation, "resourceSliceCount": count}}});
        if owned {
            slice["metadata"] = json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Node",
                "name": node.metadata.name}]});
        } else {
            slice["spec"]["nodeName"] = json!(node.metadata.name);
        }
        Arc::new(serde_json::from_value::<ResourceSlice>(slice).expect("a slice"))
    };
    let mut other = ResourceSlice::clone(&slice("one", 1, 1, false));
    other.spec.node_name = Some("other".to_owned());
    let waits = |slices: &[Arc<ResourceSlice>], named: &str| {
        let mut claim = registered.claim.clone();
        // Registration and initialization may come in one step.
        claim
            .status
            .conditions
            .retain(|held| held.r#type != "Initialized");
        drivers(&mut claim, named);
        let nodes = [Arc::new(node.clone())];
        let facts = ClaimFacts {
            slices: Some(slices),
            ..ClaimFacts::of_nodes(&nodes)
        };
        let step = decide(&claim, &facts, at(40));
        match state(&step.claim, "Initialized") {
            (Status::True, _) => false,
            (_, reason) => {
                assert_eq!(reason, "DRADriverPoolsNotPublished");
                true
            }
        }
    };
    let one = || slice("one", 1, 1, false);
    let two = || slice("two", 1, 2, true);
    assert!(waits(&[], "one"));
    assert!(waits(&[Arc::new(other)], "one"), "another node's");
    assert!(!waits(&[one()], "one"));
    assert!(waits(&[two()], "two"), "one of two slices");
    assert!(!waits(&[two(), two()], "two"));
    let newer = [
        slice("one", 1, 2, false),
        slice("one", 1, 2, false),
        slice("one", 2, 2, false),
    ];
    assert!(waits(&newer, "one"), "the newest generation is not whole");
    assert!(waits(&[one()], "one, two"));
    assert!(!waits(&[one(), two(), two()], "one, two"));
    assert!(!waits(&[], " ,"), "nothing is named");
    assert_eq!(
        state(&registered.claim, "Initialized").0,
        Status::True,
        "devices are ignored"
    );
}

/// HY-01: the label of the node class is put back wherever it is missing or wrong.
#[test]
fn claims_and_nodes_name_their_node_class() {
    let joined = step(&launched_claim("a"), &[node("a")], 30);
    let complete = joined.node.clone().expect("the node changes");
    let name = |labels: &std::collections::BTreeMap<String, String>| labels.get("g/class").cloned();
    assert_eq!(
        name(&joined.claim.metadata.labels).as_deref(),
        Some("default")
    );
    assert_eq!(name(&complete.metadata.labels).as_deref(), Some("default"));
    let same = step(&joined.claim, std::slice::from_ref(&complete), 40);
    assert_eq!((same.claim, same.node), (joined.claim.clone(), None));
    let mut bare = complete;
    bare.metadata.labels.remove("g/class");
    let mut other = joined.claim;
    let key = "g/class".to_owned();
    other.metadata.labels.insert(key, "other".to_owned());
    let mended = step(&other, &[bare], 50);
    assert_eq!(
        name(&mended.claim.metadata.labels).as_deref(),
        Some("default")
    );
    let node = mended.node.expect("the node changes");
    assert_eq!(name(&node.metadata.labels).as_deref(), Some("default"));
}
