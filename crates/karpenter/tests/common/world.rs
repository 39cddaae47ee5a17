//! A real control plane for a test, with what Karpenter needs in it.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use control_plane::{Identity, Program, TestCluster};
use serde_json::{Value, json};

use super::{Karpenter, karpenter, objects::DURATION, until};

/// A control plane with Karpenter's kinds and rights, and `kubectl` to it.
pub struct World {
    pub cluster: TestCluster,
}

impl World {
    /// Starts a control plane with the kinds, the rights, and the node class `default`.
    pub fn start(name: &str) -> anyhow::Result<Self> {
        let world = Self {
            cluster: TestCluster::start(name)?,
        };
        world.apply(&api::crd::all());
        until("the kinds are served", || {
            world.kubectl(&["get", "nodepools,nodeclaims"]).is_ok()
        });
        world.apply(&rights());
        world.apply(&[class()]);
        Ok(world)
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
        let mut kubectl = self
            .command(&["apply", "--server-side", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("kubectl runs");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let mut stdin = kubectl.stdin.take().expect("piped");
        stdin
            .write_all(list.to_string().as_bytes())
            .expect("writes");
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
        let child = karpenter()
            .args([
                "--provider",
                "kwok",
                "--metrics-port",
                "0",
                "--health-probe-port",
                "0",
            ])
            .args([
                "--leader-election-namespace",
                "kube-system",
                "--log-level",
                "debug",
            ])
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig(Identity::Karpenter))
            .args(further)
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

/// What the chart gives the controller, and the right to make nodes, which only KWOK needs.
fn rights() -> Vec<Value> {
    let read = ["get", "list", "watch"];
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    let cluster = json!([
        rule(
            "karpenter.sh",
            &[
                "nodepools",
                "nodepools/status",
                "nodeclaims",
                "nodeclaims/status",
                "nodeoverlays",
                "nodeoverlays/status"
            ],
            &read
        ),
        rule(
            "karpenter.sh",
            &["nodeclaims", "nodeclaims/status"],
            &["create", "delete", "update", "patch"]
        ),
        rule(
            "karpenter.sh",
            &["nodepools", "nodepools/status", "nodeoverlays/status"],
            &["update", "patch"]
        ),
        rule("karpenter.kwok.sh", &["kwoknodeclasses"], &read),
        rule(
            "",
            &[
                "pods",
                "nodes",
                "persistentvolumes",
                "persistentvolumeclaims",
                "services",
                "replicationcontrollers",
                "namespaces",
                "podtemplates",
                "events"
            ],
            &read
        ),
        rule(
            "storage.k8s.io",
            &["storageclasses", "csinodes", "volumeattachments"],
            &read
        ),
        rule(
            "apps",
            &["daemonsets", "deployments", "replicasets", "statefulsets"],
            &read
        ),
        rule("batch", &["jobs"], &read),
        rule("policy", &["poddisruptionbudgets"], &read),
        rule(
            "autoscaling.x-k8s.io",
            &["capacitybuffers", "capacitybuffers/status"],
            &read
        ),
        rule(
            "autoscaling.x-k8s.io",
            &["capacitybuffers/status"],
            &["update", "patch"]
        ),
        rule(
            "resource.k8s.io",
            &[
                "resourceclaims",
                "resourceclaimtemplates",
                "resourceslices",
                "deviceclasses"
            ],
            &read
        ),
        rule("", &["events"], &["create", "patch"]),
        rule("", &["nodes"], &["create", "patch", "delete", "update"]),
        rule("", &["pods/eviction"], &["create"]),
        rule("", &["pods"], &["delete"]),
    ]);
    let lease = json!([rule(
        "coordination.k8s.io",
        &["leases"],
        &["get", "create", "update"]
    )]);
    let subject =
        json!([{"kind": "ServiceAccount", "name": "karpenter", "namespace": "kube-system"}]);
    let rbac = "rbac.authorization.k8s.io/v1";
    let to = |kind: &str| {
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind,
                                 "name": "karpenter"})
    };
    let local = json!({"name": "karpenter", "namespace": "kube-system"});
    vec![
        json!({"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": "karpenter"},
               "rules": cluster}),
        json!({"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": {"name": "karpenter"},
               "roleRef": to("ClusterRole"), "subjects": subject}),
        json!({"apiVersion": rbac, "kind": "Role", "metadata": local, "rules": lease}),
        json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": local,
               "roleRef": to("Role"), "subjects": subject}),
    ]
}
