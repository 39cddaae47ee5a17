//! The owner of all derived state: takes events and intents in, gives snapshots out.

mod build;
mod devices;
mod fill;
mod intents;
mod listing;
mod look;
mod machines;
mod pending;
mod pods;
mod pools;
mod sanity;
mod selectors;
mod successors;
mod virtuals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{NodeClaim, NodePool};
use catalog::InstanceType;
use model::k8s::{
    CsiNode, DaemonSet, Namespace, Node, PersistentVolume, PersistentVolumeClaim,
    PodDisruptionBudget, Resource, StorageClass, VolumeAttachment,
};
use requirements::Vocabulary;

use crate::event::{Change, Event, Touched};
use crate::pod::{PodRecord, Shapes};
use crate::snapshot::Snapshot;
use crate::store::{ObjectKey, Store};
use crate::{Dimensions, NodeState};

use build::Cache;
use devices::Devices;
use machines::Machines;
use pending::Pending;
use pods::Pods;
pub use sanity::Broken;
use selectors::Stores;
use virtuals::Virtuals;

/// What the owner needs to know beyond objects.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Group and kind of the provider's node classes. Claims of other classes are left out, pools
    /// of other classes are not usable. Empty: every class is ours.
    pub node_classes: Vec<(String, String)>,
    /// What a pool without the condition `Ready` counts as.
    pub unknown_readiness: UnknownReadiness,
}

/// What a pool without the condition `Ready` counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownReadiness {
    /// Not ready: a controller is about to check it.
    #[default]
    NotReady,
    /// Ready: there is no controller, as when planning from manifests.
    Ready,
}

/// Derived state of a cluster. See the crate's documentation.
#[derive(Debug)]
pub struct Cluster {
    settings: Settings,
    vocabulary: Arc<Vocabulary>,
    dimensions: Arc<Dimensions>,
    shapes: Shapes,
    version: u64,
    pods: Pods,
    pending: Pending,
    virtuals: Virtuals,
    machines: Machines,
    nodes: Store<Node>,
    claims: Store<NodeClaim>,
    pools: Store<NodePool>,
    types: BTreeMap<Arc<str>, Arc<[Arc<InstanceType>]>>,
    /// Pools whose types are known but not what overlays make of them.
    awaiting: BTreeSet<Arc<str>>,
    daemon_sets: Store<DaemonSet>,
    budgets: Store<PodDisruptionBudget>,
    namespaces: Store<Namespace>,
    volume_claims: Store<PersistentVolumeClaim>,
    volumes: Store<PersistentVolume>,
    storage_classes: Store<StorageClass>,
    csi_nodes: Store<CsiNode>,
    attachments: Store<VolumeAttachment>,
    selectors: Stores,
    devices: Devices,
    cache: Cache,
}

impl Cluster {
    /// An empty cluster.
    pub fn new(vocabulary: Vocabulary, settings: Settings) -> Self {
        Self {
            settings,
            vocabulary: Arc::new(vocabulary),
            dimensions: Arc::default(),
            shapes: Shapes::default(),
            version: 0,
            pods: Pods::default(),
            pending: Pending::default(),
            virtuals: Virtuals::default(),
            machines: Machines::default(),
            nodes: Store::default(),
            claims: Store::default(),
            pools: Store::default(),
            types: BTreeMap::new(),
            awaiting: BTreeSet::new(),
            daemon_sets: Store::default(),
            budgets: Store::default(),
            namespaces: Store::default(),
            volume_claims: Store::default(),
            volumes: Store::default(),
            storage_classes: Store::default(),
            csi_nodes: Store::default(),
            attachments: Store::default(),
            selectors: Stores::default(),
            devices: Devices::default(),
            cache: Cache::default(),
        }
    }

