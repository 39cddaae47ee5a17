//! The loops of NodePools.

pub(crate) mod counter;
pub(crate) mod status;
pub(crate) mod types;
