//! What drivers have published, and claims for it.

use std::sync::Arc;

use model::k8s::{DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice};

use super::Cluster;
use crate::event::{Change, Touched};
use crate::snapshot::DeviceObjects;
use crate::store::Store;

/// All objects of dynamic resource allocation.
#[derive(Debug, Default)]
pub(super) struct Devices {
    pub(super) slices: Store<ResourceSlice>,
    pub(super) claims: Store<ResourceClaim>,
    pub(super) templates: Store<ResourceClaimTemplate>,
    pub(super) classes: Store<DeviceClass>,
}

impl Devices {
    pub(super) fn view(&self) -> DeviceObjects {
        DeviceObjects {
            slices: self.slices.objects().clone(),
            claims: self.claims.objects().clone(),
            templates: self.templates.objects().clone(),
            classes: self.classes.objects().clone(),
        }
    }
}

impl Cluster {
    /// What has been published of a node's own devices.
    pub fn slices_of(&self, node: &str) -> Vec<Arc<ResourceSlice>> {
        let slices = self.devices.slices.objects().values();
        slices
            .filter(|slice| slice.node() == Some(node))
            .cloned()
            .collect()
    }

    /// Claims of nodes whose devices are published may be complete with that.
    pub(super) fn slices_changed(&mut self, change: Change<ResourceSlice>, touched: &mut Touched) {
        for diff in self.devices.slices.apply(change) {
            touched.other = true;
            let slice = diff.new.or(diff.old);
            let node = slice.as_ref().and_then(|slice| self.node(slice.node()?));
            if let Some(claim) = node.and_then(|node| node.claim.as_ref()) {
                touched.claims.insert(claim.metadata.name.as_str().into());
            }
        }
    }
}
