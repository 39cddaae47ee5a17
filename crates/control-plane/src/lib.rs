//! Real etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok for tests.
//!
//! The programs are built once from the pinned Go modules of `tools/control-plane`, kept in a
//! per-user cache, and run as plain processes on loopback: no container runtime, no root, no
//! network. kwok plays the kubelet of every node, by the stages of `stages.yaml`. Linux only:
//! processes are told apart by their start time in `/proc`.
//!
//! A test takes a fresh cluster, which is gone when the guard is dropped, also by a panic:
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let cluster = control_plane::TestCluster::start("scales-to-zero")?;
//! let kubeconfig = cluster.kubeconfig(control_plane::Identity::Karpenter);
//! # Ok(())
//! # }
//! ```
//!
//! What is *not* here: a Kubernetes client, anything of the product, and the command line
//! (`cargo xtask control-plane`). All calls block; from async code use them outside of the runtime
//! or in a blocking task.

mod binaries;
mod cluster;
mod deadline;
mod fixture;
mod http;
mod identity;
mod keys;
mod paths;
mod ports;
mod process;
mod program;

pub use binaries::{Binaries, BuildReport};
pub use cluster::{Cluster, Reset, Settings};
pub use fixture::TestCluster;
pub use identity::Identity;
pub use process::Health;
pub use program::Program;
