//! When an update counts as a new generation.

use serde_json::Value;

use crate::{
    meta,
    resource::{Generation, ResourceInfo},
};

/// Sets `metadata.generation` of an update from what changed.
pub(super) fn advance(info: &ResourceInfo, old: &Value, new: &mut Value) {
    if info.generation == Generation::None {
        meta::copy(new, old, "generation");
        return;
    }
    let before = meta::field(old, "generation")
        .and_then(Value::as_i64)
        .unwrap_or(1);
    // Marking an object as being deleted counts too, as in the server.
    let counts =
        differs(info.generation, old, new) || (meta::is_deleting(new) && !meta::is_deleting(old));
    meta::set(new, "generation", (before + i64::from(counts)).into());
}

fn differs(rule: Generation, old: &Value, new: &Value) -> bool {
    let ignored: &[&str] = match rule {
        Generation::None => return false,
        Generation::Spec => return spec_of(old) != spec_of(new),
        Generation::AllButMetadata => &["metadata"],
        Generation::AllButMetadataAndStatus => &["metadata", "status"],
    };
    let (Some(a), Some(b)) = (old.as_object(), new.as_object()) else {
        return old != new;
    };
    let kept = |name: &&String| !ignored.contains(&name.as_str());
    let names = a.keys().chain(b.keys()).filter(kept);
    let mut names: Vec<&String> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().any(|name| a.get(name) != b.get(name))
}

/// What stands for the spec: `spec`, or the payload of kinds without one.
fn spec_of(object: &Value) -> Option<&Value> {
    object.get("spec").or_else(|| object.get("value"))
}
