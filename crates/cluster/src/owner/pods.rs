//! Pods coming, changing place or state, and going.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::Timestamp;

use super::Cluster;
use super::successors::is_going;
use crate::event::{Change, Gone, Touched};
use crate::pod::{OwnerKind, PodRecord, PodUpdate};
use crate::store::{ObjectKey, Tombstones, is_late};

/// Newest last: by creation, then name.
pub(super) type ByAge = BTreeSet<(Timestamp, Arc<str>)>;

/// All pods by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Pods {
    pub(super) by_namespace: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<PodRecord>>>,
    /// Pods of each DaemonSet.
    pub(super) of_daemon_sets: BTreeMap<ObjectKey, ByAge>,
    tombstones: Tombstones,
    count: usize,
}

impl Pods {
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Arc<PodRecord>> {
        self.by_namespace.get(namespace)?.get(name)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Every pod, by namespace and name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<PodRecord>> {
        self.by_namespace.values().flat_map(BTreeMap::values)
    }

    /// The newest pod of a DaemonSet.
    pub(super) fn newest_of(&self, daemon_set: &ObjectKey) -> Option<&Arc<PodRecord>> {
        let (_, name) = self.of_daemon_sets.get(daemon_set)?.last()?;
        self.get(&daemon_set.namespace, name)
    }

    /// Whether no pod is known, nor known to be gone.
    pub(super) fn is_untouched(&self) -> bool {
        self.count == 0 && self.tombstones.is_empty()
    }

    /// Adds a namespace that is not known yet, with its pods in order of their names.
    pub(super) fn fill(&mut self, namespace: Arc<str>, pods: Vec<Arc<PodRecord>>) {
        self.count += pods.len();
        let names = pods.into_iter().map(|pod| (pod.name.clone(), pod));
        self.by_namespace.insert(namespace, names.collect());
    }

    /// Lists a pod as one of a DaemonSet.
    pub(super) fn list_with(&mut self, daemon_set: ObjectKey, pod: &PodRecord) {
        let pods = self.of_daemon_sets.entry(daemon_set).or_default();
        pods.insert((pod.created, pod.name.clone()));
    }

    fn insert(&mut self, pod: Arc<PodRecord>) -> Option<Arc<PodRecord>> {
        let namespace = &pod.shape.namespace;
        let names = match self.by_namespace.get_mut(namespace) {
            Some(names) => names,
            None => self.by_namespace.entry(namespace.clone()).or_default(),
        };
        let old = names.insert(pod.name.clone(), pod);
        self.count += usize::from(old.is_none());
        old
    }

    fn remove(&mut self, namespace: &str, name: &str) -> Option<Arc<PodRecord>> {
        let names = self.by_namespace.get_mut(namespace)?;
        let old = names.remove(name)?;
        if names.is_empty() {
            self.by_namespace.remove(namespace);
        }
        self.count -= 1;
        Some(old)
    }
}

/// The DaemonSet that owns a pod.
pub(super) fn daemon_set_of(pod: &PodRecord) -> Option<ObjectKey> {
    let owner = &pod.shape.owner;
    (owner.kind == OwnerKind::DaemonSet).then(|| ObjectKey {
        namespace: pod.shape.namespace.clone(),
        name: (&*owner.name).into(),
    })
}

/// The node on which a pod takes room.
pub(super) fn room_on(pod: &PodRecord) -> Option<&Arc<str>> {
    pod.node.as_ref().filter(|_| !pod.is_terminal())
}

impl Cluster {
    pub(super) fn apply_pods(&mut self, change: Change<PodUpdate>, touched: &mut Touched) {
        match change {
            Change::Applied(pod) => self.put_pod(pod, touched),
            Change::Deleted(gone) => self.delete_pod(&gone, touched),
            Change::Reset(list) => {
                let listed: BTreeSet<(&str, &str)> = list
                    .iter()
                    .map(|pod| (&*pod.content.namespace, &*pod.facts.name))
                    .collect();
                let missing: Vec<Arc<PodRecord>> = self
                    .pods
                    .iter()
                    .filter(|pod| !listed.contains(&(pod.namespace(), &*pod.name)))
                    .cloned()
                    .collect();
                for pod in missing {
                    self.remove_pod(pod.namespace(), &pod.name, touched);
                }
                for pod in list {
                    self.put_pod(pod, touched);
                }
            }
        }
    }

