//! NodePools: what they have, whether they may be used, whether their nodes join.

pub mod counter;
pub mod hash;
pub mod health;
pub mod readiness;
pub mod replicas;
pub mod validation;
