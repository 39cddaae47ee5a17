//! How long pods wait: for a decision, for a node, to run. What is remembered of each pod, as a
//! value with step functions: facts in, measures out.
//!
//! A pod is remembered from the moment it is seen waiting until it runs, ends or is gone. Times are
//! those at which something was seen, which is what the API server's times say to the second.
//!
//! What is *not* here: watching pods and placing them, and the labels of pods (`pods`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::pod::{Phase, Readiness, Uid};
use cluster::{PodRecord, selection};
use model::Timestamp;
use model::k8s::PodKey;
use runtime::metrics::{Change, Definition, Measure, names};

/// What is remembered of pods that wait.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    pods: BTreeMap<Uid, Track>,
}

/// What is remembered of one pod.
#[derive(Debug)]
struct Track {
    key: PodKey,
    created: Timestamp,
    /// When it was first seen without a place.
    acked: Option<Timestamp>,
    /// When it was first decided upon.
    attempted: Option<Timestamp>,
    /// Since when it is known to have a place.
    schedulable: Option<Timestamp>,
    /// The same, if that place is of a pool whose nodes join.
    healthy: Option<Timestamp>,
    /// The claim that it has a place on.
    claim: Option<Arc<str>>,
    /// Not bound yet.
    unbound: bool,
}

/// A place that was found for a pod.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Whether nodes of the pool are known to join.
    pub(crate) pool: PoolHealth,
    /// The claim; none for nodes of others, and for claims that are still to be created.
    pub(crate) claim: Option<Arc<str>>,
}

/// What the condition `NodeRegistrationHealthy` of a pool says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolHealth {
    /// `True`.
    Healthy,
    /// Anything else.
    Unproven,
}

/// A pod that runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Started {
    /// Which.
    pub(crate) pod: PodKey,
    /// The claim that it was meant for, if it was meant for one of ours.
    pub(crate) claim: Option<Arc<str>>,
    /// How long it took since it was known to have a place on a pool whose nodes join.
    pub(crate) healthy: Option<Duration>,
}

/// What a change of a pod comes to.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// To be counted.
    pub(crate) measures: Vec<Measure>,
    /// Set when the pod has begun to run.
    pub(crate) started: Option<Started>,
}

/// The series of the gauges about single pods.
pub(crate) type Series = Vec<(Vec<String>, f64)>;

impl Latency {
    /// A pod was seen without a place. Only the first time counts.
    pub(crate) fn ack(&mut self, pod: &PodRecord, now: Timestamp) {
        self.track(pod).acked.get_or_insert(now);
    }

    /// No place was found for a pod, or it can't have one.
    pub(crate) fn failed(&mut self, pod: &PodRecord, now: Timestamp) -> Option<Measure> {
        let track = self.pods.get_mut(&pod.uid)?;
        (track.schedulable, track.healthy, track.claim) = (None, None, None);
        track.decide(now)
    }

    /// A place was found for a pod. One that is bound already is not waiting for it.
    pub(crate) fn placed(
        &mut self,
        pod: &PodRecord,
        place: Place,
        now: Timestamp,
    ) -> Option<Measure> {
        let track = self.pods.get_mut(&pod.uid)?;
        if !track.unbound || pod.node.is_some() {
            return None;
        }
        let since = *track.schedulable.get_or_insert(now);
        track.healthy = match place.pool {
            PoolHealth::Healthy => track.healthy.or(Some(now.max(since))),
            PoolHealth::Unproven => None,
        };
        if place.claim.is_some() {
            track.claim = place.claim;
        }
        track.decide(now)
    }

    /// A claim was created for a pod.
    pub(crate) fn claimed(&mut self, pod: &PodRecord, claim: &Arc<str>) {
        if let Some(track) = self.pods.get_mut(&pod.uid) {
            track.claim = Some(claim.clone());
        }
    }

