//! The `karpenter` program: settings, connections, leadership, and an orderly end around the loops.
//!
//! What is *not* here: the loops (`controllers`) and the clouds (`provider-*`).

mod cloud;
mod identity;
mod process;
mod readiness;
mod start;

use std::{collections::BTreeMap, process::ExitCode};

/// Decision 9.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let env: BTreeMap<String, String> = std::env::vars().collect();
    start::start(&args, env)
}
