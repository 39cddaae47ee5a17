//! What follows from pods coming, changing and going, beyond the cluster's state: what may still be
//! expected, how long they wait, metrics about them, and noise on their nodes.
//!
//! What is *not* here: watching them (`watches`), and what each consequence is.

pub(crate) mod state;

use std::sync::Arc;

use cluster::{PodRecord, selection};
use lifecycle::podevents::stand;

use crate::latency::Told;
use crate::shared::{Shared, lock};

/// All pods have been listed. A list says nothing about when something happened.
pub(crate) fn listed(shared: &Shared) {
    let all: Vec<Arc<PodRecord>> = shared.with(|cluster| cluster.pods().cloned().collect());
    let now = shared.now();
    lock(&shared.arrivals).reset_pods(all.iter().map(|pod| &**pod), now);
    let told = lock(&shared.latency).reset(all.iter().map(|pod| &**pod), now);
    for told in told {
        tell(shared, told);
    }
    state::show_all(shared, &all);
    for pod in all.iter().filter(|pod| is_ignored(pod)) {
        shared.batcher.trigger_pod(pod);
    }
    shared.batcher.reconsider();
}

/// A pod is new, has changed, or is gone.
pub(crate) fn changed(
    shared: &Shared,
    before: Option<Arc<PodRecord>>,
    after: Option<Arc<PodRecord>>,
) {
    let (before, after) = (before.as_deref(), after.as_deref());
    let now = shared.now();
    lock(&shared.arrivals).pod(before, after, now);
    shared.batcher.reconsider();
    if let Some(pod) = after
        && is_ignored(pod)
    {
        // It gets no place, but whoever made it is told why.
        lock(&shared.latency).ack(pod, now);
        if before.is_none_or(|before| before.uid != pod.uid || !is_ignored(before)) {
            shared.batcher.trigger_pod(pod);
        }
    }
    if let Some(before) = before
        && after.is_none_or(|after| after.uid != before.uid)
    {
        lock(&shared.latency).gone(&before.uid);
    }
    if let Some(pod) = after {
        let told = lock(&shared.latency).seen(pod, now);
        tell(shared, told);
        state::show(shared, pod);
    } else if let Some(pod) = before {
        state::hide(shared, pod);
    }
    let stood = before.and_then(stand);
    let node = match (&stood, after.and_then(stand)) {
        (before, Some(after)) => after.disturbs(before.as_ref()).map(str::to_owned),
        (Some(before), None) => before.disturbs(None).map(str::to_owned),
        (None, None) => None,
    };
    if let Some(node) = node {
        shared.queues.pod_events.add(node);
    }
}

fn tell(shared: &Shared, told: Told) {
    for measure in &told.measures {
        shared.world.metrics.apply(measure);
    }
    if let Some(started) = told.started {
        tracing::debug!(
            pod = %started.pod,
            nodeclaim = started.claim.as_deref().unwrap_or_default(),
            seconds_since_placed = started.healthy.map(|took| took.as_secs_f64()),
            "pod is ready"
        );
    }
}

/// Whether the scheduler finds no place for a pod that asks for what cannot be.
fn is_ignored(pod: &PodRecord) -> bool {
    !pod.shape.problems.is_empty() && selection::untaken(pod).is_none()
}
