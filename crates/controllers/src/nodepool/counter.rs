//! `nodepool.counter`: what a pool's nodes add up to, in its status and in metrics.

use lifecycle::pool::counter::counted;
use model::resources::{CPU, NODES};
use runtime::Next;
use runtime::metrics::names;

use crate::shared::Shared;
use crate::{nodeclaim, write};

/// Brings the status of one pool up to date.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    if !shared.gate.is_open() {
        shared.gate.wait().await;
    }
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
    let Some(changed) = counted(&state.pool, &state.used) else {
        return Next::AwaitChange;
    };
    show(shared, &name, &changed);
    match write::pool(shared, &state.pool, &changed).await {
        Ok(_) => Next::AwaitChange,
        Err(error) => nodeclaim::after(&error, "nodepool", &name),
    }
}

fn show(shared: &Shared, name: &str, pool: &api::NodePool) {
    let metrics = &shared.world.metrics;
    let base = |amount: &model::Quantity| amount.nanos() as f64 / 1e9;
    for (metric, amounts) in [
        (&names::NODEPOOLS_USAGE, &pool.status.resources),
        (&names::NODEPOOLS_LIMIT, &pool.spec.limits),
    ] {
        for (resource, amount) in amounts {
            let label = resource.to_lowercase().replace('-', "_");
            metrics.set(metric, &[&label, name], base(amount));
        }
    }
    metrics.set(&names::NODES_TOTAL, &[name], pool.status.nodes as f64);
    debug_assert!(
        pool.status.resources.contains_key(CPU),
        "{NODES} and {CPU} are always named"
    );
}
