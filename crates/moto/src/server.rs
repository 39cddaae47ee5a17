//! The process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::environment::Environment;

/// How long it may take until it listens.
const START_WITHIN: Duration = Duration::from_mins(2);
/// Ours, beside the sources: tests run where they are.
const PROGRAM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tools/moto/karpenter_moto.py"
);
/// Types that a server has unless it is told otherwise: few, so that lists are quick, and of every
/// kind.
const TYPES: &[&str] = &[
    "a1.large",
    "c5.large",
    "c5.xlarge",
    "c6g.large",
    "c6g.xlarge",
    "c7g.medium",
    "dl1.24xlarge",
    "g4dn.8xlarge",
    "g5.xlarge",
    "i4i.xlarge",
    "inf2.xlarge",
    "m5.large",
    "m5.xlarge",
    "m5.2xlarge",
    "m5.metal",
    "m6g.large",
    "m6idn.32xlarge",
    "m7i-flex.large",
    "p4d.24xlarge",
    "p5.48xlarge",
    "r5.large",
    "r6g.large",
    "t3.large",
    "t3.medium",
    "t3.micro",
    "t4g.medium",
    "t4g.small",
    "trn1.2xlarge",
    "trn1.32xlarge",
    "x2gd.large",
];

/// The access key of programs.
pub const PROGRAM_KEY: &str = "test";

/// A running moto, killed when it is dropped; if this program is killed, it ends by itself.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    pub(crate) port: u16,
}

impl Moto {
    /// Starts one, with few instance types ([`Moto::types`] changes that). Without Python or moto
    /// the error says what is missing, beginning with `not run:`.
    pub fn start() -> Result<Self> {
        let environment = Environment::locate()?;
        let mut child = Command::new(environment.python())
            .arg(Path::new(PROGRAM))
            .arg("--watch-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("not run: starting moto")?;
        match port(&mut child) {
            Ok(port) => {
                let moto = Self { child, port };
                moto.types(Some(TYPES))?;
                Ok(moto)
            }
            Err(error) => {
                // It may be dead already, which is what we want.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// The one that all tests of this program share, started by the first that asks. They keep
    /// apart by regions; instance profiles and the control address know none.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Moto, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a program has to have in its environment to take it for AWS.
    pub fn environment(&self, region: &str) -> Vec<(String, String)> {
        let endpoint = self.endpoint();
        [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", region),
            ("AWS_ACCESS_KEY_ID", PROGRAM_KEY),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may be dead already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the line that says where it listens.
fn port(child: &mut Child) -> Result<u16> {
    let output = child.stdout.take().context("moto has no output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        // Nobody listens any more if it took too long.
        let _ = sender.send(read.map(|_| line));
    });
    let line = receiver
        .recv_timeout(START_WITHIN)
        .context("moto does not say where it listens")??;
    let port = line.trim().strip_prefix("listening on ");
    port.and_then(|port| port.parse().ok())
        .with_context(|| format!("moto did not start; it said {line:?}"))
}
