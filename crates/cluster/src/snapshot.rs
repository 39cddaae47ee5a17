//! The cluster at one moment, shared and unchangeable.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::InstanceType;
use model::k8s::{
    CsiNode, DeviceClass, Namespace, PersistentVolume, PersistentVolumeClaim, ReplicaSetSelector,
    ReplicationController, ResourceClaim, ResourceClaimTemplate, ResourceSlice, Service,
    StatefulSetSelector, StorageClass, VolumeAttachment,
};
use model::{Timestamp, resources};
use requirements::Vocabulary;

use crate::budget::Budgets;
use crate::daemon::DaemonState;
use crate::list::List;
use crate::node::NodeState;
use crate::pod::{PodRecord, PodShape};
use crate::pool::PoolState;
use crate::selection::{self, Untaken};
use crate::store::ObjectKey;
use crate::{Dimensions, Withheld};

/// Everything that decisions are made from. Cloning it copies a few pointers; what the cluster does
/// afterwards does not show in it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Grows with every change.
    pub version: u64,
    /// What label keys mean.
    pub vocabulary: Arc<Vocabulary>,
    /// Names of resources.
    pub dimensions: Arc<Dimensions>,
    /// Machines, by name. Marked ones too.
    pub nodes: List<Arc<NodeState>>,
    /// Pools, usable or not: by weight, largest first, then by name, last first.
    pub pools: Arc<[Arc<PoolState>]>,
    /// DaemonSets, by namespace and name.
    pub daemons: Arc<[Arc<DaemonState>]>,
    /// Provisionable pods by shape, in order of shape id, which means nothing. Pods that are
    /// ignored are not here but in `ignored`; pods that a claim is on its way for are in `waiting`.
    pub pending: Arc<[Arc<PendingGroup>]>,
    /// Provisionable pods whose shape has problems.
    pub ignored: Arc<[Arc<PendingGroup>]>,
    /// Unbound pods that are not provisionable, by namespace and name. See
    /// [`Snapshot::why_waiting`].
    pub waiting: Arc<[Arc<PodRecord>]>,
    /// Pods that unlaunched claims are on their way for, with the claim.
    pub planned: Arc<BTreeMap<ObjectKey, Arc<str>>>,
    /// Virtual pods that nodes keep room for.
    pub buffer_pods: BufferPods,
    /// PodDisruptionBudgets.
    pub budgets: Arc<Budgets>,
    /// Namespaces, for their labels.
    pub namespaces: Arc<BTreeMap<ObjectKey, Arc<Namespace>>>,
    /// Volumes and all that belongs to them.
    pub volumes: Volumes,
    /// Services and workloads, for whom they select. Empty where nobody watches them.
    pub selectors: Selectors,
    /// Devices that drivers have published, and claims for them. Empty where nobody watches them.
    pub devices: DeviceObjects,
    /// Names of claims that have no machine yet.
    pub unlaunched: Arc<[Arc<str>]>,
}

/// How many virtual pods of capacity buffers each node keeps room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BufferPods {
    /// Not known yet: any node may.
    Unknown,
    /// By name of the node, or of the claim of one that was not registered then.
    Known(Arc<BTreeMap<Arc<str>, usize>>),
}

impl Default for BufferPods {
    fn default() -> Self {
        Self::Known(Arc::default())
    }
}

impl BufferPods {
    /// How many a node keeps room for; none while that is not known.
    pub fn on(&self, node: &NodeState) -> Option<usize> {
        let Self::Known(counts) = self else {
            return None;
        };
        let of_claim = node
            .claim
            .as_ref()
            .and_then(|claim| counts.get(claim.metadata.name.as_str()));
        Some(counts.get(node.name()).or(of_claim).copied().unwrap_or(0))
    }
}

/// Volumes and all that belongs to them.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    /// Claims, by namespace and name.
    pub claims: Arc<BTreeMap<ObjectKey, Arc<PersistentVolumeClaim>>>,
    /// Volumes, by name.
    pub volumes: Arc<BTreeMap<ObjectKey, Arc<PersistentVolume>>>,
    /// Storage classes, by name.
    pub classes: Arc<BTreeMap<ObjectKey, Arc<StorageClass>>>,
    /// What the drivers of each node can attach, by name of the node.
    pub csi_nodes: Arc<BTreeMap<ObjectKey, Arc<CsiNode>>>,
    /// What is attached where, by name.
    pub attachments: Arc<BTreeMap<ObjectKey, Arc<VolumeAttachment>>>,
}

