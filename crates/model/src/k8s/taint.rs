//! Taints and tolerations as objects carry them; the rule of who tolerates what is in
//! `requirements`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a taint does to pods that do not tolerate it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum TaintEffect {
    /// Pods are not scheduled here.
    #[default]
    NoSchedule,
    /// Pods are scheduled here only if nothing else is left.
    PreferNoSchedule,
    /// Pods are neither scheduled nor kept here.
    NoExecute,
}

impl TaintEffect {
    /// The spelling of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

impl fmt::Display for TaintEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A taint of a node, a NodePool template or a NodeClaim.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taint {
    /// Qualified name.
    pub key: String,
    /// Value; absent and empty mean the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Effect. Key and effect together identify a taint.
    pub effect: TaintEffect,
    /// When a `NoExecute` taint was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_added: Option<Timestamp>,
}

impl Taint {
    /// A taint without `timeAdded`; an empty value is stored as absent.
    pub fn new(key: impl Into<String>, value: &str, effect: TaintEffect) -> Self {
        let value = (!value.is_empty()).then(|| value.to_owned());
        Self {
            key: key.into(),
            value,
            effect,
            time_added: None,
        }
    }

    /// The value, empty when absent.
    pub fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }

    /// Whether both have the same key and effect, which is what identifies a taint on a node.
    pub fn same_identity(&self, other: &Self) -> bool {
        self.key == other.key && self.effect == other.effect
    }
}

impl fmt::Display for Taint {
    /// `key=value:effect`, or `key:effect` without a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            "" => write!(f, "{}:{}", self.key, self.effect),
            value => write!(f, "{}={value}:{}", self.key, self.effect),
        }
    }
}

/// A pod's toleration. Absent fields mean: any key, operator `Equal`, empty value, any effect, for
/// ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Toleration {
    /// Taint key; empty with `Exists` tolerates every taint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// `Equal` (default), `Exists`, and since Kubernetes 1.35 `Gt` and `Lt`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operator: String,
    /// Operand of `Equal`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Effect; absent tolerates all effects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<TaintEffect>,
    /// How long a `NoExecute` taint is tolerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}
