//! The drain: pods leave in tiers, the least important first.

use std::sync::Arc;
use std::time::Duration;

use api::NodeClaim;
use cluster::disposition::is_waiting_eviction;
use cluster::{OwnerKind, PodRecord};
use model::Timestamp;
use model::k8s::Node;

use super::{LOOK_AGAIN, NodeFacts, NodeStep, NodeThen};
use crate::conditions::{Conditions, Status, find, is_true};
use crate::evict::is_overdue;
use crate::measure::{Belongs, Measure};
use crate::notice::{News, Notice, Subject};

/// How long a drain lasts at least, so that a pod that was bound just before the taint is seen.
const SHORTEST: Duration = Duration::from_secs(5);

/// Pods leave in this order; the next tier starts when the one before is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Plain,
    Daemon,
    Critical,
    CriticalDaemon,
}

fn tier(pod: &PodRecord) -> Tier {
    let class = pod.shape.spec.priority_class_name.as_str();
    let critical = matches!(class, "system-cluster-critical" | "system-node-critical");
    match (critical, pod.shape.owner.kind == OwnerKind::DaemonSet) {
        (false, false) => Tier::Plain,
        (false, true) => Tier::Daemon,
        (true, false) => Tier::Critical,
        (true, true) => Tier::CriticalDaemon,
    }
}

/// Whether the node is drained. If not, `step` says which pods have to leave now.
pub(super) fn drain(
    step: &mut NodeStep,
    node: &Node,
    facts: &NodeFacts<'_>,
    claim: Option<&mut NodeClaim>,
    now: Timestamp,
) -> bool {
    let waiting: Vec<&Arc<PodRecord>> = facts
        .pods
        .iter()
        .filter(|pod| is_waiting_eviction(pod, now))
        .collect();
    if !waiting.is_empty() {
        let news = News::Draining {
            waiting: waiting.len(),
        };
        step.notices.push(Notice {
            about: Subject::of(node),
            news,
        });
        step.leaving = leaving(&waiting, step.deadline, now);
        step.then = NodeThen::Again(LOOK_AGAIN);
    }
    let Some(claim) = claim else {
        return waiting.is_empty();
    };
    if is_true(&claim.status.conditions, "Drained") && waiting.is_empty() {
        return true;
    }
    let began = find(&claim.status.conditions, "Drained")
        .filter(|held| held.status == "Unknown")
        .and_then(|held| held.last_transition_time);
    let mut conditions = Conditions::of_claim(claim, now);
    let over = waiting.is_empty() && began.is_some_and(|began| now.since(began) >= SHORTEST);
    if over {
        conditions.set_true("Drained");
        step.measures
            .push(Measure::NodeDrained(Belongs::of(&node.metadata.labels)));
        return true;
    }
    conditions.set("Drained", Status::Unknown, "Draining", "Draining");
    step.then = NodeThen::Again(LOOK_AGAIN);
    false
}

/// All that are overdue, and of the others the first tier.
fn leaving(
    waiting: &[&Arc<PodRecord>],
    deadline: Option<Timestamp>,
    now: Timestamp,
) -> Vec<Arc<PodRecord>> {
    let overdue = |pod: &PodRecord| deadline.is_some_and(|at| is_overdue(pod, at, now));
    let first = waiting
        .iter()
        .filter(|pod| !overdue(pod))
        .map(|pod| tier(pod))
        .min();
    let mut leaving: Vec<Arc<PodRecord>> = waiting
        .iter()
        .filter(|pod| overdue(pod) || Some(tier(pod)) == first)
        .map(|pod| Arc::clone(pod))
        .collect();
    leaving.sort_by_key(|pod| pod.key());
    leaving
}