/// Devices that drivers have published, and claims for them.
#[derive(Clone, Debug, Default)]
pub struct DeviceObjects {
    /// What drivers have published, by name.
    pub slices: Arc<BTreeMap<ObjectKey, Arc<ResourceSlice>>>,
    /// Claims, by namespace and name.
    pub claims: Arc<BTreeMap<ObjectKey, Arc<ResourceClaim>>>,
    /// Templates of claims, by namespace and name.
    pub templates: Arc<BTreeMap<ObjectKey, Arc<ResourceClaimTemplate>>>,
    /// Device classes, by name.
    pub classes: Arc<BTreeMap<ObjectKey, Arc<DeviceClass>>>,
}

/// Services and workloads, of which no more is held than whom they select.
#[derive(Clone, Debug, Default)]
pub struct Selectors {
    /// Services, by namespace and name.
    pub services: Arc<BTreeMap<ObjectKey, Arc<Service>>>,
    /// ReplicationControllers, by namespace and name.
    pub replication_controllers: Arc<BTreeMap<ObjectKey, Arc<ReplicationController>>>,
    /// ReplicaSets, by namespace and name.
    pub replica_sets: Arc<BTreeMap<ObjectKey, Arc<ReplicaSetSelector>>>,
    /// StatefulSets, by namespace and name.
    pub stateful_sets: Arc<BTreeMap<ObjectKey, Arc<StatefulSetSelector>>>,
}

impl Selectors {
    /// The services of a namespace, by name.
    pub fn services_in(&self, namespace: &Arc<str>) -> impl Iterator<Item = &Arc<Service>> {
        let first = ObjectKey {
            namespace: namespace.clone(),
            name: "".into(),
        };
        let from = self.services.range(first..);
        from.take_while(move |(key, _)| key.namespace == *namespace)
            .map(|(_, service)| service)
    }
}

/// Pending pods of one shape.
#[derive(Clone, Debug)]
pub struct PendingGroup {
    /// The shape.
    pub shape: Arc<PodShape>,
    /// The pods, oldest first, then by name. Never empty.
    pub pods: Arc<[Arc<PodRecord>]>,
}

impl Snapshot {
    /// The machine of this name.
    pub fn node(&self, name: &str) -> Option<&Arc<NodeState>> {
        self.nodes.get(self.position(name)?)
    }

    /// The position of the machine of this name in the list of nodes.
    pub fn position(&self, name: &str) -> Option<usize> {
        let order = |probe: &Arc<NodeState>| (**probe.name()).cmp(name);
        self.nodes.binary_search_by(order).ok()
    }

    /// The pool of this name.
    pub fn pool(&self, name: &str) -> Option<&Arc<PoolState>> {
        self.pools.iter().find(|pool| pool.name() == name)
    }

    /// How many pods are pending, without those that are ignored.
    pub fn pending_count(&self) -> usize {
        self.pending.iter().map(|group| group.pods.len()).sum()
    }

    /// Pods of marked nodes that will need a place elsewhere, by node, namespace and name.
    pub fn displaced(&self, now: Timestamp) -> Vec<Arc<PodRecord>> {
        self.displaced_from(self.nodes.iter(), now)
    }