    /// A pod is new or has changed.
    pub(crate) fn seen(&mut self, pod: &PodRecord, now: Timestamp) -> Told {
        let mut told = Told::default();
        if pod.phase == Phase::Pending && pod.ready != Readiness::Ready {
            self.track(pod);
        }
        let Some(track) = self.pods.get_mut(&pod.uid) else {
            return told;
        };
        if pod.is_terminal() {
            self.pods.remove(&pod.uid);
            return told;
        }
        if track.unbound && pod.node.is_some() {
            track.unbound = false;
            told.observe(&names::PODS_BOUND_SECONDS, now.since(track.created));
            if let Some(since) = track.schedulable {
                told.observe(&names::PODS_PROVISIONING_BOUND_SECONDS, now.since(since));
            }
        }
        if pod.ready == Readiness::Ready {
            told.observe(&names::PODS_STARTUP_SECONDS, now.since(track.created));
            if let Some(since) = track.schedulable {
                told.observe(&names::PODS_PROVISIONING_STARTUP_SECONDS, now.since(since));
            }
            told.started = Some(Started {
                pod: track.key.clone(),
                claim: track.claim.clone(),
                healthy: track.healthy.map(|since| now.since(since)),
            });
            self.pods.remove(&pod.uid);
        }
        told
    }

    /// A pod is gone.
    pub(crate) fn gone(&mut self, uid: &Uid) {
        self.pods.remove(uid);
    }

    /// These are all pods there are. One that is seen running for the first time was not waited
    /// for.
    pub(crate) fn reset<'a>(
        &mut self,
        pods: impl IntoIterator<Item = &'a PodRecord>,
        now: Timestamp,
    ) -> Vec<Told> {
        let mut before = std::mem::take(&mut self.pods);
        let mut all = Vec::new();
        for pod in pods {
            if let Some(track) = before.remove(&pod.uid) {
                self.pods.insert(pod.uid.clone(), track);
            }
            let told = self.seen(pod, now);
            if selection::untaken(pod).is_none() {
                self.ack(pod, now);
            }
            all.push(told);
        }
        all.retain(|told| !told.measures.is_empty() || told.started.is_some());
        all
    }

    /// How many pods are remembered.
    pub(crate) fn len(&self) -> usize {
        self.pods.len()
    }

    /// How long each pod has been waiting so far, for each of the gauges that say so.
    pub(crate) fn waits(&self, now: Timestamp) -> [(&'static Definition, Series); 5] {
        let series = |since: fn(&Track) -> Option<Timestamp>| -> Series {
            let tracks = self.pods.values();
            tracks
                .filter_map(|track| {
                    let labels = vec![track.key.name.clone(), track.key.namespace.clone()];
                    Some((labels, now.since(since(track)?).as_secs_f64()))
                })
                .collect()
        };
        [
            (
                &names::PODS_UNSTARTED_SECONDS,
                series(|track| Some(track.created)),
            ),
            (
                &names::PODS_UNBOUND_SECONDS,
                series(|track| track.unbound.then_some(track.created)),
            ),
            (
                &names::PODS_PROVISIONING_UNSTARTED_SECONDS,
                series(|track| track.schedulable),
            ),
            (
                &names::PODS_PROVISIONING_UNBOUND_SECONDS,
                series(|track| track.schedulable.filter(|_| track.unbound)),
            ),
            (
                &names::PODS_UNDECIDED_SECONDS,
                series(|track| {
                    let undecided = track.unbound && track.attempted.is_none();
                    track.acked.filter(|_| undecided)
                }),
            ),
        ]
    }

    fn track(&mut self, pod: &PodRecord) -> &mut Track {
        self.pods.entry(pod.uid.clone()).or_insert_with(|| Track {
            key: pod.key(),
            created: pod.created,
            acked: None,
            attempted: None,
            schedulable: None,
            healthy: None,
            claim: None,
            unbound: pod.node.is_none(),
        })
    }
}

impl Track {
    /// Something was decided. The first time is measured, if it is known since when that was due.
    fn decide(&mut self, now: Timestamp) -> Option<Measure> {
        if self.attempted.is_some() {
            return None;
        }
        self.attempted = Some(now);
        let took = now.since(self.acked?);
        Some(observed(&names::PODS_DECISION_SECONDS, took))
    }
}

impl Told {
    fn observe(&mut self, metric: &'static Definition, took: Duration) {
        self.measures.push(observed(metric, took));
    }
}

fn observed(metric: &'static Definition, took: Duration) -> Measure {
    Measure {
        metric,
        labels: Vec::new(),
        change: Change::Observe(took.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests;
