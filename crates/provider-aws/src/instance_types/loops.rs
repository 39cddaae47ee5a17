//! What teaches the lists something, and what shows them: memory of nodes that join, prices of
//! overlays, gauges.

use std::sync::Arc;
use std::time::Duration;

use api::{NodeOverlay, labels};
use aws::types::overlay_prices;
use controllers::CloudProvider;
use model::k8s::Node;
use runtime::client::Select;
use runtime::queue::{Backoff, Worker, run_loop};
use runtime::{ApiError, Next, Queue, Shutdown};

use super::{InstanceTypes, METRICS_INTERVAL, show_offerings};
use crate::objects::Change;
use crate::world::World;

/// How often overlays are looked at.
const OVERLAYS: Duration = Duration::from_mins(5);

/// How long a node waits whose class is not known.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_mins(5));

/// `providers.instancetype.capacity`: learns from each node that is registered how much memory it
/// has, until `shutdown`.
pub async fn learn(world: &World, types: &InstanceTypes, shutdown: &Shutdown) {
    // Before all is listed, a claim that is missing may only not have been seen yet.
    if shutdown.or_stop(world.objects.synced()).await.is_none() {
        return;
    }
    let queue: Queue<String> = Queue::new(BACKOFF);
    let due = queue.clone();
    world.objects.subscribe(move |change| {
        if let Change::Node(node) = change
            && let Some(after) = node.after.as_ref().filter(|node| is_registered(node))
            && !node.before.as_ref().is_some_and(|node| is_registered(node))
        {
            due.add(after.metadata.name.clone());
        }
    });
    let worker = Worker {
        name: "providers.instancetype.capacity",
        concurrency: 1,
        metrics: Some(world.metrics.clone()),
    };
    let learn = |name: String| async move { learn_from(world, types, &name) };
    let serving = run_loop(&queue, &worker, learn);
    let stop = async {
        shutdown.wait().await;
        queue.shut_down();
    };
    tokio::join!(serving, stop);
}

fn is_registered(node: &Node) -> bool {
    let registered = node.metadata.labels.get(labels::REGISTERED);
    registered.is_some_and(|value| value == "true")
}

fn learn_from(world: &World, types: &InstanceTypes, name: &str) -> Next {
    let objects = &world.objects;
    let Some(node) = objects.node(name) else {
        return Next::AwaitChange;
    };
    let id = aws::provider_id::instance_id(&node.spec.provider_id).unwrap_or_default();
    let claims = objects.claims_of_instance(id);
    let Some(claim) = claims.first() else {
        return Next::AwaitChange;
    };
    let defaults = api::ProviderDefaults::aws();
    let class = claim.spec.node_class_ref.or_default(&defaults).name;
    let Some(class) = objects.class(&class) else {
        tracing::warn!(node = name, class, "the class of a node is not known");
        return Next::Failed;
    };
    types.learn(&node, claim, &class);
    Next::AwaitChange
}

/// Takes over prices of overlays for what has none, until `shutdown`. For the gate `NodeOverlay`.
pub async fn follow_overlays(world: &World, types: &InstanceTypes, shutdown: &Shutdown) {
    let pass = || async {
        let overlays = world.client.list::<NodeOverlay>(&Select::all()).await;
        let prices = overlays.as_ref().map(|list| overlay_prices(&list.items));
        types.set_overlay_prices(prices.unwrap_or_default());
        overlays.map(|_| OVERLAYS)
    };
    let name = "providers.instancetype.overlays";
    world.again::<_, _, ApiError>(name, shutdown, pass).await;
}

/// `cloudprovider.metrics`: shows what all pools can have, until `shutdown`.
pub async fn show(
    world: &World,
    cloud: &Arc<dyn CloudProvider>,
    reserved_capacity: bool,
    shutdown: &Shutdown,
) {
    let pass = || async {
        let pools = world.objects.pools();
        let shown = show_offerings(&**cloud, &pools, reserved_capacity, &world.metrics).await;
        shown.map(|()| METRICS_INTERVAL)
    };
    world.again("cloudprovider.metrics", shutdown, pass).await;
}
