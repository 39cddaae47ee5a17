//! The files and command lines of the servers.
//!
//! What is *not* here: when each is started (`boot`).

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::state::Choices;
use crate::identity::{Identity, token_file};
use crate::keys;
use crate::program::Program;

/// The behaviour of nodes and pods.
const STAGES: &str = include_str!("../stages.yaml");

const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1\n\
    kind: Policy\n\
    omitStages: [RequestReceived]\n\
    rules:\n\
    - level: Metadata\n";

/// Writes everything that the servers read, except for kubeconfigs, whose CA the API server makes.
pub(super) fn write_files(dir: &Path, choices: &Choices) -> Result<()> {
    let certs = dir.join("certs");
    fs::create_dir_all(&certs)?;
    let key = keys::signing_key()?;
    fs::write(certs.join("sa.key"), key.private)?;
    fs::write(certs.join("sa.pub"), key.public)?;
    fs::write(dir.join("tokens.csv"), token_file(&choices.tokens))?;
    fs::write(dir.join("kwok.yaml"), STAGES)?;
    fs::write(dir.join("scheduler.yaml"), scheduler_configuration(dir))?;
    fs::write(dir.join("audit.yaml"), AUDIT_POLICY)?;
    Ok(())
}

/// Whether [`write_files`] has come to its end.
pub(super) fn are_files_written(dir: &Path) -> bool {
    dir.join("audit.yaml").exists()
}

/// The arguments of a server.
pub(super) fn arguments(program: Program, dir: &Path, choices: &Choices) -> Vec<OsString> {
    let lines = match program {
        Program::Etcd => etcd(dir, choices),
        Program::KubeApiserver => kube_apiserver(dir, choices),
        Program::KubeControllerManager => kube_controller_manager(dir, choices),
        Program::KubeScheduler => kube_scheduler(dir, choices),
        Program::Kwok => kwok(dir, choices),
        Program::Kubectl | Program::Helm => Vec::new(),
    };
    lines.into_iter().map(OsString::from).collect()
}

fn etcd(dir: &Path, choices: &Choices) -> Vec<String> {
    let (dir, port) = (dir.display(), choices.port(Program::Etcd));
    vec![
        format!("--data-dir={dir}/etcd"),
        format!("--listen-client-urls=http://127.0.0.1:{port}"),
        format!("--advertise-client-urls=http://127.0.0.1:{port}"),
        "--listen-peer-urls=http://127.0.0.1:0".into(),
        // The data is disposable.
        "--unsafe-no-fsync".into(),
        "--quota-backend-bytes=8589934592".into(),
        "--auto-compaction-mode=periodic".into(),
        "--auto-compaction-retention=5m".into(),
        "--log-level=warn".into(),
    ]
}

fn kube_apiserver(dir: &Path, choices: &Choices) -> Vec<String> {
    let (dir, port) = (dir.display(), choices.port(Program::KubeApiserver));
    let etcd = choices.port(Program::Etcd);
    let mut arguments = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        format!("--secure-port={port}"),
        format!("--cert-dir={dir}/certs"),
        format!("--token-auth-file={dir}/tokens.csv"),
        "--authorization-mode=RBAC".into(),
        "--allow-privileged=true".into(),
        format!("--service-account-issuer=https://127.0.0.1:{port}"),
        format!("--service-account-key-file={dir}/certs/sa.pub"),
        format!("--service-account-signing-key-file={dir}/certs/sa.key"),
        "--service-cluster-ip-range=10.96.0.0/16".into(),
        "--endpoint-reconciler-type=none".into(),
        // Pods need no account in their namespace first, and carry no projected token.
        "--disable-admission-plugins=ServiceAccount".into(),
        // Node names would be looked up in the DNS.
        "--kubelet-preferred-address-types=InternalIP".into(),
        "--max-requests-inflight=800".into(),
        "--max-mutating-requests-inflight=400".into(),
        "--profiling=false".into(),
    ];
    if choices.audit {
        arguments.push(format!("--audit-policy-file={dir}/audit.yaml"));
        arguments.push(format!("--audit-log-path={dir}/audit.log"));
    }
    arguments
}

fn kube_controller_manager(dir: &Path, choices: &Choices) -> Vec<String> {
    let port = choices.port(Program::KubeControllerManager);
    let mut arguments = with_kubeconfig(dir, Identity::ControllerManager);
    arguments.extend([
        format!(
            "--kubeconfig={}",
            kubeconfig(dir, Identity::ControllerManager)
        ),
        format!("--secure-port={port}"),
        "--leader-elect=false".into(),
        format!(
            "--service-account-private-key-file={}/certs/sa.key",
            dir.display()
        ),
        "--use-service-account-credentials=false".into(),
        // The defaults are the bottleneck of any test with hundreds of pods.
        "--kube-api-qps=100".into(),
        "--kube-api-burst=200".into(),
        // A pair with kwok's lease of 200 s: less, and a busy machine loses all its nodes.
        "--node-monitor-grace-period=300s".into(),
        "--profiling=false".into(),
    ]);
    arguments
}

fn kube_scheduler(dir: &Path, choices: &Choices) -> Vec<String> {
    let mut arguments = with_kubeconfig(dir, Identity::Scheduler);
    arguments.extend([
        format!("--config={}/scheduler.yaml", dir.display()),
        format!("--secure-port={}", choices.port(Program::KubeScheduler)),
        // It puts its certificate and the CA there, so that its readiness can be asked for.
        format!("--cert-dir={}/certs", dir.display()),
    ]);
    arguments
}

fn kwok(dir: &Path, choices: &Choices) -> Vec<String> {
    let port = choices.port(Program::Kwok);
    vec![
        format!("--kubeconfig={}", kubeconfig(dir, Identity::Kwok)),
        format!("--config={}/kwok.yaml", dir.display()),
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake".into(),
        "--manage-nodes-with-label-selector=kwok-partition=a".into(),
        // Without it, it listens on all interfaces.
        format!("--server-address=127.0.0.1:{port}"),
        "--node-ip=127.0.0.1".into(),
        format!("--node-port={port}"),
        "--cidr=10.128.0.0/9".into(),
        "--node-lease-duration-seconds=200".into(),
    ]
}

/// What the two clients that are servers themselves share.
fn with_kubeconfig(dir: &Path, identity: Identity) -> Vec<String> {
    let file = kubeconfig(dir, identity);
    vec![
        format!("--authentication-kubeconfig={file}"),
        format!("--authorization-kubeconfig={file}"),
        // The API server has no client CA that they could look up.
        "--authentication-skip-lookup=true".into(),
        "--bind-address=127.0.0.1".into(),
    ]
}

fn scheduler_configuration(dir: &Path) -> String {
    let file = kubeconfig(dir, Identity::Scheduler);
    format!(
        "apiVersion: kubescheduler.config.k8s.io/v1\n\
         kind: KubeSchedulerConfiguration\n\
         leaderElection: {{leaderElect: false}}\n\
         clientConnection: {{kubeconfig: \"{file}\", qps: 200, burst: 400}}\n\
         podInitialBackoffSeconds: 1\n\
         podMaxBackoffSeconds: 2\n"
    )
}

fn kubeconfig(dir: &Path, identity: Identity) -> String {
    super::kubeconfig_path(dir, identity).display().to_string()
}
