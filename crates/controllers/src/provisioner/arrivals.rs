//! Which pods are still to be expected: those that workloads are about to make, and those that the
//! scheduler is about to look at.
//!
//! Facts in, an [`Outlook`] out. A workload that has fewer pods than it wants makes the missing
//! ones, unless it got none for a while: then something holds it up (a quota, say), and nobody
//! waits for it. The same goes for a scheduler that looks at no pod for a while.
//!
//! What is *not* here: how long to wait (`batch`), and watching (`workloads`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cluster::pod::Readiness;
use cluster::{OwnerKind, PodRecord, Untaken, selection};
use model::Timestamp;

/// The kinds of workloads that are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WorkloadKind {
    /// `apps/v1` ReplicaSet.
    ReplicaSet,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `batch/v1` Job.
    Job,
}

impl WorkloadKind {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::ReplicaSet, Self::StatefulSet, Self::Job];
}

/// Names a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Workload {
    /// Kind.
    pub(crate) kind: WorkloadKind,
    /// Namespace.
    pub(crate) namespace: Arc<str>,
    /// Name.
    pub(crate) name: Arc<str>,
}

impl Workload {
    /// The workload that made a pod; none if it is of a kind that is not followed.
    pub(crate) fn of(pod: &PodRecord) -> Option<Self> {
        let owner = &pod.shape.owner;
        let (kind, name) = match owner.kind {
            OwnerKind::ReplicaSet => (WorkloadKind::ReplicaSet, &*owner.name),
            OwnerKind::StatefulSet => (WorkloadKind::StatefulSet, &*owner.name),
            // The name of a Job is not part of what its pods share, but they are labelled with it.
            OwnerKind::Job => {
                let label = pod.label("batch.kubernetes.io/job-name");
                (WorkloadKind::Job, label.or_else(|| pod.label("job-name"))?)
            }
            _ => return None,
        };
        Some(Self {
            kind,
            namespace: pod.shape.namespace.clone(),
            name: name.into(),
        })
    }
}

/// What a workload wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// How many pods there shall be.
    pub(crate) pods: usize,
    /// How they are made.
    pub(crate) pace: Pace,
}

/// How a workload makes its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// All at once.
    Together,
    /// Each when those before it are ready.
    OneByOne,
}

/// Whether more pods are to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Nobody is known to be about to make or show another one.
    Complete,
    /// Some are on their way, or it cannot be known.
    Open,
}

/// What there is of a workload's pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Have {
    live: usize,
    ready: usize,
}

/// What is known about pods that may come.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    listed: BTreeSet<WorkloadKind>,
    wishes: BTreeMap<Workload, Wish>,
    have: BTreeMap<Workload, Have>,
    /// Workloads that have too few pods, and when they last got or lost one.
    short: BTreeMap<Workload, Timestamp>,
    /// Pods that the scheduler has not looked at.
    unseen: usize,
    /// When such a pod last came, or was looked at.
    moved: Timestamp,
}

