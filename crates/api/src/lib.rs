//! The Kubernetes kinds that Karpenter defines: types, schema, defaults, conditions, hashes,
//! labels.
//!
//! What is *not* here: the label algebra (`requirements`), decisions, and any access to a server.
//! Nothing here depends on a Kubernetes client: the types are plain values that serde reads and
//! writes, and the custom resource definitions are made from tables beside them.

pub mod capacity_buffer;
pub mod condition;
pub mod crd;
pub mod ec2nodeclass;
mod hash;
pub mod kwok_node_class;
pub mod labels;
mod names;
pub mod nillable;
pub mod nodeclaim;
pub mod nodeoverlay;
pub mod nodepool;
mod schema;
pub mod shared;
pub mod validate;

pub use capacity_buffer::CapacityBuffer;
pub use condition::Condition;
pub use ec2nodeclass::Ec2NodeClass;
pub use hash::text as fnv1;
pub use kwok_node_class::KwokNodeClass;
pub use nillable::NillableDuration;
pub use nodeclaim::{NodeClaim, NodeClaimSpec, NodeClaimStatus};
pub use nodeoverlay::NodeOverlay;
pub use nodepool::{
    Budget, ConsolidationPolicy, Disruption, DisruptionReason, NodePool, NodePoolSpec,
    NodePoolStatus,
};
pub use shared::{NodeClassRef, NodeRequirement, ProviderDefaults};
