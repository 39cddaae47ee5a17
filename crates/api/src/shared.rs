//! Pieces that several kinds share.

use serde::{Deserialize, Serialize};

/// One entry of `requirements`. The operator stays text: the server checks it, and an object that
/// an older server let through must still be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeRequirement {
    /// Label key, or an extended resource that instance types must offer.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`, `Gte` or `Lte`.
    pub operator: String,
    /// Operands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// How many different values the chosen instance types must leave open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_values: Option<u32>,
}

/// Which node class a pool or claim uses.
///
/// Manifests may write `apiVersion` instead of `group`, and leave out what the provider has a
/// default for: an empty field here means that nothing was written. [`NodeClassRef::or_default`]
/// fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "LooseNodeClassRef")]
pub struct NodeClassRef {
    /// API group of the class.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Kind of the class.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name of the class.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl NodeClassRef {
    /// The reference with the provider's own kind, and the name `default`, where nothing was
    /// written.
    #[must_use]
    pub fn or_default(&self, defaults: &ProviderDefaults) -> Self {
        let or = |text: &str, default: &str| {
            if text.is_empty() {
                default.to_owned()
            } else {
                text.to_owned()
            }
        };
        Self {
            group: or(&self.group, &defaults.group),
            kind: or(&self.kind, &defaults.kind),
            name: or(&self.name, "default"),
        }
    }

    /// The label that carries the class' name on claims and nodes, such as
    /// `karpenter.k8s.aws/ec2nodeclass`.
    pub fn label_key(&self) -> String {
        format!("{}/{}", self.group, self.kind.to_lowercase())
    }
}

/// What a provider fills in where a manifest says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderDefaults {
    /// API group of the provider's own node class.
    pub group: String,
    /// Kind of the provider's own node class.
    pub kind: String,
}

impl ProviderDefaults {
    /// AWS: `EC2NodeClass` of `karpenter.k8s.aws`.
    pub fn aws() -> Self {
        Self {
            group: "karpenter.k8s.aws".to_owned(),
            kind: "EC2NodeClass".to_owned(),
        }
    }

    /// KWOK: `KWOKNodeClass` of `karpenter.kwok.sh`.
    pub fn kwok() -> Self {
        Self {
            group: "karpenter.kwok.sh".to_owned(),
            kind: "KWOKNodeClass".to_owned(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LooseNodeClassRef {
    api_version: String,
    group: String,
    kind: String,
    name: String,
}

impl From<LooseNodeClassRef> for NodeClassRef {
    fn from(loose: LooseNodeClassRef) -> Self {
        let from_version = || match loose.api_version.split_once('/') {
            Some((group, _)) => group.to_owned(),
            None => String::new(),
        };
        let group = if loose.group.is_empty() {
            from_version()
        } else {
            loose.group
        };
        Self {
            group,
            kind: loose.kind,
            name: loose.name,
        }
    }
}
