//! `nodepool.counter`: what a pool's nodes add up to, in its status and in metrics.

use lifecycle::pool::counter::counted;
use runtime::Next;
use runtime::metrics::names;

use crate::shared::Shared;
use crate::{metrics, nodeclaim, write};

/// Brings the status of one pool up to date.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    let snapshot = shared.snapshot();
    let Some(state) = snapshot.pool(&name) else {
        let metrics = &shared.world.metrics;
        metrics.remove(&names::NODEPOOLS_USAGE, &[("nodepool", &name)]);
        metrics.remove(&names::NODEPOOLS_LIMIT, &[("nodepool", &name)]);
        metrics.remove(&names::NODES_TOTAL, &[("nodepool", &name)]);
        return Next::AwaitChange;
    };
    if !shared.owns(&state.pool.spec.template.spec.node_class_ref) {
        return Next::AwaitChange;
    }
    let changed = counted(&state.pool, &state.used);
    show(shared, &name, changed.as_ref().unwrap_or(&state.pool));
    let Some(changed) = changed else {
        return Next::AwaitChange;
    };
    match write::pool(shared, &state.pool, &changed).await {
        Ok(_) => Next::AwaitChange,
        Err(error) => nodeclaim::after(&error, "nodepool", &name),
    }
}

fn show(shared: &Shared, name: &str, pool: &api::NodePool) {
    metrics::of_pool(
        shared,
        &names::NODEPOOLS_USAGE,
        name,
        &pool.status.resources,
    );
    metrics::of_pool(shared, &names::NODEPOOLS_LIMIT, name, &pool.spec.limits);
    let nodes = pool.status.nodes as f64;
    shared
        .world
        .metrics
        .set(&names::NODES_TOTAL, &[name], nodes);
}
