//! How lists and maps merge: by the schema for custom resources, by a table for built-in kinds.

use crate::schema::{ListType, Node};

/// Knowledge about a place in an object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'a> {
    /// A place that a custom resource's schema describes.
    Schema(&'a Node),
    /// A field of a built-in kind (or of metadata), by its name and its parent's.
    Builtin { parent: &'a str, field: &'a str },
    /// Nothing is known: lists are replaced, maps merge.
    Unknown,
}

/// How a list merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListKind {
    Atomic,
    Set,
    /// Items are told apart by these fields.
    Map(Vec<String>),
}

impl<'a> Shape<'a> {
    /// The shape of a whole object.
    pub(crate) fn root(schema: Option<&'a Node>) -> Self {
        schema.map_or(
            Shape::Builtin {
                parent: "",
                field: "",
            },
            Shape::Schema,
        )
    }

    /// The shape of a field.
    pub(crate) fn child(self, name: &'a str) -> Shape<'a> {
        match self {
            Shape::Schema(node) => match node.child(name) {
                // Metadata is the same for every kind, whatever the schema leaves out.
                _ if name == "metadata" => Shape::Builtin {
                    parent: "",
                    field: "metadata",
                },
                Some(child) => Shape::Schema(child),
                None => Shape::Unknown,
            },
            Shape::Builtin { field, .. } => Shape::Builtin {
                parent: field,
                field: name,
            },
            Shape::Unknown => Shape::Unknown,
        }
    }

    /// The shape of an item of a list.
    pub(crate) fn item(self) -> Shape<'a> {
        match self {
            Shape::Schema(node) => node.items.as_deref().map_or(Shape::Unknown, Shape::Schema),
            other => other,
        }
    }

    /// How a list at this place merges in an apply.
    pub(crate) fn list_kind(self) -> ListKind {
        match self {
            Shape::Schema(node) => match &node.list_type {
                ListType::Atomic => ListKind::Atomic,
                ListType::Set => ListKind::Set,
                ListType::Map(keys) => ListKind::Map(keys.clone()),
            },
            Shape::Builtin { parent, field } => apply_kind(parent, field),
            Shape::Unknown => ListKind::Atomic,
        }
    }

    /// How a list at this place merges in a strategic merge patch.
    pub(crate) fn strategic_kind(self) -> ListKind {
        match self {
            Shape::Builtin { parent, field } => strategic_kind(parent, field),
            other => other.list_kind(),
        }
    }

    /// Whether the place is always there in the server's types, so that nobody can add it.
    pub(crate) fn is_always_there(self) -> bool {
        match self {
            Shape::Builtin { parent, field } => {
                matches!(
                    field,
                    "" | "metadata" | "spec" | "status" | "template" | "resources"
                ) || matches!(field, "strategy" | "updateStrategy" | "containers")
                    || (parent, field) == ("spec", "jobTemplate")
            }
            _ => false,
        }
    }

    /// Whether a map at this place is owned and replaced as a whole.
    pub(crate) fn is_atomic_map(self) -> bool {
        match self {
            Shape::Schema(node) => node.map_type == crate::schema::MapType::Atomic,
            Shape::Builtin { parent, field } => is_atomic_map(parent, field),
            Shape::Unknown => false,
        }
    }
}

fn by(keys: &[&str]) -> ListKind {
    ListKind::Map(keys.iter().map(|k| (*k).to_owned()).collect())
}

/// List types of the built-in API, by field: `listType` and `listMapKey` of its source.
fn apply_kind(parent: &str, field: &str) -> ListKind {
    match (parent, field) {
        ("metadata", "finalizers") | ("spec", "podCIDRs") => ListKind::Set,
        ("metadata", "ownerReferences") | ("status", "reservedFor") => by(&["uid"]),
        ("containers" | "initContainers" | "ephemeralContainers", "ports") => {
            by(&["containerPort", "protocol"])
        }
        ("spec", "ports") => by(&["port", "protocol"]),
        _ if is_keyed_by_name(parent, field) => by(&["name"]),
        (_, "volumeMounts") => by(&["mountPath"]),
        (_, "volumeDevices") => by(&["devicePath"]),
        ("spec", "hostAliases") | ("status", "podIPs") => by(&["ip"]),
        ("spec", "topologySpreadConstraints") => by(&["topologyKey", "whenUnsatisfiable"]),
        ("status", "conditions" | "addresses") => by(&["type"]),
        ("status", "devices") => by(&["driver", "device", "pool"]),
        _ => ListKind::Atomic,
    }
}

fn is_keyed_by_name(parent: &str, field: &str) -> bool {
    match field {
        "containers" | "initContainers" | "ephemeralContainers" | "env" => true,
        "volumes" | "schedulingGates" | "resourceClaims" | "drivers" => parent == "spec",
        "imagePullSecrets" => matches!(parent, "spec" | ""),
        "secrets" => parent.is_empty(),
        "claims" => parent == "resources",
        _ => false,
    }
}

/// Merge keys of strategic patches: `patchMergeKey` of the API's source.
fn strategic_kind(parent: &str, field: &str) -> ListKind {
    match (parent, field) {
        ("containers" | "initContainers" | "ephemeralContainers", "ports") => {
            by(&["containerPort"])
        }
        ("spec", "ports") => by(&["port"]),
        ("spec", "topologySpreadConstraints") => by(&["topologyKey"]),
        ("status", "hostIPs") => by(&["ip"]),
        _ => apply_kind(parent, field),
    }
}

/// `structType=atomic` and `mapType=atomic` of the API's source.
fn is_atomic_map(parent: &str, field: &str) -> bool {
    match field {
        "nodeSelector" | "selector" => parent == "spec",
        "requiredDuringSchedulingIgnoredDuringExecution" => parent == "nodeAffinity",
        "fieldRef" | "resourceFieldRef" | "configMapKeyRef" | "secretKeyRef" => {
            parent == "valueFrom"
        }
        _ => matches!(
            field,
            "labelSelector"
                | "namespaceSelector"
                | "podSelector"
                | "overhead"
                | "claimRef"
                | "dataSource"
                | "targetRef"
                | "involvedObject"
        ),
    }
}
