//! One machine as decisions see it: a Node, a NodeClaim, or both, with the pods on it.
//!
//! A Node and a NodeClaim are one machine if they have the same provider id. *Managed* means that
//! there is a NodeClaim. Until a managed node is registered its claim speaks for it, then the Node
//! object does.
//!
//! What is *not* here: keeping track of objects and pairing them (`owner`), what a node may be used
//! for (`scheduling`), whether it may go (`disruption`).

mod project;
mod usage;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::NodeClaim;
use api::labels::{CAPACITY_TYPE, HOSTNAME, INSTANCE_TYPE, NODEPOOL, ZONE};
use model::k8s::{Node, Taint};
use model::{ResourceList, Timestamp, resources};

use crate::pod::{PodRecord, PodShape};
use crate::{HostPort, ResourceVec};

pub(crate) use project::node_provider_id;

/// Names a machine for as long as it is known: by its Node object once there is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKey {
    /// Name of the Node object.
    Node(Arc<str>),
    /// Name of the NodeClaim that has no Node yet.
    Claim(Arc<str>),
}

/// A machine: what there is, what is on it, what we mean to do with it.
#[derive(Clone, Debug)]
pub struct NodeState {
    /// The Node object. At least one of this and `claim` is there.
    pub node: Option<Arc<Node>>,
    /// The NodeClaim.
    pub claim: Option<Arc<NodeClaim>>,
    /// Pods bound here that have not ended, by namespace and name.
    pub pods: Vec<Arc<PodRecord>>,
    /// What these pods request.
    pub requested: ResourceVec,
    /// What those of them request that DaemonSets own.
    pub daemon_requested: ResourceVec,
    /// The shapes of those that DaemonSets own, one for each pod, in no order.
    pub daemons: Vec<Arc<PodShape>>,
    /// Ports that these pods take, sorted.
    pub host_ports: Vec<HostPort>,
    /// Until when pods are expected here, so that the node must stay.
    pub nominated_until: Option<Timestamp>,
    /// Until when no attempt is made to take it down, because one has failed.
    pub resting_until: Option<Timestamp>,
    /// Whether we have decided that the node goes. See [`NodeState::is_marked`].
    pub marked: bool,
    /// [`NodeState::capacity_list`] rounded down.
    pub capacity: ResourceVec,
    /// [`NodeState::allocatable_list`] rounded down.
    pub allocatable: ResourceVec,
    /// Taints that pods must tolerate now.
    taints: Vec<Taint>,
    name: Arc<str>,
}

impl NodeState {
    /// Which machine this is.
    pub fn key(&self) -> NodeKey {
        match (&self.node, &self.claim) {
            (Some(node), _) => NodeKey::Node(node.metadata.name.as_str().into()),
            (None, Some(claim)) => NodeKey::Claim(claim.metadata.name.as_str().into()),
            (None, None) => unreachable!("a machine is known by its Node or its NodeClaim"),
        }
    }

    /// Name for people: of the claim until the node is registered, then of the Node.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether Karpenter has launched it.
    pub fn is_managed(&self) -> bool {
        self.claim.is_some()
    }

    /// Labels, from the claim until the node is registered.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.speaker().labels
    }

    /// Annotations, from the claim until the node is registered.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.speaker().annotations
    }

    /// One label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels().get(key).map(String::as_str)
    }

    /// The label `kubernetes.io/hostname`, or else the name.
    pub fn hostname(&self) -> &str {
        self.label(HOSTNAME)
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.name)
    }

    /// The pool that it belongs to.
    pub fn pool(&self) -> Option<&str> {
        self.label(NODEPOOL).filter(|name| !name.is_empty())
    }

    /// The instance type, if the label says so.
    pub fn instance_type(&self) -> Option<&str> {
        self.label(INSTANCE_TYPE)
    }

    /// The zone, if the label says so.
    pub fn zone(&self) -> Option<&str> {
        self.label(ZONE)
    }

    /// The capacity type, if the label says so.
    pub fn capacity_type(&self) -> Option<&str> {
        self.label(CAPACITY_TYPE)
    }

    /// Taints that pods must tolerate now: those of the claim until the node is registered, and
    /// until it is initialized without startup taints and taints that pass by themselves.
    pub fn taints(&self) -> &[Taint] {
        &self.taints
    }

    /// What pods may still ask for. May be negative.
    pub fn available(&self) -> ResourceVec {
        let mut available = self.allocatable.clone();
        available.subtract(&self.requested);
        available
    }

    /// All that the machine has, with the claim's promise where a young node reports nothing yet.
    /// Exact; without `nodes`.
    pub fn capacity_list(&self) -> ResourceList {
        self.promised(|node| &node.status.capacity, |claim| &claim.status.capacity)
    }

    /// What pods may ask for in all, with the claim's promise where a young node reports nothing
    /// yet. Exact.
    pub fn allocatable_list(&self) -> ResourceList {
        self.promised(
            |node| &node.status.allocatable,
            |claim| &claim.status.allocatable,
        )
    }

    /// Whether pods are expected here at `now`.
    pub fn is_nominated(&self, now: Timestamp) -> bool {
        self.nominated_until.is_some_and(|until| until > now)
    }

    /// Whether the node goes: because we decided so, or because it is being deleted.
    pub fn is_marked(&self) -> bool {
        self.marked || self.is_deleted()
    }

    /// What a pool's usage counts for this machine: capacity, and one node.
    pub fn pool_usage(&self) -> ResourceList {
        let mut usage = self.capacity_list();
        usage.insert(resources::NODES.to_owned(), model::Quantity::from_units(1));
        usage
    }
}