    /// The same of some nodes, among which all marked ones are.
    pub fn displaced_from<'n>(
        &self,
        nodes: impl Iterator<Item = &'n Arc<NodeState>>,
        now: Timestamp,
    ) -> Vec<Arc<PodRecord>> {
        nodes
            .filter(|node| node.node.is_some() && node.is_marked())
            .flat_map(|node| &node.pods)
            // What a claim is on its way for has no capacity yet to be placed on.
            .filter(|pod| self.budgets.can_move(pod, now) && !self.is_planned(pod))
            .cloned()
            .collect()
    }

    /// The same cluster once these pods are on these nodes, and these nodes are going and have no
    /// pods left that could move. No pod is pending then, and limits of pools don't count nodes
    /// that are going.
    #[must_use]
    pub fn assuming<'p>(
        &self,
        placed: impl IntoIterator<Item = (&'p Arc<str>, &'p [Arc<PodRecord>])>,
        going: impl IntoIterator<Item = &'p Arc<str>>,
        now: Timestamp,
    ) -> Self {
        let mut assumed = self.clone();
        for (name, pods) in placed {
            assumed.change(name, |node| {
                for pod in pods {
                    node.add_pod(pod.clone());
                }
            });
        }
        for name in going {
            assumed.uncount(name);
            assumed.change(name, |node| {
                node.marked = true;
                let moving = node
                    .pods
                    .iter()
                    .filter(|pod| self.budgets.can_move(pod, now));
                for pod in moving.cloned().collect::<Vec<_>>() {
                    node.remove_pod(&pod);
                }
            });
        }
        assumed.pending = [].into();
        assumed
    }

    /// Takes a machine that is about to go off what its pool has.
    fn uncount(&mut self, name: &Arc<str>) {
        let Some(node) = self.node(name).filter(|node| !node.is_marked()).cloned() else {
            return;
        };
        if let Some(pool) = node.pool() {
            let usage = node.pool_usage();
            self.change_pool(pool, |pool| {
                resources::subtract_from(&mut pool.used, &usage);
            });
        }
    }

    /// Changes a pool of this snapshot alone, if it has limits: nobody else asks what it has.
    fn change_pool(&mut self, name: &str, change: impl FnOnce(&mut PoolState)) {
        let Some(at) = self.pools.iter().position(|pool| pool.name() == name) else {
            return;
        };
        if !self.pools[at].pool.spec.limits.is_empty() {
            let mut pool = PoolState::clone(&self.pools[at]);
            change(&mut pool);
            let mut pools = self.pools.to_vec();
            pools[at] = Arc::new(pool);
            self.pools = pools.into();
        }
    }

    /// Counts on a claim of these types, which is about to be created, in this snapshot alone.
    pub fn expect(&mut self, pool: &str, types: &[Arc<InstanceType>]) {
        self.change_pool(pool, |state| {
            let most = state.most_taken(types);
            resources::add_to(&mut state.in_flight, &most);
        });
    }

    /// Changes a machine of this snapshot alone.
    fn change(&mut self, name: &Arc<str>, change: impl FnOnce(&mut NodeState)) {
        let Some(node) = self.node(name) else {
            return;
        };
        let mut node = NodeState::clone(node);
        change(&mut node);
        let order = |probe: &Arc<NodeState>| probe.name().cmp(name);
        self.nodes.put(Arc::new(node), order);
    }

    /// Whether an unlaunched claim is on its way for a pod, pending or displaced.
    pub fn is_planned(&self, pod: &PodRecord) -> bool {
        if self.planned.is_empty() {
            return false;
        }
        let key = ObjectKey {
            namespace: pod.shape.namespace.clone(),
            name: pod.name.clone(),
        };
        self.planned.contains_key(&key)
    }

    /// Why an unbound pod waits; none if it is provisionable.
    pub fn why_waiting(&self, pod: &PodRecord) -> Option<Withheld> {
        if let Some(untaken) = selection::untaken(pod) {
            return Some(Withheld::Untaken(untaken));
        }
        let key = ObjectKey {
            namespace: pod.shape.namespace.clone(),
            name: pod.name.clone(),
        };
        self.planned.get(&key).map(|claim| Withheld::Planned {
            claim: claim.clone(),
        })
    }

    /// Whether any pod that counts at all is known by this name, and where it stands.
    pub fn find_pod(&self, namespace: &str, name: &str) -> Option<Arc<PodRecord>> {
        let same = |pod: &&Arc<PodRecord>| pod.namespace() == namespace && &*pod.name == name;
        let groups = self.pending.iter().chain(self.ignored.iter());
        groups
            .flat_map(|group| group.pods.iter())
            .find(same)
            .or_else(|| self.waiting.iter().find(same))
            .or_else(|| self.nodes.iter().flat_map(|node| &node.pods).find(same))
            .cloned()
    }
}

impl From<Untaken> for Withheld {
    fn from(untaken: Untaken) -> Self {
        Self::Untaken(untaken)
    }
}
