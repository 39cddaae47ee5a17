//! Drivers of devices that a claim waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::labels::REQUESTED_DRA_DRIVERS;
use model::k8s::ResourceSlice;

/// The first of the drivers that an annotation names of which the node has no complete pool.
pub(super) fn missing(
    annotations: &BTreeMap<String, String>,
    node: &str,
    slices: &[Arc<ResourceSlice>],
) -> Option<String> {
    let named = annotations.get(REQUESTED_DRA_DRIVERS)?.split(',');
    let named = named.map(str::trim).filter(|driver| !driver.is_empty());
    let complete = complete(node, slices);
    named
        .filter(|driver| !complete.contains(driver))
        .map(ToOwned::to_owned)
        .next()
}

/// Drivers of which all slices of some pool of the node are there.
fn complete<'s>(node: &str, slices: &'s [Arc<ResourceSlice>]) -> BTreeSet<&'s str> {
    // Of each pool only the newest generation counts: how many slices it has, and should have.
    let mut pools: BTreeMap<(&str, &str), (i64, i64, i64)> = BTreeMap::new();
    for slice in slices.iter().filter(|slice| slice.node() == Some(node)) {
        let pool = &slice.spec.pool;
        let entry =
            pools
                .entry((&slice.spec.driver, &pool.name))
                .or_insert((pool.generation, 0, 0));
        if pool.generation > entry.0 {
            *entry = (pool.generation, 0, 0);
        }
        if pool.generation == entry.0 {
            entry.1 += 1;
            entry.2 = pool.resource_slice_count;
        }
    }
    let is_complete =
        |(_, (_, there, wanted)): &(_, (i64, i64, i64))| *wanted > 0 && there == wanted;
    pools
        .into_iter()
        .filter(is_complete)
        .map(|((driver, _), _)| driver)
        .collect()
}
