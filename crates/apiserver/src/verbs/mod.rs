//! What can be done to objects: create, read, update, patch, delete, bind, evict, scale.
//!
//! Each verb takes the state behind the lock, checks everything, and only then stores. HTTP is
//! not here.

mod bind;
mod create;
mod delete;
mod evict;
mod generation;
mod patch;
mod read;
mod scale;
#[cfg(test)]
mod tests;
mod update;

use std::sync::Arc;

pub(crate) use self::{
    bind::Binding,
    delete::{FOREGROUND, ORPHAN},
    read::Page,
};
use crate::storage::Stored;

/// The result of a write.
#[derive(Debug)]
pub(crate) struct Written {
    /// The object after it; what would have been stored in a dry run.
    pub(crate) object: Arc<Stored>,
    /// For `Warning` headers.
    pub(crate) warnings: Vec<String>,
    pub(crate) outcome: Outcome,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Updated,
    /// Gone from the store.
    Deleted,
    /// Marked, and kept by finalizers or a grace period.
    Deleting,
}

impl Written {
    pub(crate) fn new(object: Arc<Stored>, outcome: Outcome) -> Self {
        Self {
            object,
            warnings: Vec::new(),
            outcome,
        }
    }
}
