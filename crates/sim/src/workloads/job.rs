//! Job: pods that run to their end, some at a time.

use model::Timestamp;
use serde_json::{Value, json};

use super::{pod, text, uid};
use crate::state::{State, WorkloadKey};
use crate::write::{Part, Target, Write};

pub(super) fn reconcile(
    state: &State,
    key: &WorkloadKey,
    object: &Value,
    now: Timestamp,
) -> Vec<Write> {
    let number = |field: &str| {
        let value = object
            .pointer(&format!("/spec/{field}"))
            .and_then(Value::as_u64);
        value.map(|value| usize::try_from(value).unwrap_or(usize::MAX))
    };
    let finished = !text(object, "/status/completionTime").is_empty();
    if finished || object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let phase = |wanted: &str| {
        state
            .owned_pods(uid(object))
            .filter(|pod| pod.status.phase == wanted)
            .count()
    };
    let succeeded = phase("Succeeded");
    let parallelism = number("parallelism").unwrap_or(1);
    let completions = number("completions").unwrap_or(1);
    if succeeded >= completions {
        let target = Target::new("batch", "jobs", &key.namespace, &key.name);
        let patch = json!({ "status": {
            "succeeded": succeeded,
            "completionTime": now.to_string(),
            "conditions": [{ "type": "Complete", "status": "True" }],
        } });
        return vec![Write::Patch {
            target,
            part: Part::Status,
            patch,
        }];
    }
    let active = state
        .owned_pods(uid(object))
        .filter(|pod| !pod.is_terminal() && !pod.metadata.is_deleting())
        .count();
    let wanted = parallelism.min(completions - succeeded);
    let prefix = format!("{}-", key.name);
    (active..wanted)
        .map(|_| Write::Create(pod(object, &prefix)))
        .collect()
}
