//! The chores of this repository: `cargo xtask <command>`.
//!
//! One file per command, one variant per file. What is *not* here: anything the product needs at
//! run time.

mod charts;
mod control_plane;
mod ec2_table;
mod moto;
mod program;
mod scenarios;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the files of charts and policies from the lists in the code.
    #[command(visible_alias = "crds")]
    Charts(charts::Charts),
    /// Solve every problem of the corpus and compare with the reference.
    Corpus(program::Program),
    /// Run a real Kubernetes control plane on loopback.
    ControlPlane(control_plane::ControlPlane),
    /// Make the EC2 tables of the catalog from their sources.
    Ec2Table(ec2_table::Ec2Table),
    /// Measure how time and memory grow with what a cluster holds.
    Growth(program::Program),
    /// Install moto, which stands in for AWS in tests, or run one.
    Moto(moto::Options),
    /// Say which of the specified scenarios are named by a test.
    Scenarios(scenarios::Scenarios),
    /// Run all tests; build the control plane and install moto first if they are missing.
    Test(test::Test),
    /// Check the house rules.
    Tidy(tidy::Tidy),
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    let root = repository()?;
    match command {
        Command::Charts(options) => charts::run(&root, options)?,
        Command::Corpus(options) => return program::run(&root, "corpus", options),
        Command::ControlPlane(options) => control_plane::run(options)?,
        Command::Ec2Table(options) => ec2_table::run(&root, options)?,
        Command::Growth(options) => return program::run(&root, "growth", options),
        Command::Moto(options) => moto::run(options)?,
        Command::Scenarios(options) => scenarios::run(&root, options)?,
        Command::Test(options) => return test::run(&root, options),
        Command::Tidy(options) => return tidy::run(&root, options),
    }
    Ok(ExitCode::SUCCESS)
}

/// The root of the repository that this program was built from.
fn repository() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}
