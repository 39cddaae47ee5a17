//! Which share of a device's capacity a request takes.

use model::Quantity;
use model::k8s::dra::{CapacityRange, DeviceCapacity};

/// The share that is taken for a request, rounded as the device's policy says; none if the policy
/// does not admit it.
pub(crate) fn share(capacity: &DeviceCapacity, request: Option<Quantity>) -> Option<Quantity> {
    let policy = capacity.request_policy.as_ref();
    let default = policy.and_then(|policy| policy.default);
    let Some(request) = request else {
        return Some(default.unwrap_or(capacity.value));
    };
    let Some(policy) = policy.filter(|_| default != Some(request)) else {
        return Some(request);
    };
    if let Some(range) = &policy.valid_range {
        return in_range(range, request);
    }
    if policy.valid_values.is_empty() {
        return Some(request);
    }
    let values = policy.valid_values.iter().copied();
    values.filter(|value| *value >= request).min()
}

/// At least the least, then rounded up to the least and some steps.
fn in_range(range: &CapacityRange, request: Quantity) -> Option<Quantity> {
    let least = range.min.unwrap_or(Quantity::ZERO);
    let mut share = request.max(least);
    if let Some(step) = range.step.filter(|step| *step > Quantity::ZERO) {
        let above = (share - least).nanos();
        let rest = above.rem_euclid(step.nanos());
        if rest > 0 {
            share = share + step - Quantity::from_nanos(rest);
        }
    }
    range.max.is_none_or(|most| share <= most).then_some(share)
}
