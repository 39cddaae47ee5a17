//! What is held of devices in the cluster before the pass begins.

use std::collections::{BTreeMap, BTreeSet};

use model::k8s::ResourceClaim;

use crate::charge::{Charges, Key};
use crate::inputs::Inputs;
use crate::pool::Devices;

/// Charges of all claims that hold devices, but for those that go away with their pods.
pub(crate) fn held(inputs: &Inputs, devices: &Devices) -> Charges {
    let mut numbers: BTreeMap<(&str, &str, &str), Vec<usize>> = BTreeMap::new();
    for (number, dev) in devices.published().iter().enumerate() {
        let name = (&*dev.id.driver, &*dev.id.pool, &*dev.id.device);
        numbers.entry(name).or_default().push(number);
    }
    let mut held = Charges::new();
    let mut used = BTreeSet::new();
    let claims = inputs.claims.values();
    for claim in claims.filter(|claim| !is_released(claim, &inputs.deleting_pods)) {
        let allocation = claim.status.allocation.iter();
        let results = allocation.flat_map(|allocation| &allocation.devices.results);
        for result in results.filter(|result| result.admin_access != Some(true)) {
            let name = (&*result.driver, &*result.pool, &*result.device);
            for number in numbers.get(&name).into_iter().flatten() {
                used.insert(*number);
                let capacity = &devices.list[*number].device.capacity;
                if result.consumed_capacity.is_empty() {
                    held.insert(Key::Whole(*number), 1);
                }
                for (at, name) in capacity.keys().enumerate() {
                    if let Some(share) = result.consumed_capacity.get(name) {
                        *held.entry(Key::Capacity(*number, at)).or_default() += share.nanos();
                    }
                }
            }
        }
    }
    for (key, amount) in used
        .iter()
        .flat_map(|number| &devices.list[*number].counters)
    {
        *held.entry(*key).or_default() += amount;
    }
    held
}

/// Whether a claim is reserved, and only by pods that are going away.
pub(crate) fn is_released(claim: &ResourceClaim, deleting: &BTreeSet<String>) -> bool {
    let consumers = &claim.status.reserved_for;
    let goes = |consumer: &model::k8s::dra::ClaimConsumer| {
        consumer.is_pod() && deleting.contains(&consumer.uid)
    };
    !consumers.is_empty() && consumers.iter().all(goes)
}
