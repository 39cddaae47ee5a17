//! Notices and measures of pure code as Kubernetes events and metrics.

use std::time::Duration;

use api::NodeClaim;
use lifecycle::measure::termination_mode;
use lifecycle::{Belongs, Measure, Notice, Severity};
use runtime::metrics::names;
use runtime::recorder::{Limit, ObjectRef};

use crate::shared::Shared;

/// The limit that all nominations share.
const NOMINATIONS: Limit = Limit {
    name: "nomination",
    rate: 5.0,
    burst: 10,
};

/// Publishes notices.
pub(crate) fn publish(shared: &Shared, notices: &[Notice]) {
    for Notice { about, news } in notices {
        let object = ObjectRef {
            api_version: about.api_version.clone(),
            kind: about.kind.to_owned(),
            namespace: about.namespace.clone(),
            name: about.name.clone(),
            uid: about.uid.clone(),
        };
        let notice = match news.severity() {
            Severity::Normal => runtime::Notice::normal(object, news.reason(), news.to_string()),
            Severity::Warning => runtime::Notice::warning(object, news.reason(), news.to_string()),
        };
        let notice = if news.repeats_by_name() {
            notice.dedupe_by([about.name.clone()])
        } else if news.repeats_by_text() {
            let said = [about.uid.clone(), notice.message.clone()];
            notice.dedupe_by(said)
        } else {
            notice
        };
        let notice = match news.window() {
            Some(window) => notice.window(window),
            None => notice,
        };
        shared.world.recorder.publish(notice);
    }
}

/// Says that a pod is expected on a claim's node or a node.
pub(crate) fn nominated(shared: &Shared, pod: &cluster::PodRecord, on: &str) {
    if pod.is_virtual() {
        return;
    }
    let message = format!("Pod should schedule on: {on}");
    let notice = runtime::Notice::normal(pod_ref(pod), "Nominated", message).limit(NOMINATIONS);
    shared.world.recorder.publish(notice);
}

/// Says that a pod has no place.
pub(crate) fn unplaced(shared: &Shared, pod: &cluster::PodRecord, why: &str) {
    if pod.is_virtual() {
        return;
    }
    let message = format!("Failed to schedule pod, {why}");
    let notice = runtime::Notice::warning(pod_ref(pod), "FailedScheduling", message)
        .window(Duration::from_mins(5));
    shared.world.recorder.publish(notice);
}

fn pod_ref(pod: &cluster::PodRecord) -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: pod.namespace().to_owned(),
        name: pod.name.to_string(),
        uid: pod.uid.to_string(),
    }
}

/// Counts measures.
pub(crate) fn count(shared: &Shared, measures: &[Measure]) {
    let metrics = &shared.world.metrics;
    for measure in measures {
        match measure {
            Measure::NodeCreated(of) => {
                metrics.add(&names::NODES_CREATED, &[&of.pool, &of.zone], 1.0);
            }
            Measure::NodeDrained(of) => metrics.add(&names::NODES_DRAINED, &[&of.pool], 1.0),
            Measure::NodeTerminated { of, took, lived } => {
                let Belongs { pool, zone, .. } = of;
                metrics.add(&names::NODES_TERMINATED, &[pool, zone], 1.0);
                let (took, lived) = (took.as_secs_f64(), lived.as_secs_f64());
                metrics.observe(&names::NODES_TERMINATION_SECONDS, &[pool], took);
                metrics.observe(&names::NODES_LIFETIME_SECONDS, &[pool], lived);
            }
            Measure::ClaimTerminated { of, took } => {
                let labels = [&*of.pool, &of.capacity_type, &of.zone];
                metrics.add(&names::NODECLAIMS_TERMINATED, &labels, 1.0);
                let took = took.as_secs_f64();
                metrics.observe(&names::NODECLAIMS_TERMINATION_SECONDS, &[&of.pool], took);
            }
            Measure::InstanceTerminated { of, took } => {
                let metric = &names::NODECLAIMS_INSTANCE_TERMINATION_SECONDS;
                metrics.observe(metric, &[&of.pool], took.as_secs_f64());
            }
            Measure::Repaired {
                of,
                condition,
                image,
            } => {
                let labels = [condition, &of.pool, &of.capacity_type, image];
                let labels = labels.map(String::as_str);
                metrics.add(&names::NODECLAIMS_UNHEALTHY_DISRUPTED, &labels, 1.0);
            }
            Measure::EvictionAnswered { code } => {
                metrics.add(&names::PODS_EVICTION_REQUESTS, &[&code.to_string()], 1.0);
            }
            Measure::PodDrained { reason } => metrics.add(&names::PODS_DRAINED, &[reason], 1.0),
        }
    }
}

/// Counts a claim that was chosen for removal, and its pods that have to move. `policy` is the
/// pool's, for consolidation only.
pub(crate) fn disrupted(shared: &Shared, claim: &NodeClaim, reason: &str, policy: &str) {
    let of = Belongs::of(&claim.metadata.labels);
    let labels = [
        reason,
        &of.pool,
        &of.capacity_type,
        policy,
        termination_mode(claim),
    ];
    let metrics = &shared.world.metrics;
    metrics.add(&names::NODECLAIMS_DISRUPTED, &labels, 1.0);
    let node = &claim.status.node_name;
    let pods = shared.with(|cluster| {
        cluster
            .node(node)
            .map_or(0, |node| disruption::cost::reschedulable_pods(node))
    });
    metrics.add(&names::PODS_DISRUPTION_INITIATED, &labels, pods as f64);
}
