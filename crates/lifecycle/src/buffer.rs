//! Capacity buffers: which pods they keep room for, how many, and what is said of them.
//!
//! What is *not* here: reading templates and workloads, and placing the pods (`scheduling`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use api::capacity_buffer::{CapacityBufferSpec, LocalReference};
use api::condition::{self, find};
use api::{CapacityBuffer, labels};
use cluster::{BufferPods, ObjectKey, PodRecord, requests};
use model::k8s::workload::PodTemplateSpec;
use model::k8s::{Pod, PodStatus};
use model::{ObjectMeta, ResourceList, Timestamp, resources};

/// Condition: the pods and their number are known.
pub const READY_FOR_PROVISIONING: &str = "ReadyForProvisioning";
/// Condition: all pods fit on nodes that are there.
pub const PROVISIONING: &str = "Provisioning";
/// How room is kept where the buffer does not say.
const ACTIVE_CAPACITY: &str = "buffer.x-k8s.io/active-capacity";

/// Where the form of a buffer's pods stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a PodTemplate of this name.
    Template(String),
    /// In a workload.
    Workload {
        /// Its kind.
        kind: WorkloadKind,
        /// Its name.
        name: String,
    },
}

/// Kinds of workloads whose pods room can be kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` ReplicaSet.
    ReplicaSet,
}

impl WorkloadKind {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::ReplicaSet => "ReplicaSet",
        }
    }
}

/// What a buffer's pods look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The pods.
    pub template: PodTemplateSpec,
    /// Name and generation of the PodTemplate, if it is one.
    pub template_ref: Option<(String, i64)>,
    /// How many pods the workload wants, if it is one.
    pub replicas: Option<i32>,
}

/// Why it is not known what a buffer's pods look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The buffer names nothing.
    NoReference,
    /// The buffer names a kind that has no pods, or none that we know of.
    Unsupported {
        /// The group.
        group: String,
        /// The kind.
        kind: String,
    },
    /// There is no such PodTemplate.
    TemplateNotFound(String),
    /// There is no such workload.
    WorkloadNotFound {
        /// Its kind.
        kind: WorkloadKind,
        /// Its name.
        name: String,
    },
    /// The API server could not say.
    Failed(String),
}

impl Unresolved {
    /// Reason of the condition.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TemplateNotFound(_) => "PodTemplateNotFound",
            Self::WorkloadNotFound { .. } => "ScalableRefNotFound",
            Self::NoReference | Self::Unsupported { .. } | Self::Failed(_) => "ResolutionFailed",
        }
    }

    /// Whether it may get better by itself, so that it is tried again with growing waits.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReference => f.write_str("Neither podTemplateRef nor scalableRef is set"),
            Self::Unsupported { group, kind } => write!(
                f,
                "Kind {kind:?} of group {group:?} is not supported; use Deployment, StatefulSet or \
                 ReplicaSet of group \"apps\""
            ),
            Self::TemplateNotFound(name) => write!(f, "PodTemplate {name:?} not found"),
            Self::WorkloadNotFound { kind, name } => {
                write!(f, "{} {name:?} not found", kind.as_str())
            }
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// What has to be read to know a buffer's pods.
pub fn source(spec: &CapacityBufferSpec) -> Result<Source, Unresolved> {
    if let Some(template) = &spec.pod_template_ref {
        return Ok(Source::Template(template.name.clone()));
    }
    let Some(workload) = &spec.scalable_ref else {
        return Err(Unresolved::NoReference);
    };
    let kind = match (workload.api_group.as_str(), workload.kind.as_str()) {
        ("" | "apps", "Deployment") => WorkloadKind::Deployment,
        ("" | "apps", "StatefulSet") => WorkloadKind::StatefulSet,
        ("" | "apps", "ReplicaSet") => WorkloadKind::ReplicaSet,
        (group, kind) => {
            let (group, kind) = (group.to_owned(), kind.to_owned());
            return Err(Unresolved::Unsupported { group, kind });
        }
    };
    let name = workload.name.clone();
    Ok(Source::Workload { kind, name })
}

