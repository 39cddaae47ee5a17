//! Pods of the batch as classes: pods that nothing in the problem tells apart are one.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{PodRecord, PodShape, ShapeId, Snapshot};
use model::Timestamp;
use rustc_hash::FxHashMap;

use super::topology::{OwnLabels, has_own_labels};
use crate::memory::Nodes;
use crate::options::{Batch, BatchPods};

/// Pods of one shape.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The shape.
    pub(crate) shape: Arc<PodShape>,
    /// The pods, by [`age`].
    pub(crate) pods: Arc<[Arc<PodRecord>]>,
}

/// The pods that a batch is about, by shape: pending ones, and those of nodes that go or might go.
pub(crate) fn groups<'m>(
    snapshot: &Snapshot,
    batch: &Batch,
    moving: impl Iterator<Item = &'m Arc<PodRecord>>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    if batch.pods == BatchPods::PendingAndDisplaced {
        groups.extend(snapshot.pending.iter().map(|pending| Group {
            shape: pending.shape.clone(),
            pods: pending.pods.clone(),
        }));
    }
    let mut displaced_groups: Vec<(Arc<PodShape>, Vec<Arc<PodRecord>>)> = Vec::new();
    let mut by_shape: FxHashMap<ShapeId, usize> = FxHashMap::default();
    for pod in moving {
        let at = *by_shape.entry(pod.shape.id).or_insert_with(|| {
            displaced_groups.push((pod.shape.clone(), Vec::new()));
            displaced_groups.len() - 1
        });
        displaced_groups[at].1.push(pod.clone());
    }
    groups.extend(displaced_groups.into_iter().map(|(shape, mut pods)| {
        pods.sort_by(|a, b| age(a).cmp(&age(b)));
        let pods = pods.into();
        Group { shape, pods }
    }));
    groups
}

/// Pods of nodes that go: of those that are marked, and of those that the batch thinks away.
pub(crate) fn displaced(
    nodes: &Nodes,
    snapshot: &Snapshot,
    batch: &Batch,
    now: Timestamp,
) -> Vec<Arc<PodRecord>> {
    let mut pods = snapshot.displaced_from(nodes.marked(), now);
    for name in &batch.without {
        let Some(node) = snapshot.node(name) else {
            continue;
        };
        if !node.is_marked() {
            let moving = node
                .pods
                .iter()
                .filter(|pod| snapshot.budgets.can_move(pod, now));
            pods.extend(moving.cloned());
        }
    }
    pods
}

/// A group by itself, or several where labels that differ from pod to pod decide something.
pub(crate) fn split(group: Group, own_labels: OwnLabels) -> Vec<Group> {
    if own_labels == OwnLabels::Idle || !group.pods.iter().any(|pod| has_own_labels(pod)) {
        return vec![group];
    }
    let mut parts: BTreeMap<BTreeMap<String, String>, Vec<Arc<PodRecord>>> = BTreeMap::new();
    for pod in &*group.pods {
        parts.entry(pod.labels()).or_default().push(pod.clone());
    }
    let shape = group.shape;
    let part = |pods: Vec<_>| Group {
        shape: shape.clone(),
        pods: pods.into(),
    };
    parts.into_values().map(part).collect()
}

/// The order in which pods of a class get the places of the class: by age, then by name.
pub(crate) fn age(pod: &PodRecord) -> (Timestamp, &str, &str) {
    (pod.created, pod.namespace(), &pod.name)
}

/// Sorted lists as one.
pub(crate) fn merge(mut lists: Vec<Arc<[Arc<PodRecord>]>>) -> Arc<[Arc<PodRecord>]> {
    if lists.len() == 1 {
        return lists.remove(0);
    }
    let mut all: Vec<Arc<PodRecord>> = lists.iter().flat_map(|list| list.iter().cloned()).collect();
    all.sort_by(|a, b| age(a).cmp(&age(b)));
    all.into()
}

/// The order of classes: larger requests first, then that of their first pods.
pub(crate) fn class_order(
    (request_a, pods_a): (&[i64], &[Arc<PodRecord>]),
    (request_b, pods_b): (&[i64], &[Arc<PodRecord>]),
) -> Ordering {
    request_b
        .cmp(request_a)
        .then_with(|| match (pods_a.first(), pods_b.first()) {
            (Some(a), Some(b)) => age(a).cmp(&age(b)),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
}
