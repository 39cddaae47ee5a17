//! The loops of Nodes.

pub(crate) mod eviction;
pub(crate) mod termination;