/// How many pods a buffer keeps room for: the larger of `replicas` and the percentage, no more than
/// its limits allow; what the limits allow if neither is set. `workload` is how many pods the
/// workload wants, `requests` what one pod takes.
pub fn desired(spec: &CapacityBufferSpec, workload: Option<i32>, requests: &ResourceList) -> i32 {
    let part = spec.percentage.zip(workload).map(|(percentage, replicas)| {
        let product = i64::from(replicas.max(0)) * i64::from(percentage.max(0));
        // Any part of something is at least one pod.
        i32::try_from((product + 99) / 100).unwrap_or(i32::MAX)
    });
    let wanted = spec.replicas.into_iter().chain(part).max();
    let allowed = spec.limits.iter().filter_map(|(resource, limit)| {
        let one = resources::get(requests, resource).nanos();
        (one > 0).then(|| i32::try_from(limit.nanos().max(0) / one).unwrap_or(i32::MAX))
    });
    let allowed = allowed.min();
    match (wanted, allowed) {
        (Some(wanted), Some(allowed)) => wanted.min(allowed).max(0),
        (Some(count), None) | (None, Some(count)) => count.max(0),
        (None, None) => 0,
    }
}

/// The buffer with the status that follows from what was found.
pub fn judged(
    buffer: &CapacityBuffer,
    found: &Result<Resolved, Unresolved>,
    now: Timestamp,
) -> CapacityBuffer {
    let mut changed = buffer.clone();
    let (status, reason, message) = match found {
        Err(why) => (condition::FALSE, why.reason(), why.to_string()),
        Ok(resolved) => {
            let one = requests::effective(&filled(resolved).spec);
            let status = &mut changed.status;
            status.replicas = Some(desired(&buffer.spec, resolved.replicas, &one));
            let template = resolved.template_ref.as_ref();
            status.pod_template_ref =
                template.map(|(name, _)| LocalReference { name: name.clone() });
            status.pod_template_generation = template.map(|(_, generation)| *generation);
            let strategy = buffer.spec.provisioning_strategy.as_deref();
            status.provisioning_strategy = Some(strategy.unwrap_or(ACTIVE_CAPACITY).to_owned());
            let message = "Pod template resolved successfully";
            (condition::TRUE, "Resolved", message.to_owned())
        }
    };
    put(
        &mut changed,
        (READY_FOR_PROVISIONING, status),
        (reason, &message),
        now,
    );
    changed
}

/// The template as the API server would complete the pods.
fn filled(resolved: &Resolved) -> PodTemplateSpec {
    let mut template = resolved.template.clone();
    requests::fill_in(&mut template.spec);
    template
}

/// The pods that stand for the room that a buffer keeps, as its status says. None while it is not
/// ready.
pub fn virtual_pods(buffer: &CapacityBuffer, resolved: &Resolved) -> Vec<Pod> {
    if !condition::is_true(&buffer.status.conditions, READY_FOR_PROVISIONING) {
        return Vec::new();
    }
    let template = filled(resolved);
    let mut spec = template.spec;
    spec.node_name.clear();
    spec.priority = Some(i32::MIN);
    spec.volumes
        .retain(|volume| volume.persistent_volume_claim.is_none() && volume.ephemeral.is_none());
    let meta = &buffer.metadata;
    let namespace = meta.namespace();
    let annotations = [
        (labels::BUFFER_FAKE_POD, "true"),
        (labels::BUFFER_NAME, meta.name.as_str()),
        (labels::BUFFER_NAMESPACE, namespace),
    ];
    let annotations: BTreeMap<String, String> = annotations
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let pod = |number: i32| Pod {
        metadata: ObjectMeta {
            name: virtual_name(&meta.name, number),
            namespace: Some(namespace.to_owned()),
            uid: format!("{}-{number}", meta.uid),
            creation_timestamp: meta.creation_timestamp,
            labels: template.metadata.labels.clone(),
            annotations: annotations.clone(),
            ..ObjectMeta::default()
        },
        spec: spec.clone(),
        status: PodStatus {
            phase: String::new(),
            ..PodStatus::unschedulable()
        },
    };
    let count = buffer.status.replicas.unwrap_or(0);
    (1..=count).map(pod).collect()
}

