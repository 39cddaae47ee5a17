//! What follows from a Node and its NodeClaim taken together.

use std::sync::Arc;

use api::NodeClaim;
use api::labels::{INITIALIZED, REGISTERED};
use api::nodeclaim::conditions::INSTANCE_TERMINATING;
use model::k8s::{Node, Taint};
use model::{ObjectMeta, ResourceList};
use requirements::taints;

use super::NodeState;
use crate::{Dimensions, ResourceVec};

impl NodeState {
    /// A machine without pods. At least one of the two objects must be there.
    pub(crate) fn new(
        node: Option<Arc<Node>>,
        claim: Option<Arc<NodeClaim>>,
        dimensions: &mut Dimensions,
    ) -> Self {
        let mut state = Self {
            node: None,
            claim: None,
            pods: Vec::new(),
            requested: ResourceVec::default(),
            daemon_requested: ResourceVec::default(),
            daemons: Vec::new(),
            host_ports: Vec::new(),
            nominated_until: None,
            resting_until: None,
            marked: false,
            capacity: ResourceVec::default(),
            allocatable: ResourceVec::default(),
            taints: Vec::new(),
            name: "".into(),
        };
        state.set_objects(node, claim, dimensions);
        state
    }

    /// Replaces the objects and what follows from them.
    pub(crate) fn set_objects(
        &mut self,
        node: Option<Arc<Node>>,
        claim: Option<Arc<NodeClaim>>,
        dimensions: &mut Dimensions,
    ) {
        self.node = node;
        self.claim = claim;
        self.name = self.speaker().name.as_str().into();
        self.taints = self.effective_taints();
        self.capacity = dimensions.capacity(&self.capacity_list());
        self.allocatable = dimensions.capacity(&self.allocatable_list());
    }

    /// Whether the node has joined and been prepared. Nodes of others always have.
    pub fn is_registered(&self) -> bool {
        !self.is_managed() || self.node_says(REGISTERED)
    }

    /// Whether the node is complete. Nodes of others always are.
    pub fn is_initialized(&self) -> bool {
        !self.is_managed() || self.node_says(INITIALIZED)
    }

    /// Whether the provider has started a machine. Nodes of others always run.
    pub fn is_launched(&self) -> bool {
        !self.provider_id().is_empty()
    }

    /// The machine's id; the name of a Node without one; empty for a claim without one.
    pub fn provider_id(&self) -> &str {
        match (&self.node, &self.claim) {
            (Some(node), _) => node_provider_id(node),
            (None, Some(claim)) => &claim.status.provider_id,
            (None, None) => "",
        }
    }

    /// Whether the machine is going: the claim is being deleted or its instance terminated, or,
    /// without a claim, the Node is being deleted.
    pub fn is_deleted(&self) -> bool {
        match (&self.claim, &self.node) {
            (Some(claim), _) => claim.metadata.is_deleting() || claim.is(INSTANCE_TERMINATING),
            (None, Some(node)) => node.metadata.is_deleting(),
            (None, None) => false,
        }
    }

    fn node_says(&self, label: &str) -> bool {
        let node = self.node.as_ref();
        node.and_then(|node| node.metadata.labels.get(label))
            .is_some_and(|value| value == "true")
    }

    /// Whose name, labels and annotations count.
    pub(super) fn speaker(&self) -> &ObjectMeta {
        match (&self.node, &self.claim) {
            (None, Some(claim)) => &claim.metadata,
            (Some(_), Some(claim)) if !self.is_registered() => &claim.metadata,
            (Some(node), _) => &node.metadata,
            (None, None) => unreachable!("a machine is known by its Node or its NodeClaim"),
        }
    }

    fn effective_taints(&self) -> Vec<Taint> {
        let own = match (&self.node, &self.claim) {
            (Some(node), _) if self.is_registered() => &node.spec.taints,
            (_, Some(claim)) => &claim.spec.taints,
            (Some(node), None) => &node.spec.taints,
            (None, None) => return Vec::new(),
        };
        let startup = match &self.claim {
            Some(claim) if !self.is_initialized() => &claim.spec.startup_taints,
            _ => return own.clone(),
        };
        own.iter()
            .filter(|taint| !taints::is_ephemeral(taint))
            .filter(|taint| !startup.iter().any(|other| other.same_identity(taint)))
            .cloned()
            .collect()
    }

    /// What the Node reports. Kubelets publish some resources as zero for a while after they start,
    /// so until the node is initialized the claim's promise stands in for what is zero or missing.
    pub(super) fn promised(
        &self,
        of_node: impl Fn(&Node) -> &ResourceList,
        of_claim: impl Fn(&NodeClaim) -> &ResourceList,
    ) -> ResourceList {
        let Some(node) = &self.node else {
            return self
                .claim
                .as_ref()
                .map(|claim| of_claim(claim).clone())
                .unwrap_or_default();
        };
        let mut amounts = of_node(node).clone();
        if let Some(claim) = self.claim.as_ref().filter(|_| !self.is_initialized()) {
            for (resource, promise) in of_claim(claim) {
                let amount = amounts.entry(resource.clone()).or_default();
                if amount.is_zero() {
                    *amount = *promise;
                }
            }
        }
        amounts
    }
}

/// The id of a Node's machine; its name where it has none.
pub(crate) fn node_provider_id(node: &Node) -> &str {
    if node.spec.provider_id.is_empty() {
        &node.metadata.name
    } else {
        &node.spec.provider_id
    }
}
