//! Nodes that kwok keeps alive.

use serde_json::json;

use crate::Check;
use crate::kubectl::{Kubectl, condition};

pub(crate) const CHECKS: &[Check] = &[
    (
        "a new node gets ready and keeps its allocatable",
        a_new_node_gets_ready,
    ),
    (
        "a node set not ready stays so, and a lost one recovers",
        readiness_is_kept,
    ),
    (
        "a deleted node takes its lease along",
        a_deleted_node_takes_its_lease_along,
    ),
];

/// Makes a Node as an instance would register it, and waits until it is ready.
pub(crate) fn create(kubectl: &Kubectl, name: &str, capacity: &str) {
    let capacity = if capacity.is_empty() {
        "cpu: 8, memory: 16Gi, pods: 110"
    } else {
        capacity
    };
    kubectl.apply(&format!(
        "apiVersion: v1\n\
         kind: Node\n\
         metadata:\n\
         \x20 name: {name}\n\
         \x20 annotations: {{kwok.x-k8s.io/node: fake}}\n\
         \x20 labels: {{kwok-partition: a, kubernetes.io/arch: arm64, kubernetes.io/os: linux}}\n\
         spec:\n\
         \x20 taints: [{{key: node.kubernetes.io/not-ready, effect: NoSchedule}}]\n\
         status:\n\
         \x20 capacity: {{{capacity}}}\n\
         \x20 allocatable: {{{capacity}}}\n"
    ));
    kubectl.until(&format!("node {name}"), |node| {
        condition(node, "Ready") == "True" && node["spec"]["taints"].is_null()
    });
}

fn a_new_node_gets_ready(kubectl: &Kubectl) {
    create(kubectl, "small", "cpu: 100m, memory: 64Mi, pods: 3");
    let node = kubectl.get("node small").unwrap();
    assert_eq!(
        node["status"]["allocatable"],
        json!({"cpu": "100m", "memory": "64Mi", "pods": "3"})
    );
    assert_eq!(node["status"]["nodeInfo"]["architecture"], "arm64");
    assert_eq!(node["status"]["phase"], "Running");
}

fn readiness_is_kept(kubectl: &Kubectl) {
    create(kubectl, "broken", "");
    create(kubectl, "lost", "");
    for (node, status, reason) in [
        ("broken", "False", "KubeletNotReady"),
        ("lost", "Unknown", "NodeStatusUnknown"),
    ] {
        let ready = json!({"type": "Ready", "status": status, "reason": reason});
        let patch = json!({"status": {"conditions": [ready]}});
        kubectl.run(&format!(
            "patch node {node} --subresource=status --type=strategic -p {patch}"
        ));
    }
    kubectl.until("node lost", |node| condition(node, "Ready") == "True");
    let broken = kubectl.get("node broken").unwrap();
    assert_eq!(condition(&broken, "Ready"), "False");
    kubectl.run("delete node broken lost --wait=false");
}

fn a_deleted_node_takes_its_lease_along(kubectl: &Kubectl) {
    create(kubectl, "leased", "");
    let lease = "lease leased -n kube-node-lease";
    kubectl.until(lease, |lease| {
        lease["metadata"]["ownerReferences"][0]["name"] == "leased"
    });
    kubectl.run("delete node leased");
    kubectl.until_gone(lease);
}
