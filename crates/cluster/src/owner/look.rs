//! Single objects and small lists, for those who follow one object at a time.

use std::sync::Arc;

use api::{NodeClaim, NodePool};
use model::k8s::Node;

use super::Cluster;
use crate::pod::PodRecord;
use crate::snapshot::Volumes;
use crate::store::ObjectKey;

impl Cluster {
    /// The Node object of this name, whether it is part of a machine or not.
    pub fn node_object(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes.get(&ObjectKey::new("", name))
    }

    /// All Node objects, by name.
    pub fn node_objects(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.objects().values()
    }

    /// Nodes with a provider id, by name. There should be one at most. None for an empty id.
    pub fn nodes_of(&self, provider_id: &str) -> Vec<Arc<Node>> {
        let names = self.machines.nodes_by_id.get(provider_id);
        let names = names.into_iter().flatten();
        names
            .filter_map(|name| self.node_object(name).cloned())
            .collect()
    }

    /// NodeClaims with a provider id, by name. There should be one at most. None for an empty id.
    pub fn claims_of(&self, provider_id: &str) -> Vec<Arc<NodeClaim>> {
        let names = self.machines.claims_by_id.get(provider_id);
        let names = names.into_iter().flatten();
        names.filter_map(|name| self.claim(name).cloned()).collect()
    }

    /// All pods, by namespace and name.
    pub fn pods(&self) -> impl Iterator<Item = &Arc<PodRecord>> {
        self.pods.iter()
    }

    /// All NodeClaims, by name.
    pub fn claims(&self) -> impl Iterator<Item = &Arc<NodeClaim>> {
        self.claims.objects().values()
    }

    /// All NodePools, by name.
    pub fn pools(&self) -> impl Iterator<Item = &Arc<NodePool>> {
        self.pools.objects().values()
    }

    /// Volumes and all that belongs to them.
    pub fn volumes(&self) -> Volumes {
        Volumes {
            claims: self.volume_claims.objects().clone(),
            volumes: self.volumes.objects().clone(),
            classes: self.storage_classes.objects().clone(),
            csi_nodes: self.csi_nodes.objects().clone(),
            attachments: self.attachments.objects().clone(),
        }
    }
}
