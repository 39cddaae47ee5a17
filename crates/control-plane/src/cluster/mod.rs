//! One cluster: its folder, its five servers, its life.
//!
//! What is *not* here: how the programs come to be (`binaries`), and clusters that end with a test
//! (`fixture`).

mod boot;
mod launch;
mod soft;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context, Result, bail};

use crate::binaries::Binaries;
use crate::http::{Endpoint, Request};
use crate::identity::Identity;
use crate::paths;
use crate::process::{Health, Record};
use crate::program::Program;
use state::{Choices, Processes};

/// How thoroughly a cluster is emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// Stop everything, throw the data away, start again with the same ports and tokens. About 4 s,
    /// and the only certain way.
    Hard,
    /// Delete what a fresh cluster does not have; custom resource definitions stay. Below a second,
    /// plus 5 s if namespaces go. Stop the product first, or it makes things again.
    Soft,
}

/// How a cluster is started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Write down every request to [`Cluster::audit_log`], one JSON object per line, so that a test
    /// can count them by user and verb.
    pub audit: bool,
}

/// A control plane on loopback. Dropping it leaves it running: see [`Cluster::down`], and
/// [`TestCluster`](crate::TestCluster) for one that ends with a test.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    choices: Choices,
    binaries: Binaries,
    processes: Processes,
    /// Those of the processes that this program started and has to wait for.
    children: BTreeMap<Program, Child>,
}

impl Cluster {
    /// Starts the cluster with this name. If it runs already, it stays as it is; if it runs in
    /// part, it is started anew.
    pub fn start(name: &str, settings: Settings) -> Result<Cluster> {
        let dir = paths::cluster(name)?;
        if let Some(mut cluster) = Cluster::open_in(&dir)? {
            if !cluster.is_running() {
                cluster.reset(Reset::Hard)?;
            }
            return Ok(cluster);
        }
        Cluster::start_in(&dir, Choices::new(settings.audit, None)?)
    }

    /// The cluster with this name, whether it runs or not; none if it was never started.
    pub fn open(name: &str) -> Result<Option<Cluster>> {
        Cluster::open_in(&paths::cluster(name)?)
    }

    /// A new cluster in a folder of a test, which belongs to `owner`.
    pub(crate) fn start_owned(dir: &Path, settings: Settings, owner: Record) -> Result<Cluster> {
        Cluster::start_in(dir, Choices::new(settings.audit, Some(owner))?)
    }

    fn start_in(dir: &Path, choices: Choices) -> Result<Cluster> {
        let binaries = Binaries::locate()?;
        paths::create_private(dir)?;
        choices.write(dir)?;
        let mut cluster = Cluster {
            dir: dir.to_path_buf(),
            choices,
            binaries,
            processes: Processes::new(),
            children: BTreeMap::new(),
        };
        cluster.boot()?;
        Ok(cluster)
    }

    fn open_in(dir: &Path) -> Result<Option<Cluster>> {
        let Some(choices) = Choices::read(dir)? else {
            return Ok(None);
        };
        Ok(Some(Cluster {
            dir: dir.to_path_buf(),
            choices,
            binaries: Binaries::locate()?,
            processes: state::read_processes(dir)?,
            children: BTreeMap::new(),
        }))
    }

    /// Empties the cluster.
    pub fn reset(&mut self, how: Reset) -> Result<()> {
        match how {
            Reset::Soft => soft::reset(&self.admin()?),
            Reset::Hard => {
                self.stop_all()?;
                remove_dir(&self.dir.join("etcd"))?;
                for program in Program::SERVERS {
                    remove_file(&state::log(&self.dir, program))?;
                }
                remove_file(&self.audit_log())?;
                self.boot()
            }
        }
    }

    /// Stops all servers and removes the folder.
    pub fn down(mut self) -> Result<()> {
        self.stop_all()?;
        remove_dir(&self.dir)
    }

    /// Stops all servers and keeps the folder, with no owner that it would end with.
    pub(crate) fn stop_and_keep(mut self) -> Result<()> {
        self.choices.owner = None;
        self.choices.write(&self.dir)?;
        self.stop_all()
    }

    /// Kills one server, as a fault would. [`Cluster::restart`] brings it back with its data.
    pub fn kill(&mut self, program: Program) -> Result<()> {
        let Some(record) = self.processes.remove(&program) else {
            bail!("{program} does not run");
        };
        record.kill();
        self.forget(program, record)?;
        state::write_processes(&self.dir, &self.processes)
    }