/// The name of the virtual pod of that number.
pub fn virtual_name(buffer: &str, number: i32) -> String {
    format!("capacity-buffer-{buffer}-{number}")
}

/// What a pass has made of a buffer's pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// They fit on nodes that are there.
    pub existing: usize,
    /// They need nodes that are not there yet.
    pub new: usize,
    /// They fit nowhere.
    pub failed: usize,
}

impl Observed {
    fn total(self) -> usize {
        self.existing + self.new + self.failed
    }
}

/// What a pass has made of the virtual pods among these, by buffer.
pub fn observe<'a>(
    existing: impl IntoIterator<Item = &'a PodRecord>,
    new: impl IntoIterator<Item = &'a PodRecord>,
    failed: impl IntoIterator<Item = &'a PodRecord>,
) -> BTreeMap<ObjectKey, Observed> {
    let mut all: BTreeMap<ObjectKey, Observed> = BTreeMap::new();
    let mut count = |pod: &PodRecord, add: fn(&mut Observed)| {
        if let Some(buffer) = pod.shape.buffer() {
            let key = ObjectKey::new(pod.namespace(), buffer);
            add(all.entry(key).or_default());
        }
    };
    for pod in existing {
        count(pod, |observed| observed.existing += 1);
    }
    for pod in new {
        count(pod, |observed| observed.new += 1);
    }
    for pod in failed {
        count(pod, |observed| observed.failed += 1);
    }
    all
}

/// How many virtual pods each node keeps room for, of nodes with the pods that were placed there.
pub fn kept<'a>(
    nodes: impl IntoIterator<Item = (&'a Arc<str>, &'a [Arc<PodRecord>])>,
) -> BufferPods {
    let count = |pods: &[Arc<PodRecord>]| pods.iter().filter(|pod| pod.is_virtual()).count();
    let counts: BTreeMap<Arc<str>, usize> = nodes
        .into_iter()
        .map(|(node, pods)| (node.clone(), count(pods)))
        .filter(|(_, count)| *count > 0)
        .collect();
    BufferPods::Known(Arc::new(counts))
}

/// The buffer with the condition that follows from the latest pass. What no pass has seen stays as
/// it is.
pub fn provisioned(
    buffer: &CapacityBuffer,
    observed: Option<Observed>,
    now: Timestamp,
) -> CapacityBuffer {
    let mut changed = buffer.clone();
    let conditions = &buffer.status.conditions;
    let (status, reason, message) = if !condition::is_true(conditions, READY_FOR_PROVISIONING) {
        let message = "Buffer is not ReadyForProvisioning".to_owned();
        (condition::FALSE, "NotReadyForProvisioning", message)
    } else if buffer.status.replicas.unwrap_or(0) == 0 {
        let message = "Buffer has zero desired replicas".to_owned();
        (condition::FALSE, "BufferEmpty", message)
    } else {
        let Some(observed) = observed.filter(|observed| observed.total() > 0) else {
            return changed;
        };
        let (Observed { new, failed, .. }, total) = (observed, observed.total());
        if new + failed > 0 {
            let message =
                format!("{new}/{total} virtual pods required new capacity, {failed} failed");
            (condition::FALSE, "RequiresNewCapacity", message)
        } else {
            let message = format!("All {total} virtual pods fit on existing capacity");
            (condition::TRUE, "FitsExistingCapacity", message)
        }
    };
    put(
        &mut changed,
        (PROVISIONING, status),
        (reason, &message),
        now,
    );
    changed
}

fn put(
    buffer: &mut CapacityBuffer,
    (r#type, status): (&str, &str),
    (reason, message): (&str, &str),
    now: Timestamp,
) {
    let now = now.truncated_to_seconds();
    let conditions = &mut buffer.status.conditions;
    let since = find(conditions, r#type)
        .filter(|held| held.status == status)
        .and_then(|held| held.last_transition_time);
    let new = api::Condition {
        r#type: r#type.to_owned(),
        status: status.to_owned(),
        last_transition_time: since.or(Some(now)),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: buffer.metadata.generation,
    };
    match conditions.iter_mut().find(|held| held.r#type == r#type) {
        Some(held) => *held = new,
        None => conditions.push(new),
    }
}

#[cfg(test)]
mod tests;
