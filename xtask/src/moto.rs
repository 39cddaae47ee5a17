//! `cargo xtask moto`: the stand-in for AWS, for tests and by hand.

use std::io::Read as _;

use ::moto::{Environment, Moto, Report};
use anyhow::Result;
use clap::Args;

/// What to do with it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Run one until the input ends (Ctrl-D), and print what points programs at it.
    #[arg(long)]
    up: bool,
    /// The region that is printed.
    #[arg(long, default_value = "us-west-2")]
    region: String,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let environment = build()?;
    if !options.up {
        println!("{}", environment.folder().display());
        return Ok(());
    }
    let moto = Moto::start()?;
    for (name, value) in moto.environment(&options.region) {
        println!("export {name}={value}");
    }
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Its environment, installed if it is missing.
pub(crate) fn build() -> Result<Environment> {
    let (environment, report) = Environment::build(|line| eprintln!("{line}"))?;
    if report == Report::Installed {
        eprintln!("moto is installed");
    }
    Ok(environment)
}
