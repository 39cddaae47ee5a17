//! From the command line to a running process, and to its exit code.

use std::{collections::BTreeMap, process::ExitCode};

use runtime::{
    Clock, logging,
    options::{self, Options, Parsed},
};

/// Version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Revision that this program was built from, given to the build as `KARPENTER_COMMIT`.
pub(crate) const COMMIT: &str = match option_env!("KARPENTER_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Exit code of settings that can't be used, as Go programs give it.
const BAD_SETTINGS: u8 = 2;

/// Does what the command line asks for.
pub(crate) fn start(args: &[String], env: BTreeMap<String, String>) -> ExitCode {
    match options::parse(args, &env) {
        Ok(Parsed::Help) => {
            print!("{}", options::help(100));
            ExitCode::SUCCESS
        }
        Ok(Parsed::Version) => {
            println!("karpenter {VERSION} ({COMMIT})");
            ExitCode::SUCCESS
        }
        Ok(Parsed::Run(options)) => match run(*options, env) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "exiting");
                eprintln!("karpenter: {error:#}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("karpenter: {error}\nSee karpenter --help.");
            ExitCode::from(BAD_SETTINGS)
        }
    }
}

fn run(options: Options, env: BTreeMap<String, String>) -> anyhow::Result<()> {
    logging::init(&options.log, Clock::wall(), COMMIT)?;
    // Nobody else installs one, and a second one would change nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(crate::process::run(options, env))
}
