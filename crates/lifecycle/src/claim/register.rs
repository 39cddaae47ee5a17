//! Registration: the node has joined, and is made to match its claim.

use api::NodeClaim;
use model::OwnerReference;
use model::Timestamp;
use model::k8s::{Node, Resource, Taint};

use super::{ClaimFacts, ClaimStep, Health, hooks};
use crate::conditions::{Conditions, Status, status};
use crate::keys;
use crate::measure::{Belongs, Measure};
use crate::notice::{News, Notice, Subject};

/// Registers the claim's node if there is exactly one.
pub(super) fn register(step: &mut ClaimStep, facts: &ClaimFacts<'_>, now: Timestamp) {
    let known = status(&step.claim.status.conditions, "Registered") != Status::Unknown;
    let mut conditions = Conditions::of_claim(&mut step.claim, now);
    if known {
        conditions.refresh("Registered");
        return;
    }
    let node = match facts.nodes {
        [] => {
            let message = "Node not registered with cluster";
            conditions.set("Registered", Status::Unknown, "NodeNotFound", message);
            return;
        }
        [node] => node,
        _ => {
            let message = "Invariant violated, matched multiple nodes";
            conditions.set("Registered", Status::False, "MultipleNodesFound", message);
            return;
        }
    };
    let registered = node.metadata.labels.contains_key(keys::REGISTERED);
    if !registered && !has_taint(node, &keys::unregistered_taint()) {
        let about = Subject::of(&step.claim);
        step.notices.push(Notice {
            about,
            news: News::UnregisteredTaintMissing,
        });
    }
    let mut wanted = Node::clone(node);
    hooks::adopt(&mut step.claim, facts.hooks);
    sync(&step.claim, &mut wanted);
    if let Some(pending) = hooks::pending(facts.hooks) {
        let mut conditions = Conditions::of_claim(&mut step.claim, now);
        conditions.set(
            "Registered",
            Status::Unknown,
            "RegistrationHookPending",
            &pending.names.join(", "),
        );
        step.failures = pending.failures;
        step.then = pending.then;
        step.node = Some(wanted);
        return;
    }
    let unregistered = keys::unregistered_taint();
    wanted
        .spec
        .taints
        .retain(|taint| !taint.same_identity(&unregistered));
    wanted
        .metadata
        .labels
        .insert(keys::REGISTERED.to_owned(), "true".to_owned());
    step.claim
        .status
        .node_name
        .clone_from(&wanted.metadata.name);
    step.measures
        .push(Measure::NodeCreated(Belongs::of(&wanted.metadata.labels)));
    step.node = Some(wanted);
    step.health = Some(Health::Registered);
    Conditions::of_claim(&mut step.claim, now).set_true("Registered");
}

/// Makes a node match its claim. Taints come only with the first registration, so that a startup
/// taint that its owner has lifted stays lifted, even if we crashed before we could write down that
/// we had put it there.
fn sync(claim: &NodeClaim, node: &mut Node) {
    let meta = &mut node.metadata;
    if !meta.has_finalizer(keys::TERMINATION) {
        meta.finalizers.push(keys::TERMINATION.to_owned());
    }
    let owner = owner_reference(claim);
    let has_owner = meta.owner_references.iter().any(|held| {
        (&held.api_version, &held.kind, &held.uid) == (&owner.api_version, &owner.kind, &owner.uid)
    });
    if !has_owner {
        meta.owner_references.push(owner);
    }
    let synced_before = meta
        .labels
        .get(keys::REGISTERED)
        .is_some_and(|value| value == "true");
    let own_taints = meta
        .labels
        .get(keys::DO_NOT_SYNC_TAINTS)
        .is_some_and(|value| value == "true");
    if !synced_before && !own_taints {
        let wanted = claim.spec.taints.iter().chain(&claim.spec.startup_taints);
        for taint in wanted {
            if !node
                .spec
                .taints
                .iter()
                .any(|held| held.same_identity(taint))
            {
                node.spec.taints.push(taint.clone());
            }
        }
    }
    let meta = &mut node.metadata;
    meta.annotations.extend(claim.metadata.annotations.clone());
    meta.labels.extend(claim.metadata.labels.clone());
}

fn owner_reference(claim: &NodeClaim) -> OwnerReference {
    OwnerReference {
        api_version: NodeClaim::api_version(),
        kind: NodeClaim::KIND.to_owned(),
        name: claim.metadata.name.clone(),
        uid: claim.metadata.uid.clone(),
        controller: None,
        block_owner_deletion: Some(true),
    }
}

fn has_taint(node: &Node, taint: &Taint) -> bool {
    node.spec
        .taints
        .iter()
        .any(|held| held.same_identity(taint))
}
