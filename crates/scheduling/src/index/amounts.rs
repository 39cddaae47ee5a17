//! Which resources count in a pass, and amounts as vectors over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::InstanceType;
use cluster::{Dimensions, ResourceId, ResourceVec};

/// The resources that some pod of the batch asks for; cpu and memory first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    ids: Vec<ResourceId>,
    /// Drivers that attach volumes; each is one dimension more.
    drivers: Vec<Arc<str>>,
}

/// Room for volumes where there is no limit. Small enough not to overflow when it is summed up.
pub(crate) const UNLIMITED: i64 = i64::MAX / 1024;

impl Amounts {
    /// The resources that occur in these requests with an amount, and these drivers.
    pub(crate) fn of<'a>(
        requests: impl Iterator<Item = &'a ResourceVec>,
        drivers: impl Iterator<Item = &'a Arc<str>>,
    ) -> Self {
        let mut ids = vec![ResourceId::CPU, ResourceId::MEMORY, ResourceId::PODS];
        for request in requests {
            for (id, amount) in request.iter() {
                if amount > 0 && !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        ids.sort_unstable();
        let mut drivers: Vec<Arc<str>> = drivers.cloned().collect();
        drivers.sort_unstable();
        drivers.dedup();
        Self { ids, drivers }
    }

    /// How many resources there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len() + self.drivers.len()
    }

    /// The resources that are counted, in order of their dimensions.
    pub(crate) fn ids(&self) -> &[ResourceId] {
        &self.ids
    }

    /// The resource of a dimension; none if it is for volumes of a driver.
    pub(crate) fn id(&self, dim: usize) -> Option<ResourceId> {
        self.ids.get(dim).copied()
    }

    /// The driver of a dimension.
    pub(crate) fn driver(&self, dim: usize) -> Option<&Arc<str>> {
        self.drivers.get(dim.checked_sub(self.ids.len())?)
    }

    /// The drivers, in order of their dimensions.
    pub(crate) fn drivers(&self) -> &[Arc<str>] {
        &self.drivers
    }

    /// Amounts by dimension; of volumes nothing.
    pub(crate) fn vector(&self, amounts: &ResourceVec) -> Vec<i64> {
        let volumes = self.drivers.iter().map(|_| 0);
        self.ids
            .iter()
            .map(|id| amounts.get(*id))
            .chain(volumes)
            .collect()
    }

    /// The dimension of a driver's volumes.
    pub(crate) fn driver_dim(&self, driver: &Arc<str>) -> Option<usize> {
        let at = self.drivers.binary_search(driver).ok()?;
        Some(self.ids.len() + at)
    }

    /// What pods request by dimension, with the volumes that each has to itself.
    pub(crate) fn request(
        &self,
        amounts: &ResourceVec,
        own: &BTreeMap<Arc<str>, usize>,
    ) -> Vec<i64> {
        let mut request = self.vector(amounts);
        for (driver, count) in own {
            if let Some(dim) = self.driver_dim(driver) {
                request[dim] = i64::try_from(*count).unwrap_or(UNLIMITED);
            }
        }
        request
    }

    /// What pods can have of a type by dimension, rounded down. What a planned node will attach is
    /// not known.
    pub(crate) fn offered(&self, dimensions: &Dimensions, ty: &InstanceType) -> Vec<i64> {
        let of = |id: &ResourceId| {
            let amount = ty
                .allocatable_amount(dimensions.name(*id))
                .unwrap_or_default();
            cluster::resources::offered(*id, amount)
        };
        self.ids
            .iter()
            .map(of)
            .chain(self.drivers.iter().map(|_| UNLIMITED))
            .collect()
    }
}
