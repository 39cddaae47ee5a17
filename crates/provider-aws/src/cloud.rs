//! The cloud as the loops call it.
//!
//! Here it is only put together who answers what: launches ([`crate::launch`]), instances
//! ([`crate::instances`]), types ([`crate::instance_types`]), drift (`aws::drift`). What is *not*
//! here: the provider's own loops.

use std::sync::Arc;

use api::labels::{
    AWS_INSTANCE_PROFILE_NAME, EC2NODECLASS_HASH, EC2NODECLASS_HASH_VERSION, INSTANCE_TYPE,
    NODEPOOL,
};
use api::{Ec2NodeClass, NodeClaim, NodePool, ProviderDefaults};
use async_trait::async_trait;
use aws::drift::{self, Drift};
use aws::ec2::PlacementGroup;
use aws::family;
use aws::images::Choices;
use aws::instance::{self, Context};
use aws::placement::Resolved;
use aws::provider_id::{instance_id, provider_id};
use aws::tags;
use catalog::InstanceType;
use catalog::ec2::AmiFamily;
use controllers::cloud::{DriftReason, RepairPolicy};
use controllers::{
    CloudError, CloudProvider, Instance, InstanceState, Launched, NodeClassKind, RegistrationHook,
};
use model::k8s::Resource;
use requirements::Vocabulary;
use runtime::ObjectKey;
use runtime::recorder::{Notice, ObjectRef};

use crate::cluster::{CidrError, ServiceCidr};
use crate::discovery::Discovery;
use crate::instance_types::InstanceTypes;
use crate::instances::{Freshness, Instances};
use crate::launch::{Launch, LaunchError, Launcher};
use crate::world::World;

/// The kind that pools refer to.
const KIND: NodeClassKind = NodeClassKind {
    group: Ec2NodeClass::GROUP,
    version: Ec2NodeClass::VERSION,
    kind: Ec2NodeClass::KIND,
    plural: Ec2NodeClass::PLURAL,
};

/// What is said where a class is missing or on its way out.
const NO_CLASS: &str = "Failed resolving NodeClass";

/// Who answers.
pub struct Parts {
    /// What loops work with.
    pub world: World,
    /// Makes launches.
    pub launcher: Launcher,
    /// Knows instances.
    pub instances: Instances,
    /// Knows types.
    pub types: Arc<InstanceTypes>,
    /// Knows the addresses of services.
    pub cidr: Arc<ServiceCidr>,
    /// Knows what classes select.
    pub discovery: Arc<Discovery>,
    /// What has to be done before a node is registered.
    pub hooks: Vec<Arc<dyn RegistrationHook>>,
    /// Whether reserved capacity is used.
    pub reserved_capacity: bool,
}

/// EC2 as a cloud.
pub struct Aws {
    parts: Parts,
    vocabulary: Vocabulary,
}

