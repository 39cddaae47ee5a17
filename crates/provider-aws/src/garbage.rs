//! `instance.garbagecollection`: instances that no claim knows of are ended, and their nodes
//! deleted.
//!
//! What is *not* here: which instances those are (`aws::garbage`), and instance profiles.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use api::NodeClaim;
use aws::ec2::Instance;
use aws::garbage::lost;
use futures::StreamExt;
use futures::stream;
use model::k8s::Node;
use runtime::client::{Preconditions, Select};
use runtime::{ApiError, ObjectKey, Shutdown};

use crate::instances::{self, Instances};
use crate::world::World;

/// How often is looked at first: what a restart has left is there then.
const AT_FIRST: Duration = Duration::from_secs(10);
/// How many looks are those.
const FIRST: u32 = 20;
/// How often is looked later.
const INTERVAL: Duration = Duration::from_mins(2);
/// Instances that are ended at a time.
const ENDED: usize = 100;

/// Why a look has failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Instance(#[from] instances::Error),
    #[error(transparent)]
    Kubernetes(#[from] ApiError),
}

/// Looks again and again until `shutdown`.
pub async fn run(world: &World, instances: &Instances, shutdown: &Shutdown) {
    let looks = AtomicU32::new(0);
    let pass = || async {
        look(world, instances).await?;
        let looks = looks.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Error>(if looks < FIRST { AT_FIRST } else { INTERVAL })
    };
    world
        .again("instance.garbagecollection", shutdown, pass)
        .await;
}

/// Instances are listed before claims, so that an instance is not taken for lost whose claim came
/// between the two.
async fn look(world: &World, instances: &Instances) -> Result<(), Error> {
    let listed = instances.list().await?;
    let listed: Vec<Instance> = listed
        .iter()
        .map(|instance| Instance::clone(instance))
        .collect();
    let claims = world.objects.claims();
    let claims: Vec<&NodeClaim> = claims.iter().map(|claim| &**claim).collect();
    let now = world.clock.now();
    if lost(&listed, &claims, now).is_empty() {
        return Ok(());
    }
    // Watches may lag; an instance that is ended is gone. So this is asked again.
    let claims = world.client.list::<NodeClaim>(&Select::all()).await?.items;
    let claims: Vec<&NodeClaim> = claims.iter().collect();
    let lost = lost(&listed, &claims, now);
    let ends: Vec<_> = lost
        .into_iter()
        .map(|one| end(world, instances, &one.id))
        .collect();
    let ended = stream::iter(ends).buffer_unordered(ENDED);
    let ended: Vec<Result<(), Error>> = ended.collect().await;
    ended.into_iter().collect()
}

async fn end(world: &World, instances: &Instances, id: &str) -> Result<(), Error> {
    match instances.delete(id).await {
        Ok(()) => tracing::info!(instance = id, "garbage collected an instance"),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    for node in world.objects.nodes_of_instance(id) {
        if node.metadata.is_deleting() {
            continue;
        }
        let (key, only_if) = (ObjectKey::of(&*node), Preconditions::same_object(&*node));
        match world.client.delete::<Node>(&key, &only_if).await {
            Err(error) if error.is_not_found() || error.is_conflict() => {}
            deleted => deleted?,
        }
        tracing::info!(node = node.metadata.name, "garbage collected a node");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
