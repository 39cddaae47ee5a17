//! Manifests in the manner of operator's guides, older spellings included.

use serde_json::Value;

use crate::case::Case;

const MANIFESTS: &str = include_str!("guide.yaml");

pub(crate) fn cases() -> Vec<Case> {
    let documents = MANIFESTS.split("\n---\n");
    let parsed = documents.map(|text| -> Value { serde_saphyr::from_str(text).expect("YAML") });
    let named = |object: Value| {
        let name = format!("guide: {} {}", object["kind"], object["metadata"]["name"]);
        Case::accepted(&name, object)
    };
    parsed.map(named).collect()
}
