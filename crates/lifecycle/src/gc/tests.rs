use super::*;
use crate::claim::ClaimFacts;
use crate::testing::{at, claim, launched_claim, node};

fn registered(name: &str) -> NodeClaim {
    let nodes = [std::sync::Arc::new(node(name))];
    let step = crate::claim::decide(&launched_claim(name), &ClaimFacts::of_nodes(&nodes), at(30));
    step.claim
}

fn instance<'a>(id: &'a str, claim: &'a str, uid: &'a str) -> InstanceFacts<'a> {
    InstanceFacts {
        provider_id: id,
        claim_name: claim,
        claim_uid: uid,
        created: Some(at(0)),
        terminating: false,
    }
}

/// GC-01, GC-02, GC-03, GC-04.
#[test]
fn registered_claims_without_instance_go_unless_their_node_is_alive() {
    let claims = [
        registered("a"),
        registered("b"),
        registered("c"),
        launched_claim("d"),
    ];
    let ready = node("b");
    let mut not_ready = node("a");
    not_ready.status.conditions[0].status = "Unknown".to_owned();
    let instances = [instance("i-c", "c", "uid-c")];
    let lost = claims_without_instance(&claims, &instances, |id| match id {
        "i-a" => Some(&not_ready),
        "i-b" => Some(&ready),
        _ => None,
    });
    let names: Vec<&str> = lost
        .iter()
        .map(|claim| claim.metadata.name.as_str())
        .collect();
    assert_eq!(names, ["a"]);
}

/// An instance whose launch was not written down yet is not lost: its claim is found by uid.
#[test]
fn instances_without_claim_go_once_they_are_old_enough() {
    let claims = [launched_claim("a"), claim("b"), claim("c")];
    let mut young = instance("i-4", "gone", "uid-gone");
    young.created = Some(at(80));
    let mut going = instance("i-5", "gone", "uid-gone");
    going.terminating = true;
    let instances = [
        instance("i-a", "", ""),
        instance("i-1", "b", "uid-b"),
        instance("i-2", "c", ""),
        instance("i-3", "b", "uid-of-an-older-b"),
        young,
        going,
    ];
    let lost = instances_without_claim(&instances, &claims, at(100));
    let ids: Vec<&str> = lost.iter().map(|instance| instance.provider_id).collect();
    assert_eq!(ids, ["i-3"]);
    assert_eq!(
        instances_without_claim(&instances, &claims, at(110)).len(),
        2
    );
}

#[test]
fn nodes_of_ours_without_claim_and_instance_go() {
    let ours = |name: &str| {
        let mut node = node(name);
        node.metadata
            .labels
            .insert(keys::NODEPOOL.to_owned(), "p".to_owned());
        node.metadata.finalizers.push(keys::TERMINATION.to_owned());
        node
    };
    let nodes = [ours("a"), ours("b"), ours("c"), node("d")];
    let claims = BTreeSet::from(["i-a"]);
    let lost = nodes_without_claim(&nodes, &claims, &[instance("i-b", "", "")]);
    let names: Vec<&str> = lost
        .iter()
        .map(|node| node.metadata.name.as_str())
        .collect();
    assert_eq!(names, ["c"]);
}
