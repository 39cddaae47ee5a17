//! The charts, with the real Helm, and on a real control plane.
//!
//! What is *not* here: what the controller does with its settings and its rights (its own tests).

mod cluster;
mod environment;
mod helm;
mod refusals;
mod rendering;
mod repository;