impl Aws {
    /// From those who answer.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            vocabulary: Vocabulary::aws(),
        }
    }

    /// The class of this name, unless it is on its way out. Says so on `object` if there is none.
    fn class<T: Resource>(&self, name: &str, object: &T) -> Option<Arc<Ec2NodeClass>> {
        let class = self.parts.world.objects.class(name);
        self.not_leaving(class, object)
    }

    /// Like [`Self::class`], but the API server has the last word: without its class a claim is
    /// given up, and one that has not been heard of may only be new.
    async fn class_to_launch(
        &self,
        name: &str,
        claim: &NodeClaim,
    ) -> Result<Arc<Ec2NodeClass>, CloudError> {
        let mut class = self.parts.world.objects.class(name);
        if class.is_none() {
            let client = &self.parts.world.client;
            let found = client.find(&ObjectKey::cluster(name)).await;
            class = found.map_err(other)?.map(Arc::new);
        }
        self.not_leaving(class, claim).ok_or_else(|| {
            CloudError::InsufficientCapacity(format!("EC2NodeClass {name:?} not found"))
        })
    }

    fn not_leaving<T: Resource>(
        &self,
        class: Option<Arc<Ec2NodeClass>>,
        object: &T,
    ) -> Option<Arc<Ec2NodeClass>> {
        let class = class.filter(|class| !class.metadata.is_deleting());
        if class.is_none() {
            let about = ObjectRef::of(object);
            let notice = Notice::warning(about, "NodeClassNotFound", NO_CLASS);
            self.parts.world.recorder.publish(notice);
        }
        class
    }

    /// The placement group that a class selects, as far as it is known.
    async fn group(&self, class: &Ec2NodeClass) -> Resolved {
        self.parts
            .discovery
            .placement_groups
            .resolve(class)
            .await
            .resolved
    }

    fn types(
        &self,
        class: &Ec2NodeClass,
        group: Option<&PlacementGroup>,
    ) -> Result<Arc<[Arc<InstanceType>]>, aws::types::ListError> {
        self.parts.types.list(class, group)
    }

    /// An instance as the loops see it. A pool or class that is gone leaves it without capacity.
    async fn seen(&self, instance: &aws::ec2::Instance) -> Instance {
        let objects = &self.parts.world.objects;
        let tag = |key: &str| instance.tags.get(key).map_or("", String::as_str);
        let class = objects.class(tag(tags::NODE_CLASS));
        let mut found = None;
        if let (Some(class), Some(_)) = (&class, objects.pool(tag(tags::NODEPOOL))) {
            let group = self.group(class).await;
            let types = self.types(class, group.group()).ok();
            let mut types = types.iter().flat_map(|types| types.iter());
            found = types
                .find(|one| *one.name == *instance.instance_type)
                .cloned();
        }
        let context = Context {
            instance_type: found.as_deref(),
            class: class.as_deref(),
            claim: None,
            reserved_capacity: self.parts.reserved_capacity,
            partitioned: false,
        };
        let amount = |of: fn(&aws::ec2::Instance, &InstanceType) -> model::ResourceList| {
            found
                .as_deref()
                .map(|one| of(instance, one))
                .unwrap_or_default()
        };
        Instance {
            provider_id: provider_id(&instance.zone, &instance.id),
            claim_name: tag(tags::NODECLAIM).to_owned(),
            claim_uid: String::new(),
            node_name: String::new(),
            created: instance.launched,
            state: if instance.state.is_ending() {
                InstanceState::Terminating
            } else {
                InstanceState::Running
            },
            labels: instance::labels(instance, &context),
            image_id: instance.image_id.clone(),
            capacity: amount(instance::capacity),
            allocatable: amount(instance::allocatable),
        }
    }

    /// What a launch gave its claim.
    fn launched(
        &self,
        claim: &NodeClaim,
        class: &Ec2NodeClass,
        types: &[Arc<InstanceType>],
        launched: &aws::fleet::Launched,
    ) -> Launched {
        let made = &launched.instance;
        let found = types.iter().find(|one| *one.name == *made.instance_type);
        let context = Context {
            instance_type: found.map(|one| &**one),
            class: Some(class),
            claim: Some(claim),
            reserved_capacity: self.parts.reserved_capacity,
            partitioned: launched.has_partitions,
        };
        let amount = |of: fn(&aws::ec2::Instance, &InstanceType) -> model::ResourceList| {
            found.map(|one| of(made, one)).unwrap_or_default()
        };
        let of_class = [EC2NODECLASS_HASH, EC2NODECLASS_HASH_VERSION];
        let of_class = of_class.into_iter().filter_map(|key| {
            let value = class.metadata.annotations.get(key)?.clone();
            Some((key.to_owned(), value))
        });
        let profile = class.status.instance_profile.clone();
        let profile = (AWS_INSTANCE_PROFILE_NAME.to_owned(), profile);
        Launched {
            provider_id: provider_id(&made.zone, &made.id),
            image_id: made.image_id.clone(),
            labels: instance::labels(made, &context),
            annotations: of_class.chain([profile]).collect(),
            capacity: amount(instance::capacity),
            allocatable: amount(instance::allocatable),
        }
    }

    async fn instance_drift(
        &self,
        claim: &NodeClaim,
        class: &Ec2NodeClass,
    ) -> Result<Option<Drift>, CloudError> {
        let id = instance_id(&claim.status.provider_id).ok_or_else(|| no_instance(claim))?;
        let instances = &self.parts.instances;
        let mut seen = instances.get(id, Freshness::Known).await?;
        if drift::needs_a_second_look(class, &seen) {
            seen = instances.get(id, Freshness::Fresh).await?;
        }
        let group = self.group(class).await;
        drift::of_instance(class, claim, &seen, &group).map_err(other)
    }
}

#[async_trait]
impl CloudProvider for Aws {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn vocabulary(&self) -> Vocabulary {
        self.vocabulary.clone()
    }

    fn node_class_kinds(&self) -> &[NodeClassKind] {
        &[KIND]
    }

    async fn create(&self, claim: &NodeClaim) -> Result<Launched, CloudError> {
        let name = claim
            .spec
            .node_class_ref
            .or_default(&ProviderDefaults::aws())
            .name;
        let class = self.class_to_launch(&name, claim).await?;
        aws::fleet::ready(&class).map_err(of_launch)?;
        let pool = claim
            .metadata
            .labels
            .get(NODEPOOL)
            .map_or("", String::as_str);
        let tags = self.parts.world.cluster.tags(&class, pool);
        let tags = tags.map_err(|error| CloudError::NodeClassNotReady(error.to_string()))?;
        if family::of(&class) == AmiFamily::Al2023 {
            // Its user data names them, and a process that has just begun does not know them yet.
            self.parts.cidr.resolve().await.map_err(of_cidr)?;
        }
        let group = self.group(&class).await;
        let types = self.types(&class, group.group());
        let types = types.map_err(|error| {
            tracing::error!(NodeClaim.name = claim.metadata.name, %error, "resolving instance types");
            CloudError::Create {
                reason: "InstanceTypeResolutionFailed".to_owned(),
                message: "Error resolving instance types".to_owned(),
            }
        })?;
        let launch = Launch {
            class: &class,
            claim,
            types: &types,
            tags: &tags,
            group: group.group(),
        };
        let launched = self
            .parts
            .launcher
            .launch(&launch)
            .await
            .map_err(of_launch)?;
        self.parts.instances.note(launched.instance.clone());
        Ok(self.launched(claim, &class, &types, &launched))
    }

