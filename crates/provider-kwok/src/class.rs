//! KWOKNodeClass, as much of it as a launch needs.

use std::time::Duration;

use api::Condition;
use model::{ObjectMeta, duration::parse_go};
use runtime::client::Kind;
use serde::{Deserialize, Serialize};

/// The kind that pools refer to.
pub const KIND: Kind = Kind {
    group: "karpenter.kwok.sh",
    version: "v1alpha1",
    kind: "KWOKNodeClass",
    plural: "kwoknodeclasses",
};

/// `karpenter.kwok.sh/v1alpha1` KWOKNodeClass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeClass {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Settings.
    pub spec: Spec,
    /// State; nobody changes it after the default.
    pub status: Status,
}

model::resource!(
    NodeClass,
    "karpenter.kwok.sh",
    "v1alpha1",
    "KWOKNodeClass",
    "kwoknodeclasses",
    false
);

/// Settings of a [`NodeClass`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// How long after the launch the Node appears, in Go notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_registration_delay: Option<String>,
}

/// State of a [`NodeClass`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Conditions; `Ready` has no dependents.
    pub conditions: Vec<Condition>,
}

impl NodeClass {
    /// How long after the launch the Node appears. What is no duration was refused by the schema and counts
    /// as none.
    pub fn registration_delay(&self) -> Duration {
        let text = self.spec.node_registration_delay.as_deref();
        text.and_then(|text| parse_go(text).ok())
            .unwrap_or_default()
    }
}
