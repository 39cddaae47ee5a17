//! A real control plane for a test, with what Karpenter needs in it.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use control_plane::{Identity, Program, Settings, TestCluster};
use serde_json::{Value, json};

use super::{Karpenter, karpenter, objects::DURATION, until};

/// The charts.
const CHARTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts");
/// The files of the chart that give the controller its account and its rights.
const RIGHTS: [&str; 4] = ["serviceaccount", "clusterrole-core", "clusterrole", "role"];

/// A control plane with Karpenter's kinds and rights, and `kubectl` to it.
///
/// Karpenter runs as the chart's service account, with the roles that the chart gives it and no
/// other, so that a right that is missing fails the tests.
pub struct World {
    pub cluster: TestCluster,
}

impl World {
    /// Starts a control plane with the kinds, the rights, and the node class `default`.
    pub fn start(name: &str) -> anyhow::Result<Self> {
        Self::start_with(name, Settings::default())
    }

    /// The same with settings of the control plane.
    pub fn start_with(name: &str, settings: Settings) -> anyhow::Result<Self> {
        let world = Self::of_provider(name, settings, "kwok")?;
        world.apply(&[class()]);
        Ok(world)
    }

    /// A control plane with the kinds, and the rights for a provider.
    pub fn of_provider(name: &str, settings: Settings, provider: &str) -> anyhow::Result<Self> {
        let world = Self {
            cluster: TestCluster::start_with(name, settings)?,
        };
        world.apply(&api::crd::all());
        until("the kinds are served", || {
            world.kubectl(&["get", "nodepools,nodeclaims"]).is_ok()
        });
        world.give_rights(provider);
        Ok(world)
    }

    /// Makes the account and the roles of the chart, as Helm renders them.
    fn give_rights(&self, provider: &str) {
        let provider = format!("provider={provider}");
        let cluster = "settings.clusterName=demo";
        let mut helm = Command::new(self.cluster.binaries().path(Program::Helm));
        helm.args(["template", "karpenter", &format!("{CHARTS}/karpenter")])
            .args([
                "--namespace",
                "kube-system",
                "--set",
                &provider,
                "--set",
                cluster,
            ]);
        for file in RIGHTS {
            helm.args(["--show-only", &format!("templates/{file}.yaml")]);
        }
        let rendered = helm.output().expect("Helm runs");
        let complaint = String::from_utf8_lossy(&rendered.stderr);
        assert!(rendered.status.success(), "{complaint}");
        self.apply_text(&rendered.stdout);
        let asked = ["create", "token", "karpenter", "-n", "kube-system"];
        let token = self.kubectl(&asked).expect("a token");
        let config = kubeconfig(&self.cluster, token.trim()).to_string();
        fs::write(self.kubeconfig(), config).expect("writes");
    }

    /// The kubeconfig that Karpenter runs with.
    pub fn kubeconfig(&self) -> std::path::PathBuf {
        self.cluster.dir().join("chart.kubeconfig")
    }

    /// Runs `kubectl`; its output, or what it complains about.
    pub fn kubectl(&self, args: &[&str]) -> Result<String, String> {
        let output = self.command(args).output().expect("kubectl runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stderr))
        }
    }

    /// `kubectl` to it, not started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.cluster.binaries().path(Program::Kubectl));
        command
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig(Identity::Admin))
            .args(args);
        command
    }

    /// Applies objects.
    pub fn apply(&self, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.apply_text(list.to_string().as_bytes());
    }

    /// Applies manifests.
    fn apply_text(&self, manifests: &[u8]) {
        let mut kubectl = self
            .command(&["apply", "--server-side", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("kubectl runs");
        let mut stdin = kubectl.stdin.take().expect("piped");
        stdin.write_all(manifests).expect("writes");
        drop(stdin);
        assert!(kubectl.wait().expect("ends").success());
    }

    /// All objects of a kind.
    pub fn items(&self, kind: &str) -> Vec<Value> {
        let list = self
            .kubectl(&["get", kind, "-A", "-o", "json"])
            .expect("lists");
        let list: Value = serde_json::from_str(&list).expect("JSON");
        list["items"].as_array().expect("a list").clone()
    }

    /// Waits until an event says something about an object.
    pub fn says_about(&self, object: &str, reason: &str) {
        until(&format!("{reason} is said about {object}"), || {
            let events = self.items("events");
            events
                .iter()
                .any(|event| event["involvedObject"]["name"] == object && event["reason"] == reason)
        });
    }

    /// Lets the pod of a job end.
    pub fn finish(&self, pod: &str) {
        let now = format!("{DURATION}=0s");
        self.kubectl(&["annotate", "--overwrite", "pod", pod, &now])
            .expect("annotates");
    }

    /// How many pods run.
    pub fn running(&self) -> usize {
        let pods = self.items("pods");
        pods.iter()
            .filter(|pod| pod["status"]["phase"] == "Running")
            .count()
    }

    /// Starts Karpenter with the KWOK provider and further arguments.
    pub fn karpenter(&self, further: &[&str]) -> Karpenter {
        let mut all = vec!["--provider", "kwok"];
        all.extend(further);
        self.karpenter_with(&[], &all)
    }

    /// Starts Karpenter with an environment and arguments.
    pub fn karpenter_with(&self, environment: &[(String, String)], args: &[&str]) -> Karpenter {
        let child = karpenter()
            .envs(environment.iter().cloned())
            .args(["--metrics-port", "0", "--health-probe-port", "0"])
            .args(["--leader-election-namespace", "kube-system"])
            .args(["--log-level", "debug", "--kubeconfig"])
            .arg(self.kubeconfig())
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("runs");
        Karpenter::new(child)
    }
}

fn class() -> Value {
    json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass",
           "metadata": {"name": "default"}, "spec": {"nodeRegistrationDelay": "1s"}})
}

/// A kubeconfig of the controller's account, with a token as pods get it.
fn kubeconfig(cluster: &TestCluster, token: &str) -> Value {
    let authority = cluster.ca_path();
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "karpenter",
        "clusters": [{"name": "local", "cluster": {
            "server": cluster.server(), "certificate-authority": authority}}],
        "users": [{"name": "karpenter", "user": {"token": token}}],
        "contexts": [{"name": "karpenter", "context": {"cluster": "local", "user": "karpenter"}}],
    })
}
