//! When a plan may be another one although nothing has happened: reasons that pass with time, and
//! budgets that follow a schedule.
//!
//! What is *not* here: changes of the cluster, which show in the version of its snapshots.

use cluster::disposition::Protection;
use cluster::{NodeState, Snapshot};
use model::Timestamp;

use crate::{Kept, Options, Stays, Why, expiry, quiet};

/// Schedules know no shorter time.
const MINUTE_NANOS: i64 = 60_000_000_000;

/// The earliest time after `now` at which an answer may change by itself.
pub(crate) fn change(
    snapshot: &Snapshot,
    kept: &[Kept],
    options: &Options,
    now: Timestamp,
) -> Option<Timestamp> {
    let reasons = kept.iter().filter_map(|kept| passes(&kept.reason));
    let nodes = snapshot.nodes.iter();
    let nodes = nodes.flat_map(|node| of_node(snapshot, node, options));
    let schedules = has_schedule(snapshot).then(|| next_minute(now));
    let times = reasons.chain(nodes.flatten()).chain(schedules);
    // What has passed already is told by the plan itself.
    times.filter(|at| *at > now).min()
}

/// When a reason is over, if time alone ends it.
fn passes(reason: &Why) -> Option<Timestamp> {
    match reason {
        Why::NotQuiet { until } | Why::PoolUnhealthy { trial: until, .. } => *until,
        Why::Nominated { until }
        | Why::Resting { until }
        | Why::Stays(Stays::Settling { until })
        | Why::ProtectedPod {
            protection: Protection::Until(until),
            ..
        } => Some(*until),
        _ => None,
    }
}

/// When a node may go or may take pods that could not before, whatever is said of it now.
fn of_node(snapshot: &Snapshot, node: &NodeState, options: &Options) -> [Option<Timestamp>; 4] {
    let claim = node.claim.as_deref();
    let pool = node.pool().and_then(|name| snapshot.pool(name));
    let both = claim.zip(pool);
    [
        node.nominated_until,
        both.and_then(|(claim, pool)| quiet::quiet_at(claim, &pool.pool)),
        claim.and_then(|claim| Some(quiet::filled(claim)? + options.settle)),
        claim.and_then(|claim| Some(expiry::window(claim)?.0)),
    ]
}

/// Whether some budget opens and closes by a schedule.
fn has_schedule(snapshot: &Snapshot) -> bool {
    let mut pools = snapshot.pools.iter();
    pools.any(|pool| {
        let budgets = pool.pool.spec.disruption.budgets.as_slice();
        budgets.iter().any(|budget| budget.schedule.is_some())
    })
}

/// Schedules and their durations are in whole minutes.
fn next_minute(now: Timestamp) -> Timestamp {
    Timestamp::from_nanos((now.nanos().div_euclid(MINUTE_NANOS) + 1) * MINUTE_NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_minute_is_after_now() {
        for (now, next) in [(0, 60), (59, 60), (60, 120), (61, 120)] {
            let now = Timestamp::from_seconds(now);
            assert_eq!(next_minute(now), Timestamp::from_seconds(next));
        }
    }
}
