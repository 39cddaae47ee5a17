//! All loops, side by side in one future.

use std::pin::Pin;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use runtime::queue::{Worker, run_loop};
use runtime::{Next, Queue, Shutdown};

use crate::shared::Shared;
use crate::{
    Error, World, disruption, gated, metrics, node, nodeclaim, nodepool, provisioner, watches,
};

/// A loop that runs for ever.
pub(crate) type Loop<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Runs every loop until `shutdown` is triggered; what has begun is finished first.
pub(crate) async fn run(
    world: World,
    shutdown: Shutdown,
    decide: Box<dyn disruption::Decide>,
) -> Result<(), Error> {
    let classes = world.cloud.node_class_kinds().len();
    if classes == 0 {
        return Err(Error::NoNodeClassKinds(world.cloud.name()));
    }
    let kinds = watches::kinds(classes, &world.options);
    let shared = Shared::new(world, kinds);
    let mut followers: FuturesUnordered<Loop<'_>> = watches::all(&shared).into_iter().collect();
    followers.push(Box::pin(provisioner::workloads::run(&shared)));
    followers.push(Box::pin(provisioner::run(&shared)));
    followers.push(Box::pin(disruption::run(&shared, decide)));
    followers.push(Box::pin(nodeclaim::garbage::run(&shared)));
    followers.push(Box::pin(metrics::run(&shared)));
    followers.extend(gated::followers(&shared));
    let mut queues: FuturesUnordered<Loop<'_>> = served(&shared).into_iter().collect();
    queues.push(disruption::queue::served(&shared));
    queues.extend(gated::served(&shared));
    let stop = shutdown.wait();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(()) = followers.next() => {}
            Some(()) = queues.next() => {}
        }
    }
    shared.queues.shut_down();
    shared.gated.shut_down();
    shared.flights.shut_down();
    // Before the gate is open nothing has begun that could be finished.
    while shared.gate.is_open() && queues.next().await.is_some() {}
    Ok(())
}

/// The loops that serve queues.
fn served(shared: &Shared) -> Vec<Loop<'_>> {
    let queues = &shared.queues;
    let of = |min: usize, max: usize| shared.world.options.workers(min, max);
    vec![
        serve(
            shared,
            &queues.claims,
            ("nodeclaim.lifecycle", of(1_000, 5_000)),
            |name| nodeclaim::lifecycle::reconcile(shared, name),
        ),
        serve(
            shared,
            &queues.expiration,
            ("nodeclaim.expiration", 1),
            |name| nodeclaim::expiration::reconcile(shared, name),
        ),
        serve(
            shared,
            &queues.disruptable,
            ("nodeclaim.disruption", of(10, 1_000)),
            |name| nodeclaim::disruptable::reconcile(shared, name),
        ),
        serve(
            shared,
            &queues.consistency,
            ("nodeclaim.consistency", of(10, 1_000)),
            |name| nodeclaim::consistency::reconcile(shared, name),
        ),
        serve(
            shared,
            &queues.pod_events,
            ("nodeclaim.podevents", 1),
            |name| nodeclaim::pod_events::reconcile(shared, name),
        ),
        serve(
            shared,
            &queues.terminations,
            ("node.termination", of(100, 5_000)),
            |name| node::termination::reconcile(shared, name),
        ),
        serve(
            shared,
            &queues.evictions,
            ("eviction-queue", of(100, 5_000)),
            |evictee| node::eviction::reconcile(shared, evictee),
        ),
        serve(
            shared,
            &queues.pools,
            ("nodepool.readiness", of(10, 1_000)),
            |name| nodepool::status::reconcile(shared, name),
        ),
        serve(
            shared,
            &queues.counters,
            ("nodepool.counter", of(10, 1_000)),
            |name| nodepool::counter::reconcile(shared, name),
        ),
        serve(
            shared,
            &queues.types,
            ("nodepool.instancetypes", 10),
            |name| nodepool::types::reconcile(shared, name),
        ),
    ]
}

/// A loop that serves a queue, from when everything has been listed.
pub(crate) fn serve<'a, K, F, Fut>(
    shared: &'a Shared,
    queue: &'a Queue<K>,
    (name, concurrency): (&'static str, usize),
    handler: F,
) -> Loop<'a>
where
    K: Ord + Clone + Send + Sync + 'a,
    F: Fn(K) -> Fut + Send + Sync + 'a,
    Fut: Future<Output = Next> + Send + 'a,
{
    let worker = Worker {
        name,
        concurrency,
        metrics: Some(shared.world.metrics.clone()),
    };
    Box::pin(async move {
        // Before everything has been listed, what is missing may only not have been seen yet.
        shared.gate.wait().await;
        run_loop(queue, &worker, handler).await;
    })
}