impl Arrivals {
    /// These are all pods there are.
    pub(crate) fn reset_pods<'a>(
        &mut self,
        pods: impl IntoIterator<Item = &'a PodRecord>,
        now: Timestamp,
    ) {
        self.have.clear();
        self.unseen = 0;
        for pod in pods {
            self.count(pod);
        }
        self.moved = now;
        let all: Vec<Workload> = self.wishes.keys().cloned().collect();
        for workload in all {
            self.review(&workload, now);
        }
    }

    /// A pod is new, has changed, or is gone.
    pub(crate) fn pod(
        &mut self,
        before: Option<&PodRecord>,
        after: Option<&PodRecord>,
        now: Timestamp,
    ) {
        let unseen = |pod: Option<&PodRecord>| pod.is_some_and(is_unseen);
        if unseen(before) != unseen(after) {
            self.moved = now;
        }
        let workloads: BTreeSet<Workload> = [before, after]
            .into_iter()
            .flatten()
            .filter_map(Workload::of)
            .collect();
        let held = |arrivals: &Self| -> Vec<Option<Have>> {
            let have = |workload| arrivals.have.get(workload).copied();
            workloads.iter().map(have).collect()
        };
        let had = held(self);
        if let Some(before) = before {
            self.discount(before);
        }
        if let Some(after) = after {
            self.count(after);
        }
        let has = held(self);
        for ((workload, had), has) in workloads.iter().zip(had).zip(has) {
            if had != has {
                self.review(workload, now);
            }
        }
    }

    /// These are all workloads of a kind.
    pub(crate) fn reset_workloads(
        &mut self,
        kind: WorkloadKind,
        all: Vec<(Workload, Option<Wish>)>,
        now: Timestamp,
    ) {
        self.listed.insert(kind);
        self.wishes.retain(|workload, _| workload.kind != kind);
        self.short.retain(|workload, _| workload.kind != kind);
        for (workload, wish) in all {
            self.workload(workload, wish, now);
        }
    }

    /// A workload is new or has changed, or is gone or about to go, when it has no wish.
    pub(crate) fn workload(&mut self, workload: Workload, wish: Option<Wish>, now: Timestamp) {
        let before = match wish {
            Some(wish) => self.wishes.insert(workload.clone(), wish),
            None => self.wishes.remove(&workload),
        };
        if before != wish {
            self.review(&workload, now);
        }
    }

    /// Whether a workload is followed, so that its pods can be counted.
    pub(crate) fn knows(&self, workload: &Workload) -> bool {
        self.wishes.contains_key(workload)
    }

    /// Whether more pods are to be expected from workloads and from the scheduler. Who made no
    /// progress for as long as `patience` is not waited for.
    pub(crate) fn outlook(&self, patience: Duration, now: Timestamp) -> Outlook {
        let fresh = |since: Timestamp| now.since(since) < patience;
        let all_listed = WorkloadKind::ALL
            .iter()
            .all(|kind| self.listed.contains(kind));
        let unseen = self.unseen > 0 && fresh(self.moved);
        if !all_listed || unseen || self.short.values().any(|&since| fresh(since)) {
            Outlook::Open
        } else {
            Outlook::Complete
        }
    }

    fn count(&mut self, pod: &PodRecord) {
        self.unseen += usize::from(is_unseen(pod));
        if let Some(workload) = live(pod) {
            let have = self.have.entry(workload).or_default();
            have.live += 1;
            have.ready += usize::from(pod.ready == Readiness::Ready);
        }
    }

    fn discount(&mut self, pod: &PodRecord) {
        self.unseen = self.unseen.saturating_sub(usize::from(is_unseen(pod)));
        let Some(workload) = live(pod) else { return };
        let Some(have) = self.have.get_mut(&workload) else {
            return;
        };
        have.live = have.live.saturating_sub(1);
        let ready = usize::from(pod.ready == Readiness::Ready);
        have.ready = have.ready.saturating_sub(ready);
        if have.live == 0 {
            self.have.remove(&workload);
        }
    }

    /// Notes whether a workload will make more pods now.
    fn review(&mut self, workload: &Workload, now: Timestamp) {
        let have = self.have.get(workload).copied().unwrap_or_default();
        let short = self.wishes.get(workload).is_some_and(|wish| {
            let free = wish.pace == Pace::Together || have.ready == have.live;
            have.live < wish.pods && free
        });
        if short {
            self.short.insert(workload.clone(), now);
        } else {
            self.short.remove(workload);
        }
    }
}

fn is_unseen(pod: &PodRecord) -> bool {
    selection::untaken(pod) == Some(Untaken::Unseen)
}

/// The workload of a pod that counts as one of its pods.
fn live(pod: &PodRecord) -> Option<Workload> {
    pod.is_active().then(|| Workload::of(pod)).flatten()
}

#[cfg(test)]
mod tests;
