//! The node class controllers of the simulation: every class is ready at once.
//!
//! What a class selects (images, subnets, groups) does not exist in a simulation, so nothing of it
//! is checked here; `karp validate` checks what can be checked without a cloud.

use model::Timestamp;
use runtime::client::Kind;
use serde_json::{Value, json};

use crate::write::{Part, Target, Write};

/// The write that makes a node class ready, unless it is.
pub(crate) fn reconcile(kind: Kind, class: &Value, now: Timestamp) -> Option<Write> {
    let ready = class
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .is_some_and(|conditions| {
            conditions
                .iter()
                .any(|have| have["type"] == "Ready" && have["status"] == "True")
        });
    let name = class.pointer("/metadata/name").and_then(Value::as_str)?;
    let version = kind.version.to_owned();
    (!ready).then(|| Write::Patch {
        target: Target {
            version,
            ..Target::new(kind.group, kind.plural, "", name)
        },
        part: Part::Status,
        patch: json!({ "status": { "conditions": [{
            "type": "Ready",
            "status": "True",
            "reason": "Ready",
            "message": "",
            "lastTransitionTime": now.to_string(),
            "observedGeneration": class.pointer("/metadata/generation").unwrap_or(&json!(1)),
        }] } }),
    })
}
