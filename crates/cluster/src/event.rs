//! What comes in: events of the watched kinds, and intents of our own.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::{NodeClaim, NodePool};
use catalog::InstanceType;
use model::k8s::{
    CsiNode, DaemonSet, DeviceClass, Namespace, Node, PersistentVolume, PersistentVolumeClaim,
    PodDisruptionBudget, PodKey, ReplicaSetSelector, ReplicationController, ResourceClaim,
    ResourceClaimTemplate, ResourceSlice, Service, StatefulSetSelector, StorageClass,
    VolumeAttachment,
};
use model::{ObjectMeta, ResourceList, Timestamp};

use crate::pod::PodUpdate;
use crate::snapshot::BufferPods;
use crate::store::ObjectKey;

/// What a watch says about one kind.
#[derive(Clone, Debug)]
pub enum Change<T> {
    /// A complete list: what is not in it is gone.
    Reset(Vec<T>),
    /// An object is new or has changed.
    Applied(T),
    /// An object is gone.
    Deleted(Gone),
}

/// Which object is gone. Where the uid is known, a newer object of the same name is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Namespace; empty for objects of cluster scope.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid of the object that went; empty if not known.
    pub uid: String,
}

impl Gone {
    /// The object with this metadata.
    pub fn of(meta: &ObjectMeta) -> Self {
        Self {
            namespace: meta.namespace().to_owned(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
        }
    }

    /// Whatever has this name.
    pub fn named(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: String::new(),
        }
    }
}

/// Something that happened in the cluster.
#[expect(
    clippy::large_enum_variant,
    reason = "each is made once and taken in at once"
)]
#[derive(Clone, Debug)]
pub enum Event {
    /// Pods.
    Pod(Change<PodUpdate>),
    /// Nodes.
    Node(Change<Node>),
    /// NodeClaims. Those with a node class of another provider are left out.
    NodeClaim(Change<NodeClaim>),
    /// NodePools.
    NodePool(Change<NodePool>),
    /// DaemonSets.
    DaemonSet(Change<DaemonSet>),
    /// PodDisruptionBudgets.
    PodDisruptionBudget(Change<PodDisruptionBudget>),
    /// Namespaces.
    Namespace(Change<Namespace>),
    /// PersistentVolumeClaims.
    PersistentVolumeClaim(Change<PersistentVolumeClaim>),
    /// PersistentVolumes.
    PersistentVolume(Change<PersistentVolume>),
    /// StorageClasses.
    StorageClass(Change<StorageClass>),
    /// CSINodes.
    CsiNode(Change<CsiNode>),
    /// VolumeAttachments.
    VolumeAttachment(Change<VolumeAttachment>),
    /// Services. These and the workloads below matter only where pods are spread by default.
    Service(Change<Service>),
    /// ReplicationControllers.
    ReplicationController(Change<ReplicationController>),
    /// ReplicaSets.
    ReplicaSet(Change<ReplicaSetSelector>),
    /// StatefulSets.
    StatefulSet(Change<StatefulSetSelector>),
    /// ResourceSlices. These and the claims below matter only where devices are allocated.
    ResourceSlice(Change<ResourceSlice>),
    /// ResourceClaims.
    ResourceClaim(Change<ResourceClaim>),
    /// ResourceClaimTemplates.
    ResourceClaimTemplate(Change<ResourceClaimTemplate>),
    /// DeviceClasses.
    DeviceClass(Change<DeviceClass>),
    /// The provider's answer for a pool: the instance types it can launch. May come before the
    /// pool.
    PoolTypes {
        /// The pool.
        pool: String,
        /// Its types, unavailable ones included.
        types: Arc<[Arc<InstanceType>]>,
    },
    /// A pool's instance types are not to be used before node overlays have been applied to them.
    PoolAwaitsOverlays {
        /// The pool.
        pool: String,
    },
    /// Pods that stand for the room that a capacity buffer keeps, made with
    /// [`PodUpdate::virtual_of`]; all of the buffer's, none if it keeps nothing.
    VirtualPods {
        /// The buffer.
        buffer: ObjectKey,
        /// Its pods.
        pods: Vec<PodUpdate>,
    },
}

