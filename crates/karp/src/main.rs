//! `karp`: Karpenter's decisions on your own manifests, without touching anything.
//!
//! What is *not* here: decisions (`scheduling`, `disruption`), the simulated cluster (`sim`), and
//! any cloud's SDK.

mod cli;
mod explain;
mod failure;
mod input;
mod look;
mod output;
mod plan;
mod simulate;
mod validate;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Plan(args) => plan::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Validate(args) => validate::run(args),
    };
    outcome.unwrap_or_else(|error| failure::report(&error))
}
