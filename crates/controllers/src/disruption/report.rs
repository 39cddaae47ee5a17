//! What a look at the nodes is told as: events of nodes and pools, metrics.

use std::time::Duration;

use ::disruption::{Candidate, Command, Kept, Plan};
use api::DisruptionReason;
use model::k8s::Resource;
use runtime::Notice;
use runtime::metrics::names;
use runtime::recorder::ObjectRef;

use crate::shared::Shared;

/// How long a repetition of a pool's notice is dropped.
const POOL_WINDOW: Duration = Duration::from_mins(1);
/// How long a repetition of `Unconsolidatable` is dropped.
const UNCONSOLIDATABLE_WINDOW: Duration = Duration::from_mins(15);

/// Tells and measures a look.
pub(super) fn looked(shared: &Shared, plan: &Plan, took: Duration) {
    let metrics = &shared.world.metrics;
    let empty = DisruptionReason::Empty;
    let lower = empty.as_str().to_lowercase();
    metrics.observe(
        &names::EVALUATION_SECONDS,
        &[&lower, "empty"],
        took.as_secs_f64(),
    );
    metrics.set(
        &names::DISRUPTION_ELIGIBLE_NODES,
        &[&lower],
        plan.eligible.values().sum::<usize>() as f64,
    );
    for budget in &plan.budgets {
        for reason in DisruptionReason::ALL {
            let allowance = budget.of(reason);
            let labels = [&*budget.pool, reason.as_str()];
            metrics.set(
                &names::NODEPOOLS_ALLOWED_DISRUPTIONS,
                &labels,
                allowance.allowed.into(),
            );
            metrics.set(
                &names::NODEPOOLS_NODES_CONSUMING_BUDGETS,
                &labels,
                allowance.disrupting.into(),
            );
        }
        if budget.nodes > 0 && budget.of(empty).allowed == 0 {
            blocked_pool(shared, &budget.pool, empty);
        }
        for broken in &budget.broken {
            tracing::warn!(nodepool = &*budget.pool, %broken, "a budget can't be read");
        }
    }
    kept(shared, &plan.kept);
}

fn blocked_pool(shared: &Shared, name: &str, reason: DisruptionReason) {
    let Some(pool) = shared.pool(name) else {
        return;
    };
    let message =
        format!("No allowed disruptions for disruption reason {reason} due to blocking budget");
    let notice = Notice::normal(ObjectRef::of(&*pool), "DisruptionBlocked", message)
        .dedupe_by([pool.metadata.uid.clone(), reason.as_str().to_owned()])
        .window(POOL_WINDOW);
    shared.world.recorder.publish(notice);
}

/// Tells nodes and claims why they stay, where users may want to change that.
pub(super) fn kept(shared: &Shared, kept: &[Kept]) {
    for Kept { node, reason } in kept {
        let (event, window) = if reason.blocks() {
            ("DisruptionBlocked", runtime::recorder::DEDUPE_WINDOW)
        } else if reason.is_unconsolidatable() {
            ("Unconsolidatable", UNCONSOLIDATABLE_WINDOW)
        } else {
            continue;
        };
        for about in objects(shared, node) {
            let notice = Notice::normal(about, event, reason.to_string()).window(window);
            shared.world.recorder.publish(notice);
        }
    }
}

/// Tells the objects of a node that goes, and counts it.
pub(super) fn terminating(shared: &Shared, command: &Command, candidate: &Candidate) {
    let reason = command.reason;
    for about in objects(shared, &candidate.node) {
        let message = format!("Disrupting {}: {reason}", about.kind);
        let uid = about.uid.clone();
        let notice = Notice::normal(about, "DisruptionTerminating", message)
            .dedupe_by([uid, reason.as_str().to_owned()]);
        shared.world.recorder.publish(notice);
    }
}

/// The Node and the NodeClaim of a name, as far as they exist.
fn objects(shared: &Shared, name: &str) -> Vec<ObjectRef> {
    fn reference<T: Resource>(object: Option<&T>) -> Option<ObjectRef> {
        object.map(ObjectRef::of)
    }
    shared.with(|cluster| {
        let Some(state) = cluster.node(name) else {
            return reference(cluster.claim(name).map(|claim| &**claim))
                .into_iter()
                .collect();
        };
        let node = reference(state.node.as_deref());
        node.into_iter()
            .chain(reference(state.claim.as_deref()))
            .collect()
    })
}
