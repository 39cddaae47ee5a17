//! Objects of which only the pods that they select matter: what spreads pods by default.
//!
//! What is *not* here: workloads with their pod templates (`workload`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::meta::{ObjectMeta, null_as_default};
use super::selector::LabelSelector;

/// A spec that selects by equal labels, as in `v1.ServiceSpec` and
/// `v1.ReplicationControllerSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabelsSpec {
    /// Labels that pods must have. Without any, none is selected by it.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub selector: BTreeMap<String, String>,
}

/// A spec that selects by conditions on labels, as in `apps/v1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SelectorSpec {
    /// What pods must meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

macro_rules! selecting {
    ($(#[$doc:meta])* $name:ident, $spec:ident, $group:literal, $kind:literal, $plural:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            /// Metadata.
            pub metadata: ObjectMeta,
            /// Whom it selects.
            pub spec: $spec,
        }

        crate::resource!($name, $group, "v1", $kind, $plural, true);
    };
}

selecting!(
    /// `v1.Service`.
    Service,
    LabelsSpec,
    "",
    "Service",
    "services"
);
selecting!(
    /// `v1.ReplicationController`.
    ReplicationController,
    LabelsSpec,
    "",
    "ReplicationController",
    "replicationcontrollers"
);
selecting!(
    /// Selector of an `apps/v1.ReplicaSet`.
    ReplicaSetSelector,
    SelectorSpec,
    "apps",
    "ReplicaSet",
    "replicasets"
);
selecting!(
    /// Selector of an `apps/v1.StatefulSet`.
    StatefulSetSelector,
    SelectorSpec,
    "apps",
    "StatefulSet",
    "statefulsets"
);
