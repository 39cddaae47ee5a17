//! Reserved capacity that is not what it was: `capacityreservation.capacitytype` and
//! `capacityreservation.expiration`.
//!
//! What is *not* here: what changes (`aws::reserved`), and launches into reservations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::{NodeClaim, labels};
use aws::Failure;
use aws::ec2::{Instance, ReservationQuery};
use aws::instance::{Context, capacity_type};
use aws::provider_id::instance_id;
use aws::reservations::{EXPIRING, entry};
use aws::reserved::{Changes, demoted};
use catalog::CapacityType;
use futures::StreamExt;
use futures::stream;
use model::k8s::Resource;
use runtime::client::Preconditions;
use runtime::{ApiError, ObjectKey, Shutdown};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::instances::{self, Instances};
use crate::world::World;

/// How often is looked.
const INTERVAL: Duration = Duration::from_mins(1);
/// Claims that are deleted at a time, and reservations that are asked for.
const AT_A_TIME: usize = 10;
/// The reason in metrics of claims that go with their capacity block.
const EXPIRED: &str = "capacity_block_expiring";

/// Why a look has failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Instance(#[from] instances::Error),
    #[error(transparent)]
    Aws(#[from] Failure),
    #[error(transparent)]
    Kubernetes(#[from] ApiError),
}

/// Takes labels of reservations off claims and nodes whose instance runs on demand now, until
/// `shutdown`. `context` says whether reserved capacity is told apart.
pub async fn demote(
    world: &World,
    instances: &Instances,
    context: &Context<'_>,
    shutdown: &Shutdown,
) {
    let pass = || look_at_types(world, instances, context);
    world
        .again("capacityreservation.capacitytype", shutdown, pass)
        .await;
}

async fn look_at_types(
    world: &World,
    instances: &Instances,
    context: &Context<'_>,
) -> Result<Duration, Error> {
    let listed = instances.list().await?;
    let on_demand: BTreeMap<&str, &Arc<Instance>> = listed
        .iter()
        .filter(|instance| capacity_type(instance, context) == CapacityType::OnDemand)
        .map(|instance| (instance.id.as_str(), instance))
        .collect();
    for claim in world.objects.claims() {
        let id = instance_id(&claim.status.provider_id).filter(|id| on_demand.contains_key(id));
        let Some(id) = id.filter(|_| !claim.metadata.is_deleting()) else {
            continue;
        };
        relabel(world, &*claim).await?;
        for node in world.objects.nodes_of_instance(id) {
            let registered = node.metadata.labels.get(labels::REGISTERED);
            if registered.is_some_and(|it| it == "true") && !node.metadata.is_deleting() {
                relabel(world, &*node).await?;
            }
        }
    }
    Ok(INTERVAL)
}

async fn relabel<T: Resource + DeserializeOwned>(world: &World, object: &T) -> Result<(), Error> {
    let changes: Changes = demoted(&object.meta().labels);
    if changes.is_empty() {
        return Ok(());
    }
    let name = &object.meta().name;
    tracing::info!(kind = T::KIND, name, "no longer reserved, but on demand");
    let patch = json!({"metadata": {"labels": changes}});
    let (key, only_if) = (ObjectKey::of(object), Preconditions::same_object(object));
    match world.client.patch::<T>(&key, patch, &only_if).await {
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        written => Ok(written.map(drop)?),
    }
}

/// Deletes claims whose capacity block is about to end, until `shutdown`.
pub async fn expire(world: &World, shutdown: &Shutdown) {
    let pass = || look_at_ends(world);
    world
        .again("capacityreservation.expiration", shutdown, pass)
        .await;
}

async fn look_at_ends(world: &World) -> Result<Duration, Error> {
    let claims = world.objects.claims();
    let of = |claim: &NodeClaim| {
        claim
            .metadata
            .labels
            .get(labels::CAPACITY_RESERVATION_ID)
            .cloned()
    };
    let ids: BTreeSet<String> = claims.iter().filter_map(|claim| of(claim)).collect();
    let asked: Vec<_> = ids.into_iter().map(|id| is_expiring(world, id)).collect();
    let asked = stream::iter(asked).buffer_unordered(AT_A_TIME);
    let asked: Vec<Result<Option<String>, Failure>> = asked.collect().await;
    let expiring: Result<Vec<Option<String>>, Failure> = asked.into_iter().collect();
    let expiring: BTreeSet<String> = expiring?.into_iter().flatten().collect();
    let due = claims.iter().filter(|claim| {
        let expires = of(claim).is_some_and(|id| expiring.contains(&id));
        expires && !claim.metadata.is_deleting()
    });
    let deletions: Vec<_> = due.map(|claim| delete(world, claim)).collect();
    let deleted = stream::iter(deletions).buffer_unordered(AT_A_TIME);
    let deleted: Vec<Result<(), Error>> = deleted.collect().await;
    deleted.into_iter().collect::<Result<(), Error>>()?;
    Ok(INTERVAL)
}

/// The id, if the reservation is about to end.
async fn is_expiring(world: &World, id: String) -> Result<Option<String>, Failure> {
    let query = ReservationQuery::Ids(vec![id.clone()]);
    let found = match world.calls.ec2.reservations(&query).await {
        Err(failure) if failure.is_not_found() => return Ok(None),
        found => found?,
    };
    let now = world.clock.now();
    let expires = |entry: api::ec2nodeclass::CapacityReservation| entry.state == EXPIRING;
    let expiring = found.iter().any(|one| entry(one, now).is_ok_and(expires));
    Ok(expiring.then_some(id))
}

async fn delete(world: &World, claim: &NodeClaim) -> Result<(), Error> {
    let (key, only_if) = (ObjectKey::of(claim), Preconditions::same_object(claim));
    match world.client.delete::<NodeClaim>(&key, &only_if).await {
        Ok(()) => {
            tracing::info!(
                nodeclaim = claim.metadata.name,
                "its capacity block is about to end"
            );
            world.count_disrupted(claim, EXPIRED);
            Ok(())
        }
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
