//! The four kinds of patches, each as a function on JSON values; and field ownership.

pub(crate) mod apply;
mod fields;
pub(crate) mod json;
pub(crate) mod merge;
pub(crate) mod ownership;
mod shape;
pub(crate) mod strategic;
#[cfg(test)]
mod tests;
