//! What kubelets and the node controllers do: nodes report, pods start and end.
//!
//! Times are settings, drawn from the seed where they vary. What is *not* here: the machine itself
//! (`cloud`), probes, restarts, images.

pub(crate) mod lost;

use std::time::Duration;

use model::Timestamp;
use model::k8s::{Node, Pod};
use serde_json::{Value, json};

use crate::write::{Part, Target, Write};

/// How long things take on nodes.
#[derive(Clone, Debug)]
pub struct Timing {
    /// From the launch of an instance until its Node object appears.
    pub boot: Duration,
    /// The most that a boot takes longer, drawn for each instance.
    pub boot_jitter: Duration,
    /// From the Node object until the kubelet reports Ready.
    pub ready: Duration,
    /// From binding until a pod runs.
    pub pod_start: Duration,
    /// What a pod takes to end once asked, cut off by its grace period.
    pub pod_stop: Duration,
    /// What the pods of a Job run for.
    pub job: Duration,
}

impl Default for Timing {
    /// Figures in the middle of what people report of EKS nodes with AL2023: 25 to 33 s until the
    /// node appears, 6 s until it is Ready, 2 s for a pod with its image at hand.
    fn default() -> Self {
        Self {
            boot: Duration::from_secs(25),
            boot_jitter: Duration::from_secs(8),
            ready: Duration::from_secs(6),
            pod_start: Duration::from_secs(2),
            pod_stop: Duration::from_secs(2),
            job: Duration::from_mins(1),
        }
    }
}

/// Turns a node Ready: the conditions that a kubelet owns, and the taint that goes with them.
pub(crate) fn node_ready(node: &Node, now: Timestamp) -> Vec<Write> {
    let target = Target::node(&node.metadata.name);
    let condition = |r#type: &str, status: &str, reason: &str| {
        json!({
            "type": r#type,
            "status": status,
            "reason": reason,
            "lastHeartbeatTime": now.to_string(),
            "lastTransitionTime": now.to_string(),
        })
    };
    let conditions = [
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID"),
        condition("Ready", "True", "KubeletReady"),
    ];
    let status = Write::Patch {
        target: target.clone(),
        part: Part::Status,
        patch: json!({ "status": { "phase": "Running", "conditions": conditions } }),
    };
    let taints: Vec<_> = node
        .spec
        .taints
        .iter()
        .filter(|taint| taint.key != NOT_READY)
        .collect();
    let lifted = Write::Patch {
        target,
        part: Part::Main,
        patch: json!({ "spec": { "taints": taints } }),
    };
    vec![status, lifted]
}

/// Taint of a node whose kubelet has not reported yet.
pub(crate) const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// A bound pod runs.
pub(crate) fn pod_running(pod: &Pod, now: Timestamp) -> Write {
    let condition = |r#type: &str| json!({ "type": r#type, "status": "True", "lastTransitionTime": now.to_string() });
    let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(condition);
    pod_status(
        pod,
        &json!({ "phase": "Running", "startTime": now.to_string(), "conditions": conditions }),
    )
}

/// The pod of a Job has done its work.
pub(crate) fn pod_succeeded(pod: &Pod) -> Write {
    pod_status(pod, &json!({ "phase": "Succeeded" }))
}

fn pod_status(pod: &Pod, status: &Value) -> Write {
    Write::Patch {
        target: Target::pod(pod.metadata.namespace(), &pod.metadata.name),
        part: Part::Status,
        patch: json!({ "status": status }),
    }
}

/// A pod that is being deleted is gone.
pub(crate) fn pod_gone(pod: &Pod) -> Write {
    Write::Delete {
        target: Target::pod(pod.metadata.namespace(), &pod.metadata.name),
        grace_seconds: Some(0),
    }
}

/// When a pod that is being deleted ends: after [`Timing::pod_stop`], but no later than its grace
/// period allows.
pub(crate) fn pod_end(pod: &Pod, timing: &Timing) -> Option<Timestamp> {
    let end = pod.metadata.deletion_timestamp?;
    let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
    let grace = Duration::from_secs(u64::try_from(grace).unwrap_or(0));
    Some(end.before(grace) + timing.pod_stop.min(grace))
}

/// Whether a pod ends by itself: those of Jobs.
pub(crate) fn runs_to_its_end(pod: &Pod) -> bool {
    pod.is_owned_by("batch", "Job")
}
