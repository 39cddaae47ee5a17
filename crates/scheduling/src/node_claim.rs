//! Planned claims as the objects that are written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::nodeclaim::ResourceRequests;
use api::{NodeClaim, NodeClaimSpec, NodePool, labels};
use catalog::{CapacityType, Price};
use cluster::PoolState;
use model::{ObjectMeta, OwnerReference};
use requirements::{Requirement, Requirements, Vocabulary};

use crate::TaintLabels;
use crate::claims::pool_annotations;
use crate::index::pools::{self, PROGRESS};
use crate::placement::{Launch, MinValuesOutcome, PlannedClaim};

/// The object to create for one node of a pool for which no pod asks: the pool's template and
/// nothing else, so that the provider chooses. Requirements about devices, which are no labels, are
/// written as the instance types that have them.
pub fn template_claim(
    state: &PoolState,
    vocabulary: &Vocabulary,
    taint_labels: TaintLabels,
    seed: u64,
) -> NodeClaim {
    let template = pools::common(state, vocabulary, taint_labels);
    let mut requirements = template.requirements.clone();
    for key in PROGRESS.into_iter().chain([labels::HOSTNAME]) {
        requirements.remove(key);
    }
    let names: BTreeSet<Arc<str>> = template.types.iter().map(|ty| ty.name.clone()).collect();
    if names.len() < state.types.len() {
        requirements.add(Requirement::any_of(labels::INSTANCE_TYPE, names));
    }
    let mut own_labels = template.labels.clone();
    own_labels.extend(requirements.labels(&requirements, vocabulary, seed));
    let spec = &state.pool.spec.template.spec;
    let written = NodeClaimSpec {
        taints: spec.taints.clone(),
        startup_taints: spec.startup_taints.clone(),
        requirements: requirements.to_items(),
        ..NodeClaimSpec::default()
    };
    of_pool(&state.pool, own_labels, pool_annotations(state), written)
}

/// The same as a planned claim of this name. It lists no types: which is launched, and for how
/// much, is the provider's choice.
pub fn template_plan(
    state: &PoolState,
    vocabulary: &Vocabulary,
    taint_labels: TaintLabels,
    (name, seed): (String, u64),
) -> PlannedClaim {
    let claim = template_claim(state, vocabulary, taint_labels, seed);
    let template = pools::common(state, vocabulary, taint_labels);
    let mut requirements = template.requirements.clone();
    for key in PROGRESS.into_iter().chain([labels::HOSTNAME]) {
        requirements.remove(key);
    }
    PlannedClaim {
        name,
        pool: state.name().into(),
        pods: Vec::new(),
        instance_types: [].into(),
        requirements: Arc::new(requirements),
        requests: Arc::default(),
        labels: Arc::new(claim.metadata.labels),
        annotations: Arc::new(claim.metadata.annotations),
        taints: claim.spec.taints.into(),
        startup_taints: claim.spec.startup_taints.into(),
        launch: Launch {
            instance_type: "".into(),
            zone: "".into(),
            capacity_type: CapacityType::OnDemand,
            price: Price::ZERO,
        },
        min_values: MinValuesOutcome::Kept,
    }
}

/// A claim of a pool, with all that every claim of it has.
fn of_pool(
    pool: &NodePool,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    spec: NodeClaimSpec,
) -> NodeClaim {
    let template = &pool.spec.template.spec;
    NodeClaim {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", pool.metadata.name)),
            labels,
            annotations,
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
            node_class_ref: template.node_class_ref.clone(),
            termination_grace_period: template.termination_grace_period.clone(),
            expire_after: Some(pool.claimed_expire_after()),
            ..spec
        },
        ..NodeClaim::default()
    }
}

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
        let spec = NodeClaimSpec {
            taints: self.taints.to_vec(),
            startup_taints: self.startup_taints.to_vec(),
            requirements: self.all_requirements().to_items(),
            resources: ResourceRequests {
                requests: self.requests.as_ref().clone(),
            },
            ..NodeClaimSpec::default()
        };
        let (labels, annotations) = (&*self.labels, &*self.annotations);
        of_pool(pool, labels.clone(), annotations.clone(), spec)
    }
}
