//! Whether a node class can be used: what can be known without asking, and then a launch that is
//! tried without being made.
//!
//! Trials cost calls, so their result is remembered for half an hour, by everything that they
//! depend on. What is *not* here: what refusals mean (`aws::validation`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Ec2NodeClass, NodeClaim, NodePool, condition};
use aws::class::{Reserved, VALIDATION_SUCCEEDED};
use aws::ec2::{FleetOverride, FleetRequest, ResourceType, RunCheck};
use aws::kubelet::{self, Evaluation, Expressions};
use aws::types::{Options as TypeOptions, Setup, compatible};
use aws::validation::{Candidates, Reaction, Trial, Verdict, awaiting, reaction, trial_type};
use aws::{Failure, Tags};
use catalog::InstanceType;
use catalog::ec2::{AmiFamily, NodeSettings};
use runtime::Clock;

use crate::cache::Cache;
use crate::calls::Ec2;
use crate::cluster::{CidrError, ServiceCidr};
use crate::discovery::placement_groups::PlacementGroups;
use crate::instance_types::InstanceTypes;
use crate::launch::{Launch, Launcher, TrialFailed};
use crate::objects::Objects;

/// For how long the result of a trial is remembered.
const REMEMBERED: Duration = Duration::from_mins(30);
/// How soon a class is looked at again.
pub(super) const AGAIN: Duration = Duration::from_mins(10);
/// How soon a trial is repeated that AWS did not answer.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// Whether launches are tried at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    /// They are.
    #[default]
    Enabled,
    /// They are not (`DISABLE_DRY_RUN`).
    Disabled,
}

/// What validation works with.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// EC2.
    pub ec2: Arc<dyn Ec2>,
    /// Makes the template of the trial.
    pub launcher: Launcher,
    /// Types to try.
    pub types: Arc<InstanceTypes>,
    /// Placement groups.
    pub placement_groups: Arc<PlacementGroups>,
    /// Pools, which say what to try.
    pub objects: Objects,
    /// The cluster, for tags.
    pub cluster: aws::Cluster,
    /// Addresses of services, which AL2023 needs to know.
    pub cidr: Arc<ServiceCidr>,
    /// Whether kubelet settings may be expressions.
    pub expressions: Expressions,
    /// Whether launches are tried.
    pub dry_run: DryRun,
    /// Whether reserved capacity is used.
    pub reserved: Reserved,
}

/// Says whether node classes can be used.
pub struct Validation {
    parts: Parts,
    remembered: Cache<(String, u64), Verdict>,
}