    /// Starts one server again, killed before or not, and waits until it is ready.
    pub fn restart(&mut self, program: Program) -> Result<()> {
        if self.processes.contains_key(&program) {
            self.kill(program)?;
        }
        if program == Program::Kwok {
            // A new kwok does not touch nodes whose lease its predecessor holds, until that runs
            // out.
            let path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
            self.admin()?.send(Request {
                method: "DELETE",
                path,
                content: None,
            })?;
        }
        self.spawn(program)?;
        self.await_ready(program)
    }

    fn stop_all(&mut self) -> Result<()> {
        let processes = std::mem::take(&mut self.processes);
        // Clients before servers, or their logs fill with what does not matter.
        for record in processes.values().rev() {
            record.kill();
        }
        for (program, record) in processes.iter().rev() {
            self.forget(*program, *record)?;
        }
        state::write_processes(&self.dir, &self.processes)
    }

    /// Waits for a killed process, and takes its exit status if it is ours to take.
    fn forget(&mut self, program: Program, record: Record) -> Result<()> {
        record.wait_gone()?;
        if let Some(mut child) = self.children.remove(&program) {
            child
                .wait()
                .with_context(|| format!("waiting for {program}"))?;
        }
        Ok(())
    }

    /// Each server with its health.
    pub fn status(&self) -> BTreeMap<Program, Health> {
        let health = |program| match self.processes.get(&program) {
            Some(record) => record.health(),
            None => Health::Absent,
        };
        Program::SERVERS
            .map(|program| (program, health(program)))
            .into()
    }

    /// Whether all servers run and the API server says that it is ready.
    pub fn is_running(&self) -> bool {
        let alive = |health: &Health| matches!(health, Health::Running(_));
        self.status().values().all(alive) && self.admin().is_ok_and(|admin| admin.is_ok("/readyz"))
    }

    /// The kubeconfig of an identity.
    pub fn kubeconfig(&self, identity: Identity) -> PathBuf {
        kubeconfig_path(&self.dir, identity)
    }

    /// The address of the API server.
    pub fn server(&self) -> String {
        format!(
            "https://127.0.0.1:{}",
            self.choices.port(Program::KubeApiserver)
        )
    }

    /// The file with the certificate of the CA that signed the API server's.
    pub fn ca_path(&self) -> PathBuf {
        self.dir.join("certs/ca.crt")
    }

    /// The bearer token of an identity.
    pub fn token(&self, identity: Identity) -> &str {
        self.choices.token(identity)
    }

    /// The file of requests, see [`Settings::audit`].
    pub fn audit_log(&self) -> PathBuf {
        self.dir.join("audit.log")
    }

    /// The log of a server.
    pub fn log(&self, program: Program) -> PathBuf {
        state::log(&self.dir, program)
    }

    /// Where everything of the cluster lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The programs that it runs with.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    fn admin(&self) -> Result<Endpoint> {
        let certificates = self.dir.join("certs/apiserver.crt");
        let port = self.choices.port(Program::KubeApiserver);
        Ok(Endpoint::secure(port, &certificates)?.with_token(self.token(Identity::Admin)))
    }
}

/// Stops the cluster of a test whose process has ended without doing so. Does nothing to one that
/// still has an owner, or is just being made.
pub(crate) fn remove_orphan(dir: &Path) -> Result<()> {
    let Some(choices) = Choices::read(dir)? else {
        return Ok(());
    };
    if choices.owner.is_none_or(Record::is_alive) {
        return Ok(());
    }
    let processes = state::read_processes(dir)?;
    for record in processes.values().rev() {
        record.kill();
    }
    for record in processes.values() {
        record.wait_gone()?;
    }
    remove_dir(dir)
}

fn kubeconfig_path(dir: &Path, identity: Identity) -> PathBuf {
    dir.join(format!("{}.kubeconfig", identity.name()))
}

fn remove_dir(dir: &Path) -> Result<()> {
    ignore_missing(fs::remove_dir_all(dir), dir)
}

fn remove_file(file: &Path) -> Result<()> {
    ignore_missing(fs::remove_file(file), file)
}

fn ignore_missing(result: std::io::Result<()>, path: &Path) -> Result<()> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}
