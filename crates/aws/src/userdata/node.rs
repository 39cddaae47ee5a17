//! Labels and taints that a node registers with.

use std::collections::BTreeMap;

use api::{NodeClaim, labels};
use catalog::ec2::AmiFamily;
use model::k8s::Taint;
use requirements::Requirements;

/// Domains whose labels kubelets may not give their own nodes.
const NOT_FOR_KUBELETS: [&str; 3] = ["kubernetes.io", "k8s.io", "node-restriction.kubernetes.io"];

/// The labels of a claim's node that go through user data: those of the claim, those that its
/// requirements leave one value for, and the capacity type. Not those that the kubelet may not set;
/// Karpenter adds them when the node has registered.
pub fn labels(
    claim: &NodeClaim,
    capacity_type: &str,
    family: AmiFamily,
) -> BTreeMap<String, String> {
    let mut all = Requirements::from_items(&claim.spec.requirements).single_values();
    all.extend(claim.metadata.labels.clone());
    all.insert(labels::CAPACITY_TYPE.to_owned(), capacity_type.to_owned());
    if family != AmiFamily::Custom {
        // The node has its taints already when it registers.
        all.insert(labels::DO_NOT_SYNC_TAINTS.to_owned(), "true".to_owned());
    }
    all.retain(|key, _| kubelet_may_set(key));
    all
}

fn kubelet_may_set(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    !NOT_FOR_KUBELETS.iter().any(|forbidden| {
        domain
            .strip_suffix(forbidden)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// The taints of a claim's node: those for good, those that somebody lifts, and the one that
/// Karpenter lifts when the node has registered.
pub fn taints(claim: &NodeClaim) -> Vec<Taint> {
    let given = claim.spec.taints.iter().chain(&claim.spec.startup_taints);
    let mut taints: Vec<Taint> = given
        .map(|taint| Taint::new(taint.key.clone(), taint.value(), taint.effect))
        .collect();
    let unregistered = labels::unregistered_taint();
    if !taints
        .iter()
        .any(|taint| taint.same_identity(&unregistered))
    {
        taints.push(unregistered);
    }
    taints
}
