//! Planned claims as the objects that are written.

use api::nodeclaim::ResourceRequests;
use api::{NodeClaim, NodeClaimSpec, NodePool, labels};
use model::{ObjectMeta, OwnerReference};
use requirements::{Requirement, Requirements};

use crate::placement::PlannedClaim;

impl PlannedClaim {
    /// All that the claim requires as it is written, the instance types included.
    pub fn all_requirements(&self) -> Requirements {
        let mut all = Requirements::clone(&self.requirements);
        let min_values = all
            .get(labels::INSTANCE_TYPE)
            .and_then(Requirement::min_values);
        let names = self.instance_types.iter().map(|ty| ty.name.clone());
        let mut types = Requirement::any_of(labels::INSTANCE_TYPE, names);
        types.set_min_values(min_values);
        all.set(types);
        all
    }

    /// The object to create for this claim, `pool` being its pool.
    pub fn to_node_claim(&self, pool: &NodePool) -> NodeClaim {
        let template = &pool.spec.template.spec;
        NodeClaim {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}-", self.pool)),
                labels: self.labels.as_ref().clone(),
                annotations: self.annotations.as_ref().clone(),
                owner_references: vec![OwnerReference {
                    api_version: "karpenter.sh/v1".to_owned(),
                    kind: "NodePool".to_owned(),
                    name: pool.metadata.name.clone(),
                    uid: pool.metadata.uid.clone(),
                    controller: None,
                    block_owner_deletion: Some(true),
                }],
                ..ObjectMeta::default()
            },
            spec: NodeClaimSpec {
                taints: self.taints.to_vec(),
                startup_taints: self.startup_taints.to_vec(),
                requirements: self.all_requirements().to_items(),
                resources: ResourceRequests {
                    requests: self.requests.as_ref().clone(),
                },
                node_class_ref: template.node_class_ref.clone(),
                termination_grace_period: template.termination_grace_period.clone(),
                expire_after: Some(pool.claimed_expire_after()),
            },
            ..NodeClaim::default()
        }
    }
}
