//! Resource lists as manifests have them, and their arithmetic.
//!
//! What is *not* here: what a pod requests (`k8s`), and the dense integer vectors of the solver.

use std::collections::BTreeMap;

use crate::Quantity;

/// Amounts by resource name, as in `resources.requests` or `status.allocatable`.
pub type ResourceList = BTreeMap<String, Quantity>;

/// CPU cores.
pub const CPU: &str = "cpu";
/// Main memory in bytes.
pub const MEMORY: &str = "memory";
/// Local disk in bytes.
pub const EPHEMERAL_STORAGE: &str = "ephemeral-storage";
/// How many pods a node runs.
pub const PODS: &str = "pods";
/// How many nodes a pool has: a pseudo resource, in limits only.
pub const NODES: &str = "nodes";
/// The beginning of the names of huge page sizes, which are carved out of memory.
pub const HUGEPAGES_PREFIX: &str = "hugepages-";

/// One resource of which there is too little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The resource.
    pub resource: String,
    /// How much is asked for.
    pub requested: Quantity,
    /// How much there is; may be negative.
    pub available: Quantity,
}

impl Shortfall {
    /// How much is missing.
    pub fn by(&self) -> Quantity {
        self.requested - self.available
    }
}

/// The amount of a resource; zero where the list does not name it.
pub fn get(list: &ResourceList, resource: &str) -> Quantity {
    list.get(resource).copied().unwrap_or_default()
}

/// The sum, over the resources of both.
#[must_use]
pub fn add(left: &ResourceList, right: &ResourceList) -> ResourceList {
    let mut sum = left.clone();
    add_to(&mut sum, right);
    sum
}

/// Adds `amounts` to `total`, naming new resources where needed.
pub fn add_to(total: &mut ResourceList, amounts: &ResourceList) {
    for (resource, amount) in amounts {
        change(total, resource, *amount);
    }
}

/// `left` without `right`. Only the resources that `left` names remain; they may become negative.
#[must_use]
pub fn subtract(left: &ResourceList, right: &ResourceList) -> ResourceList {
    left.iter()
        .map(|(resource, amount)| (resource.clone(), *amount - get(right, resource)))
        .collect()
}

/// Takes `amounts` out of `total`, naming new (negative) resources where needed.
pub fn subtract_from(total: &mut ResourceList, amounts: &ResourceList) {
    for (resource, amount) in amounts {
        change(total, resource, -*amount);
    }
}

fn change(total: &mut ResourceList, resource: &str, by: Quantity) {
    match total.get_mut(resource) {
        Some(amount) => *amount += by,
        None => {
            total.insert(resource.to_owned(), by);
        }
    }
}

/// The larger amount of each resource that either names.
#[must_use]
pub fn max_each(left: &ResourceList, right: &ResourceList) -> ResourceList {
    let mut largest = left.clone();
    for (resource, amount) in right {
        largest
            .entry(resource.clone())
            .and_modify(|a| *a = (*a).max(*amount))
            .or_insert(*amount);
    }
    largest
}

/// The smaller amount of each resource that both name.
#[must_use]
pub fn min_each(left: &ResourceList, right: &ResourceList) -> ResourceList {
    left.iter()
        .filter_map(|(resource, amount)| {
            Some((resource.clone(), (*amount).min(*right.get(resource)?)))
        })
        .collect()
}

/// What of `requests` does not fit into `available`, resource by resource; empty if all does.
///
/// A resource that `available` does not name is zero. If any amount in `available` is negative then
/// nothing fits, not even nothing: such a resource is reported with what is asked of it.
pub fn shortfalls(requests: &ResourceList, available: &ResourceList) -> Vec<Shortfall> {
    let overdrawn = available
        .iter()
        .filter(|(resource, amount)| amount.is_negative() && !requests.contains_key(*resource))
        .map(|(resource, amount)| shortfall(resource, Quantity::ZERO, *amount));
    let short = requests.iter().filter_map(|(resource, requested)| {
        let amount = get(available, resource);
        (*requested > amount || amount.is_negative())
            .then(|| shortfall(resource, *requested, amount))
    });
    short.chain(overdrawn).collect()
}

fn shortfall(resource: &str, requested: Quantity, available: Quantity) -> Shortfall {
    Shortfall {
        resource: resource.to_owned(),
        requested,
        available,
    }
}

/// Whether [`shortfalls`] is empty, without building it.
pub fn fits(requests: &ResourceList, available: &ResourceList) -> bool {
    available.values().all(|amount| !amount.is_negative())
        && requests
            .iter()
            .all(|(resource, amount)| *amount <= get(available, resource))
}

#[cfg(test)]
mod tests;
