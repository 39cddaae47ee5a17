//! Services and workloads: whom they select.

use model::ObjectMeta;
use model::k8s::{
    ReplicaSetSelector, ReplicationController, Resource, Service, StatefulSetSelector,
};

use crate::event::{Change, Touched};
use crate::snapshot::Selectors;
use crate::store::Store;

/// All objects that select pods by their labels.
#[derive(Debug, Default)]
pub(super) struct Stores {
    services: Store<Service>,
    replication_controllers: Store<ReplicationController>,
    replica_sets: Store<ReplicaSetSelector>,
    stateful_sets: Store<StatefulSetSelector>,
}

impl Stores {
    pub(super) fn services(&mut self, change: Change<Service>, touched: &mut Touched) {
        take(&mut self.services, change, |o| &mut o.metadata, touched);
    }

    pub(super) fn replication_controllers(
        &mut self,
        change: Change<ReplicationController>,
        touched: &mut Touched,
    ) {
        let store = &mut self.replication_controllers;
        take(store, change, |o| &mut o.metadata, touched);
    }

    pub(super) fn replica_sets(
        &mut self,
        change: Change<ReplicaSetSelector>,
        touched: &mut Touched,
    ) {
        take(&mut self.replica_sets, change, |o| &mut o.metadata, touched);
    }

    pub(super) fn stateful_sets(
        &mut self,
        change: Change<StatefulSetSelector>,
        touched: &mut Touched,
    ) {
        let store = &mut self.stateful_sets;
        take(store, change, |o| &mut o.metadata, touched);
    }

    pub(super) fn view(&self) -> Selectors {
        Selectors {
            services: self.services.objects().clone(),
            replication_controllers: self.replication_controllers.objects().clone(),
            replica_sets: self.replica_sets.objects().clone(),
            stateful_sets: self.stateful_sets.objects().clone(),
        }
    }
}

/// Takes a change in. Of the metadata only names and versions are kept: a cluster may have
/// thousands of old ReplicaSets, each with long annotations.
fn take<T: Resource>(
    store: &mut Store<T>,
    change: Change<T>,
    metadata: fn(&mut T) -> &mut ObjectMeta,
    touched: &mut Touched,
) {
    let bare = |mut object: T| {
        let meta = metadata(&mut object);
        *meta = ObjectMeta {
            name: std::mem::take(&mut meta.name),
            namespace: meta.namespace.take(),
            uid: std::mem::take(&mut meta.uid),
            resource_version: std::mem::take(&mut meta.resource_version),
            ..ObjectMeta::default()
        };
        object
    };
    let change = match change {
        Change::Reset(list) => Change::Reset(list.into_iter().map(bare).collect()),
        Change::Applied(object) => Change::Applied(bare(object)),
        Change::Deleted(gone) => Change::Deleted(gone),
    };
    touched.other |= !store.apply(change).is_empty();
}
