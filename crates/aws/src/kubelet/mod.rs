//! The kubelet's settings of a node class: what is allowed, and what they come to on an instance
//! type.
//!
//! `spec.kubelet` is an open object. A few fields mean something to Karpenter ([`Managed`]); of
//! those, the number of pods and what is reserved may be expressions over the instance type. What
//! they come to ([`Resolved`]) is one value that both the scheduler's view of a type and the user
//! data of its instances are made from, so that the two agree.
//!
//! What is *not* here: how a family's image is told (`userdata`), and what the settings leave of a
//! machine (`catalog`).

mod expression;
mod parse;
mod refusal;
mod reserved;
mod resolve;
mod schema;
mod support;
mod types;
mod validate;

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::ec2::{Kubelet, NodeSettings};
use serde_json::{Map, Value};

pub use expression::{InvalidExpression, NoNumber};
pub use parse::ParseError;
pub use refusal::{Evaluation, Reason, Refusal, accept, evaluate_all};
pub use resolve::{CompileError, Compiled, EvaluationError, Field};
pub use support::{Unsupported, unsupported};
pub use types::TypeError;
pub use validate::{Problem, Violation, validate};

/// Whether expressions are evaluated (feature gate `NodeClassCEL`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expressions {
    /// They count as not given.
    #[default]
    Disabled,
    /// They are evaluated for each instance type.
    Enabled,
}

/// A class's settings of the kubelet, read as far as they mean something to Karpenter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings {
    /// All of them, as they are written.
    pub verbatim: Map<String, Value>,
    /// Those that are the same on every instance type.
    pub managed: Managed,
    /// Most pods on a node.
    pub max_pods: Option<MaxPods>,
    /// What is kept for the kubelet and its like: quantities or expressions, by resource.
    pub kube_reserved: BTreeMap<String, String>,
    /// What is kept for the operating system: quantities or expressions, by resource.
    pub system_reserved: BTreeMap<String, String>,
}

/// Most pods on a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MaxPods {
    /// A number.
    Number(u32),
    /// An expression over the instance type.
    Expression(String),
}

/// Settings that mean something to Karpenter and are the same on every instance type. Empty maps
/// are the same as none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Managed {
    /// Addresses of name services.
    pub cluster_dns: Vec<String>,
    /// Most pods for each virtual CPU; zero: no limit.
    pub pods_per_core: Option<u32>,
    /// When to evict at once, by signal.
    pub eviction_hard: BTreeMap<String, String>,
    /// When to evict after a while, by signal.
    pub eviction_soft: BTreeMap<String, String>,
    /// After which while, by signal.
    pub eviction_soft_grace_period: BTreeMap<String, Duration>,
    /// Longest grace period of pods that are evicted, in seconds.
    pub eviction_max_pod_grace_period: Option<u32>,
    /// Use of the disk, in percent, from which on images are collected.
    pub image_gc_high_percent: Option<i32>,
    /// Use of the disk, in percent, down to which images are collected.
    pub image_gc_low_percent: Option<i32>,
    /// Whether limits of CPU are enforced by quota.
    pub cpu_cfs_quota: Option<bool>,
}

/// The settings on one instance type: no expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resolved {
    /// All settings as they are written; expressions among them.
    pub verbatim: Map<String, Value>,
    /// Those that are the same on every instance type.
    pub managed: Managed,
    /// Most pods on a node: the number of the class, or else what the type has room for.
    pub max_pods: u32,
    /// What the class keeps for the kubelet and its like; empty if it does not say.
    pub kube_reserved: BTreeMap<String, String>,
    /// What the class keeps for the operating system; empty if it does not say.
    pub system_reserved: BTreeMap<String, String>,
}

impl Resolved {
    /// The settings as far as they decide what pods can have of a machine.
    pub fn for_capacity(&self) -> Kubelet {
        Kubelet {
            max_pods: Some(u64::from(self.max_pods)),
            pods_per_core: self.managed.pods_per_core.map(u64::from),
            kube_reserved: readable(&self.kube_reserved),
            system_reserved: readable(&self.system_reserved),
            eviction_hard: readable(&self.managed.eviction_hard),
        }
    }

    /// How nodes are set up, with these settings in place of those that are there.
    #[must_use]
    pub fn apply(&self, node: &NodeSettings) -> NodeSettings {
        NodeSettings {
            kubelet: self.for_capacity(),
            ..node.clone()
        }
    }
}

fn readable<T: std::str::FromStr>(map: &BTreeMap<String, String>) -> BTreeMap<String, T> {
    map.iter()
        .filter_map(|(name, text)| Some((name.clone(), text.parse().ok()?)))
        .collect()
}
