//! `nodeclaim.tagging`: instances get the tags that are only known once their node has joined.
//!
//! What is *not* here: which tags (`aws::tagging`).

use std::time::Duration;

use api::NodeClaim;
use aws::provider_id::instance_id;
use aws::tagging;
use runtime::client::Preconditions;
use runtime::queue::{Backoff, Worker, run_loop};
use runtime::{ApiError, Next, ObjectKey, Queue, Shutdown};
use serde_json::{Map, Value, json};

use crate::instances::{self, Freshness, Instances};
use crate::objects::Change;
use crate::world::World;

/// Between two calls that add tags: EC2 allows few of them.
const PACE: Duration = Duration::from_secs(1);
/// How long a claim waits after a failure.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_mins(5));

/// Why an instance was not tagged.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Instance(#[from] instances::Error),
    #[error(transparent)]
    Kubernetes(#[from] ApiError),
}

/// Tags instances until `shutdown`.
pub async fn run(world: &World, instances: &Instances, shutdown: &Shutdown) {
    let queue: Queue<String> = Queue::new(BACKOFF);
    let due = queue.clone();
    world.objects.subscribe(move |change| {
        if let Change::Claim(claim) = change
            && let Some(claim) = claim.after.as_ref().filter(|claim| tagging::is_due(claim))
        {
            due.add(claim.metadata.name.clone());
        }
    });
    let worker = Worker {
        name: "nodeclaim.tagging",
        concurrency: 1,
        metrics: Some(world.metrics.clone()),
    };
    let serving = run_loop(&queue, &worker, |name| tag(world, instances, name));
    let stop = async {
        shutdown.wait().await;
        queue.shut_down();
    };
    tokio::join!(serving, stop);
}

async fn tag(world: &World, instances: &Instances, name: String) -> Next {
    let claim = world.objects.claim(&name);
    let Some(claim) = claim.filter(|claim| tagging::is_due(claim)) else {
        return Next::AwaitChange;
    };
    let Some(id) = instance_id(&claim.status.provider_id) else {
        let provider_id = &claim.status.provider_id;
        tracing::error!(
            nodeclaim = name,
            provider_id,
            "no instance can be told from the id"
        );
        return Next::AwaitChange;
    };
    match tag_instance(world, instances, &claim, id).await {
        Ok(()) => Next::AwaitChange,
        Err(Error::Instance(error)) if error.is_not_found() => Next::AwaitChange,
        Err(error) => {
            tracing::warn!(nodeclaim = name, %error, "tagging an instance failed");
            Next::Failed
        }
    }
}

async fn tag_instance(
    world: &World,
    instances: &Instances,
    claim: &NodeClaim,
    id: &str,
) -> Result<(), Error> {
    let instance = instances.get(id, Freshness::Fresh).await?;
    let missing = tagging::missing(claim, &world.cluster.name, &instance.tags);
    if !missing.is_empty() {
        instances.tag(id, &missing).await?;
        world.clock.sleep(PACE).await;
    }
    let done: Map<String, Value> = tagging::DONE
        .iter()
        .map(|key| ((*key).to_owned(), "true".into()))
        .collect();
    let patch = json!({"metadata": {"annotations": done}});
    let (key, only_if) = (ObjectKey::of(claim), Preconditions::same_object(claim));
    match world.client.patch::<NodeClaim>(&key, patch, &only_if).await {
        // There is nothing left to remember it at.
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        written => Ok(written.map(drop)?),
    }
}

#[cfg(test)]
mod tests;
