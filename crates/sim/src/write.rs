//! What the parts of the simulated cluster want done, as values. Only `engine` performs them.

use serde_json::Value;

/// One write to the API server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Write {
    /// Creates an object.
    Create(Value),
    /// Merge-patches an object or its status.
    Patch {
        /// Which object.
        target: Target,
        /// Whether the status subresource is meant.
        part: Part,
        /// The merge patch.
        patch: Value,
    },
    /// Binds a pod to a node.
    Bind {
        /// The pod.
        pod: Target,
        /// The node.
        node: String,
    },
    /// Deletes an object.
    Delete {
        /// Which object.
        target: Target,
        /// Seconds of grace; absent means the object's own.
        grace_seconds: Option<i64>,
    },
}

/// Which part of an object a patch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Metadata and spec.
    Main,
    /// The status subresource.
    Status,
}

/// An object by kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    /// API group, empty for the core group.
    pub(crate) group: String,
    /// Served version.
    pub(crate) version: String,
    /// Plural in lower case.
    pub(crate) plural: String,
    /// Namespace, empty for cluster scope.
    pub(crate) namespace: String,
    /// Name.
    pub(crate) name: String,
}

impl Target {
    /// A pod.
    pub(crate) fn pod(namespace: &str, name: &str) -> Self {
        Self::new("", "pods", namespace, name)
    }

    /// A node.
    pub(crate) fn node(name: &str) -> Self {
        Self::new("", "nodes", "", name)
    }

    /// An object of a kind that is served as `v1`.
    pub(crate) fn new(group: &str, plural: &str, namespace: &str, name: &str) -> Self {
        Self {
            group: group.to_owned(),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}
