//! What a pool has, in its status.

use api::NodePool;
use model::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, NODES, PODS};
use model::{Quantity, ResourceList, resources};

/// Resources that are always named.
const ALWAYS: [&str; 5] = [CPU, MEMORY, PODS, EPHEMERAL_STORAGE, NODES];

/// The pool with what its nodes add up to; none if that stands there already. `used` is the sum of
/// the nodes that are not marked for deletion, with their number as `nodes`.
pub fn counted(pool: &NodePool, used: &ResourceList) -> Option<NodePool> {
    let mut sum: ResourceList = ALWAYS
        .iter()
        .map(|name| ((*name).to_owned(), Quantity::default()))
        .collect();
    for (name, amount) in used {
        sum.insert(name.clone(), *amount);
    }
    let nodes = resources::get(used, NODES).units_floor();
    if pool.status.resources == sum && pool.status.nodes == nodes {
        return None;
    }
    let mut changed = pool.clone();
    changed.status.resources = sum;
    changed.status.nodes = nodes;
    Some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pool;

    /// NP-01, NP-03.
    #[test]
    fn zeros_are_named_and_nothing_is_written_twice() {
        let zeros = counted(&pool("p"), &ResourceList::new()).expect("a change");
        assert_eq!(zeros.status.nodes, 0);
        assert_eq!(zeros.status.resources.len(), 5);
        assert!(
            zeros
                .status
                .resources
                .values()
                .all(|amount| amount.is_zero())
        );
        assert_eq!(counted(&zeros, &ResourceList::new()), None);
        let used: ResourceList = [("cpu", 8), ("nodes", 2), ("example.com/gpu", 1)]
            .map(|(name, units)| (name.to_owned(), Quantity::from_units(units)))
            .into();
        let two = counted(&zeros, &used).expect("a change");
        assert_eq!(two.status.nodes, 2);
        assert_eq!(two.status.resources["cpu"], Quantity::from_units(8));
        assert_eq!(
            two.status.resources["example.com/gpu"],
            Quantity::from_units(1)
        );
        assert!(two.status.resources["memory"].is_zero());
        let none = counted(&two, &ResourceList::new()).expect("a change");
        assert_eq!(none.status, zeros.status);
    }
}
