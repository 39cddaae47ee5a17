//! Devices: pods with claims have their claims, planned nodes can have enough devices for them, and
//! devices that come with a node are not looked for from another one.
//!
//! Counts only: which device fits which request is not judged here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::InstanceType;
use cluster::{ObjectKey, PodRecord, Snapshot};
use model::k8s::dra::{DeviceRequest, ExactDeviceRequest, ResourceClaimSpec};
use scheduling::Placement;

use super::violation::Violation;

/// Checks all pods that have a place.
pub(super) fn check(snapshot: &Snapshot, placement: &Placement, violations: &mut Vec<Violation>) {
    let mut node_of: BTreeMap<ObjectKey, String> = BTreeMap::new();
    let network = published_elsewhere(snapshot);
    let planned = placement.new_claims.iter();
    let planned =
        planned.map(|claim| (claim.name.clone(), &claim.pods, Some(&claim.instance_types)));
    let existing = placement.existing.iter();
    let existing = existing.map(|node| (node.node.to_string(), &node.pods, None));
    for (node, pods, types) in planned.chain(existing) {
        let mut wanted: BTreeMap<ObjectKey, usize> = BTreeMap::new();
        for pod in pods {
            match open_claims(snapshot, pod) {
                Ok(claims) => wanted.extend(claims),
                Err(claim) => violations.push(Violation::ClaimMissing {
                    pod: pod.key().to_string(),
                    claim: claim.to_string(),
                }),
            }
        }
        for claim in wanted.keys().filter(|_| network == Some(0)) {
            let first = node_of.entry(claim.clone()).or_insert_with(|| node.clone());
            if *first != node {
                violations.push(Violation::ClaimTwice {
                    claim: claim.to_string(),
                    first: first.clone(),
                    second: node.clone(),
                });
            }
        }
        let needed: usize = wanted.values().sum();
        for ty in types.into_iter().flat_map(|types| types.iter()) {
            let (Some(own), Some(network)) = (promised(ty), network) else {
                continue;
            };
            if needed > own + network {
                violations.push(Violation::Devices {
                    node: node.clone(),
                    instance_type: ty.name.to_string(),
                    needed,
                    there: own + network,
                });
            }
        }
    }
}

/// Devices that are no single node's; none if some of them can be shared.
fn published_elsewhere(snapshot: &Snapshot) -> Option<usize> {
    let slices = snapshot.devices.slices.values();
    let devices = slices
        .filter(|slice| slice.spec.node_name.is_none())
        .flat_map(|slice| &slice.spec.devices);
    count(devices)
}

/// Devices that nodes of a type will have; none if some of them can be shared.
fn promised(ty: &Arc<InstanceType>) -> Option<usize> {
    let resources = ty.dynamic_resources.iter();
    count(
        resources
            .flat_map(|r| &r.slices)
            .flat_map(|slice| &slice.devices),
    )
}

fn count<'d>(devices: impl Iterator<Item = &'d model::k8s::dra::Device>) -> Option<usize> {
    let mut count = 0;
    for device in devices {
        if device.allow_multiple_allocations == Some(true) {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// The claims of a pod that have no devices yet, with the fewest that each wants; the name of one
/// that does not exist.
fn open_claims(
    snapshot: &Snapshot,
    pod: &PodRecord,
) -> Result<BTreeMap<ObjectKey, usize>, ObjectKey> {
    let mut open = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for reference in &pod.shape.spec.resource_claims {
        let made = pod
            .own
            .as_ref()
            .and_then(|own| own.generated.get(&reference.name));
        if made == Some(&None) {
            continue;
        }
        let own_name = format!("{}-{}", pod.name, reference.name);
        let name = reference.resource_claim_name.as_ref();
        let name = name.or(made.and_then(Option::as_ref)).unwrap_or(&own_name);
        let key = ObjectKey::new(pod.namespace(), name);
        let template = reference.resource_claim_template_name.as_deref();
        let template = ObjectKey::new(pod.namespace(), template.unwrap_or_default());
        let spec = match snapshot.devices.claims.get(&key) {
            Some(claim) if claim.status.allocation.is_some() => continue,
            Some(claim) => &claim.spec,
            None => match snapshot.devices.templates.get(&template) {
                Some(template) => &template.spec.spec,
                None => return Err(key),
            },
        };
        if seen.insert(key.clone()) {
            open.insert(key, fewest(spec));
        }
    }
    Ok(open)
}

fn fewest(spec: &ResourceClaimSpec) -> usize {
    spec.devices.requests.iter().map(of_request).sum()
}

fn of_request(request: &DeviceRequest) -> usize {
    let alternatives = request.first_available.iter().map(|sub| &sub.request);
    let wanted = |exact: &ExactDeviceRequest| match exact.allocation_mode.as_str() {
        "All" => 1,
        _ => usize::try_from(exact.count.unwrap_or(1)).unwrap_or(0),
    };
    request
        .exactly
        .iter()
        .chain(alternatives)
        .map(wanted)
        .min()
        .unwrap_or(0)
}
