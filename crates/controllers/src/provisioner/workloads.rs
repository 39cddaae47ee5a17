//! Watches of workloads: how many pods they want.
//!
//! Nothing waits for these watches. Who may not read workloads has longer batch windows, no more.
//!
//! What is *not* here: what follows from it (`arrivals`).

use futures::future::join_all;
use model::ObjectMeta;
use runtime::client::Kind;
use runtime::watch::{Config, Decode, DecodeError, Event, Versioned, Watcher};
use serde::Deserialize;

use super::arrivals::{Pace, Wish, Workload, WorkloadKind};
use crate::shared::{Shared, lock};

/// Follows all kinds of workloads for ever.
pub(crate) async fn run(shared: &Shared) {
    join_all(WorkloadKind::ALL.map(|kind| follow(shared, kind))).await;
}

async fn follow(shared: &Shared, kind: WorkloadKind) {
    let world = &shared.world;
    let (group, name, plural) = match kind {
        WorkloadKind::ReplicaSet => ("apps", "ReplicaSet", "replicasets"),
        WorkloadKind::StatefulSet => ("apps", "StatefulSet", "statefulsets"),
        WorkloadKind::Job => ("batch", "Job", "jobs"),
    };
    let watched = Kind {
        group,
        version: "v1",
        kind: name,
        plural,
    };
    let config = Config::all(watched)
        .seed(world.seed)
        .metrics(world.metrics.clone());
    let mut watcher = Watcher::new(world.client.clone(), config, Workloads(kind));
    loop {
        let event = watcher.next().await;
        let now = shared.now();
        let mut arrivals = lock(&shared.arrivals);
        match event {
            Event::Reset(all) => arrivals.reset_workloads(kind, all, now),
            Event::Applied((workload, wish)) => arrivals.workload(workload, wish, now),
            Event::Deleted((workload, _)) => arrivals.workload(workload, None, now),
        }
        drop(arrivals);
        shared.batcher.reconsider();
    }
}

/// Reads the few fields of a workload that count.
struct Workloads(WorkloadKind);

#[derive(Deserialize)]
struct Object {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    replicas: Option<usize>,
    pod_management_policy: String,
    parallelism: Option<usize>,
    completions: Option<usize>,
    suspend: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    succeeded: usize,
    conditions: Vec<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Condition {
    r#type: String,
    status: String,
}

impl Decode for Workloads {
    type Item = (Workload, Option<Wish>);

    fn decode(&mut self, object: &[u8]) -> Result<Versioned<Self::Item>, DecodeError> {
        let object: Object =
            serde_json::from_slice(object).map_err(|cause| DecodeError(cause.to_string()))?;
        let meta = &object.metadata;
        let workload = Workload {
            kind: self.0,
            namespace: meta.namespace().into(),
            name: meta.name.as_str().into(),
        };
        Ok(Versioned {
            resource_version: meta.resource_version.clone(),
            item: (workload, wish(self.0, &object)),
        })
    }
}

/// What a workload wants; none if that is nothing.
fn wish(kind: WorkloadKind, object: &Object) -> Option<Wish> {
    let (spec, status) = (&object.spec, &object.status);
    let says = |wanted: &str| {
        let mut conditions = status.conditions.iter();
        conditions.any(|held| held.r#type == wanted && held.status == "True")
    };
    let wanted = match kind {
        WorkloadKind::ReplicaSet | WorkloadKind::StatefulSet => spec.replicas.unwrap_or(1),
        WorkloadKind::Job => {
            let ended = ["Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"];
            if spec.suspend || ended.iter().any(|condition| says(condition)) {
                return None;
            }
            let at_once = spec.parallelism.unwrap_or(1);
            match spec.completions {
                Some(completions) => at_once.min(completions.saturating_sub(status.succeeded)),
                // A queue of work: no pod is started any more once one has found it empty.
                None if status.succeeded > 0 => 0,
                None => at_once,
            }
        }
    };
    let going = object.metadata.deletion_timestamp.is_some();
    if going || wanted == 0 {
        return None;
    }
    let one_by_one = kind == WorkloadKind::StatefulSet && spec.pod_management_policy != "Parallel";
    Some(Wish {
        // Creations are refused: what is there is all there will be.
        pods: if says("ReplicaFailure") { 0 } else { wanted },
        pace: if one_by_one {
            Pace::OneByOne
        } else {
            Pace::Together
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_workload_wants_is_read_from_its_spec_and_status() {
        use WorkloadKind::{Job, ReplicaSet, StatefulSet};
        let failing = json!({"conditions": [{"type": "ReplicaFailure", "status": "True"}]});
        let complete = json!({"conditions": [{"type": "Complete", "status": "True"}]});
        for (kind, spec, status, wanted) in [
            (
                ReplicaSet,
                json!({"replicas": 3}),
                json!({}),
                Some((3, Pace::Together)),
            ),
            (ReplicaSet, json!({}), json!({}), Some((1, Pace::Together))),
            (ReplicaSet, json!({"replicas": 0}), json!({}), None),
            (
                ReplicaSet,
                json!({"replicas": 3}),
                failing,
                Some((0, Pace::Together)),
            ),
            (
                StatefulSet,
                json!({"replicas": 3}),
                json!({}),
                Some((3, Pace::OneByOne)),
            ),
            (
                StatefulSet,
                json!({"replicas": 3, "podManagementPolicy": "Parallel"}),
                json!({}),
                Some((3, Pace::Together)),
            ),
            (
                Job,
                json!({"parallelism": 5}),
                json!({}),
                Some((5, Pace::Together)),
            ),
            (
                Job,
                json!({"parallelism": 5}),
                json!({"succeeded": 1}),
                None,
            ),
            (
                Job,
                json!({"parallelism": 5, "completions": 7}),
                json!({"succeeded": 4}),
                Some((3, Pace::Together)),
            ),
            (
                Job,
                json!({"parallelism": 5, "suspend": true}),
                json!({}),
                None,
            ),
            (Job, json!({"completions": 1}), complete, None),
        ] {
            let object = json!({"metadata": {"name": "a", "namespace": "b", "resourceVersion": "1"},
                "spec": spec, "status": status});
            let decoded = Workloads(kind).decode(object.to_string().as_bytes());
            let (workload, wish) = decoded.expect("a workload").item;
            assert_eq!((&*workload.namespace, &*workload.name), ("b", "a"));
            let wish = wish.map(|wish| (wish.pods, wish.pace));
            assert_eq!(wish, wanted, "{object}");
        }
    }

    #[test]
    fn a_workload_that_is_being_deleted_wants_nothing() {
        let object = json!({"metadata": {"name": "a", "namespace": "b",
            "deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"replicas": 3}});
        let decoded = Workloads(WorkloadKind::ReplicaSet).decode(object.to_string().as_bytes());
        assert_eq!(decoded.expect("a workload").item.1, None);
    }
}
