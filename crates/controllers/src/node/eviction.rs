//! `eviction-queue`: pods that have to leave their node, one at a time.
//!
//! A pod is named with its uid, so that a newer pod of the same name is not evicted by an older
//! order.

use std::collections::BTreeMap;
use std::time::Duration;

use ::lifecycle::conditions::{find, is_true};
use ::lifecycle::evict::{Eviction, Leaving, decide};
use ::lifecycle::node::NodeStep;
use ::lifecycle::{Measure, News, Notice, Subject};
use api::NodeClaim;
use cluster::PodRecord;
use model::Timestamp;
use model::k8s::{Node, Pod, PodKey};
use runtime::Next;
use runtime::client::{ApiError, ObjectKey, Preconditions};

use crate::shared::{Shared, lock};
use crate::tell;

/// A pod that has to leave.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Evictee {
    key: PodKey,
    uid: String,
}

/// Pods that have to leave, with their orders.
pub(crate) type Evictions = BTreeMap<Evictee, Order>;

/// How a pod has to leave.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    node: Subject,
    deadline: Option<Timestamp>,
    longest_grace: Option<Duration>,
    reason: String,
}

/// Orders the pods of a step to leave. Of several deadlines the earliest counts.
pub(crate) fn enqueue(shared: &Shared, node: &Node, claim: Option<&NodeClaim>, step: &NodeStep) {
    if step.leaving.is_empty() {
        return;
    }
    let pool = claim
        .and_then(NodeClaim::pool)
        .and_then(|name| shared.pool(name));
    let longest_grace = pool
        .and_then(|pool| pool.max_pod_grace_period())
        .map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    let reason = claim.map(reason).unwrap_or_default();
    for pod in &step.leaving {
        let evictee = Evictee {
            key: pod.key(),
            uid: pod.uid.to_string(),
        };
        let mut evictions = lock(&shared.evictions);
        let known = evictions.get(&evictee).and_then(|order| order.deadline);
        let deadline = known.into_iter().chain(step.deadline).min();
        let is_new = !evictions.contains_key(&evictee);
        let order = Order {
            node: Subject::of(node),
            deadline,
            longest_grace,
            reason: reason.clone(),
        };
        evictions.insert(evictee.clone(), order);
        if is_new {
            shared.queues.evictions.add(evictee);
        }
    }
}

/// Why a claim's node goes.
fn reason(claim: &NodeClaim) -> String {
    let conditions = &claim.status.conditions;
    match find(conditions, "DisruptionReason") {
        Some(held) if is_true(conditions, "DisruptionReason") => held.reason.clone(),
        _ => "Forceful Termination".to_owned(),
    }
}

/// Brings one pod a step further.
pub(crate) async fn reconcile(shared: &Shared, evictee: Evictee) -> Next {
    let Some(order) = lock(&shared.evictions).get(&evictee).cloned() else {
        return Next::AwaitChange;
    };
    let key = &evictee.key;
    let pod = shared.with(|cluster| cluster.pod(&key.namespace, &key.name).cloned());
    let Some(pod) = pod.filter(|pod| pod.uid.to_string() == evictee.uid) else {
        return done(shared, &evictee);
    };
    let leaving = Leaving {
        pod: &pod,
        deadline: order.deadline,
        longest_grace: order.longest_grace,
    };
    match decide(&leaving, shared.now()) {
        Eviction::LetBe => done(shared, &evictee),
        Eviction::Wait => Next::Failed,
        Eviction::Evict { grace } => evict(shared, &evictee, &order, grace).await,
        Eviction::Delete { grace } => delete(shared, &evictee, &order, (&pod, grace)).await,
    }
}

fn done(shared: &Shared, evictee: &Evictee) -> Next {
    lock(&shared.evictions).remove(evictee);
    Next::AwaitChange
}

fn only_this(evictee: &Evictee) -> Preconditions {
    Preconditions {
        uid: evictee.uid.clone(),
        ..Preconditions::none()
    }
}

fn object_key(key: &PodKey) -> ObjectKey {
    ObjectKey::namespaced(key.namespace.clone(), key.name.clone())
}

/// Asks the eviction API, which honours disruption budgets.
async fn evict(shared: &Shared, evictee: &Evictee, order: &Order, grace: Option<i64>) -> Next {
    let mut only_if = only_this(evictee);
    only_if.grace_period_seconds = grace;
    let answer = shared
        .world
        .client
        .evict(&object_key(&evictee.key), &only_if)
        .await;
    let code = answer.as_ref().map_or_else(ApiError::code, |()| 200);
    tell::count(shared, &[Measure::EvictionAnswered { code }]);
    match answer {
        Ok(()) => {
            let reason = order.reason.clone();
            let about = Subject::pod(&evictee.key, evictee.uid.clone());
            let news = News::Evicted {
                reason: reason.clone(),
            };
            tell::publish(shared, &[Notice { about, news }]);
            tell::count(shared, &[Measure::PodDrained { reason }]);
            done(shared, evictee)
        }
        Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => done(shared, evictee),
        Err(error) => {
            let pod = evictee.key.clone();
            let blocked = matches!(error, ApiError::TooManyRequests(_)) || code == 500;
            if blocked {
                let news = News::EvictionBlocked {
                    pod,
                    error: error.to_string(),
                };
                tell::publish(
                    shared,
                    &[Notice {
                        about: order.node.clone(),
                        news,
                    }],
                );
            } else {
                tracing::warn!(%pod, %error, "an eviction failed and will be repeated");
            }
            Next::Failed
        }
    }
}

/// Deletes a pod whatever protects it, to meet its node's deadline.
async fn delete(
    shared: &Shared,
    evictee: &Evictee,
    order: &Order,
    (pod, grace): (&PodRecord, i64),
) -> Next {
    let news = News::Disrupted {
        deadline: order.deadline.unwrap_or_default(),
        granted: grace,
        asked: pod.shape.spec.termination_grace_period_seconds,
    };
    let about = Subject::pod(&evictee.key, evictee.uid.clone());
    tell::publish(shared, &[Notice { about, news }]);
    let only_if = only_this(evictee).grace(grace);
    match shared
        .world
        .client
        .delete::<Pod>(&object_key(&evictee.key), &only_if)
        .await
    {
        Ok(()) => {
            tell::count(
                shared,
                &[Measure::PodDrained {
                    reason: order.reason.clone(),
                }],
            );
            done(shared, evictee)
        }
        Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => done(shared, evictee),
        Err(error) => {
            tracing::warn!(pod = %evictee.key, %error, "a deletion failed and will be repeated");
            Next::Failed
        }
    }
}
