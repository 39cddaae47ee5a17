//! Which resources count in a pass, and amounts as vectors over them.

use cluster::{Dimensions, ResourceId, ResourceVec};
use model::{Quantity, ResourceList};

/// The resources that some pod of the batch asks for; cpu and memory first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Amounts {
    ids: Vec<ResourceId>,
}

impl Amounts {
    /// The resources that occur in these requests with an amount.
    pub(crate) fn of<'a>(requests: impl Iterator<Item = &'a ResourceVec>) -> Self {
        let mut ids = vec![ResourceId::CPU, ResourceId::MEMORY, ResourceId::PODS];
        for request in requests {
            for (id, amount) in request.iter() {
                if amount > 0 && !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        ids.sort_unstable();
        Self { ids }
    }

    /// How many resources there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The resource of a dimension.
    pub(crate) fn id(&self, dim: usize) -> ResourceId {
        self.ids[dim]
    }

    /// Amounts by dimension.
    pub(crate) fn vector(&self, amounts: &ResourceVec) -> Vec<i64> {
        self.ids.iter().map(|id| amounts.get(*id)).collect()
    }

    /// What there is by dimension, rounded down.
    pub(crate) fn offered(&self, dimensions: &Dimensions, list: &ResourceList) -> Vec<i64> {
        self.ids
            .iter()
            .map(|id| offered(dimensions, *id, list))
            .collect()
    }
}

/// How much of a resource there is, rounded down.
pub(crate) fn offered(dimensions: &Dimensions, id: ResourceId, list: &ResourceList) -> i64 {
    let amount: Quantity = list.get(dimensions.name(id)).copied().unwrap_or_default();
    cluster::resources::offered(id, amount)
}
