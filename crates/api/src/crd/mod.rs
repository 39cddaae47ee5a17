//! The custom resource definitions, made from the types.
//!
//! What is *not* here: the files in which they are shipped, which `cargo xtask charts` writes.

mod definition;
mod structural;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{CapacityBuffer, Ec2NodeClass, KwokNodeClass, NodeClaim, NodeOverlay, NodePool};
pub use definition::Define;

/// All definitions, by name.
pub fn all() -> Vec<Value> {
    vec![
        definition::of::<CapacityBuffer>(),
        definition::of::<Ec2NodeClass>(),
        definition::of::<KwokNodeClass>(),
        definition::of::<NodeClaim>(),
        definition::of::<NodeOverlay>(),
        definition::of::<NodePool>(),
    ]
}

/// The name of a definition's file: `karpenter.sh_nodepools.yaml`.
pub fn file_name(definition: &Value) -> String {
    let text = |pointer: &str| {
        definition
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("")
    };
    format!(
        "{}_{}.yaml",
        text("/spec/group"),
        text("/spec/names/plural")
    )
}

/// The schema of objects of a kind; none if the kind is not one of ours.
pub fn schema(group: &str, kind: &str) -> Option<Value> {
    all().into_iter().find_map(|mut definition| {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str);
        if text("/spec/group") != Some(group) || text("/spec/names/kind") != Some(kind) {
            return None;
        }
        let schema = definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema")?;
        Some(schema.take())
    })
}
