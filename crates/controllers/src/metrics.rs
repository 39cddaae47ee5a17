//! Gauges about the cluster's state, refreshed as time passes.

use std::time::Duration;

use runtime::metrics::names;

use crate::shared::Shared;

/// How often.
const INTERVAL: Duration = Duration::from_secs(5);

/// Refreshes gauges for ever.
pub(crate) async fn run(shared: &Shared) {
    let metrics = &shared.world.metrics;
    loop {
        let synced = shared.gate.is_open();
        let unsynced = if synced { 0.0 } else { INTERVAL.as_secs_f64() };
        metrics.set(
            &names::CLUSTER_STATE_SYNCED,
            &[],
            f64::from(u8::from(synced)),
        );
        if synced {
            metrics.set(&names::CLUSTER_STATE_UNSYNCED_SECONDS, &[], 0.0);
        } else {
            metrics.add(&names::CLUSTER_STATE_UNSYNCED_SECONDS, &[], unsynced);
        }
        let nodes = shared.snapshot().nodes.len();
        metrics.set(&names::CLUSTER_STATE_NODES, &[], nodes as f64);
        shared.world.clock.sleep(INTERVAL).await;
    }
}
