//! The label requirement algebra, with reasons as values.
//!
//! A [`Requirement`] says which values of one label are acceptable, and whether a node without that
//! label is; [`Requirements`] is a conjunction of them. [`Vocabulary`] is what a provider knows
//! about label keys: well known, restricted, other spellings.
//!
//! The set that a requirement admits is exact, so the laws of sets hold: intersection is
//! commutative, associative, idempotent, and two requirements go together if and only if their
//! intersection is not empty. In particular an impossible requirement (`In [a]` and `In [b]`) stays
//! impossible. It does not turn into `DoesNotExist`, which a node without the label would satisfy.
//!
//! What is *not* here: instance types and their offerings (`catalog`), interned masks for speed
//! (`scheduling`), topology.

mod incompatible;
mod operator;
pub mod pod;
mod requirement;
mod set;
pub mod taints;
mod validate;
mod vocabulary;

pub use incompatible::{Conflict, Incompatible};
pub use operator::{Operator, UnknownOperator};
pub use requirement::{Key, Requirement, Value};
pub use set::{AllowUndefined, Requirements};
pub use validate::InvalidRequirement;
pub use vocabulary::{RestrictedLabel, Vocabulary};
