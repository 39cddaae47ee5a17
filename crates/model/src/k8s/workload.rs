//! Objects that make pods. Their pod templates are decoded as slim pods.

use serde::{Deserialize, Serialize};

use super::meta::ObjectMeta;
use super::pod::PodSpec;
use super::selector::LabelSelector;

/// `v1.PodTemplateSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodTemplateSpec {
    /// Labels and annotations of the pods.
    pub metadata: ObjectMeta,
    /// Spec of the pods.
    pub spec: PodSpec,
}

/// Spec of a Deployment, ReplicaSet, StatefulSet or DaemonSet, as far as they agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadSpec {
    /// Number of pods; absent means 1. DaemonSets have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Pods that belong to the workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// The pods.
    pub template: PodTemplateSpec,
}

macro_rules! workload {
    ($(#[$doc:meta])* $name:ident, $plural:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            /// Metadata.
            pub metadata: ObjectMeta,
            /// Desired state.
            pub spec: WorkloadSpec,
        }

        impl $crate::k8s::Resource for $name {
            const GROUP: &'static str = "apps";
            const VERSION: &'static str = "v1";
            const KIND: &'static str = stringify!($name);
            const PLURAL: &'static str = $plural;
            const NAMESPACED: bool = true;

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }
        }
    };
}

workload!(
    /// `apps/v1.DaemonSet`: one pod on every node that fits.
    DaemonSet,
    "daemonsets"
);
workload!(
    /// `apps/v1.Deployment`.
    Deployment,
    "deployments"
);
workload!(
    /// `apps/v1.ReplicaSet`.
    ReplicaSet,
    "replicasets"
);
workload!(
    /// `apps/v1.StatefulSet`.
    StatefulSet,
    "statefulsets"
);

/// `batch/v1.Job`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Desired state.
    pub spec: JobSpec,
}

/// `batch/v1.JobSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobSpec {
    /// Pods that may run at once; absent means 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i32>,
    /// Pods that must succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completions: Option<i32>,
    /// Whether the job is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// The pods.
    pub template: PodTemplateSpec,
}

crate::resource!(Job, "batch", "v1", "Job", "jobs", true);

/// `v1.PodTemplate`: what pods that nobody has made yet would look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// The pods.
    pub template: PodTemplateSpec,
}

crate::resource!(PodTemplate, "", "v1", "PodTemplate", "podtemplates", true);
