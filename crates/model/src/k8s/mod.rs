//! Slim Kubernetes objects: only the fields that decide anything.
//!
//! Decoding ignores every other field, so these types must never be written back whole: writers
//! send patches. What is *not* here: interning and sharing (`cluster`), and any rule about what a
//! field means (`requirements`, `scheduling`, `lifecycle`).

pub mod affinity;
pub mod dra;
pub mod meta;
pub mod node;
pub mod pod;
pub mod policy;
pub mod selecting;
pub mod selector;
pub mod storage;
pub mod taint;
pub mod workload;

pub use dra::{DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice};
pub use meta::{ObjectMeta, OwnerReference};
pub use node::{Node, NodeCondition, NodeSpec, NodeStatus};
pub use pod::{Container, Pod, PodKey, PodSpec, PodStatus};
pub use policy::{LimitRange, Namespace, PodDisruptionBudget, PriorityClass};
pub use selecting::{ReplicaSetSelector, ReplicationController, Service, StatefulSetSelector};
pub use selector::{LabelSelector, NodeSelectorRequirement, NodeSelectorTerm};
pub use storage::{
    CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass, VolumeAttachment,
};
pub use taint::{Taint, TaintEffect, Toleration};
pub use workload::{DaemonSet, Deployment, Job, PodTemplate, ReplicaSet, StatefulSet};

/// A kind that the Kubernetes API serves: where it lives and how its metadata is reached.
pub trait Resource {
    /// API group, empty for the core group.
    const GROUP: &'static str;
    /// Served version, such as `v1`.
    const VERSION: &'static str;
    /// Kind in `CamelCase`.
    const KIND: &'static str;
    /// Plural in lower case, as it stands in the URL.
    const PLURAL: &'static str;
    /// Whether objects live in a namespace.
    const NAMESPACED: bool;

    /// The object's metadata.
    fn meta(&self) -> &ObjectMeta;

    /// `apiVersion` as manifests write it.
    fn api_version() -> String {
        if Self::GROUP.is_empty() {
            Self::VERSION.to_owned()
        } else {
            format!("{}/{}", Self::GROUP, Self::VERSION)
        }
    }
}

/// Implements [`Resource`] for a type whose metadata is its field `metadata`.
#[macro_export]
macro_rules! resource {
    (
        $type:ty, $group:literal, $version:literal, $kind:literal, $plural:literal,
        $namespaced:literal
    ) => {
        impl $crate::k8s::Resource for $type {
            const GROUP: &'static str = $group;
            const VERSION: &'static str = $version;
            const KIND: &'static str = $kind;
            const PLURAL: &'static str = $plural;
            const NAMESPACED: bool = $namespaced;

            fn meta(&self) -> &$crate::ObjectMeta {
                &self.metadata
            }
        }
    };
}

#[cfg(test)]
mod tests;
