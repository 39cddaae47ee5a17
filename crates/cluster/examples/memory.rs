//! Resident memory of a cluster's state, and how long snapshots take.
//!
//! `cargo run --release -p cluster --example memory -- [PODS] [NODES]`; by default 100,000 pods, of
//! which 10,000 are pending, and 5,000 nodes with their NodeClaims. Linux only.

#[path = "../benches/pods/mod.rs"]
mod pods;

use std::fs;

use api::NodeClaim;
use cluster::{Change, Cluster, Event, PodDecoder, Settings};
use model::k8s::Node;
use requirements::Vocabulary;
use serde_json::json;

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|text| text.parse().expect("a number"));
    let pods = numbers.next().unwrap_or(100_000);
    let nodes = numbers.next().unwrap_or(5_000);
    let start = resident_mib();
    let mut decoder = PodDecoder::new();
    let mut cluster = Cluster::new(Vocabulary::aws(), Settings::default());
    for index in 0..nodes {
        cluster.apply(Event::NodeClaim(Change::Applied(claim(index))));
        cluster.apply(Event::Node(Change::Applied(node(index))));
    }
    println!(
        "{nodes} nodes and claims: {:.1} MiB",
        resident_mib() - start
    );
    for index in 0..pods {
        let node = (index >= pods / 10).then_some(index % nodes);
        let pod = decoder
            .decode(pods::json(index, node).as_bytes())
            .expect("a pod");
        cluster.apply(Event::Pod(Change::Applied(pod)));
    }
    println!("and {pods} pods: {:.1} MiB", resident_mib() - start);
    let snapshot = cluster.snapshot();
    println!("and a snapshot: {:.1} MiB", resident_mib() - start);
    for index in 0..pods / 10 {
        let pod = decoder
            .decode(pods::json(index, Some(index % nodes)).as_bytes())
            .expect("a pod");
        cluster.apply(Event::Pod(Change::Applied(pod)));
    }
    println!(
        "and {} pods bound while it is held: {:.1} MiB ({} shapes, {} pending in the snapshot)",
        pods / 10,
        resident_mib() - start,
        cluster.shape_count(),
        snapshot.pending_count(),
    );
    println!("in total {:.1} MiB resident", resident_mib());
}

/// Resident pages of this process, in MiB.
fn resident_mib() -> f64 {
    const PAGE: f64 = 4_096.0;
    let text = fs::read_to_string("/proc/self/statm").expect("Linux tells about its processes");
    let pages: f64 = text
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number");
    pages * PAGE / f64::from(1 << 20)
}

fn labels(index: usize) -> serde_json::Value {
    json!({"karpenter.sh/nodepool": "default", "karpenter.sh/capacity-type": "spot",
        "karpenter.sh/registered": "true", "karpenter.sh/initialized": "true",
        "node.kubernetes.io/instance-type": "m6i.2xlarge", "topology.kubernetes.io/zone": "us-east-1a",
        "topology.kubernetes.io/region": "us-east-1", "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux", "kubernetes.io/hostname": pods::node_name(index),
        "karpenter.k8s.aws/instance-family": "m6i", "karpenter.k8s.aws/instance-size": "2xlarge",
        "karpenter.k8s.aws/instance-category": "m", "karpenter.k8s.aws/instance-generation": "6",
        "karpenter.k8s.aws/instance-cpu": "8", "karpenter.k8s.aws/instance-memory": "32768",
        "karpenter.k8s.aws/instance-cpu-manufacturer": "intel", "karpenter.k8s.aws/ec2nodeclass": "default",
        "karpenter.k8s.aws/instance-network-bandwidth": "12500", "k8s.io/cloud-provider-aws": "x"})
}

fn node(index: usize) -> Node {
    let amounts = json!({"cpu": "7910m", "memory": "31482Mi", "ephemeral-storage": "18242267924",
        "pods": "58", "hugepages-1Gi": "0", "hugepages-2Mi": "0"});
    let condition = |name: &str, status: &str| {
        json!({"type": name, "status": status, "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": "2026-01-01T12:00:00Z", "lastTransitionTime": "2026-01-01T12:00:00Z"})
    };
    serde_json::from_value(json!({
        "metadata": {"name": pods::node_name(index), "uid": format!("{index:08x}-2222-4000-8000-000000000000"),
            "resourceVersion": "7", "creationTimestamp": "2026-01-01T12:00:00Z",
            "labels": labels(index), "annotations": {"karpenter.sh/nodepool-hash": "1234567890123456789",
                "karpenter.sh/nodepool-hash-version": "v3", "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true"},
            "finalizers": ["karpenter.sh/termination"]},
        "spec": {"providerID": format!("aws:///us-east-1a/i-{index:017x}")},
        "status": {"capacity": amounts, "allocatable": amounts, "conditions": [
            condition("MemoryPressure", "False"), condition("DiskPressure", "False"),
            condition("PIDPressure", "False"), condition("Ready", "True")]}
    }))
    .expect("a node")
}

fn claim(index: usize) -> NodeClaim {
    let types: Vec<String> = (0..60)
        .map(|n| format!("m{}i.{}xlarge", n / 10, n % 10))
        .collect();
    let amounts =
        json!({"cpu": "7910m", "memory": "31482Mi", "ephemeral-storage": "17Gi", "pods": "58"});
    let condition = |name: &str| {
        json!({"type": name, "status": "True", "reason": name, "message": "",
            "lastTransitionTime": "2026-01-01T12:00:00Z", "observedGeneration": 1})
    };
    serde_json::from_value(json!({
        "metadata": {"name": format!("default-{index:05x}"), "uid": format!("{index:08x}-3333-4000-8000-000000000000"),
            "resourceVersion": "7", "creationTimestamp": "2026-01-01T12:00:00Z", "labels": labels(index),
            "annotations": {"karpenter.sh/nodepool-hash": "1234567890123456789",
                "karpenter.sh/nodepool-hash-version": "v3"},
            "finalizers": ["karpenter.sh/termination"]},
        "spec": {"nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
            "expireAfter": "720h", "resources": {"requests": amounts},
            "requirements": [
                {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types},
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
                {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                {"key": "karpenter.sh/nodepool", "operator": "In", "values": ["default"]}]},
        "status": {"providerID": format!("aws:///us-east-1a/i-{index:017x}"), "nodeName": pods::node_name(index),
            "imageID": "ami-0123456789abcdef0", "capacity": amounts, "allocatable": amounts,
            "conditions": [condition("Launched"), condition("Registered"), condition("Initialized"),
                condition("Consolidatable"), condition("Ready")]}
    }))
    .expect("a claim")
}
