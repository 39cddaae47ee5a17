//! `eviction-queue`: pods that have to leave their node, one at a time.
//!
//! A pod is named with its uid, so that a newer pod of the same name is not evicted by an older
//! order.

use std::collections::BTreeMap;
use std::time::Duration;

use ::lifecycle::evict::{self, Eviction, Leaving, decide};
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
    accepted: Option<Accepted>,
}

/// A call that the API server has accepted.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    at: Timestamp,
    /// When the pod will be gone at the latest, where the call said so.
    ends: Option<Timestamp>,
}

impl Accepted {
    /// Whether what we know of the pod is from before the call: the drain orders it again every
    /// second, and it must neither be asked for nor counted twice.
    fn is_news_to(self, pod: &PodRecord, now: Timestamp) -> bool {
        let seen = match (pod.deletion, self.ends) {
            (None, _) => false,
            (Some(_), None) => true,
            // Whole seconds, of another clock.
            (Some(deletion), Some(ends)) => deletion <= ends + PATIENCE,
        };
        !seen && now < self.at + PATIENCE
    }
}

/// How long the watch may take to tell what a call has done.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Orders the pods of a step to leave. Of several deadlines the earliest counts.
pub(crate) fn enqueue(shared: &Shared, node: &Node, claim: Option<&NodeClaim>, step: &NodeStep) {
    if step.leaving.is_empty() {
        return;
    }
    let longest_grace = claim.and_then(|claim| longest_grace(shared, claim));
    let reason = claim.map(evict::reason).unwrap_or_default();
    for pod in &step.leaving {
        let evictee = Evictee {
            key: pod.key(),
            uid: pod.uid.to_string(),
        };
        let mut evictions = lock(&shared.evictions);
        let known = evictions.get(&evictee);
        let is_new = known.is_none();
        let accepted = known.and_then(|order| order.accepted);
        let deadline = known.and_then(|order| order.deadline);
        let deadline = evict::tightened(deadline, step.deadline);
        let order = Order {
            node: Subject::of(node),
            deadline,
            longest_grace,
            reason: reason.to_owned(),
            accepted,
        };
        evictions.insert(evictee.clone(), order);
        if is_new {
            shared.queues.evictions.add(evictee);
        }
    }
}

/// The longest grace that the claim's pool grants to a pod now.
fn longest_grace(shared: &Shared, claim: &NodeClaim) -> Option<Duration> {
    if !evict::is_voluntary(claim) {
        return None;
    }
    let pool = claim.pool().and_then(|name| shared.pool(name))?;
    let seconds = pool.max_pod_grace_period()?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
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
    let now = shared.now();
    if order
        .accepted
        .is_some_and(|call| call.is_news_to(&pod, now))
    {
        return Next::After(LOOK_AGAIN);
    }
    let leaving = Leaving {
        pod: &pod,
        deadline: order.deadline,
        longest_grace: order.longest_grace,
    };
    match decide(&leaving, now) {
        Eviction::LetBe => done(shared, &evictee),
        Eviction::Wait => Next::Failed,
        Eviction::Evict { grace } => evict(shared, &evictee, &order, grace).await,
        Eviction::Shorten { grace } => {
            let news = News::GraceCapped { granted: grace };
            delete(shared, &evictee, &order, (news, grace)).await
        }
        Eviction::Delete { grace } => {
            let news = News::Disrupted {
                deadline: order.deadline.unwrap_or_default(),
                granted: grace,
                asked: pod.shape.spec.termination_grace_period_seconds,
            };
            delete(shared, &evictee, &order, (news, grace)).await
        }
    }
}

fn done(shared: &Shared, evictee: &Evictee) -> Next {
    lock(&shared.evictions).remove(evictee);
    Next::AwaitChange
}

/// Notes that the API server has accepted a call, and waits until the watch tells of it.
fn accepted(shared: &Shared, evictee: &Evictee, grace: Option<i64>) -> Next {
    let at = shared.now();
    let seconds = grace.and_then(|seconds| u64::try_from(seconds).ok());
    let ends = seconds.map(|seconds| at + Duration::from_secs(seconds));
    if let Some(order) = lock(&shared.evictions).get_mut(evictee) {
        order.accepted = Some(Accepted { at, ends });
    }
    Next::After(LOOK_AGAIN)
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
            accepted(shared, evictee, grace)
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

/// Deletes a pod whatever protects it, with so many seconds of grace, and says why.
async fn delete(
    shared: &Shared,
    evictee: &Evictee,
    order: &Order,
    (news, grace): (News, i64),
) -> Next {
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
            accepted(shared, evictee, Some(grace))
        }
        Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => done(shared, evictee),
        Err(error) => {
            tracing::warn!(pod = %evictee.key, %error, "a deletion failed and will be repeated");
            Next::Failed
        }
    }
}
