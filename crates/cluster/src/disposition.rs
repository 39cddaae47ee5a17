//! What may be done to a running pod: move it, evict it, wait for it. Pure functions over a pod and
//! the time.
//!
//! What is *not* here: budgets (`budget`), and doing any of it (`lifecycle`).

use std::time::Duration;

use api::labels::{DISRUPTED_TAINT, DO_NOT_DISRUPT};
use model::Timestamp;
use model::duration::parse_go;
use model::k8s::{Taint, TaintEffect};
use requirements::taints;

use crate::pod::{OwnerKind, PodRecord};

/// How long after its time a pod counts as stuck.
const STUCK_AFTER: Duration = Duration::from_mins(1);

/// What the annotation `karpenter.sh/do-not-disrupt` of a pod means at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    /// There is no annotation.
    None,
    /// The pod is protected for good.
    Always,
    /// The pod is protected for a time that has not begun, because no kubelet has taken it on.
    NotStarted,
    /// The pod is protected until then.
    Until(Timestamp),
    /// The pod was protected until then.
    Lapsed(Timestamp),
    /// The value is neither `true` nor a positive duration: the pod is not protected.
    Invalid(String),
}

impl Protection {
    /// Whether the pod is protected.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Always | Self::NotStarted | Self::Until(_))
    }
}

/// How the pod is protected at `now`.
pub fn protection(pod: &PodRecord, now: Timestamp) -> Protection {
    let Some(value) = pod.shape.annotations.get(DO_NOT_DISRUPT) else {
        return Protection::None;
    };
    if value == "true" {
        return Protection::Always;
    }
    let duration = match parse_go(value) {
        Ok(duration) if !duration.is_zero() => duration,
        _ => return Protection::Invalid(value.clone()),
    };
    match pod.started.map(|started| started + duration) {
        None => Protection::NotStarted,
        Some(until) if now < until => Protection::Until(until),
        Some(until) => Protection::Lapsed(until),
    }
}

/// Whether another pod takes its place when its node goes, so that it needs room elsewhere.
pub fn is_reschedulable(pod: &PodRecord) -> bool {
    let kind = pod.shape.owner.kind;
    let comes_back = pod.is_active() || (kind == OwnerKind::StatefulSet && pod.is_terminating());
    comes_back && !matches!(kind, OwnerKind::DaemonSet | OwnerKind::Node)
}

/// Whether it may be made to go voluntarily, as far as its annotation says.
pub fn is_disruptable(pod: &PodRecord, now: Timestamp) -> bool {
    !pod.is_active() || !protection(pod, now).is_active()
}

/// Whether the eviction API is to be asked for it.
pub fn is_evictable(pod: &PodRecord, now: Timestamp) -> bool {
    pod.is_active()
        && !tolerates_disruption(pod)
        && pod.shape.owner.kind != OwnerKind::Node
        && !protection(pod, now).is_active()
}

/// Whether a drain is not over before it is gone. Protected pods hold a drain open too.
pub fn is_drainable(pod: &PodRecord, now: Timestamp) -> bool {
    !tolerates_disruption(pod)
        && !is_stuck_terminating(pod, now)
        && pod.shape.owner.kind != OwnerKind::Node
}

/// Whether a drain still waits for it.
pub fn is_waiting_eviction(pod: &PodRecord, now: Timestamp) -> bool {
    !pod.is_terminal() && is_drainable(pod, now)
}

/// Whether it should have been gone for a minute: its kubelet does not answer.
pub fn is_stuck_terminating(pod: &PodRecord, now: Timestamp) -> bool {
    pod.deletion
        .is_some_and(|deletion| now > deletion && now - deletion > STUCK_AFTER)
}

/// Whether it stays on a node that is being disrupted.
pub fn tolerates_disruption(pod: &PodRecord) -> bool {
    let taint = Taint::new(DISRUPTED_TAINT, "", TaintEffect::NoSchedule);
    taints::tolerates_any(&pod.shape.spec.tolerations, &taint)
}

#[cfg(test)]
mod tests;
