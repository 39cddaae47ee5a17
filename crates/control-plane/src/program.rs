//! The programs of a control plane, and where each comes from.
//!
//! What is *not* here: their versions, which `tools/control-plane/go.mod` pins.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A program that is built and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// The store behind the API server.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// The controllers of Kubernetes itself.
    KubeControllerManager,
    /// The scheduler, which binds pods to nodes.
    KubeScheduler,
    /// The kubelet of every node.
    Kwok,
    /// The command line client.
    Kubectl,
    /// The installer of charts.
    Helm,
}

impl Program {
    /// All programs that are built.
    pub const ALL: [Program; 7] = [
        Program::Etcd,
        Program::KubeApiserver,
        Program::KubeControllerManager,
        Program::KubeScheduler,
        Program::Kwok,
        Program::Kubectl,
        Program::Helm,
    ];

    /// The programs that run for as long as a cluster does, servers before their clients.
    pub const SERVERS: [Program; 5] = [
        Program::Etcd,
        Program::KubeApiserver,
        Program::KubeControllerManager,
        Program::KubeScheduler,
        Program::Kwok,
    ];

    /// The file name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Program::Etcd => "etcd",
            Program::KubeApiserver => "kube-apiserver",
            Program::KubeControllerManager => "kube-controller-manager",
            Program::KubeScheduler => "kube-scheduler",
            Program::Kwok => "kwok",
            Program::Kubectl => "kubectl",
            Program::Helm => "helm",
        }
    }

    /// The Go package that it is built from.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Program::Etcd => "go.etcd.io/etcd/server/v3",
            Program::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Program::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
            Program::KubeScheduler => "k8s.io/kubernetes/cmd/kube-scheduler",
            Program::Kwok => "sigs.k8s.io/kwok/cmd/kwok",
            Program::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Program::Helm => "helm.sh/helm/v4/cmd/helm",
        }
    }

    /// The file name that `go build` gives it: the last element of the package without its version.
    pub(crate) fn built_name(self) -> &'static str {
        match self {
            Program::Etcd => "server",
            other => other.name(),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
