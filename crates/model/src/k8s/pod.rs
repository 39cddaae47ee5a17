//! Pods: what the scheduler, the drain and the workload controllers look at.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::affinity::{Affinity, TopologySpreadConstraint};
use super::meta::{ObjectMeta, null_as_default};
use super::taint::Toleration;
use crate::{ResourceList, Timestamp};

/// Namespace and name of a pod; ordered by namespace, then name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// `v1.Pod`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Desired state.
    pub spec: PodSpec,
    /// Reported state.
    pub status: PodStatus,
}

impl Pod {
    /// Namespace and name.
    pub fn key(&self) -> PodKey {
        PodKey {
            namespace: self.metadata.namespace().to_owned(),
            name: self.metadata.name.clone(),
        }
    }

    /// Whether the pod has ended (`Succeeded` or `Failed`).
    pub fn is_terminal(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether a node has been chosen.
    pub fn is_bound(&self) -> bool {
        !self.spec.node_name.is_empty()
    }

    /// Whether the controlling owner is of this kind and API group.
    pub fn is_owned_by(&self, group: &str, kind: &str) -> bool {
        self.metadata
            .owner_references
            .iter()
            .any(|owner| owner.kind == kind && owner.api_version.split('/').next() == Some(group))
    }
}

/// `v1.PodSpec`, as far as it decides anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// The node that the pod is bound to, empty while it is pending.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_name: String,
    /// Who binds the pod; empty means `default-scheduler`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scheduler_name: String,
    /// Labels that a node must have.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub node_selector: BTreeMap<String, String>,
    /// Affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Tolerations.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub tolerations: Vec<Toleration>,
    /// Spread constraints.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,
    /// Containers.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub containers: Vec<Container>,
    /// Init containers, in order; those with `restartPolicy: Always` are sidecars.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub init_containers: Vec<Container>,
    /// Resources of the whole pod, where set instead of or beside those of containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// What running the pod costs beside its containers.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub overhead: ResourceList,
    /// Volumes.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub volumes: Vec<Volume>,
    /// Claims of dynamic resource allocation.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub resource_claims: Vec<PodResourceClaim>,
    /// Gates that keep the pod from being scheduled.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub scheduling_gates: Vec<SchedulingGate>,
    /// Whether the pod uses the node's network, so that every container port is a host port.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub host_network: bool,
    /// Priority, resolved by the API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Name of the priority class.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority_class_name: String,
    /// `PreemptLowerPriority` (default) or `Never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption_policy: Option<String>,
    /// Seconds between the signal to stop and the kill; absent means 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
    /// `Always` (default), `OnFailure` or `Never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
}

/// A container, as far as it decides anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Requests, limits and claims.
    pub resources: ResourceRequirements,
    /// Ports, for their host ports.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub ports: Vec<ContainerPort>,
    /// `Always` makes an init container a sidecar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
}

/// `v1.ResourceRequirements`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceRequirements {
    /// What is reserved.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub requests: ResourceList,
    /// What may be used at most; a limit without a request is also the request.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub limits: ResourceList,
    /// Claims of the pod that the container uses.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub claims: Vec<ContainerClaim>,
}

/// `v1.ResourceClaim`: a container's reference to a claim of its pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerClaim {
    /// Name of the claim within the pod.
    pub name: String,
}

impl PodSpec {
    /// Whether the pod uses dynamic resource allocation.
    pub fn has_resource_claims(&self) -> bool {
        let mut containers = self.containers.iter().chain(&self.init_containers);
        !self.resource_claims.is_empty() || containers.any(|c| !c.resources.claims.is_empty())
    }
}

/// `v1.ContainerPort`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    /// Port in the container.
    pub container_port: i32,
    /// Port on the node; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub host_port: i32,
    /// Address on the node; empty for all.
    #[serde(rename = "hostIP", skip_serializing_if = "String::is_empty")]
    pub host_ip: String,
    /// `TCP` (default), `UDP` or `SCTP`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
}

