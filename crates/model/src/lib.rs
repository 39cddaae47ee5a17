//! Values that everything shares: exact quantities, time, slim Kubernetes objects.
//!
//! What is *not* here: decisions, label algebra (`requirements`), the kinds that Karpenter itself
//! defines (`api`), and anything that reads a clock, a file or a socket.

pub mod duration;
pub mod k8s;
pub mod quantity;
pub mod resources;
pub mod time;

pub use k8s::meta::{ObjectMeta, OwnerReference};
pub use quantity::{ParseQuantityError, Quantity};
pub use resources::ResourceList;
pub use time::{ParseTimestampError, Timestamp};
