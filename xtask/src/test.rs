//! `cargo xtask test`: all tests, on a real control plane and against moto where they ask for them.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::{control_plane, moto};

const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// What to run.
#[derive(Debug, Clone, Args)]
pub(crate) struct Test {
    /// Arguments of `cargo test` instead of `--workspace`, like `-p api`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs them, and returns what cargo returned.
pub(crate) fn run(root: &Path, options: &Test) -> Result<ExitCode> {
    let binaries = control_plane::build()?;
    moto::build()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("test").current_dir(root);
    if options.arguments.is_empty() {
        cargo.args(["--workspace", "--no-fail-fast"]);
    }
    cargo.args(&options.arguments);
    // If the user set it to a folder that lacks some, the rest is found in the cache.
    if let Some(folder) = binaries.folder() {
        cargo.env(ASSETS, folder);
    }
    let status = cargo.status().context("running cargo test")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
