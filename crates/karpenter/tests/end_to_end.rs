//! The main job on a real control plane: pods without room get nodes, nodes without pods go, and
//! neither a crash in the middle nor an API server that is away leaves anything behind.

mod common;

use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

use common::{Karpenter, karpenter, until};
use control_plane::{Identity, Program, TestCluster};
use serde_json::{Value, json};

struct World {
    cluster: TestCluster,
}

impl World {
    fn start(name: &str) -> anyhow::Result<Self> {
        let world = Self {
            cluster: TestCluster::start(name)?,
        };
        world.apply(&api::crd::all());
        until("the kinds are served", || {
            world.kubectl(&["get", "nodepools,nodeclaims"]).is_ok()
        });
        world.apply(&rights());
        world.apply(&[pool(), class(), inflate(0)]);
        Ok(world)
    }

    fn kubectl(&self, args: &[&str]) -> Result<String, String> {
        let output = self.command(args).output().expect("kubectl runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stderr))
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.cluster.binaries().path(Program::Kubectl));
        command
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig(Identity::Admin))
            .args(args);
        command
    }

    fn apply(&self, objects: &[Value]) {
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

    fn items(&self, kind: &str) -> Vec<Value> {
        let list = self
            .kubectl(&["get", kind, "-A", "-o", "json"])
            .expect("lists");
        let list: Value = serde_json::from_str(&list).expect("JSON");
        list["items"].as_array().expect("a list").clone()
    }

    fn running(&self) -> usize {
        let pods = self.items("pods");
        pods.iter()
            .filter(|pod| pod["status"]["phase"] == "Running")
            .count()
    }

    fn is_empty(&self) -> bool {
        ["pods", "nodeclaims", "nodes"]
            .iter()
            .all(|kind| self.items(kind).is_empty())
    }

    fn karpenter(&self) -> Karpenter {
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
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("runs");
        Karpenter::new(child)
    }

    /// Nodes by the claim that they stand for.
    fn nodes_by_claim(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for node in self.items("nodes") {
            let claim = node["metadata"]["labels"]["kubernetes.io/hostname"].as_str();
            *counts
                .entry(claim.unwrap_or_default().to_owned())
                .or_default() += 1;
        }
        counts
    }
}

fn class() -> Value {
    json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass",
           "metadata": {"name": "default"}, "spec": {"nodeRegistrationDelay": "1s"}})
}

fn pool() -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "default"},
        "spec": {
            "template": {"spec": {
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass",
                                 "name": "default"},
                "requirements": [
                    {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                    {"key": "karpenter.kwok.sh/instance-cpu", "operator": "Lt", "values": ["9"]},
                ],
            }},
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "0s",
                           "budgets": [{"nodes": "100%"}]},
        },
    })
}

fn inflate(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "inflate", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "inflate"}},
            "template": {
                "metadata": {"labels": {"app": "inflate"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "inflate", "image": "pause",
                                    "resources": {"requests": {"cpu": "1"}}}],
                },
            },
        },
    })
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
        rule("policy", &["poddisruptionbudgets"], &read),
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

#[test]
fn pods_get_nodes_and_empty_nodes_go_through_a_crash_and_an_outage() -> anyhow::Result<()> {
    let mut world = World::start("end-to-end")?;
    let mut first = world.karpenter();
    first.says("became leader");

    world.apply(&[inflate(10)]);
    until("ten pods run", || world.running() == 10);
    let claims = world.items("nodeclaims");
    assert_eq!(world.nodes_by_claim().len(), claims.len());
    until("every claim is ready", || {
        world.items("nodeclaims").iter().all(is_ready)
    });
    let reasons: Vec<Value> = world
        .items("events")
        .iter()
        .map(|event| event["reason"].clone())
        .collect();
    for reason in ["Nominated", "Registered", "Initialized", "Ready"] {
        assert!(
            reasons.iter().any(|have| have == reason),
            "no event {reason}: {reasons:?}"
        );
    }

    world.apply(&[inflate(0)]);
    until("everything is gone", || world.is_empty());

    world.apply(&[inflate(10)]);
    until("claims are made", || !world.items("nodeclaims").is_empty());
    first.signal("-KILL");
    first.ends();
    let mut second = world.karpenter();
    until("ten pods run", || world.running() == 10);
    let nodes = world.nodes_by_claim();
    assert!(
        nodes.values().all(|&count| count == 1),
        "doubled: {nodes:?}"
    );
    assert_eq!(nodes.len(), world.items("nodeclaims").len());

    // An outage that outlasts the lease costs time and nothing else.
    world.cluster.kill(Program::KubeApiserver)?;
    second.says("leader election lost, standing by");
    world.cluster.restart(Program::KubeApiserver)?;
    second.says("became leader");
    assert_eq!(world.running(), 10);

    world.apply(&[inflate(0)]);
    until("everything is gone", || world.is_empty());
    second.signal("-TERM");
    assert_eq!(second.ends().code(), Some(0));
    Ok(())
}

fn is_ready(claim: &Value) -> bool {
    let conditions = claim["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    })
}
