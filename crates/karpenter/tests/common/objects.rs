//! Pools and workloads of the tests about disruption.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use serde_json::{Value, json};

use super::{Karpenter, world::World};

/// Karpenter that leads, with machines of three sizes, the larger ones cheaper for what they have.
pub fn karpenter(world: &World, further: &[&str]) -> Karpenter {
    let karpenter = start(world, further);
    karpenter.says("became leader");
    karpenter
}

/// The same without a lease: one that is killed need not be waited for.
pub fn karpenter_alone(world: &World) -> Karpenter {
    let karpenter = start(world, &["--disable-leader-election=true"]);
    karpenter.says("serving metrics and health probes");
    karpenter
}

fn start(world: &World, further: &[&str]) -> Karpenter {
    let file = world.cluster.dir().join("instance-types.json");
    std::fs::write(&file, machines().to_string()).expect("writes");
    let path = file.to_string_lossy();
    let mut all = vec!["--instance-types-file-path", path.as_ref()];
    all.extend(["--consolidation-settle", "0s"]);
    all.extend(["--batch-idle-duration", "200ms"]);
    all.extend(["--batch-max-duration", "2s"]);
    all.extend(further);
    world.karpenter(&all)
}

fn machines() -> Value {
    let machine = |cpu: u32, price: f64| {
        let one = |key: &str, value: &str| json!({"key": key, "operator": "In", "values": [value]});
        json!({
            "name": format!("plain-{cpu}x"), "architecture": "amd64",
            "operatingSystems": ["linux"],
            "resources": {"cpu": cpu.to_string(), "memory": format!("{}Gi", cpu * 4),
                          "pods": "60", "ephemeral-storage": "20Gi"},
            "offerings": [{"Price": price, "Available": true, "Requirements": [
                one("topology.kubernetes.io/zone", "test-zone-a"),
                one("karpenter.sh/capacity-type", "on-demand"),
            ]}],
        })
    };
    json!([machine(2, 0.10), machine(4, 0.19), machine(8, 0.36)])
}

/// The pool `default` whose empty nodes stay, with a part of its template and its budget.
pub fn pool(template: &Value, nodes: &str) -> Value {
    let mut whole = json!({"spec": {
        "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
        "requirements": [
            {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
        ],
    }});
    for part in ["metadata", "spec"] {
        for (key, value) in template[part].as_object().into_iter().flatten() {
            whole[part][key] = value.clone();
        }
    }
    json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "default"},
        "spec": {
            "template": whole,
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "Never",
                           "budgets": [{"nodes": nodes}]},
        },
    })
}

/// A template that differs from others by a label.
pub fn generation(value: &str) -> Value {
    json!({"metadata": {"labels": {"generation": value}}})
}

/// A workload of small pods, each on a node without others of the tests' pods.
pub fn apart(app: &str, replicas: u32) -> Value {
    let mut workload = workload(app, replicas, "500m");
    workload["spec"]["template"]["spec"]["affinity"] = by_itself();
    workload
}

/// A job with one small pod, on a node without others of the tests' pods, that runs until
/// [`World::finish`](super::world::World::finish).
pub fn job(app: &str) -> Value {
    let mut template = workload(app, 1, "500m")["spec"]["template"].take();
    template["metadata"]["annotations"] = json!({DURATION: "1h"});
    template["spec"]["affinity"] = by_itself();
    template["spec"]["restartPolicy"] = json!("Never");
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": app, "namespace": "default"},
        "spec": {"template": template},
    })
}

/// Says how long the pod of a job runs.
pub const DURATION: &str = "pod-complete.stage.kwok.x-k8s.io/delay";

fn by_itself() -> Value {
    let term = json!({"topologyKey": "kubernetes.io/hostname",
                      "labelSelector": {"matchLabels": {"is": "workload"}}});
    json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
}

/// A workload or job whose pods must not be disrupted.
pub fn protected(mut workload: Value) -> Value {
    let metadata = &mut workload["spec"]["template"]["metadata"];
    metadata["annotations"]["karpenter.sh/do-not-disrupt"] = json!("true");
    workload
}

/// A workload.
pub fn workload(app: &str, replicas: u32, cpu: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": app}},
            "template": {
                "metadata": {"labels": {"app": app, "is": "workload"}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "c", "image": "pause",
                                    "resources": {"requests": {"cpu": cpu}}}],
                },
            },
        },
    })
}

/// A budget of an app that lets so many of its pods be away.
pub fn disruptions(app: &str, allowed: u32) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": app, "namespace": "default"},
        "spec": {"maxUnavailable": allowed, "selector": {"matchLabels": {"app": app}}},
    })
}