    fn put_pod(&mut self, update: PodUpdate, touched: &mut Touched) {
        let PodUpdate { content, facts } = update;
        let gone = &self.pods.tombstones;
        if !gone.is_empty() && !facts.uid.is_empty() && gone.has(&facts.uid.to_string()) {
            return;
        }
        let held = self.pods.get(&content.namespace, &facts.name);
        if held.is_some_and(|held| is_late(held.resource_version, facts.resource_version)) {
            return;
        }
        let shape = self
            .shapes
            .intern(&content, &mut self.dimensions, &self.vocabulary);
        let pod = Arc::new(PodRecord { facts, shape });
        let old = self.pods.insert(pod.clone());
        let was_provisionable = old
            .as_ref()
            .is_some_and(|old| self.leave(old, touched) && old.uid == pod.uid);
        let newly_bound = pod.node.is_some() && old.as_ref().is_none_or(|old| old.node != pod.node);
        touched.consolidation |= newly_bound;
        touched.pods.insert(pod.key());
        if self.enter(&pod, touched) && !was_provisionable {
            touched.provisionable.insert(pod.key());
        }
        if is_going(&pod) {
            self.vacate(&pod);
        }
    }

    fn delete_pod(&mut self, gone: &Gone, touched: &mut Touched) {
        self.pods.tombstones.add(&gone.uid);
        let Some(held) = self.pods.get(&gone.namespace, &gone.name) else {
            return;
        };
        let uid = held.uid.to_string();
        if !gone.uid.is_empty() && !uid.is_empty() && gone.uid != uid {
            return;
        }
        self.pods.tombstones.add(&uid);
        self.remove_pod(&gone.namespace, &gone.name, touched);
    }

    fn remove_pod(&mut self, namespace: &str, name: &str, touched: &mut Touched) {
        let Some(pod) = self.pods.remove(namespace, name) else {
            return;
        };
        self.leave(&pod, touched);
        self.vacate(&pod);
        touched.pods.insert(pod.key());
        touched.consolidation = true;
    }

    /// Takes a pod out of all that is derived from it; whether it was provisionable.
    fn leave(&mut self, pod: &Arc<PodRecord>, touched: &mut Touched) -> bool {
        if let Some(daemon_set) = daemon_set_of(pod) {
            touched.daemon_sets.insert(daemon_set.to_string());
            if let Some(pods) = self.pods.of_daemon_sets.get_mut(&daemon_set) {
                pods.remove(&(pod.created, pod.name.clone()));
                if pods.is_empty() {
                    self.pods.of_daemon_sets.remove(&daemon_set);
                }
            }
        }
        if let Some(node) = room_on(pod) {
            touched.nodes.insert(node.clone());
            self.machines.remove_pod(node, pod);
        }
        pod.node.is_none() && self.pending.remove(pod)
    }

    /// Puts a pod where it belongs; whether it is provisionable.
    fn enter(&mut self, pod: &Arc<PodRecord>, touched: &mut Touched) -> bool {
        if let Some(daemon_set) = daemon_set_of(pod) {
            touched.daemon_sets.insert(daemon_set.to_string());
            self.pods.list_with(daemon_set, pod);
        }
        if let Some(node) = room_on(pod) {
            touched.nodes.insert(node.clone());
            self.machines.add_pod(node, pod.clone());
        }
        self.succeed(pod, touched);
        pod.node.is_none() && self.pending.add(pod)
    }
}
