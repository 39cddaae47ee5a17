//! Amazon's cloud: nodes are EC2 instances.
//!
//! - [`cache`]: what is remembered for a time.
//! - [`calls`]: what is asked of AWS, one trait for each service.
//!
//! What is *not* here: what requests and answers mean (`aws`, without I/O), and the phases of a
//! NodeClaim (`lifecycle`).

pub mod cache;
pub mod calls;
