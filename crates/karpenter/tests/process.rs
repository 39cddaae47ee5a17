//! The program as an operator meets it: its settings, its ports, its lease, its signals. The API
//! server is the embedded one on a port of loopback.

mod common;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Output, Stdio},
};

use apiserver::{CRDS, Config, Resource, Server};
use common::{Karpenter, karpenter, until};
use serde_json::{Value, json};

const LEASES: Resource<'static> = Resource::new("coordination.k8s.io", "v1", "leases");

fn output(args: &[&str]) -> Output {
    karpenter().args(args).output().expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The API server, its address in a kubeconfig, and the runtime that serves it.
struct Api {
    server: Server,
    folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Api {
    fn start() -> Self {
        let server = Server::new(Config::frozen(jiff::Timestamp::UNIX_EPOCH, 1));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let served = server.clone();
        runtime.spawn(async move { served.serve(listener).await });
        let folder = tempfile::tempdir().expect("a folder");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://{address}")}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
        });
        std::fs::write(folder.path().join("config"), config.to_string()).expect("writes");
        Self {
            server,
            folder,
            _runtime: runtime,
        }
    }

    fn install_crds(&self) {
        for crd in api::crd::all() {
            self.server.create(CRDS, "", crd).expect("a definition");
        }
    }

    fn holder(&self) -> Option<String> {
        let lease = self
            .server
            .get(LEASES, "kube-system", "karpenter-leader-election")
            .ok()?;
        Some(lease["spec"]["holderIdentity"].as_str()?.to_owned())
    }

    fn hand_lease_to(&self, holder: &str) {
        let all = apiserver::WriteOptions::default();
        let name = "karpenter-leader-election";
        let hand = |lease: &mut Value| lease["spec"]["holderIdentity"] = holder.into();
        self.server
            .modify(LEASES, "kube-system", name, &all, hand)
            .expect("a lease");
    }

    fn spawn(&self, more: &[&str]) -> Karpenter {
        let child = karpenter()
            .args([
                "--provider",
                "kwok",
                "--metrics-port",
                "0",
                "--health-probe-port",
                "0",
            ])
            .args(["--leader-election-namespace", "kube-system"])
            .arg("--kubeconfig")
            .arg(self.folder.path().join("config"))
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("runs");
        Karpenter::new(child)
    }
}

fn get(port: &Value, path: &str) -> (String, String) {
    let port = u16::try_from(port.as_u64().expect("a port")).expect("a port");
    let mut stream =
        TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (
        head.lines().next().expect("a status").to_owned(),
        body.to_owned(),
    )
}

#[test]
fn help_and_version_answer_and_bad_settings_say_what_is_wrong() {
    let help = output(&["--help"]);
    assert!(help.status.success());
    assert!(text(&help.stdout).contains("--provider"));
    assert!(text(&output(&["-version"]).stdout).starts_with("karpenter "));

    let bad = output(&["--provider", "kwok", "--log-level", "loud"]);
    assert_eq!(bad.status.code(), Some(2));
    let said = text(&bad.stderr);
    assert!(
        said.contains("validating cli flags / env vars, invalid LOG_LEVEL \"loud\""),
        "{said}"
    );
}

#[test]
fn the_aws_provider_without_a_region_says_where_one_may_stand() {
    let api = Api::start();
    let refused = karpenter()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(["--cluster-name", "c", "--kubeconfig"])
        .arg(api.folder.path().join("config"))
        .args(["--metrics-port", "0", "--health-probe-port", "0"])
        .output()
        .expect("runs");
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("unable to determine region"), "{said}");
    assert!(said.contains("AWS_REGION"), "{said}");
}

#[test]
fn a_lease_without_a_namespace_is_refused_with_the_way_out() {
    let api = Api::start();
    let config = api.folder.path().join("config");
    let config = config.to_str().expect("text");
    let args = [
        "--provider",
        "kwok",
        "--metrics-port",
        "0",
        "--health-probe-port",
        "0",
    ];
    let refused = output(&[&args[..], &["--kubeconfig", config]].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("LEADER_ELECTION_NAMESPACE"));
}

#[test]
fn it_leads_serves_its_ports_and_gives_the_lease_back_on_sigterm() {
    let api = Api::start();
    let mut karpenter = api.spawn(&[]);
    let ports = karpenter.says("serving metrics and health probes");
    karpenter.says("became leader");
    assert!(api.holder().expect("a lease").contains('_'));
    let (status, _) = get(&ports["probe_port"], "/healthz");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let (_, metrics) = get(&ports["metrics_port"], "/metrics");
    assert!(
        metrics.contains("leader_election_master_status{name=\"karpenter-leader-election\"} 1")
    );
    assert!(metrics.contains("karpenter_build_info{"));

    let (status, ready) = get(&ports["probe_port"], "/readyz?verbose");
    assert_eq!(status, "HTTP/1.1 500 Internal Server Error");
    assert!(
        ready.contains("[-]crd failed: NodePool and NodeClaim are not served"),
        "{ready}"
    );
    api.install_crds();
    until("the kinds were found", || {
        get(&ports["probe_port"], "/readyz?verbose")
            .1
            .contains("[+]crd ok")
    });

    karpenter.signal("-TERM");
    assert_eq!(karpenter.ends().code(), Some(0));
    assert_eq!(api.holder().as_deref(), Some(""));
}

#[test]
fn a_standby_follows_a_leader_that_stops() {
    let api = Api::start();
    api.install_crds();
    let mut one = api.spawn(&[]);
    one.says("became leader");
    let first = api.holder();
    let two = api.spawn(&[]);
    two.says("serving metrics and health probes");
    assert_eq!(api.holder(), first);
    one.signal("-INT");
    assert_eq!(one.ends().code(), Some(0));
    two.says("became leader");
    assert_ne!(api.holder(), first);
}

#[test]
fn a_lost_lease_stops_the_work_and_the_process_stands_by_for_the_next() {
    let api = Api::start();
    api.install_crds();
    let karpenter = api.spawn(&[]);
    let ports = karpenter.says("serving metrics and health probes");
    karpenter.says("became leader");
    api.hand_lease_to("thief");
    karpenter.says("leader election lost, standing by");
    let (_, metrics) = get(&ports["metrics_port"], "/metrics");
    assert!(
        metrics.contains("leader_election_master_status{name=\"karpenter-leader-election\"} 0")
    );
    assert_eq!(api.holder().as_deref(), Some("thief"));
    api.hand_lease_to("");
    karpenter.says("became leader");
    assert_ne!(api.holder().as_deref(), Some("thief"));
}

#[test]
fn a_port_in_use_is_named_with_the_flag_that_changes_it() {
    let taken = std::net::TcpListener::bind("[::]:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let api = Api::start();
    let config = api.folder.path().join("config");
    let config = config.to_str().expect("text");
    let refused = output(&[
        "--provider",
        "kwok",
        "--kubeconfig",
        config,
        "--metrics-port",
        &port,
    ]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("--metrics-port"), "{said}");
}
