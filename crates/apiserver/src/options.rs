//! What a caller may say besides the object: selectors, preconditions, dry run, field managers.

use serde_json::Value;

pub use crate::selector::{FieldSelector, LabelSelector, Selectors};

/// Options of create, update and patch.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Owner of the written fields; required for apply.
    pub field_manager: Option<String>,
    /// Whether the result is kept.
    pub dry_run: DryRun,
    /// What happens to fields that a custom resource's schema doesn't know.
    pub field_validation: FieldValidation,
    /// Whether an apply takes fields from other managers.
    pub conflicts: Conflicts,
    /// Which part of the object is written.
    pub part: Part,
}

impl WriteOptions {
    /// Options for the status subresource.
    pub fn status() -> Self {
        Self {
            part: Part::Status,
            ..Self::default()
        }
    }

    /// Options for an apply by `field_manager` that takes ownership where it has to.
    pub fn forced_apply(field_manager: &str) -> Self {
        Self {
            field_manager: Some(field_manager.to_owned()),
            conflicts: Conflicts::Force,
            ..Self::default()
        }
    }

    pub(crate) fn manager(&self) -> &str {
        self.field_manager.as_deref().unwrap_or("unknown")
    }
}

/// The part of an object that a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// Everything but `status`, where the resource has a status subresource.
    #[default]
    Main,
    /// Only `status`.
    Status,
}

/// Whether the result of a write is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DryRun {
    /// It is.
    #[default]
    Off,
    /// Everything is checked and the result returned, but nothing changes (`dryRun=All`).
    All,
}

/// What happens to fields that a custom resource's schema doesn't know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// Dropped without a word.
    Ignore,
    /// Dropped with a warning.
    #[default]
    Warn,
    /// The write is refused.
    Strict,
}

/// What an apply does about fields that others own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conflicts {
    /// It fails with 409 and one cause per field.
    #[default]
    Refuse,
    /// It takes them.
    Force,
}

/// A change to an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902: a list of operations.
    Json(Value),
    /// Merge patch that knows lists with keys; built-in kinds only.
    Strategic(Value),
    /// Server-side apply: the fields the manager wants, and no others of its own.
    Apply(Value),
}

/// Options of delete.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Seconds a pod gets; its own `terminationGracePeriodSeconds` if `None`.
    pub grace_period_seconds: Option<i64>,
    /// What becomes of dependents; the default of the kind if `None`.
    pub propagation: Option<Propagation>,
    /// Only an object with this uid.
    pub uid: Option<String>,
    /// Only an object at this resource version.
    pub resource_version: Option<String>,
    /// Whether anything changes.
    pub dry_run: DryRun,
}

impl DeleteOptions {
    /// A deletion that takes effect at once, as a kubelet asks for when a pod has ended.
    pub fn now() -> Self {
        Self {
            grace_period_seconds: Some(0),
            ..Self::default()
        }
    }
}

/// What becomes of the dependents of a deleted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// The owner goes first, dependents are collected after it.
    Background,
    /// The owner stays until dependents that block it are gone.
    Foreground,
    /// Dependents stay and lose the owner reference.
    Orphan,
}
