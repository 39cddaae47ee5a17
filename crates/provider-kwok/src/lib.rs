//! The KWOK cloud: nodes are objects in the API, kept alive by the kwok controller.
//!
//! What is *not* here: KWOK's set of instance types and the reading of files (`catalog`), and the phases of
//! a NodeClaim (`lifecycle`).

mod choose;
mod node;
