//! The control loops, and the [`CloudProvider`] trait.
//!
//! [`run`] is the whole product after leadership: it watches the API server, keeps the cluster's
//! state, and runs every loop until it is told to stop. All of it lives in the one future that
//! `run` returns; nothing is spawned that acts, so dropping that future is what a crash of the
//! process is. What takes long to compute has a thread of its own, except in a simulation.
//!
//! Each loop observes, asks pure code to decide, and acts: `lifecycle` for claims, nodes and pools,
//! `scheduling` for pods, `disruption` for nodes that may go. Writes carry the version of the
//! object that they were decided from, what is written is only what differs, and every step may be
//! repeated.
//!
//! What is *not* here: decisions, and any cloud.

#[cfg(test)]
extern crate self as controllers;

mod calls;
mod capacitybuffer;
pub mod cloud;
mod costs;
mod disruption;
mod gated;
mod latency;
mod metrics;
mod node;
mod nodeclaim;
mod nodeoverlay;
mod nodepool;
mod pods;
mod provisioner;
mod run;
mod shared;
mod static_pool;
mod sync;
mod tell;
#[cfg(test)]
mod testing;
mod transitions;
mod watches;
mod world;
mod write;

pub use cloud::{
    CloudError, CloudProvider, Instance, InstanceState, Launched, NodeClassKind, RegistrationHook,
};
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
    let decide = Box::new(disruption::Product::default());
    run::run(world, shutdown, decide).await
}
