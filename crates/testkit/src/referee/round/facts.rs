//! What is so of a pod or a node, from the objects.

use std::time::Duration;

use api::{NodeClaim, NodePool, labels};
use catalog::Price;
use cluster::pod::{Phase, Readiness};
use cluster::{NodeState, OwnerKind, PodRecord, PoolState, Snapshot};
use model::Timestamp;
use model::duration::parse_go;
use model::k8s::policy::IntOrString;
use model::k8s::{PodDisruptionBudget, Taint, TaintEffect};

use super::super::labels::repelled_by;

const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Neither ended nor ending.
pub(super) fn is_active(pod: &PodRecord) -> bool {
    !has_ended(pod) && pod.deletion.is_none()
}

fn has_ended(pod: &PodRecord) -> bool {
    matches!(pod.phase, Phase::Succeeded | Phase::Failed)
}

/// Whether another pod takes its place elsewhere when its node goes.
pub(super) fn comes_back(pod: &PodRecord) -> bool {
    let kind = pod.shape.content.owner.kind;
    let ordered = kind == OwnerKind::StatefulSet && pod.deletion.is_some();
    (is_active(pod) || ordered) && !matches!(kind, OwnerKind::DaemonSet | OwnerKind::Node)
}

/// Whether its annotation protects it: for good, or for a time since it started.
pub(super) fn is_protected(pod: &PodRecord, now: Timestamp) -> bool {
    let annotations = &pod.shape.content.annotations;
    let Some(value) = annotations.get(labels::DO_NOT_DISRUPT) else {
        return false;
    };
    if !is_active(pod) {
        return false;
    }
    match parse_go(value) {
        _ if value == "true" => true,
        Ok(span) if span > Duration::ZERO => pod
            .started
            .is_none_or(|started| now.signed_nanos_since(started) < nanos(span)),
        _ => false,
    }
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// Which of a budget's rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// How many may go now.
    Now,
    /// Whether any ever may.
    Ever,
}

/// Whether budgets keep a pod from being evicted.
pub(super) fn is_blocked(
    snapshot: &Snapshot,
    pod: &PodRecord,
    asked: Asked,
    now: Timestamp,
) -> bool {
    let disrupted = Taint::new(labels::DISRUPTED_TAINT, "", TaintEffect::NoSchedule);
    let content = &pod.shape.content;
    let stays = repelled_by(&content.spec.tolerations, std::slice::from_ref(&disrupted)).is_none();
    let mirror = content.owner.kind == OwnerKind::Node;
    if !is_active(pod) || stays || mirror || is_protected(pod, now) {
        return false;
    }
    let over: Vec<&PodDisruptionBudget> = snapshot.budgets.of(pod).map(|(_, b)| &**b).collect();
    match over[..] {
        [] => false,
        [budget] => blocks(budget, pod, asked),
        _ => true,
    }
}

fn blocks(budget: &PodDisruptionBudget, pod: &PodRecord, asked: Asked) -> bool {
    let spec = &budget.spec;
    let unhealthy = spec.unhealthy_pod_eviction_policy.as_deref() == Some("AlwaysAllow")
        && pod.ready == Readiness::NotReady;
    let is = |value: &Option<IntOrString>, text: &str| match value {
        Some(IntOrString::Text(held)) => held == text,
        _ => false,
    };
    let never = spec.max_unavailable == Some(IntOrString::Int(0))
        || is(&spec.max_unavailable, "0%")
        || is(&spec.min_available, "100%");
    !unhealthy
        && match asked {
            Asked::Now => budget.status.disruptions_allowed == 0,
            Asked::Ever => never,
        }
}

/// Whether a place has to be found for it when its node goes.
pub(super) fn must_move(snapshot: &Snapshot, pod: &PodRecord, now: Timestamp) -> bool {
    comes_back(pod) && !is_protected(pod, now) && !is_blocked(snapshot, pod, Asked::Ever, now)
}

/// What it costs to evict a pod.
pub(super) fn eviction_cost(pod: &PodRecord) -> f64 {
    let content = &pod.shape.content;
    let written = content.annotations.get(DELETION_COST);
    let deletion: f64 = written.and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let priority = f64::from(content.spec.priority.unwrap_or(0));
    let cost = 1.0 + deletion / 134_217_728.0 + priority / 33_554_432.0;
    if cost.is_nan() {
        return 1.0;
    }
    cost.clamp(-10.0, 10.0)
}

/// What it costs to move the pods of a node.
pub(super) fn moving_cost(node: &NodeState) -> f64 {
    let pods = node.pods.iter().filter(|pod| comes_back(pod));
    1.0 + pods.map(|pod| eviction_cost(pod).max(0.0)).sum::<f64>()
}

/// What a node costs an hour, whether it can still be had or not.
pub(super) fn price(snapshot: &Snapshot, node: &NodeState) -> Option<Price> {
    let pool = pool(snapshot, node)?;
    let (zone, capacity_type) = (
        node.label(labels::ZONE)?,
        node.label(labels::CAPACITY_TYPE)?,
    );
    let mut offerings = instance_type(pool, node)?.offerings.iter();
    let same = offerings.find(|o| &*o.zone == zone && o.capacity_type.as_str() == capacity_type);
    same.map(|offering| offering.price)
}

/// The instance type of a node, if its pool has it.
pub(super) fn instance_type<'a>(
    pool: &'a PoolState,
    node: &NodeState,
) -> Option<&'a catalog::InstanceType> {
    let name = node.label(labels::INSTANCE_TYPE)?;
    let mut types = pool.types.iter();
    types
        .find(|known| &*known.name == name)
        .map(|known| &**known)
}

/// The pool of a node.
pub(super) fn pool<'a>(snapshot: &'a Snapshot, node: &NodeState) -> Option<&'a PoolState> {
    let name = node.label(labels::NODEPOOL)?;
    let mut pools = snapshot.pools.iter();
    pools.find(|pool| pool.name() == name).map(|pool| &**pool)
}

/// Whether a condition of a claim is `True`.
pub(super) fn says(claim: &NodeClaim, condition: &str) -> bool {
    let mut held = claim.status.conditions.iter();
    held.any(|held| held.r#type == condition && held.status == "True")
}

/// Whether pods came to or left the node so short a while ago that its pool wants it left alone.
pub(super) fn is_restless(pool: &NodePool, claim: &NodeClaim, now: Timestamp) -> bool {
    let Some(after) = pool.spec.disruption.consolidate_after.get() else {
        return false;
    };
    if after.is_zero() || !says(claim, "Initialized") {
        return false;
    }
    let mut held = claim.status.conditions.iter();
    let initialized = held.find(|held| held.r#type == "Initialized");
    let initialized = initialized.and_then(|held| held.last_transition_time);
    let last = claim.status.last_pod_event_time.or(initialized);
    last.is_some_and(|last| now.signed_nanos_since(last) < nanos(after))
}
