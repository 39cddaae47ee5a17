//! The control loops, and the [`CloudProvider`] trait.
//!
//! [`run`] is the whole product after leadership: it watches the API server, keeps the cluster's state,
//! and runs every loop until it is told to stop. All of it lives in the one future that `run` returns;
//! nothing is spawned, so dropping that future is what a crash of the process is.
//!
//! What is *not* here: decisions (`scheduling`, `disruption`, `lifecycle`), and any cloud.

pub mod cloud;
mod world;

pub use cloud::{CloudError, CloudProvider, Instance, InstanceState, Launched, NodeClassKind};
pub use world::World;

use runtime::Shutdown;

/// Why the loops stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The provider serves no node class kind, so nothing could ever be ours.
    #[error("provider {0} serves no node class kind")]
    NoNodeClassKinds(&'static str),
}

/// Runs every loop until `shutdown` is triggered.
pub async fn run(world: World, shutdown: Shutdown) -> Result<(), Error> {
    if world.cloud.node_class_kinds().is_empty() {
        return Err(Error::NoNodeClassKinds(world.cloud.name()));
    }
    shutdown.wait().await;
    Ok(())
}
