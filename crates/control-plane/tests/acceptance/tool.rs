//! The cluster as a thing that is broken, emptied and stopped.

use std::panic::{self, AssertUnwindSafe};

use control_plane::{Cluster, Health, Identity, Program, Reset, TestCluster};

use crate::kubectl::{Kubectl, condition, poll};
use crate::nodes;

pub(crate) fn karpenter_has_only_the_rights_that_it_is_granted(cluster: &Cluster) {
    let admin = Kubectl::admin(cluster);
    let karpenter = Kubectl::new(cluster, Identity::Karpenter);
    let denied = karpenter.try_with("get nodes", "").unwrap_err();
    assert!(denied.contains("Forbidden"), "{denied}");
    admin.run("create clusterrole reads-nodes --verb=get,list --resource=nodes");
    let user = Identity::Karpenter.user();
    admin.run(&format!(
        "create clusterrolebinding reads --clusterrole=reads-nodes --user={user}"
    ));
    poll(|| karpenter.try_with("get nodes", "").is_ok());
    karpenter.run("get nodes");
}

pub(crate) fn killed_servers_come_back_with_their_data(cluster: &mut Cluster) {
    let kubectl = Kubectl::admin(cluster);
    kubectl.run("create configmap survivor");
    cluster.kill(Program::KubeApiserver).unwrap();
    assert_eq!(cluster.status()[&Program::KubeApiserver], Health::Absent);
    assert!(!cluster.is_running());
    cluster.restart(Program::KubeApiserver).unwrap();
    assert!(kubectl.get("configmap survivor").is_some());
    // A new kwok takes over the nodes of its predecessor.
    cluster.restart(Program::Kwok).unwrap();
    kubectl.run("run after --image=pause");
    kubectl.until("pod after", |pod| condition(pod, "Ready") == "True");
    assert!(cluster.is_running());
}

pub(crate) fn a_soft_reset_leaves_nothing_that_a_fresh_cluster_does_not_have(
    cluster: &mut Cluster,
) {
    let kubectl = Kubectl::admin(cluster);
    nodes::create(&kubectl, "held", "");
    kubectl.run(
        "patch node held --type=merge -p {\"metadata\":{\"finalizers\":[\"example.com/held\"]}}",
    );
    cluster.reset(Reset::Soft).unwrap();
    let kinds = "nodes,pods,deployments,jobs,limitranges,poddisruptionbudgets,secrets,boxes";
    assert_eq!(kubectl.get(&format!("{kinds} -A")), None);
    let left = kubectl.run("get namespaces,priorityclasses,validatingadmissionpolicies -o name");
    let expected = [
        "namespace/default",
        "namespace/kube-node-lease",
        "namespace/kube-public",
        "namespace/kube-system",
        "priorityclass.scheduling.k8s.io/system-cluster-critical",
        "priorityclass.scheduling.k8s.io/system-node-critical",
    ];
    assert_eq!(left.lines().collect::<Vec<_>>(), expected);
    assert!(kubectl.get("crd boxes.example.com").is_some());
    assert!(kubectl.get("clusterrole reads-nodes").is_none());
}

pub(crate) fn a_hard_reset_keeps_address_and_tokens(cluster: &mut Cluster) {
    let kubectl = Kubectl::admin(cluster);
    let server = cluster.server();
    kubectl.run("create configmap gone");
    cluster.reset(Reset::Hard).unwrap();
    assert_eq!(cluster.server(), server);
    assert!(kubectl.get("configmap gone").is_none());
    assert!(kubectl.get("crd boxes.example.com").is_none());
    assert!(kubectl.get("serviceaccount default").is_some());
}

pub(crate) fn a_panic_stops_the_servers_and_removes_the_folder(cluster: TestCluster) {
    let dir = cluster.dir().to_path_buf();
    let running = |health: &Health| match health {
        Health::Running(pid) => Some(*pid),
        _ => None,
    };
    let pids: Vec<u32> = cluster.status().values().filter_map(running).collect();
    assert_eq!(pids.len(), Program::SERVERS.len());
    let panicked = panic::catch_unwind(AssertUnwindSafe(move || {
        let _cluster = cluster;
        panic::resume_unwind(Box::new("a failing test"));
    }));
    assert!(panicked.is_err());
    assert!(!dir.exists());
    for pid in pids {
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}")).exists(),
            "{pid} still runs"
        );
    }
}
