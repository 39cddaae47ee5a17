//! What a cluster's folder remembers: ports, tokens, processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::process::Record;
use crate::program::Program;
use crate::{keys, ports};

/// What is chosen once, at the first start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Choices {
    /// The port of each server.
    pub(crate) ports: BTreeMap<Program, u16>,
    /// The bearer token of each identity.
    pub(crate) tokens: BTreeMap<Identity, String>,
    /// Whether the API server writes down every request.
    pub(crate) audit: bool,
    /// The test process that the cluster belongs to and dies with.
    pub(crate) owner: Option<Record>,
}

impl Choices {
    /// New ports and tokens.
    pub(crate) fn new(audit: bool, owner: Option<Record>) -> Result<Choices> {
        let mut tokens = BTreeMap::new();
        for identity in Identity::ALL {
            tokens.insert(identity, keys::token()?);
        }
        Ok(Choices {
            ports: ports::choose()?,
            tokens,
            audit,
            owner,
        })
    }

    /// Reads them back; none if the folder holds no cluster.
    pub(crate) fn read(dir: &Path) -> Result<Option<Choices>> {
        read(&dir.join("cluster.json"))
    }

    /// Writes them.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        write(&dir.join("cluster.json"), self)
    }

    /// The port of a server.
    pub(crate) fn port(&self, program: Program) -> u16 {
        self.ports.get(&program).copied().unwrap_or_default()
    }

    /// The token of an identity.
    pub(crate) fn token(&self, identity: Identity) -> &str {
        self.tokens.get(&identity).map_or("", String::as_str)
    }
}

/// The processes that were started and not stopped.
pub(crate) type Processes = BTreeMap<Program, Record>;

/// Reads the processes of a folder.
pub(crate) fn read_processes(dir: &Path) -> Result<Processes> {
    Ok(read(&dir.join("pids.json"))?.unwrap_or_default())
}

/// Writes the processes of a folder.
pub(crate) fn write_processes(dir: &Path, processes: &Processes) -> Result<()> {
    write(&dir.join("pids.json"), processes)
}

/// The log of a server.
pub(crate) fn log(dir: &Path, program: Program) -> PathBuf {
    dir.join(format!("{program}.log"))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("reading {}", path.display()))?,
    };
    let value = serde_json::from_slice(&text);
    Ok(Some(
        value.with_context(|| format!("decoding {}", path.display()))?,
    ))
}

/// A reader sees the old content or the new, nothing in between.
fn write<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, serde_json::to_vec_pretty(value)?)?;
    fs::rename(&fresh, path).with_context(|| format!("writing {}", path.display()))
}
