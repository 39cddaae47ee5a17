//! The disruption controller: how many evictions each PodDisruptionBudget allows.

use model::k8s::policy::IntOrString;
use model::k8s::{Pod, PodDisruptionBudget};
use serde_json::json;

use crate::state::State;
use crate::write::{Part, Target, Write};

/// Status updates for budgets whose figures have changed.
pub(crate) fn reconcile(state: &State) -> Vec<Write> {
    state
        .budgets
        .values()
        .filter_map(|budget| update(state, budget))
        .collect()
}

fn update(state: &State, budget: &PodDisruptionBudget) -> Option<Write> {
    let namespace = budget.metadata.namespace();
    let selector = budget.spec.selector.as_ref()?;
    let selected = |pod: &&std::sync::Arc<Pod>| {
        pod.metadata.namespace() == namespace
            && !pod.is_terminal()
            && selector.matches(&pod.metadata.labels)
    };
    let pods: Vec<_> = state.pods.values().filter(selected).collect();
    let expected = pods.len() as i64;
    let healthy = |pod: &&&std::sync::Arc<Pod>| {
        !pod.metadata.is_deleting()
            && pod
                .status
                .condition("Ready")
                .is_some_and(|ready| ready.status == "True")
    };
    let current = pods.iter().filter(healthy).count() as i64;
    let desired = match (&budget.spec.min_available, &budget.spec.max_unavailable) {
        (Some(minimum), _) => amount(minimum, expected),
        (None, Some(maximum)) => (expected - amount(maximum, expected)).max(0),
        (None, None) => expected - 1,
    };
    let allowed = (current - desired).max(0);
    let have = &budget.status;
    let same = i64::from(have.disruptions_allowed) == allowed
        && i64::from(have.current_healthy) == current
        && i64::from(have.desired_healthy) == desired
        && i64::from(have.expected_pods) == expected
        && have.observed_generation == budget.metadata.generation;
    (!same).then(|| Write::Patch {
        target: Target::new(
            "policy",
            "poddisruptionbudgets",
            namespace,
            &budget.metadata.name,
        ),
        part: Part::Status,
        patch: json!({ "status": {
            "disruptionsAllowed": allowed,
            "currentHealthy": current,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "observedGeneration": budget.metadata.generation,
        } }),
    })
}

/// A number as it is, a percentage of `total` rounded up, as the disruption controller does.
fn amount(value: &IntOrString, total: i64) -> i64 {
    match value {
        IntOrString::Int(number) => *number,
        IntOrString::Text(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(100);
            (percent * total + 99) / 100
        }
    }
}
