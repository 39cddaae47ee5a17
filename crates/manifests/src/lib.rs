//! Reads Kubernetes manifests: files, directories and standard input, YAML documents, JSON and
//! `List`s, into single objects that remember where they came from.
//!
//! What is *not* here: what the objects mean (`api`, `cluster`) and whether they are right
//! (`api::validate`). This crate only fails on text that is no manifest at all.

mod error;
mod head;
mod json;
mod object;
mod source;
mod text;

pub use error::LoadError;
pub use object::{Body, Object, Origin, Slice};
pub use source::{Source, load};
pub use text::parse;

#[cfg(test)]
mod tests;
