//! How callers name resources, and what the server knows about each.

use std::sync::Arc;

use crate::{registry::columns::Column, schema::Schema};

/// A resource by group, version and plural: what stands in a URL path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource<'a> {
    /// API group, empty for core.
    pub group: &'a str,
    /// Version, such as `v1`.
    pub version: &'a str,
    /// Lower case plural, such as `pods`.
    pub plural: &'a str,
}

impl<'a> Resource<'a> {
    /// Names a resource.
    pub const fn new(group: &'a str, version: &'a str, plural: &'a str) -> Self {
        Self {
            group,
            version,
            plural,
        }
    }
}

/// `pods`
pub const PODS: Resource<'static> = Resource::new("", "v1", "pods");
/// `nodes`
pub const NODES: Resource<'static> = Resource::new("", "v1", "nodes");
/// `namespaces`
pub const NAMESPACES: Resource<'static> = Resource::new("", "v1", "namespaces");
/// `events`
pub const EVENTS: Resource<'static> = Resource::new("", "v1", "events");
/// `deployments.apps`
pub const DEPLOYMENTS: Resource<'static> = Resource::new("apps", "v1", "deployments");
/// `replicasets.apps`
pub const REPLICA_SETS: Resource<'static> = Resource::new("apps", "v1", "replicasets");
/// `statefulsets.apps`
pub const STATEFUL_SETS: Resource<'static> = Resource::new("apps", "v1", "statefulsets");
/// `daemonsets.apps`
pub const DAEMON_SETS: Resource<'static> = Resource::new("apps", "v1", "daemonsets");
/// `jobs.batch`
pub const JOBS: Resource<'static> = Resource::new("batch", "v1", "jobs");
/// `poddisruptionbudgets.policy`
pub const PDBS: Resource<'static> = Resource::new("policy", "v1", "poddisruptionbudgets");
/// `customresourcedefinitions.apiextensions.k8s.io`
pub const CRDS: Resource<'static> =
    Resource::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");

/// The place of a resource's objects in the store; versions of one resource share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ShelfId(pub(crate) usize);

/// One served version of a resource.
#[derive(Debug, Clone)]
pub(crate) struct ResourceInfo {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) scope: Scope,
    pub(crate) status: StatusSubresource,
    pub(crate) scale: Option<ScalePaths>,
    pub(crate) generation: Generation,
    pub(crate) shelf: ShelfId,
    /// `apiVersion` of stored objects.
    pub(crate) storage_api_version: String,
    /// Structural schema: custom resources only.
    pub(crate) schema: Option<Arc<Schema>>,
    /// Columns of a custom resource's table.
    pub(crate) columns: Vec<Column>,
}

/// Where objects of a resource live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Namespaced,
    Cluster,
}

/// Whether `status` is written through its own path only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusSubresource {
    Present,
    Absent,
}

/// What counts as a new generation of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// A change of `spec`.
    Spec,
    /// Any change but those of metadata (custom resources without a status subresource).
    AllButMetadata,
    /// Any change but those of metadata and status (custom resources with one).
    AllButMetadataAndStatus,
    /// The kind does not count generations.
    None,
}

/// Dotted paths of the scale subresource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScalePaths {
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    pub(crate) label_selector: Option<String>,
}

impl ResourceInfo {
    pub(crate) fn api_version(&self) -> String {
        group_version(&self.group, &self.version)
    }

    pub(crate) fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    pub(crate) fn is(&self, resource: Resource<'_>) -> bool {
        self.group == resource.group && self.plural == resource.plural
    }

    /// Whether the objects come from a CustomResourceDefinition.
    pub(crate) fn is_custom(&self) -> bool {
        self.schema.is_some()
    }

    pub(crate) fn not_found(&self, name: &str) -> crate::ApiError {
        crate::ApiError::not_found(&self.group, &self.plural, name)
    }

    pub(crate) fn conflict(&self, name: &str, why: &str) -> crate::ApiError {
        crate::ApiError::conflict(&self.group, &self.plural, name, why)
    }

    pub(crate) fn invalid(
        &self,
        name: &str,
        fields: Vec<crate::error::FieldError>,
    ) -> crate::ApiError {
        crate::ApiError::invalid(&self.group, &self.kind, name, fields)
    }
}

/// `apps/v1`, or `v1` in the core group.
pub(crate) fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}
