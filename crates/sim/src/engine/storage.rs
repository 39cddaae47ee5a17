//! Claims and volumes as they change, and what nodes can attach.

use model::k8s::CsiNode;
use model::k8s::Node;
use serde_json::{Value, json};

use super::Engine;
use super::absorb::read;
use super::watches::Stored;
use crate::storage::controller::ephemeral_claims;
use crate::storage::{Class, NO_PROVISIONER};
use crate::write::Write;

/// How many EBS volumes the simulated nodes attach: of the 28 slots that instances of the Nitro
/// system share in general, one is the root volume's and one a network interface's
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/volume_limits.html>).
const EBS_LIMIT: usize = 26;
const EBS: &str = "ebs.csi.aws.com";

impl Engine {
    /// Takes in an object that has to do with volumes.
    pub(super) fn stored(&mut self, kind: Stored, object: &Value, gone: bool) {
        self.storage_due = true;
        self.scheduling_due = true;
        let storage = &mut self.state.storage;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        match kind {
            Stored::Claims => {
                let claim: crate::storage::Claim = read(object);
                if gone {
                    storage.remove_claim(&claim.key());
                } else {
                    storage.put_claim(claim);
                }
            }
            Stored::Volumes if gone => storage.remove_volume(name),
            Stored::Volumes => storage.put_volume(read(object)),
            Stored::Classes if gone => drop(storage.classes.remove(name)),
            Stored::Classes => {
                let class: Class = read(object);
                storage.classes.insert(name.to_owned(), class.into());
            }
            Stored::Nodes if gone => drop(storage.limits.remove(name)),
            Stored::Nodes => {
                let node: CsiNode = read(object);
                let drivers = node.spec.drivers.into_iter();
                let limits = drivers.filter_map(|driver| {
                    let count = driver.allocatable?.count?;
                    Some((driver.name, usize::try_from(count).unwrap_or(0)))
                });
                storage.limits.insert(name.to_owned(), limits.collect());
            }
        }
    }

    /// Makes the claims that a pod's ephemeral volumes call for.
    pub(super) fn ephemeral_claims(&mut self, pod: &Value) {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
        let mut writes = ephemeral_claims(pod);
        writes.retain(|write| match write {
            Write::Create(claim) => {
                let name = claim["metadata"]["name"].as_str().unwrap_or_default();
                let key = (namespace.to_owned(), name.to_owned());
                !self.state.storage.claims.contains_key(&key)
            }
            _ => true,
        });
        self.perform(writes);
    }

    /// The drivers of the storage classes register on a node.
    pub(super) fn register_drivers(&mut self, node: &Node) {
        let classes = self.state.storage.classes.values();
        let mut names: Vec<&str> = classes
            .map(|class| match class.provisioner.as_str() {
                "kubernetes.io/aws-ebs" => EBS,
                name => name,
            })
            .filter(|name| !name.is_empty() && *name != NO_PROVISIONER)
            .collect();
        names.sort_unstable();
        names.dedup();
        let drivers: Vec<Value> = names
            .into_iter()
            .map(|name| {
                let mut driver = json!({
                    "name": name,
                    "nodeID": node.spec.provider_id,
                    "topologyKeys": [api::labels::ZONE],
                });
                if name == EBS {
                    driver["allocatable"] = json!({ "count": EBS_LIMIT });
                }
                driver
            })
            .collect();
        self.perform(vec![Write::Create(json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSINode",
            "metadata": {
                "name": node.metadata.name,
                "ownerReferences": [{
                    "apiVersion": "v1",
                    "kind": "Node",
                    "name": node.metadata.name,
                    "uid": node.metadata.uid,
                }],
            },
            "spec": { "drivers": drivers },
        }))]);
    }

    /// The zones in which the cloud sells anything.
    pub(super) fn learn_zones(&mut self) {
        let types = self.config.catalogs.default.types.iter();
        let offerings = types.flat_map(|one| &one.offerings);
        self.state.storage.zones = offerings.map(|one| one.zone.to_string()).collect();
    }
}