/// Something that we decided and did. It counts at once, before any watch shows it.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Claims are about to be created, and nodes are about to go because of them or without them.
    /// Both count in one step: there is no moment at which the pods of those nodes, or pods that a
    /// claim is meant for, seem to need another place.
    Announce {
        /// The claims. Each is followed by `ClaimCreated` or `Withdraw`.
        claims: Vec<Announced>,
        /// The nodes, as in `MarkForDeletion`.
        leaving: Vec<String>,
    },
    /// Claims that were announced are not created after all.
    Withdraw {
        /// Names of the claims.
        claims: Vec<String>,
    },
    /// The API server has accepted a NodeClaim of ours.
    ClaimCreated {
        /// The claim as the API server answered it.
        claim: Box<NodeClaim>,
        /// The pods that it is meant for: left alone until the claim's capacity is known.
        pods: Vec<PodKey>,
    },
    /// The API server says that a claim does not exist, whatever we believe.
    ClaimGone {
        /// Name of the claim.
        name: String,
        /// Its uid; empty for whatever has this name.
        uid: String,
    },
    /// Pods are expected on a node, so it must stay.
    Nominate {
        /// Name of the node, or of the claim of one that is not registered.
        node: String,
        /// How long. A later time that is set already stays.
        until: Timestamp,
    },
    /// Nodes are about to go: nothing new is placed on them and their pods need a place.
    MarkForDeletion {
        /// Names of nodes, or of claims of nodes that are not registered.
        nodes: Vec<String>,
    },
    /// Nodes stay after all.
    Unmark {
        /// Names as in `MarkForDeletion`.
        nodes: Vec<String>,
    },
    /// An attempt to take nodes down has failed: none is made again for a while.
    LetRest {
        /// Names as in `MarkForDeletion`.
        nodes: Vec<String>,
        /// How long.
        until: Timestamp,
    },
    /// Where virtual pods fit, as the last pass has found: nodes that keep room for them stay. What
    /// claims that are not launched yet are for need not be said.
    BufferPods(BufferPods),
}

/// A claim that is about to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// What it takes from the pool's limits at most. It counts until the claim is seen, which then
    /// counts itself.
    pub most: ResourceList,
    /// The pods that it is meant for: left alone until its capacity is known.
    pub pods: Vec<PodKey>,
}

/// What an event or intent has changed, for those who act on changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Pods that are new, changed or gone.
    pub pods: BTreeSet<PodKey>,
    /// Those of them that have become provisionable.
    pub provisionable: BTreeSet<PodKey>,
    /// Nodes whose object, claim, pods, mark or nomination changed, by the name of the Node object.
    pub nodes: BTreeSet<Arc<str>>,
    /// NodeClaims that changed or whose node did.
    pub claims: BTreeSet<Arc<str>>,
    /// Pools that changed, or whose types or usage did.
    pub pools: BTreeSet<Arc<str>>,
    /// Pools that have become ready: pods may have waited for that.
    pub ready_pools: BTreeSet<Arc<str>>,
    /// DaemonSets that changed, as `namespace/name`.
    pub daemon_sets: BTreeSet<String>,
    /// Whether a budget, namespace, volume or storage class changed.
    pub other: bool,
    /// Whether something happened that may make consolidation possible: a pod was bound or deleted,
    /// a node came, went, became initialized or was marked, a pool's spec changed.
    pub consolidation: bool,
}

impl Touched {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another event changed.
    pub fn merge(&mut self, mut other: Self) {
        self.pods.append(&mut other.pods);
        self.provisionable.append(&mut other.provisionable);
        self.nodes.append(&mut other.nodes);
        self.claims.append(&mut other.claims);
        self.pools.append(&mut other.pools);
        self.ready_pools.append(&mut other.ready_pools);
        self.daemon_sets.append(&mut other.daemon_sets);
        self.other |= other.other;
        self.consolidation |= other.consolidation;
    }
}
