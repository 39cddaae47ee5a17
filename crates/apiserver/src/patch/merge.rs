//! JSON merge patch, RFC 7386.

use serde_json::Value;

use crate::meta;

/// Changes `target` by `patch`: null removes, maps merge, everything else replaces.
pub(crate) fn apply(target: &mut Value, patch: &Value) {
    let Some(changes) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    let map = meta::as_map(target);
    for (name, change) in changes {
        if change.is_null() {
            map.remove(name);
        } else if change.is_object() {
            apply(map.entry(name.as_str()).or_insert(Value::Null), change);
        } else {
            map.insert(name.clone(), change.clone());
        }
    }
}
