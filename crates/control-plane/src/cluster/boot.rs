//! Start order and readiness.
//!
//! etcd and kube-apiserver together, then, once the API server has made its CA and is ready, the
//! three that need it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::state::{self, write_processes};
use super::{Cluster, kubeconfig_path, launch};
use crate::http::{Endpoint, last_certificate};
use crate::identity::{self, Identity};
use crate::program::Program;
use crate::{deadline, paths, ports, process};

/// How long a step may take, on a machine that is busy with other things.
const STEP: Duration = Duration::from_mins(1);
/// How much of each log an error shows.
const LOG_LINES: usize = 12;

/// What the service account controller makes in a new cluster.
const DEFAULT_ACCOUNT: &str = "/api/v1/namespaces/default/serviceaccounts/default";

impl Cluster {
    /// Starts all servers and waits until the cluster works; stops them again if it does not.
    pub(super) fn boot(&mut self) -> Result<()> {
        let result = self.try_boot();
        if result.is_err() {
            // Its error would hide the one that matters.
            let _ = self.stop_all();
        }
        result
    }

    fn try_boot(&mut self) -> Result<()> {
        paths::create_private(&self.dir)?;
        if !launch::are_files_written(&self.dir) {
            launch::write_files(&self.dir, &self.choices)?;
        }
        self.spawn(Program::Etcd)?;
        self.spawn(Program::KubeApiserver)?;
        self.await_api_server()?;
        for program in [
            Program::KubeControllerManager,
            Program::KubeScheduler,
            Program::Kwok,
        ] {
            self.spawn(program)?;
        }
        self.await_ready(Program::Kwok)?;
        self.await_ready(Program::KubeScheduler)?;
        self.await_ready(Program::KubeControllerManager)
    }

    fn await_api_server(&self) -> Result<()> {
        let certificates = self.dir.join("certs/apiserver.crt");
        self.wait("kube-apiserver's certificate", || {
            let pem = fs::read_to_string(&certificates).unwrap_or_default();
            Ok(last_certificate(&pem).is_some())
        })?;
        let ca = self.ca_path();
        if !ca.exists() {
            let pem = fs::read_to_string(&certificates)?;
            fs::write(&ca, last_certificate(&pem).context("no CA")?)?;
        }
        for identity in Identity::ALL {
            let path = kubeconfig_path(&self.dir, identity);
            let token = self.choices.token(identity);
            fs::write(
                path,
                identity::kubeconfig(identity, token, &self.server(), &ca),
            )?;
        }
        self.await_ready(Program::KubeApiserver)
    }

    /// Starts one server. Its port must have been given back by the one before: a killed process
    /// can look dead while it still holds its sockets.
    pub(super) fn spawn(&mut self, program: Program) -> Result<()> {
        let port = self.choices.port(program);
        let what = format!("port {port} of {program} to be free");
        deadline::wait_for(&what, STEP, || Ok(ports::is_free(port)))?;
        let arguments = launch::arguments(program, &self.dir, &self.choices);
        let log = state::log(&self.dir, program);
        let (child, record) = process::spawn(self.binaries.path(program), &arguments, &log)?;
        self.children.insert(program, child);
        self.processes.insert(program, record);
        write_processes(&self.dir, &self.processes)
    }

    /// Waits until a server that was started does its work.
    pub(super) fn await_ready(&self, program: Program) -> Result<()> {
        let port = self.choices.port(program);
        let what = format!("{program} to be ready");
        match program {
            Program::Etcd | Program::Kubectl | Program::Helm => Ok(()),
            Program::KubeApiserver => {
                let admin = self.admin()?;
                self.wait(&what, || Ok(admin.is_ok("/readyz")))
            }
            Program::KubeControllerManager => {
                // Its own health says little: look for what one of its controllers makes.
                let admin = self.admin()?;
                self.wait(&what, || Ok(admin.is_ok(DEFAULT_ACCOUNT)))
            }
            Program::KubeScheduler => {
                let certificates = self.dir.join("certs/kube-scheduler.crt");
                self.wait(&what, || {
                    let endpoint = Endpoint::secure(port, &certificates);
                    Ok(endpoint.is_ok_and(|endpoint| endpoint.is_ok("/readyz")))
                })
            }
            Program::Kwok => {
                let endpoint = Endpoint::plain(port);
                self.wait(&what, || Ok(endpoint.is_ok("/healthz")))
            }
        }
    }

    /// Waits for a condition; ends early when a server has died, and shows the logs then.
    pub(super) fn wait(&self, what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        let result = deadline::wait_for(what, STEP, || {
            if let Some(dead) = self.first_dead() {
                bail!("{dead} has died while waiting for {what}");
            }
            done()
        });
        result.with_context(|| self.log_tails())
    }

    fn first_dead(&self) -> Option<Program> {
        let mut processes = self.processes.iter();
        processes
            .find(|(_, record)| !record.is_alive())
            .map(|(program, _)| *program)
    }

    fn log_tails(&self) -> String {
        let tail = |program: &Program| {
            let log = state::log(&self.dir, *program);
            format!(
                "the end of {}:\n{}\n",
                log.display(),
                process::tail(&log, LOG_LINES)
            )
        };
        self.processes.keys().map(tail).collect()
    }
}
