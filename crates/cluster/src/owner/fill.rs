//! All pods of a cluster at once.
//!
//! One by one, each pod is looked for in several sorted lists of all pods, and noted as changed. A
//! first list needs neither.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Cluster;
use super::pods::{daemon_set_of, room_on};
use crate::event::{Change, Event, Touched};
use crate::pod::{PodRecord, PodUpdate};
use crate::selection;
use crate::store::is_late;

impl Cluster {
    /// Takes in all pods there are, as [`Change::Reset`] does, without saying what has changed.
    /// Quick where no pod is known yet.
    pub fn fill(&mut self, pods: Vec<PodUpdate>) {
        if !self.pods.is_untouched() || !self.pending.is_empty() {
            self.apply(Event::Pod(Change::Reset(pods)));
            return;
        }
        let mut by_namespace: BTreeMap<Arc<str>, Vec<Arc<PodRecord>>> = BTreeMap::new();
        for PodUpdate { content, facts } in pods {
            let shape = self
                .shapes
                .intern(&content, &mut self.dimensions, &self.vocabulary);
            let namespace = &shape.namespace;
            if !by_namespace.contains_key(namespace) {
                by_namespace.insert(namespace.clone(), Vec::new());
            }
            if let Some(same) = by_namespace.get_mut(&content.namespace) {
                same.push(Arc::new(PodRecord { facts, shape }));
            }
        }
        let mut touched = Touched {
            consolidation: true,
            ..Touched::default()
        };
        for (namespace, mut pods) in by_namespace {
            pods.sort_by(|a, b| a.name.cmp(&b.name));
            pods.dedup_by(supersede);
            self.fill_namespace(&pods, &mut touched);
            self.pods.fill(namespace, pods);
        }
        self.settle(&touched);
    }

    /// Puts pods where they belong. They are in order of their names.
    fn fill_namespace(&mut self, pods: &[Arc<PodRecord>], touched: &mut Touched) {
        let mut unbound = Vec::new();
        for pod in pods {
            if let Some(daemon_set) = daemon_set_of(pod) {
                touched.daemon_sets.insert(daemon_set.to_string());
                self.pods.list_with(daemon_set, pod);
            }
            if let Some(node) = room_on(pod) {
                self.machines.add_pod(node, pod.clone());
            }
            if pod.node.is_none() {
                if selection::untaken(pod).is_none() && self.pending.planned.is_empty() {
                    unbound.push(pod.clone());
                } else {
                    self.pending.add(pod);
                }
            }
        }
        self.pending.fill(unbound);
    }
}

/// Whether two updates are of one pod. The one that counts is left in `held`: the second, unless it
/// is older.
fn supersede(new: &mut Arc<PodRecord>, held: &mut Arc<PodRecord>) -> bool {
    if new.name != held.name {
        return false;
    }
    if !is_late(held.resource_version, new.resource_version) {
        std::mem::swap(new, held);
    }
    true
}
