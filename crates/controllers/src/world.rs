//! What the loops work with: the same in a cluster, in a simulation and in a sandbox.

use std::sync::Arc;

use runtime::{Client, Clock, Metrics, Options, Recorder};

use crate::cloud::CloudProvider;

/// Everything outside that the loops may touch. Cheap to clone; clones share it.
///
/// State that the loops derive is made by [`crate::run`] and dies with it, so a second `run` on the
/// same world is what a restart of the process is.
#[derive(Clone)]
pub struct World {
    /// The Kubernetes API.
    pub client: Client,
    /// The cloud.
    pub cloud: Arc<dyn CloudProvider>,
    /// The time.
    pub clock: Clock,
    /// Where events go. Whoever makes it also serves its outbox.
    pub recorder: Recorder,
    /// Where measurements go.
    pub metrics: Metrics,
    /// Settings.
    pub options: Arc<Options>,
    /// Decides ties, jitter and generated names.
    pub seed: u64,
}
