//! `cargo xtask corpus`: every problem of the corpus, solved, checked and compared with the
//! reference. `cargo xtask growth`: how time and memory grow with what a cluster holds. The work is
//! done by the programs of these names in `testkit`, compiled with optimisation.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

/// Arguments of the program.
#[derive(Debug, Clone, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Program {
    /// Arguments of the program, like `--problems`, `--only mix` or `--help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the program of this name, and returns what it returned.
pub(crate) fn run(root: &Path, name: &str, options: &Program) -> Result<ExitCode> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args([
            "run",
            "--quiet",
            "--release",
            "-p",
            "testkit",
            "--bin",
            name,
            "--",
        ])
        .args(&options.arguments)
        .current_dir(root);
    let status = cargo.status().context("running cargo run")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
