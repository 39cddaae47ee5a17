//! The shell's toolkit: everything above the I/O line that is not a decision.
//!
//! One module per tool; each takes time from a [`Clock`] (or tokio's timers, which a paused runtime
//! drives), so that the same code runs in a cluster, in a simulation and in a sandbox.
//!
//! What is *not* here: control loops and the cloud (`controllers`), and any rule about nodes or
//! pods.
//! `kube::` is named nowhere else in the product: others use [`Client`] and [`watch`].

pub mod client;
pub mod clock;
pub mod health;
pub mod lease;
pub mod limit;
pub mod logging;
pub mod metrics;
pub mod options;
pub mod queue;
pub mod recorder;
pub mod shutdown;
#[cfg(test)]
mod testing;
pub mod watch;

pub use client::{ApiError, Client, ObjectKey, Retry};
pub use clock::Clock;
pub use metrics::Metrics;
pub use options::Options;
pub use queue::{Next, Queue};
pub use recorder::{Notice, Recorder};
pub use shutdown::Shutdown;
