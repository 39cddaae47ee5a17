//! Pods that exist only so that room is kept for others: those of capacity buffers.
//!
//! They are pending for ever and are never bound, so they are kept apart from what watches say:
//! offered for placement beside pending pods, and counted on the nodes that have room for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Cluster;
use crate::event::Touched;
use crate::pod::{PodRecord, PodUpdate, ShapeId};
use crate::snapshot::{BufferPods, PendingGroup};
use crate::store::ObjectKey;

/// Virtual pods by buffer, and where they were last seen to fit.
#[derive(Debug, Default)]
pub(super) struct Virtuals {
    by_buffer: BTreeMap<ObjectKey, BTreeMap<ObjectKey, Arc<PodRecord>>>,
    pub(super) on_nodes: BufferPods,
}

impl Virtuals {
    fn get(&self, key: &ObjectKey) -> Option<&Arc<PodRecord>> {
        self.by_buffer.values().find_map(|pods| pods.get(key))
    }

    /// Those that no claim is on its way for, by shape.
    pub(super) fn groups(&self, planned: &BTreeMap<ObjectKey, Arc<str>>) -> Vec<Arc<PendingGroup>> {
        let mut groups: BTreeMap<ShapeId, Vec<Arc<PodRecord>>> = BTreeMap::new();
        let open = self.by_buffer.values().flatten();
        for (_, pod) in open.filter(|(key, _)| !planned.contains_key(key)) {
            groups.entry(pod.shape.id).or_default().push(pod.clone());
        }
        let group = |mut pods: Vec<Arc<PodRecord>>| {
            pods.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
            let shape = pods[0].shape.clone();
            let pods = pods.into();
            Arc::new(PendingGroup { shape, pods })
        };
        groups.into_values().map(group).collect()
    }
}

impl Cluster {
    /// Takes in the virtual pods of one buffer; none if the buffer is gone or keeps nothing.
    pub(super) fn set_virtual_pods(
        &mut self,
        buffer: ObjectKey,
        pods: Vec<PodUpdate>,
        touched: &mut Touched,
    ) {
        let old = self.virtuals.by_buffer.remove(&buffer).unwrap_or_default();
        let mut new = BTreeMap::new();
        for PodUpdate { content, facts } in pods {
            let shape = self
                .shapes
                .intern(&content, &mut self.dimensions, &self.vocabulary);
            let key = ObjectKey {
                namespace: content.namespace.clone(),
                name: facts.name.clone(),
            };
            let pod = Arc::new(PodRecord { facts, shape });
            let same = old
                .get(&key)
                .is_some_and(|old| old.facts == pod.facts && Arc::ptr_eq(&old.shape, &pod.shape));
            if !same {
                touched.pods.insert(pod.key());
                if pod.shape.problems.is_empty() && !self.pending.planned.contains_key(&key) {
                    touched.provisionable.insert(pod.key());
                }
            }
            new.insert(key, pod);
        }
        for (key, pod) in &old {
            if !new.contains_key(key) {
                touched.pods.insert(pod.key());
            }
        }
        self.pending.groups_changed = true;
        if !new.is_empty() {
            self.virtuals.by_buffer.insert(buffer, new);
        }
    }

    /// Notes where virtual pods fit. Those that a claim is on its way for count on it.
    pub(super) fn set_buffer_pods(&mut self, mut on_nodes: BufferPods, touched: &mut Touched) {
        if let BufferPods::Known(counts) = &mut on_nodes {
            let counts = Arc::make_mut(counts);
            for (key, claim) in self.pending.planned.iter() {
                if self.virtuals.get(key).is_some() {
                    *counts.entry(claim.clone()).or_default() += 1;
                }
            }
        }
        if self.virtuals.on_nodes != on_nodes {
            self.virtuals.on_nodes = on_nodes;
            touched.consolidation = true;
        }
    }

    /// Counts the virtual pods that a new claim is for.
    pub(super) fn count_on_claim(&mut self, claim: &Arc<str>, pods: &[ObjectKey]) {
        let count = pods.iter().filter(|key| self.virtuals.get(key).is_some());
        let count = count.count();
        if let BufferPods::Known(counts) = &mut self.virtuals.on_nodes
            && count > 0
        {
            Arc::make_mut(counts).insert(claim.clone(), count);
        }
    }

    /// Offers a virtual pod for placement, or no longer: a claim is on its way for it, or was.
    pub(super) fn reconsider_virtual(&mut self, key: &ObjectKey, touched: &mut Touched) {
        let Some(pod) = self.virtuals.get(key) else {
            return;
        };
        self.pending.groups_changed = true;
        touched.pods.insert(pod.key());
        if !self.pending.planned.contains_key(key) {
            touched.provisionable.insert(pod.key());
        }
    }
}