/// A trial ended in a way that no condition tells.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TrialError {
    /// AWS refused for another reason.
    #[error("validating the node class, {0}")]
    Refused(#[from] Failure),
    /// Nothing could be tried.
    #[error("validating the node class, {0}")]
    Nothing(String),
    /// The addresses of services could not be found out.
    #[error(transparent)]
    Cidr(#[from] CidrError),
}

/// How far a validation came.
enum Step {
    /// The condition says so; looked at again after the usual time.
    Say(Verdict),
    /// The condition says so; nothing changes before the class does.
    Settled(Verdict),
    /// Nothing is known; looked at again soon.
    Again,
}

impl Validation {
    /// Nothing has been tried yet.
    pub fn new(parts: Parts) -> Self {
        Self {
            remembered: Cache::new(parts.clock.clone(), REMEMBERED),
            parts,
        }
    }

    /// Forgets what trials of a class have shown.
    pub fn forget(&self, class: &str) {
        for ((name, hash), _) in self.remembered.all() {
            if name == class {
                self.remembered.remove(&(name, hash));
            }
        }
    }

    /// Writes into the class' status whether it can be used. Says when to look again.
    pub async fn reconcile(
        &self,
        class: &mut Ec2NodeClass,
    ) -> Result<Option<Duration>, TrialError> {
        let step = self.validate(class).await;
        let (verdict, again) = match step {
            Ok(Step::Say(verdict)) => (verdict, Some(AGAIN)),
            Ok(Step::Settled(verdict)) => (verdict, None),
            Ok(Step::Again) => return Ok(Some(SOON)),
            Err(TrialError::Cidr(error)) => {
                let reason = "ClusterCIDRResolutionFailed";
                let verdict = Verdict::invalid(reason, "Failed to detect the cluster CIDR");
                self.say(class, &verdict);
                return Err(TrialError::Cidr(error));
            }
            Err(error) => return Err(error),
        };
        self.say(class, &verdict);
        Ok(again)
    }

    fn say(&self, class: &mut Ec2NodeClass, verdict: &Verdict) {
        let subject = aws::class::subject(class, self.parts.reserved, self.parts.clock.now());
        let (status, reason, message) = match verdict {
            Verdict::Valid => (condition::TRUE, VALIDATION_SUCCEEDED, ""),
            Verdict::Invalid { reason, message } => (condition::FALSE, *reason, message.as_str()),
            Verdict::Unknown { reason, message } => (condition::UNKNOWN, *reason, message.as_str()),
        };
        let what = (VALIDATION_SUCCEEDED, status);
        condition::set(
            &mut class.status.conditions,
            &subject,
            what,
            reason,
            message,
        );
    }

    async fn validate(&self, class: &Ec2NodeClass) -> Result<Step, TrialError> {
        let family = aws::family::of(class);
        if family == AmiFamily::Al2023 {
            match self.parts.cidr.resolve().await {
                Ok(_) => {}
                Err(CidrError::Failed(failure)) if failure.is_transient() => {
                    return Ok(Step::Again);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let settings = &class.spec.kubelet;
        let compiled = match kubelet::accept(settings, family, self.parts.expressions) {
            Ok(compiled) => compiled,
            Err(refusal) => {
                let verdict = Verdict::invalid(refusal.reason.as_str(), refusal.message);
                return Ok(Step::Settled(verdict));
            }
        };
        if let Some(verdict) = awaiting(class) {
            return Ok(Step::Say(verdict));
        }
        let region = self.parts.types.region();
        let node = NodeSettings::from_class(class);
        match kubelet::evaluate_all(&compiled, region.machines(), &node) {
            Evaluation::Succeeded => {}
            Evaluation::NoMachines => return Ok(Step::Again),
            Evaluation::Failed(refusal) => {
                let verdict = Verdict::invalid(refusal.reason.as_str(), refusal.message);
                return Ok(Step::Settled(verdict));
            }
        }
        let tags = match self.parts.cluster.tags(class, "") {
            Ok(tags) => tags,
            Err(error) => {
                let verdict = Verdict::invalid("TagValidationFailed", error.to_string());
                return Ok(Step::Settled(verdict));
            }
        };
        let key = (class.metadata.name.clone(), digest(class, &tags));
        if let Some(verdict) = self.remembered.get(&key) {
            return Ok(Step::Say(verdict));
        }
        self.remembered.sweep();
        if self.parts.dry_run == DryRun::Disabled {
            self.remembered.put(key, Verdict::Valid);
            return Ok(Step::Say(Verdict::Valid));
        }
        match self.try_launch(class, family, &tags).await? {
            Tried::Succeeded => {
                self.remembered.put(key, Verdict::Valid);
                Ok(Step::Say(Verdict::Valid))
            }
            Tried::Refused(Reaction::Remember(verdict)) => {
                self.remembered.put(key, verdict.clone());
                Ok(Step::Say(verdict))
            }
            Tried::Refused(Reaction::Say(verdict)) => Ok(Step::Say(verdict)),
            Tried::Refused(Reaction::Again | Reaction::Fail) => Ok(Step::Again),
        }
    }

    /// Tries a launch of one instance.
    async fn try_launch(
        &self,
        class: &Ec2NodeClass,
        family: AmiFamily,
        tags: &Tags,
    ) -> Result<Tried, TrialError> {
        let pools = self.parts.objects.pools_of_class(&class.metadata.name);
        let group = self.parts.placement_groups.resolve(class).await.resolved;
        let types = self.parts.types.list(class, group.group());
        let types = types.map_err(|error| TrialError::Nothing(error.to_string()))?;
        let usable = self.usable(class, group.group(), &types);
        let candidates = Candidates {
            class,
            family,
            types: &usable,
            pools: &pools,
        };
        let Some((one, _)) = trial_type(&candidates) else {
            let text = "no instance type runs an image of the class".to_owned();
            return Err(TrialError::Nothing(text));
        };
        let claim = NodeClaim::default();
        let launch = Launch {
            class,
            claim: &claim,
            types: &types,
            tags,
            group: group.group(),
        };
        let made = self.parts.launcher.trial(&launch, &one, tenancy(&pools));
        let template = match made.await {
            Ok(template) => template,
            Err(TrialFailed::Aws(failure)) => {
                return refused(Trial::CreateLaunchTemplate, failure, class);
            }
            Err(TrialFailed::Other(error)) => {
                return Err(TrialError::Nothing(error.to_string()));
            }
        };
        match self.try_fleet(class, &template, &one, tags).await {
            Err(failure) if failure.is_dry_run_success() => {}
            Err(failure) => return refused(Trial::CreateFleet, failure, class),
            Ok(()) => {}
        }
        match self.try_run(class, &template, &one, tags).await {
            Ok(()) => Ok(Tried::Succeeded),
            Err(failure) => refused(Trial::RunInstances, failure, class),
        }
    }

    /// The types that the class' settings allow.
    fn usable(
        &self,
        class: &Ec2NodeClass,
        group: Option<&aws::ec2::PlacementGroup>,
        types: &[Arc<InstanceType>],
    ) -> Vec<Arc<InstanceType>> {
        let region = self.parts.types.region();
        let setup = Setup::new(class, group, &TypeOptions::default());
        let by_name: BTreeMap<&str, _> = region
            .machines()
            .iter()
            .map(|machine| (machine.name.as_str(), machine))
            .collect();
        let allows = |one: &&Arc<InstanceType>| {
            let machine = by_name.get(&*one.name);
            machine.is_some_and(|machine| compatible(machine, &setup).is_ok())
        };
        types.iter().filter(allows).cloned().collect()
    }

    async fn try_fleet(
        &self,
        class: &Ec2NodeClass,
        template: &str,
        one: &InstanceType,
        tags: &Tags,
    ) -> Result<(), Failure> {
        let overrides = class.status.subnets.iter().map(|subnet| FleetOverride {
            instance_type: one.name.to_string(),
            subnet_id: Some(subnet.id.clone()),
            ..FleetOverride::default()
        });
        let config = aws::ec2::FleetConfig {
            template: template.to_owned(),
            overrides: overrides.collect(),
        };
        let tagged = [
            ResourceType::Instance,
            ResourceType::Volume,
            ResourceType::Fleet,
        ];
        let request = FleetRequest {
            context: class.spec.context.clone(),
            configs: vec![config],
            capacity: 1,
            on_demand_strategy: Some("lowest-price".to_owned()),
            tags: aws::template::tag_specifications(&tagged, tags),
            dry_run: true,
            ..FleetRequest::default()
        };
        self.parts.ec2.create_fleet(&request).await.map(drop)
    }

    /// In each subnet until it would work; the first refusal counts where it never would.
    async fn try_run(
        &self,
        class: &Ec2NodeClass,
        template: &str,
        one: &InstanceType,
        tags: &Tags,
    ) -> Result<(), Failure> {
        let tagged = [
            ResourceType::Instance,
            ResourceType::Volume,
            ResourceType::NetworkInterface,
        ];
        let mut first = Ok(());
        for subnet in &class.status.subnets {
            let check = RunCheck {
                template: template.to_owned(),
                instance_type: one.name.to_string(),
                interfaces: class.spec.network_interfaces.clone(),
                subnet_id: subnet.id.clone(),
                tags: aws::template::tag_specifications(&tagged, tags),
            };
            match self.parts.ec2.check_run(&check).await {
                Ok(()) => return Ok(()),
                Err(failure) if first.is_ok() => first = Err(failure),
                Err(_) => {}
            }
        }
        first
    }
}

/// How a trial ended.
enum Tried {
    Succeeded,
    Refused(Reaction),
}

fn refused(trial: Trial, failure: Failure, class: &Ec2NodeClass) -> Result<Tried, TrialError> {
    match reaction(trial, &failure, class) {
        Reaction::Fail => Err(failure.into()),
        reaction => Ok(Tried::Refused(reaction)),
    }
}

/// `dedicated` if a pool of the class allows it, so that permission for it is tried.
fn tenancy(pools: &[Arc<NodePool>]) -> &'static str {
    let allows = |pool: &Arc<NodePool>| {
        let wanted = &pool.spec.template.spec.requirements;
        let wanted = requirements::Requirements::from_items(wanted);
        let tenancy = wanted.get(api::labels::AWS_INSTANCE_TENANCY);
        tenancy.is_some_and(|tenancy| tenancy.has("dedicated"))
    };
    if pools.iter().any(allows) {
        "dedicated"
    } else {
        "default"
    }
}

/// A number that changes with everything that a trial depends on.
fn digest(class: &Ec2NodeClass, tags: &Tags) -> u64 {
    let status = &class.status;
    let text = serde_json::json!([
        status.subnets,
        status.security_groups,
        status.amis,
        status.instance_profile,
        class.spec,
        class.metadata.annotations,
        tags,
    ]);
    api::fnv1(&text.to_string())
}
