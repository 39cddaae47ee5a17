//! What devices have to do with a claim.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::labels;

use crate::index::devices::WithDevices;

type Annotations = Arc<BTreeMap<String, String>>;

/// The annotations of a claim, with the drivers that must have published their devices before the
/// node can be used.
pub(super) fn marked(annotations: Annotations, node: Option<&WithDevices>) -> Annotations {
    let Some(node) = node.filter(|node| !node.drivers.is_empty()) else {
        return annotations;
    };
    let drivers: Vec<&str> = node.drivers.iter().map(|driver| &**driver).collect();
    let mut all = BTreeMap::clone(&annotations);
    all.insert(labels::REQUESTED_DRA_DRIVERS.to_owned(), drivers.join(","));
    Arc::new(all)
}
