//! The KWOK cloud: nodes are objects in the API, kept alive by the kwok controller.
//!
//! A launch chooses the cheapest type that the claim allows and promises a Node; a worker creates
//! the Node after the node class' delay. Names follow from claims and everything can be rebuilt
//! from the API, so a crash at any point leaks nothing and doubles nothing.
//!
//! What is *not* here: KWOK's set of instance types and the reading of files (`catalog`), and the
//! phases of a NodeClaim (`lifecycle`).

mod choose;
mod cloud;
mod load;
mod node;
mod worker;

pub use cloud::Kwok;
pub use load::load_catalog;
pub use node::seed;