    async fn delete(&self, claim: &NodeClaim) -> Result<(), CloudError> {
        let id = instance_id(&claim.status.provider_id).ok_or_else(|| no_instance(claim))?;
        let deleted = self.parts.instances.delete(id).await;
        if let Err(error) = &deleted
            && error.is_not_found()
            && let Some(reservation) = claim
                .metadata
                .labels
                .get(api::labels::CAPACITY_RESERVATION_ID)
        {
            self.parts.discovery.reservations.terminated(reservation);
        }
        Ok(deleted?)
    }

    async fn get(&self, provider_id: &str) -> Result<Instance, CloudError> {
        let unreadable = || CloudError::Other(format!("provider id {provider_id:?} is not ours"));
        let id = instance_id(provider_id).ok_or_else(unreadable)?;
        let found = self.parts.instances.get(id, Freshness::Known).await;
        Ok(self.seen(&*found?).await)
    }

    async fn list(&self) -> Result<Vec<Instance>, CloudError> {
        let listed = self.parts.instances.list().await?;
        let mut all = Vec::with_capacity(listed.len());
        for instance in listed {
            all.push(self.seen(&instance).await);
        }
        Ok(all)
    }

    async fn instance_types(
        &self,
        pool: &NodePool,
    ) -> Result<Arc<[Arc<InstanceType>]>, CloudError> {
        let class = &pool.spec.template.spec.node_class_ref;
        let name = class.or_default(&ProviderDefaults::aws()).name;
        let Some(class) = self.class(&name, pool) else {
            return Ok(Arc::new([]));
        };
        let group = self.group(&class).await;
        self.types(&class, group.group()).map_err(other)
    }

    async fn is_drifted(&self, claim: &NodeClaim) -> Result<Option<DriftReason>, CloudError> {
        let objects = &self.parts.world.objects;
        let Some(pool) = claim.pool().and_then(|name| objects.pool(name)) else {
            return Ok(None);
        };
        let class = &pool.spec.template.spec.node_class_ref;
        let name = class.or_default(&ProviderDefaults::aws()).name;
        let Some(class) = self.class(&name, &*pool) else {
            return Ok(None);
        };
        let reason = |drift: Drift| Some(DriftReason(drift.reason().to_owned()));
        if let Some(drift) = drift::of_class(&class, claim) {
            return Ok(reason(drift));
        }
        let group = self.group(&class).await;
        let types = self.types(&class, group.group()).map_err(other)?;
        let wanted = claim
            .metadata
            .labels
            .get(INSTANCE_TYPE)
            .map_or("", String::as_str);
        let found = types
            .iter()
            .find(|one| *one.name == *wanted)
            .ok_or_else(|| {
                CloudError::Other(format!(
                    "instance type {wanted:?} of the claim is not known"
                ))
            })?;
        let choices = Choices::new(&class.status.amis);
        let image = choices.image_for(&found.requirements);
        if let Some(drift) = drift::of_image(&class, claim, image).map_err(other)? {
            return Ok(reason(drift));
        }
        Ok(self.instance_drift(claim, &class).await?.and_then(reason))
    }

    fn repair_policies(&self) -> Vec<RepairPolicy> {
        aws::repair::POLICIES
            .iter()
            .map(|policy| RepairPolicy {
                condition: policy.condition.into(),
                status: policy.status.into(),
                toleration: policy.toleration,
            })
            .collect()
    }

    fn registration_hooks(&self) -> Vec<Arc<dyn RegistrationHook>> {
        self.parts.hooks.clone()
    }
}

fn no_instance(claim: &NodeClaim) -> CloudError {
    let id = &claim.status.provider_id;
    CloudError::Other(format!("provider id {id:?} names no instance"))
}

fn of_cidr(error: CidrError) -> CloudError {
    CloudError::Create {
        reason: "ClusterCIDRResolutionFailed".to_owned(),
        message: error.to_string(),
    }
}

fn of_launch(error: LaunchError) -> CloudError {
    match error {
        LaunchError::InsufficientCapacity(text) => CloudError::InsufficientCapacity(text),
        LaunchError::NodeClassNotReady(text) => CloudError::NodeClassNotReady(text),
        LaunchError::Create { reason, message } => CloudError::Create { reason, message },
    }
}

fn other(error: impl std::fmt::Display) -> CloudError {
    CloudError::Other(error.to_string())
}

#[cfg(test)]
mod tests;
