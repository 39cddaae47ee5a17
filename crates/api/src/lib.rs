//! The Kubernetes kinds that Karpenter defines: types, schema, defaults, conditions, hashes, labels.
//!
//! What is *not* here: the label algebra (`requirements`), decisions, and any access to a server.
//! Nothing here depends on a Kubernetes client: the types are plain values that serde reads and
//! writes, and the custom resource definitions are made from tables beside them.

pub mod condition;
pub mod labels;
pub mod nillable;
pub mod nodeclaim;
pub mod nodepool;
pub mod shared;

pub use condition::Condition;
pub use nillable::NillableDuration;
pub use nodeclaim::{NodeClaim, NodeClaimSpec, NodeClaimStatus};
pub use nodepool::{NodePool, NodePoolSpec, NodePoolStatus};
pub use shared::{NodeClassRef, NodeRequirement, ProviderDefaults};
