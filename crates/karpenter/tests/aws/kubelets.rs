//! What runs on instances: the kubelet, which makes a node by the instance's user data, and what
//! runs for the cluster: a controller that removes nodes whose instance has ended.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use control_plane::{Identity, Program};
use moto::{Machine, Moto};
use serde_json::{Map, Value, json};

use crate::cloud::REGION;
use crate::common::world::World;

/// How often it is looked for new instances.
const LOOK: Duration = Duration::from_millis(200);

/// All of them, until this is dropped.
pub(crate) struct Kubelets {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    booted: Arc<Mutex<BTreeMap<String, Boot>>>,
}

/// What an instance was started with.
#[derive(Clone, Debug)]
pub(crate) struct Boot {
    pub(crate) machine: Machine,
    /// Decoded.
    pub(crate) user_data: String,
}

impl Boot {
    /// The configuration that the node agent of AL2023 reads.
    pub(crate) fn node_config(&self) -> Value {
        let (_, part) = self
            .user_data
            .split_once("Content-Type: application/node.eks.aws")
            .expect("a NodeConfig");
        let text = part.split("\n--").next().unwrap_or_default();
        let (_, yaml) = text.split_once("\n\n").expect("headers end");
        serde_saphyr::from_str(yaml).expect("YAML")
    }
}

impl Kubelets {
    /// Begins to look for instances.
    pub(crate) fn start(moto: Arc<Moto>, world: &World) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let booted: Arc<Mutex<BTreeMap<String, Boot>>> = Arc::default();
        let runner = Runner {
            moto,
            kubectl: world.cluster.binaries().path(Program::Kubectl).to_owned(),
            kubeconfig: world.cluster.kubeconfig(Identity::Admin),
            nodes: BTreeMap::new(),
            booted: booted.clone(),
        };
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || runner.run(&stopped));
        Self {
            stop,
            thread: Some(thread),
            booted,
        }
    }

    /// What an instance was started with, when its node is there.
    pub(crate) fn boot(&self, instance: &str) -> Boot {
        let booted = self.booted.lock().unwrap_or_else(PoisonError::into_inner);
        booted.get(instance).expect("it has a node").clone()
    }
}

impl Drop for Kubelets {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed.
            let _ = thread.join();
        }
    }
}

struct Runner {
    moto: Arc<Moto>,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    /// Names of nodes by the ids of their instances.
    nodes: BTreeMap<String, String>,
    booted: Arc<Mutex<BTreeMap<String, Boot>>>,
}

impl Runner {
    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            // Calls fail while a test lets all calls fail.
            if let Ok(machines) = self.moto.machines(REGION) {
                self.look(&machines);
            }
            std::thread::park_timeout(LOOK);
        }
    }

    fn look(&mut self, machines: &[Machine]) {
        for machine in machines.iter().filter(|one| one.state == "running") {
            if !self.nodes.contains_key(&machine.id) {
                self.boot(machine);
            }
        }
        let nodes = self.nodes.clone();
        for (id, node) in nodes {
            let is_there = machines.iter().any(|one| one.id == id);
            if !is_there && self.kubectl(&["delete", "node", &node], None) {
                self.nodes.remove(&id);
            }
        }
    }

    /// The kubelet starts: its node is there, not ready and without pods.
    fn boot(&mut self, machine: &Machine) {
        let Some(boot) = self.user_data(machine) else {
            return;
        };
        let size = self.moto.size(REGION, &machine.instance_type);
        let Ok((cpus, mib)) = size else {
            return;
        };
        let node = node(&boot, cpus, mib);
        let name = node_name(machine);
        self.booted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(machine.id.clone(), boot);
        if self.kubectl(&["create", "-f", "-"], Some(&node)) {
            self.nodes.insert(machine.id.clone(), name);
        }
    }

    fn user_data(&self, machine: &Machine) -> Option<Boot> {
        let encoded = self.moto.user_data(REGION, &machine.id).ok()?;
        let decoded = BASE64_STANDARD.decode(encoded).ok()?;
        Some(Boot {
            machine: machine.clone(),
            user_data: String::from_utf8(decoded).ok()?,
        })
    }

    fn kubectl(&self, args: &[&str], input: Option<&Value>) -> bool {
        let mut kubectl = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args)
            .args(if input.is_none() {
                &["--ignore-not-found", "--wait=false"][..]
            } else {
                &[]
            })
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("kubectl runs");
        let mut stdin = kubectl.stdin.take().expect("piped");
        if let Some(input) = input {
            stdin
                .write_all(input.to_string().as_bytes())
                .expect("writes");
        }
        drop(stdin);
        kubectl.wait().expect("ends").success()
    }
}

/// As networks name instances that go by their ids. The other kind of names goes by addresses,
/// which moto gives to the next instance at once.
fn node_name(machine: &Machine) -> String {
    format!("{}.{REGION}.compute.internal", machine.id)
}

/// A node as a kubelet registers it.
fn node(boot: &Boot, cpus: u64, mib: u64) -> Value {
    let machine = &boot.machine;
    let config = boot.node_config();
    let kubelet = &config["spec"]["kubelet"];
    let mut labels = labels(kubelet);
    labels.insert(
        "kubernetes.io/hostname".to_owned(),
        json!(node_name(machine)),
    );
    for (key, value) in [
        ("kubernetes.io/arch", "amd64"),
        ("kwok-partition", "a"),
        ("kubernetes.io/os", "linux"),
        ("node.kubernetes.io/instance-type", &machine.instance_type),
        ("topology.kubernetes.io/zone", &machine.zone),
        ("topology.kubernetes.io/region", REGION),
    ] {
        labels.insert(key.to_owned(), json!(value));
    }
    let kubelet = &kubelet["config"];
    // Something always goes to the kernel.
    let amounts = json!({
        "cpu": cpus.to_string(),
        "memory": format!("{}Mi", mib - mib / 50),
        "ephemeral-storage": "20Gi",
        "pods": kubelet["maxPods"].to_string(),
    });
    let mut allocatable = amounts.clone();
    allocatable["memory"] = json!(format!("{}Mi", mib - mib / 12));
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node_name(machine),
            "labels": labels,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "spec": {
            "providerID": format!("aws:///{}/{}", machine.zone, machine.id),
            "taints": kubelet["registerWithTaints"],
        },
        "status": {"capacity": amounts, "allocatable": allocatable},
    })
}

/// Those of the flag `--node-labels`.
fn labels(kubelet: &Value) -> Map<String, Value> {
    let flags = kubelet["flags"].as_array().into_iter().flatten();
    let given = flags
        .filter_map(|flag| flag.as_str()?.strip_prefix("--node-labels="))
        .flat_map(|labels| labels.trim_matches('"').split(','));
    let pairs = given.filter_map(|label| label.split_once('='));
    let pairs = pairs.map(|(key, value)| (key.to_owned(), json!(value)));
    pairs.collect()
}
