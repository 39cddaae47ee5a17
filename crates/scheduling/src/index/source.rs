//! What decides what pods ask for, so that it is looked at once for all that ask for the same.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use cluster::PodShape;
use requirements::Requirements;
use rustc_hash::FxHasher;

/// Where what pods ask for is written: nothing else decides it.
pub(super) struct Source {
    /// Number of what selections see of the pods.
    pub(super) identity: usize,
    /// A shape of theirs.
    pub(super) shape: Arc<PodShape>,
    /// Places that their volumes can be reached from.
    pub(super) places: Vec<Requirements>,
}

impl Source {
    /// A number that is the same for sources that are the same.
    pub(super) fn hash(identity: usize, shape: &PodShape, places: &[Requirements]) -> u64 {
        let mut hasher = FxHasher::default();
        identity.hash(&mut hasher);
        let spec = &shape.spec;
        spec.node_selector.hash(&mut hasher);
        spec.affinity.hash(&mut hasher);
        spec.tolerations.hash(&mut hasher);
        spec.topology_spread_constraints.hash(&mut hasher);
        shape.host_ports.hash(&mut hasher);
        places.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether pods of a shape ask for the same.
    pub(super) fn is(&self, identity: usize, shape: &PodShape, places: &[Requirements]) -> bool {
        let (own, other) = (&self.shape.spec, &shape.spec);
        self.identity == identity
            && own.node_selector == other.node_selector
            && own.affinity == other.affinity
            && own.tolerations == other.tolerations
            && own.topology_spread_constraints == other.topology_spread_constraints
            && self.shape.host_ports == shape.host_ports
            && self.shape.is_virtual() == shape.is_virtual()
            && self.places == places
    }
}