/// A volume of a pod: which kind it is, as far as it decides anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Volume {
    /// Name within the pod.
    pub name: String,
    /// A claim by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claim: Option<ClaimVolume>,
    /// A claim made for this pod; its name is `<pod>-<volume>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<EphemeralVolume>,
    /// Space on the node that goes with the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_dir: Option<Present>,
    /// A directory of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_path: Option<Present>,
}

/// Marks a field that is there; what it holds does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Present {}

/// `v1.PersistentVolumeClaimVolumeSource`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimVolume {
    /// Name of the claim in the pod's namespace.
    pub claim_name: String,
}

/// `v1.EphemeralVolumeSource`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EphemeralVolume {
    /// Template of the claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_claim_template: Option<VolumeClaimTemplate>,
}

/// `v1.PersistentVolumeClaimTemplate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeClaimTemplate {
    /// Spec of the claim.
    pub spec: VolumeClaimTemplateSpec,
}

/// The part of an ephemeral claim's spec that decides where it can be.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeClaimTemplateSpec {
    /// Storage class; absent means the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<String>,
    /// A volume that is named beforehand.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub volume_name: String,
}

/// `v1.PodResourceClaim`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodResourceClaim {
    /// Name within the pod.
    pub name: String,
    /// An existing claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_claim_name: Option<String>,
    /// A template for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_claim_template_name: Option<String>,
}

/// `v1.PodSchedulingGate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct SchedulingGate {
    /// Name of the gate.
    pub name: String,
}

/// `v1.PodStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// Node for which preemption is under way.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nominated_node_name: String,
    /// Conditions, by type.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub conditions: Vec<PodCondition>,
    /// When the kubelet accepted the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// What the containers have been given, which lags behind the spec during a resize in place.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub container_statuses: Vec<ContainerStatus>,
    /// Resource claims that were made for the pod.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub resource_claim_statuses: Vec<PodResourceClaimStatus>,
}

/// `v1.PodResourceClaimStatus`: the claim that was made for a reference to a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodResourceClaimStatus {
    /// The reference's name within the pod.
    pub name: String,
    /// The claim; absent where none is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_claim_name: Option<String>,
}

/// `v1.ContainerStatus`, as far as it concerns resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// The container.
    pub name: String,
    /// What the node has set aside for it.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub allocated_resources: ResourceList,
    /// What it runs with.
    #[serde(
        skip_serializing_if = "ContainerStatus::is_unset",
        deserialize_with = "null_as_default"
    )]
    pub resources: ResourceRequirements,
}

impl ContainerStatus {
    /// Whether nothing is said about resources.
    pub fn is_silent(&self) -> bool {
        self.allocated_resources.is_empty() && self.resources.requests.is_empty()
    }

    fn is_unset(resources: &ResourceRequirements) -> bool {
        *resources == ResourceRequirements::default()
    }
}

/// `v1.PodCondition`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodCondition {
    /// Type, such as `PodScheduled`.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Machine-readable reason, such as `Unschedulable`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When the status changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Timestamp>,
}

impl PodStatus {
    /// The status of a pod that the scheduler has found no node for.
    pub fn unschedulable() -> Self {
        let condition = PodCondition {
            r#type: "PodScheduled".to_owned(),
            status: "False".to_owned(),
            reason: "Unschedulable".to_owned(),
            last_transition_time: None,
        };
        Self {
            phase: "Pending".to_owned(),
            conditions: vec![condition],
            ..Self::default()
        }
    }

    /// The condition of that type.
    pub fn condition(&self, r#type: &str) -> Option<&PodCondition> {
        self.conditions
            .iter()
            .find(|condition| condition.r#type == r#type)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_zero(value: &i32) -> bool {
    *value == 0
}

crate::resource!(Pod, "", "v1", "Pod", "pods", true);
