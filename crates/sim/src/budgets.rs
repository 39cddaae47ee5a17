//! The disruption controller: how many evictions each PodDisruptionBudget allows.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::k8s::policy::IntOrString;
use model::k8s::{Pod, PodDisruptionBudget};
use serde_json::{Value, json};

use crate::state::{State, WorkloadKey};
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
    let selected = |pod: &&Arc<Pod>| {
        pod.metadata.namespace() == namespace
            && !pod.is_terminal()
            && selector.matches(&pod.metadata.labels)
    };
    let pods: Vec<_> = state.pods.values().filter(selected).collect();
    let expected = expected(state, budget, &pods);
    let healthy = |pod: &&&Arc<Pod>| {
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
        && have.observed_generation == budget.metadata.generation
        && have
            .disrupted_pods
            .keys()
            .all(|name| under_way(&pods, name));
    (!same).then(|| {
        // In a merge patch, null takes an entry out.
        let over = have.disrupted_pods.keys();
        let over = over.filter(|name| !under_way(&pods, name));
        let over: BTreeMap<&String, Option<&str>> = over.map(|name| (name, None)).collect();
        Write::Patch {
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
                "disruptedPods": over,
                "observedGeneration": budget.metadata.generation,
            } }),
        }
    })
}

/// Whether an eviction has been granted whose pod does not show it yet.
fn under_way(pods: &[&Arc<Pod>], name: &str) -> bool {
    let pod = pods.iter().find(|pod| pod.metadata.name == name);
    pod.is_some_and(|pod| !pod.metadata.is_deleting())
}

/// How many pods there should be: with a percentage or `maxUnavailable`, what their controllers
/// ask for.
fn expected(state: &State, budget: &PodDisruptionBudget, pods: &[&Arc<Pod>]) -> i64 {
    if matches!(budget.spec.min_available, Some(IntOrString::Int(_))) {
        return pods.len() as i64;
    }
    let mut controllers: BTreeMap<WorkloadKey, i64> = BTreeMap::new();
    let mut alone = 0;
    for pod in pods {
        match asked_for(state, pod) {
            Some((key, replicas)) => drop(controllers.insert(key, replicas)),
            None => alone += 1,
        }
    }
    alone + controllers.values().sum::<i64>()
}

/// The controller of a pod, or the Deployment behind its ReplicaSet, with the replicas it asks for.
fn asked_for(state: &State, pod: &Pod) -> Option<(WorkloadKey, i64)> {
    let owner = pod.metadata.controller()?;
    let mut key = WorkloadKey {
        kind: owner.kind.clone(),
        namespace: pod.metadata.namespace().to_owned(),
        name: owner.name.clone(),
    };
    let mut object = state.workloads.get(&key)?;
    let owners = object.pointer("/metadata/ownerReferences");
    let owners = owners.and_then(Value::as_array).into_iter().flatten();
    for owner in owners.filter(|owner| owner["controller"] == true) {
        let above = WorkloadKey {
            kind: owner["kind"].as_str().unwrap_or_default().to_owned(),
            namespace: key.namespace.clone(),
            name: owner["name"].as_str().unwrap_or_default().to_owned(),
        };
        if let Some(deployment) = state.workloads.get(&above) {
            (key, object) = (above, deployment);
            break;
        }
    }
    let replicas = object.pointer("/spec/replicas")?.as_i64()?;
    Some((key, replicas))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A Deployment of four with its ReplicaSet, and so many pods of it, the first of which are
    /// being deleted.
    fn world(spec: &Value, pods: usize, leaving: usize) -> State {
        let mut state = State::default();
        let key = |kind: &str, name: &str| WorkloadKey {
            kind: kind.to_owned(),
            namespace: "n".to_owned(),
            name: name.to_owned(),
        };
        let deployment = json!({ "metadata": { "name": "w" }, "spec": { "replicas": 4 } });
        state.put_workload(key("Deployment", "w"), deployment);
        let owners = json!([{ "kind": "Deployment", "name": "w", "uid": "d", "controller": true }]);
        let set = json!({ "metadata": { "name": "w-1", "ownerReferences": owners },
                          "spec": { "replicas": 2 } });
        state.put_workload(key("ReplicaSet", "w-1"), set);
        for number in 0..pods {
            let mut pod = json!({
                "metadata": { "name": format!("p{number}"), "namespace": "n",
                    "labels": { "app": "w" }, "ownerReferences": [{ "apiVersion": "apps/v1",
                        "kind": "ReplicaSet", "name": "w-1", "uid": "r", "controller": true }] },
                "status": { "phase": "Running",
                    "conditions": [{ "type": "Ready", "status": "True" }] },
            });
            if number < leaving {
                pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            }
            state.put_pod(serde_json::from_value(pod).unwrap());
        }
        let mut budget = json!({ "metadata": { "name": "b", "namespace": "n" }, "spec": spec });
        budget["spec"]["selector"] = json!({ "matchLabels": { "app": "w" } });
        budget["status"] = json!({ "disruptedPods": { "p0": "2026-01-01T00:00:00Z" } });
        let budget: PodDisruptionBudget = serde_json::from_value(budget).unwrap();
        let key = ("n".to_owned(), "b".to_owned());
        state.budgets.insert(key, Arc::new(budget));
        state
    }

    /// The status that is written.
    fn status(state: &State) -> Value {
        match &reconcile(state)[..] {
            [Write::Patch { patch, .. }] => patch["status"].clone(),
            other => panic!("{other:?} is not one status"),
        }
    }

    #[test]
    fn with_a_percentage_the_deployment_says_how_many_pods_there_should_be() {
        for (spec, pods, leaving, expected, allowed) in [
            (json!({ "maxUnavailable": "25%" }), 4, 0, 4, 1),
            (json!({ "maxUnavailable": "25%" }), 5, 1, 4, 1),
            (json!({ "maxUnavailable": "25%" }), 4, 1, 4, 0),
            (json!({ "minAvailable": "50%" }), 4, 1, 4, 1),
            (json!({ "minAvailable": 3 }), 5, 1, 5, 1),
        ] {
            let status = status(&world(&spec, pods, leaving));
            assert_eq!(status["expectedPods"], expected, "{spec} {pods} {leaving}");
            assert_eq!(
                status["disruptionsAllowed"], allowed,
                "{spec} {pods} {leaving}"
            );
        }
    }

    #[test]
    fn an_eviction_is_under_way_until_its_pod_shows_it() {
        let rule = json!({ "maxUnavailable": 1 });
        assert_eq!(status(&world(&rule, 4, 0))["disruptedPods"], json!({}));
        let over = json!({ "p0": null });
        assert_eq!(status(&world(&rule, 4, 1))["disruptedPods"], over);
        assert_eq!(status(&world(&rule, 0, 0))["disruptedPods"], over);
    }
}
