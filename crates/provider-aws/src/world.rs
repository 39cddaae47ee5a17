//! What the loops of this provider work with, and how a loop that comes again by itself is run.
//!
//! What is *not* here: loops that are woken by changes (`runtime::queue`).

use std::fmt::Display;
use std::time::Duration;

use api::NodeClaim;
use controllers::cloud::termination_mode;
use runtime::metrics::names;
use runtime::{Client, Clock, Metrics, Recorder, Shutdown};

use crate::calls::Calls;
use crate::objects::Objects;
use crate::rounds::{Rounds, count_failure};

/// Everything outside that the loops may touch. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct World {
    /// The Kubernetes API.
    pub client: Client,
    /// What is known of it.
    pub objects: Objects,
    /// AWS.
    pub calls: Calls,
    /// The cluster that instances belong to.
    pub cluster: aws::Cluster,
    /// The time.
    pub clock: Clock,
    /// Where events go.
    pub recorder: Recorder,
    /// Where measurements go.
    pub metrics: Metrics,
}

impl World {
    /// Does `round` again and again until `shutdown`, from when all objects have been listed. It
    /// says how long to wait; after a failure the wait grows. What has begun is finished first.
    pub async fn again<F, Fut, E>(&self, name: &'static str, shutdown: &Shutdown, round: F)
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<Duration, E>>,
        E: Display,
    {
        if shutdown.or_stop(self.objects.synced()).await.is_none() {
            return;
        }
        let rounds = Rounds {
            name,
            clock: &self.clock,
            metrics: &self.metrics,
        };
        rounds.run(shutdown, round).await;
    }

    /// Counts something that failed and is tried again.
    pub(crate) fn count_failure(&self, controller: &str) {
        count_failure(&self.metrics, controller);
    }

    /// Counts a claim that is removed for a reason.
    pub(crate) fn count_disrupted(&self, claim: &NodeClaim, reason: &str) {
        let label = |key: &str| claim.metadata.labels.get(key).map_or("", String::as_str);
        let pool = label(api::labels::NODEPOOL);
        let capacity_type = label(api::labels::CAPACITY_TYPE);
        let labels = [reason, pool, capacity_type, "", termination_mode(claim)];
        self.metrics.add(&names::NODECLAIMS_DISRUPTED, &labels, 1.0);
    }
}
