//! What a computation is told as: events of pods, metrics, log lines.

use cluster::{PodRecord, Snapshot};
use runtime::metrics::names;
use scheduling::{Placement, Unplaced};

use crate::shared::Shared;
use crate::tell;

/// Pods that ask for what can't be.
pub(super) fn ignored(shared: &Shared, snapshot: &Snapshot) {
    let mut count = 0;
    for group in snapshot.ignored.iter() {
        count += group.pods.len();
        let problems: Vec<String> = group
            .shape
            .problems
            .iter()
            .filter(|problem| problem.is_reported())
            .map(ToString::to_string)
            .collect();
        if problems.is_empty() {
            continue;
        }
        let why = problems.join("; ");
        for pod in group.pods.iter() {
            tell::unplaced(shared, pod, &why);
        }
    }
    shared
        .world
        .metrics
        .set(&names::SCHEDULER_IGNORED_PODS, &[], count as f64);
}

/// Pods that got no place.
pub(super) fn unplaced(shared: &Shared, placement: &Placement) {
    let metrics = &shared.world.metrics;
    let count = placement.unplaced.len() as f64;
    metrics.set(
        &names::SCHEDULER_UNSCHEDULABLE_PODS,
        &["provisioner"],
        count,
    );
    for unplaced in &placement.unplaced {
        let why = why(unplaced);
        let pod: &PodRecord = &unplaced.pod;
        tracing::debug!(pod = %pod.key(), why, "could not schedule pod");
        tell::unplaced(shared, pod, &why);
    }
}

/// All refusals, each with who refused.
fn why(unplaced: &Unplaced) -> String {
    let refusals: Vec<String> = unplaced
        .refusals
        .iter()
        .map(|refusal| format!("{}: {}", refusal.candidate, refusal.rejection))
        .collect();
    refusals.join("; ")
}

/// A node as events name it: `nodeclaim/<name>, node/<name>`, as far as these exist.
pub(super) fn where_it_is(shared: &Shared, name: &str) -> String {
    let node = shared.with(|cluster| cluster.node(name).cloned());
    let Some(node) = node else {
        return format!("nodeclaim/{name}");
    };
    let claim = node
        .claim
        .as_ref()
        .map(|claim| format!("nodeclaim/{}", claim.metadata.name));
    let object = node
        .node
        .as_ref()
        .map(|node| format!("node/{}", node.metadata.name));
    claim
        .into_iter()
        .chain(object)
        .collect::<Vec<_>>()
        .join(", ")
}