    /// Takes an event in. Late and repeated ones change nothing.
    pub fn apply(&mut self, event: Event) -> Touched {
        let mut touched = Touched::default();
        match event {
            Event::Pod(change) => self.apply_pods(change, &mut touched),
            Event::Node(change) => {
                for diff in self.nodes.apply(change) {
                    self.node_changed(&diff, &mut touched);
                }
            }
            Event::NodeClaim(change) => {
                if let Some(change) = self.only_ours(change) {
                    for diff in self.claims.apply(change) {
                        self.claim_changed(&diff, &mut touched);
                    }
                }
            }
            Event::NodePool(change) => self.apply_pools(change, &mut touched),
            Event::PoolTypes { pool, types } => {
                let pool: Arc<str> = pool.into();
                self.awaiting.remove(&pool);
                self.types.insert(pool.clone(), types);
                touched.pools.insert(pool);
            }
            Event::PoolAwaitsOverlays { pool } => {
                let pool: Arc<str> = pool.into();
                self.types.remove(&pool);
                self.awaiting.insert(pool.clone());
                touched.pools.insert(pool);
            }
            Event::VirtualPods { buffer, pods } => {
                self.set_virtual_pods(buffer, pods, &mut touched);
            }
            Event::DaemonSet(change) => {
                for diff in self.daemon_sets.apply(change) {
                    touched.daemon_sets.insert(diff.key.to_string());
                }
            }
            Event::PodDisruptionBudget(change) => {
                take(&mut self.budgets, change, &mut touched);
                self.cache.forget_budgets();
            }
            Event::Namespace(change) => take(&mut self.namespaces, change, &mut touched),
            Event::PersistentVolumeClaim(change) => {
                take(&mut self.volume_claims, change, &mut touched);
            }
            Event::PersistentVolume(change) => take(&mut self.volumes, change, &mut touched),
            Event::StorageClass(change) => take(&mut self.storage_classes, change, &mut touched),
            Event::CsiNode(change) => take(&mut self.csi_nodes, change, &mut touched),
            Event::VolumeAttachment(change) => take(&mut self.attachments, change, &mut touched),
            Event::Service(change) => self.selectors.services(change, &mut touched),
            Event::ReplicationController(change) => {
                self.selectors.replication_controllers(change, &mut touched);
            }
            Event::ReplicaSet(change) => self.selectors.replica_sets(change, &mut touched),
            Event::StatefulSet(change) => self.selectors.stateful_sets(change, &mut touched),
            Event::ResourceSlice(change) => self.slices_changed(change, &mut touched),
            Event::ResourceClaim(change) => take(&mut self.devices.claims, change, &mut touched),
            Event::ResourceClaimTemplate(change) => {
                take(&mut self.devices.templates, change, &mut touched);
            }
            Event::DeviceClass(change) => take(&mut self.devices.classes, change, &mut touched),
        }
        self.settle(&touched);
        touched
    }

    /// The pod of this name, whatever its state.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<&Arc<PodRecord>> {
        self.pods.get(namespace, name)
    }

    /// How many pods are known, whatever their state.
    pub fn pod_count(&self) -> usize {
        self.pods.len()
    }

    /// How many different shapes of pods are held.
    pub fn shape_count(&self) -> usize {
        self.shapes.len()
    }

    /// The machine whose Node object has this name.
    pub fn node(&self, name: &str) -> Option<&Arc<NodeState>> {
        self.machines.get(&crate::NodeKey::Node(name.into()))
    }

    /// The NodeClaim of this name.
    pub fn claim(&self, name: &str) -> Option<&Arc<NodeClaim>> {
        self.claims.get(&ObjectKey::new("", name))
    }

    /// The NodePool of this name.
    pub fn pool(&self, name: &str) -> Option<&Arc<NodePool>> {
        self.pools.get(&ObjectKey::new("", name))
    }

    /// Claims that have no machine yet, by name.
    pub fn unlaunched(&self) -> impl Iterator<Item = &Arc<str>> {
        self.machines.unlaunched()
    }

    /// Claims that we created and that no watch has shown yet, by name. Whoever finds with the API
    /// server that one of them is gone says so with [`crate::Intent::ClaimGone`].
    pub fn unconfirmed_claims(&self) -> impl Iterator<Item = &Arc<str>> {
        self.claims.unconfirmed().map(|key| &key.name)
    }

    /// The cluster as it is now. Only what has changed since the last snapshot is put together
    /// anew, and of that only lists of pointers are copied.
    pub fn snapshot(&mut self) -> Snapshot {
        self.build_snapshot()
    }

    /// Leaves claims of other providers out.
    fn only_ours(&self, change: Change<NodeClaim>) -> Option<Change<NodeClaim>> {
        let ours = |claim: &NodeClaim| {
            let class = &claim.spec.node_class_ref;
            self.settings.owns(&class.group, &class.kind)
        };
        match change {
            Change::Reset(mut list) => {
                list.retain(ours);
                Some(Change::Reset(list))
            }
            Change::Applied(claim) => ours(&claim).then_some(Change::Applied(claim)),
            Change::Deleted(gone) => Some(Change::Deleted(gone)),
        }
    }

    /// Bookkeeping after every change.
    fn settle(&mut self, touched: &Touched) {
        if !touched.is_empty() {
            self.version += 1;
            self.cache.invalidate(touched);
        }
    }
}

impl Settings {
    /// Whether a node class is the provider's. An empty group or kind stands for the provider's
    /// own.
    pub fn owns(&self, group: &str, kind: &str) -> bool {
        self.node_classes.is_empty()
            || group.is_empty()
            || kind.is_empty()
            || self
                .node_classes
                .iter()
                .any(|(g, k)| g == group && k == kind)
    }
}

fn take<T: Resource>(store: &mut Store<T>, change: Change<T>, touched: &mut Touched) {
    touched.other |= !store.apply(change).is_empty();
}
