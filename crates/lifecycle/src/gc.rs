//! What is left over when one of claim, instance and node is gone without the others.
//!
//! What is *not* here: the lists themselves, and making sure before anything is deleted that the
//! claim is really gone (the loop asks the API server).

use std::collections::BTreeSet;
use std::time::Duration;

use api::NodeClaim;
use model::Timestamp;
use model::k8s::Node;

use crate::{conditions, keys};

/// An instance younger than this may belong to a claim that we have not heard of yet.
pub const YOUNGEST: Duration = Duration::from_secs(30);

/// An instance, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct InstanceFacts<'a> {
    /// Its id.
    pub provider_id: &'a str,
    /// Name of the claim that it was started for; empty where not known.
    pub claim_name: &'a str,
    /// Uid of that claim; empty where not known.
    pub claim_uid: &'a str,
    /// When it was started.
    pub created: Option<Timestamp>,
    /// Whether its end has been asked for.
    pub terminating: bool,
}

/// Registered claims whose instance the cloud no longer lists and whose node is not alive. Claims
/// that are not registered are left to their time-outs.
///
/// `node_of` gives the node of a provider id.
pub fn claims_without_instance<'a, 'n>(
    claims: impl IntoIterator<Item = &'a NodeClaim>,
    instances: &[InstanceFacts<'_>],
    node_of: impl Fn(&str) -> Option<&'n Node>,
) -> Vec<&'a NodeClaim> {
    let alive: BTreeSet<&str> = instances
        .iter()
        .filter(|instance| !instance.terminating)
        .map(|instance| instance.provider_id)
        .collect();
    claims
        .into_iter()
        .filter(|claim| {
            let id = claim.status.provider_id.as_str();
            !claim.metadata.is_deleting()
                && conditions::is_true(&claim.status.conditions, "Registered")
                && !alive.contains(id)
                && !node_of(id).is_some_and(Node::is_ready)
        })
        .collect()
}

/// Instances that no claim stands for: neither by provider id nor, before a launch is written down,
/// by the name and uid that the instance carries.
pub fn instances_without_claim<'a, 'b>(
    instances: &'a [InstanceFacts<'b>],
    claims: impl IntoIterator<Item = &'a NodeClaim>,
    now: Timestamp,
) -> Vec<&'a InstanceFacts<'b>> {
    let mut ids = BTreeSet::new();
    let mut uids = BTreeSet::new();
    let mut names = BTreeSet::new();
    for claim in claims {
        ids.insert(claim.status.provider_id.as_str());
        uids.insert(claim.metadata.uid.as_str());
        names.insert(claim.metadata.name.as_str());
    }
    let has_claim = |instance: &InstanceFacts<'_>| {
        ids.contains(instance.provider_id)
            || if instance.claim_uid.is_empty() {
                names.contains(instance.claim_name)
            } else {
                uids.contains(instance.claim_uid)
            }
    };
    let is_old = |instance: &InstanceFacts<'_>| {
        instance
            .created
            .is_none_or(|created| now.since(created) >= YOUNGEST)
    };
    instances
        .iter()
        .filter(|instance| !instance.terminating && is_old(instance) && !has_claim(instance))
        .collect()
}

/// Registered nodes of ours for which there is neither a claim nor an instance.
pub fn nodes_without_claim<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    claims: &BTreeSet<&str>,
    instances: &[InstanceFacts<'_>],
) -> Vec<&'a Node> {
    let instances: BTreeSet<&str> = instances
        .iter()
        .map(|instance| instance.provider_id)
        .collect();
    nodes
        .into_iter()
        .filter(|node| {
            let id = node.spec.provider_id.as_str();
            node.metadata.labels.contains_key(keys::NODEPOOL)
                && node.metadata.has_finalizer(keys::TERMINATION)
                && !node.metadata.is_deleting()
                && !id.is_empty()
                && !claims.contains(id)
                && !instances.contains(id)
        })
        .collect()
}

#[cfg(test)]
mod tests;
