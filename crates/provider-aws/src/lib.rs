//! Amazon's cloud: nodes are EC2 instances.
//!
//! - [`cache`]: what is remembered for a time.
//! - [`calls`]: what is asked of AWS, one trait for each service.
//! - [`unavailable`]: what could not be had lately.
//! - `fake` (feature `fake`): a pretended AWS in memory, for tests.
//! - [`objects`]: the Kubernetes objects that the loops work from.
//!
//! What is *not* here: what requests and answers mean (`aws`, without I/O), and the phases of a
//! NodeClaim (`lifecycle`).

pub mod cache;
pub mod calls;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
<<<<<<< HEAD
pub mod unavailable;
=======
pub mod objects;
#[cfg(test)]
mod testing;
>>>>>>> 8163ad7 (AWS: what happens to instances and what is done about it, as values; objects followed once for all loops)
