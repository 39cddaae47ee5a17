//! What tests need: objects in few words, problems with known answers, and a referee.
//!
//! [`build`] makes Kubernetes objects, [`joined`] machines, [`world`] puts them into a cluster,
//! [`corpus`] reads problems with the best answer that the reference gave, [`random`] makes
//! problems from a seed, [`referee`] checks placements and rounds of disruption against the rules
//! by brute force, [`perform`] carries rounds out. The program `corpus` solves all problems and
//! prints how the answers compare.
//!
//! What is *not* here: anything that a product binary needs. Only tests depend on this crate.

pub mod build;
pub mod corpus;
pub mod joined;
pub mod perform;
pub mod random;
pub mod referee;
pub mod world;
