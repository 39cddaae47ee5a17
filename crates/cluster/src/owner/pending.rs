//! Unbound pods: provisionable ones by shape, and the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{ResourceList, Timestamp};

use super::Cluster;
use super::successors::{Team, is_going};
use crate::event::Touched;
use crate::pod::{PodRecord, PodShape, ShapeId};
use crate::selection;
use crate::snapshot::PendingGroup;
use crate::store::ObjectKey;

/// All unbound pods.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) groups: BTreeMap<ShapeId, Group>,
    /// Pods that are not provisionable, or that a claim is on its way for.
    pub(super) waiting: BTreeMap<ObjectKey, Arc<PodRecord>>,
    /// Claims that are about to be created, by name.
    pub(super) announced: BTreeMap<Arc<str>, Expected>,
    /// Pods that announced and unlaunched claims are on their way for.
    pub(super) planned: Arc<BTreeMap<ObjectKey, Arc<str>>>,
    /// Those of them that have gone or go, by workload: others may come in their place.
    pub(super) vacant: BTreeMap<Team, BTreeSet<ObjectKey>>,
    /// Whether some group has changed since the last snapshot.
    pub(super) groups_changed: bool,
    /// Whether `waiting` has.
    pub(super) waiting_changed: bool,
}

/// What is expected of a claim that is about to be created.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) pool: Arc<str>,
    /// What it takes from the pool's limits at most.
    pub(super) most: ResourceList,
}

/// Provisionable pods of one shape, oldest first.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) shape: Arc<PodShape>,
    pub(super) pods: BTreeMap<(Timestamp, Arc<str>), Arc<PodRecord>>,
    view: Option<Arc<PendingGroup>>,
}

impl Group {
    /// The group for a snapshot.
    pub(super) fn view(&mut self) -> Arc<PendingGroup> {
        self.view
            .get_or_insert_with(|| {
                Arc::new(PendingGroup {
                    shape: self.shape.clone(),
                    pods: self.pods.values().cloned().collect(),
                })
            })
            .clone()
    }
}

impl Pending {
    /// Adds an unbound pod; whether it is provisionable and not spoken for.
    pub(super) fn add(&mut self, pod: &Arc<PodRecord>) -> bool {
        let key = object_key(pod);
        if selection::untaken(pod).is_some() || self.planned.contains_key(&key) {
            self.waiting.insert(key, pod.clone());
            self.waiting_changed = true;
            return false;
        }
        let group = self.group(&pod.shape);
        group
            .pods
            .insert((pod.created, pod.name.clone()), pod.clone());
        group.view = None;
        self.groups_changed = true;
        pod.shape.problems.is_empty()
    }

    fn group(&mut self, shape: &Arc<PodShape>) -> &mut Group {
        self.groups.entry(shape.id).or_insert_with(|| Group {
            shape: shape.clone(),
            pods: BTreeMap::new(),
            view: None,
        })
    }

    /// Whether there is no unbound pod.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.waiting.is_empty()
    }

    /// Adds unbound pods that are provisionable and not spoken for, all of one namespace.
    pub(super) fn fill(&mut self, mut pods: Vec<Arc<PodRecord>>) {
        // Those of a shape stand together then.
        pods.sort_by_key(|pod| pod.shape.id);
        for same in pods.chunk_by(|a, b| a.shape.id == b.shape.id) {
            let keyed = same.iter();
            let keyed = keyed.map(|pod| ((pod.created, pod.name.clone()), pod.clone()));
            let group = self.group(&same[0].shape);
            group.pods.extend(keyed);
            group.view = None;
        }
        self.groups_changed |= !pods.is_empty();
    }

    /// Takes an unbound pod out; whether it was provisionable and not spoken for.
    pub(super) fn remove(&mut self, pod: &PodRecord) -> bool {
        if let Some(group) = self.groups.get_mut(&pod.shape.id)
            && group
                .pods
                .remove(&(pod.created, pod.name.clone()))
                .is_some()
        {
            group.view = None;
            self.groups_changed = true;
            if group.pods.is_empty() {
                self.groups.remove(&pod.shape.id);
            }
            return pod.shape.problems.is_empty();
        }
        self.waiting_changed |= self.waiting.remove(&object_key(pod)).is_some();
        false
    }
}

fn object_key(pod: &PodRecord) -> ObjectKey {
    ObjectKey {
        namespace: pod.shape.namespace.clone(),
        name: pod.name.clone(),
    }
}

impl Cluster {
    /// Notes that a claim is on its way for pods, so that no other is made for them.
    pub(super) fn plan(&mut self, claim: &Arc<str>, pods: Vec<ObjectKey>, touched: &mut Touched) {
        for key in pods {
            Arc::make_mut(&mut self.pending.planned).insert(key.clone(), claim.clone());
            self.reconsider(&key, touched);
            // It may have gone while the claim was thought about.
            let pod = self.pods.get(&key.namespace, &key.name).cloned();
            if let Some(pod) = pod.filter(|pod| is_going(pod)) {
                self.vacate(&pod);
            }
        }
    }

    /// Lets go of the pods that a claim was on its way for: its capacity is known now, or it is
    /// gone.
    pub(super) fn release_plan(&mut self, claim: &Arc<str>, touched: &mut Touched) {
        let released: Vec<ObjectKey> = self
            .pending
            .planned
            .iter()
            .filter(|(_, planned)| *planned == claim)
            .map(|(key, _)| key.clone())
            .collect();
        for key in released {
            Arc::make_mut(&mut self.pending.planned).remove(&key);
            self.reconsider(&key, touched);
        }
        let planned = &self.pending.planned;
        self.pending.vacant.retain(|_, keys| {
            keys.retain(|key| planned.contains_key(key));
            !keys.is_empty()
        });
    }

    /// Puts an unbound pod where it belongs now.
    pub(super) fn reconsider(&mut self, key: &ObjectKey, touched: &mut Touched) {
        let Some(pod) = self.pods.get(&key.namespace, &key.name).cloned() else {
            self.reconsider_virtual(key, touched);
            return;
        };
        if let Some(node) = &pod.node {
            // It is displaced, if its node goes.
            touched.nodes.insert(node.clone());
            return;
        }
        let was = self.pending.remove(&pod);
        if self.pending.add(&pod) && !was {
            touched.provisionable.insert(pod.key());
        }
        touched.pods.insert(pod.key());
    }
}
