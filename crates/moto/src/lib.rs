//! AWS for tests, over real HTTP: [moto](https://github.com/getmoto/moto) with one file of ours
//! (`tools/moto/karpenter_moto.py`) that adds what Karpenter needs and moto lacks.
//!
//! moto is installed once per user, with locked requirements, into a virtual environment in the
//! cache (`cargo xtask moto`); it needs Python 3.10 or later with `venv`. A test takes a server of
//! its own, or shares one with the other tests of its program; it is gone with the test:
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let moto = moto::Moto::start()?;
//! let network = moto.network("us-west-2", "karpenter.sh/discovery", "my-cluster")?;
//! moto.pool("m5.large", &network.subnets[0].zone, "spot", 0)?;
//! println!("export AWS_ENDPOINT_URL={}", moto.endpoint());
//! # Ok(())
//! # }
//! ```
//!
//! What is *not* here: a client of AWS, and anything of the product. All calls block, for
//! milliseconds.

mod control;
mod environment;
mod http;
mod machines;
mod seed;
mod server;

pub use control::{Call, Fault};
pub use environment::{Environment, Report};
pub use machines::Machine;
pub use seed::{Network, Subnet, text_between};
pub use server::{Moto, PROGRAM_KEY};
