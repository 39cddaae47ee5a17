//! Launches: from a claim to an instance.
//!
//! Filters, subnets, templates, a fleet, and what its answer means, in this order; the deciding is
//! done in `aws`. What is *not* here: what the provider does around it (the node class, the types,
//! the claim's labels), and where what was learned is kept ([`Lessons`]).

mod plan;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Ec2NodeClass, NodeClaim};
use aws::Tags;
use aws::ec2::{FleetRequest, PlacementGroup};
use aws::fleet::{self, Asked, Effects, Launched, MinValues, Wanted};
use aws::subnets::{Addresses, Choices};
use aws::template::{AddressFamily, Group, Limits, Reservations};
use catalog::{CapacityType, InstanceType};
use requirements::Vocabulary;
use runtime::Clock;
use runtime::metrics::{Metrics, names};

pub use aws::fleet::LaunchError;

use crate::batch::{FleetAnswer, Fleets};
use crate::cache::Cache;
use crate::templates::Templates;
use plan::Plan;

/// For how long it is remembered which instance a claim got, in case the claim could not be told.
/// Claims are given up that have not got one in five minutes.
const REMEMBERED: Duration = Duration::from_mins(10);

/// How instances become nodes: what their template says beside the node class.
pub trait Blueprint: Send + Sync {
    /// The image that each type runs; types that none is for are left out.
    fn images(
        &self,
        class: &Ec2NodeClass,
        types: &[Arc<InstanceType>],
    ) -> Vec<(Arc<InstanceType>, String)>;

    /// Settings of the kubelet by which nodes of a type differ from those of others.
    fn limits(&self, class: &Ec2NodeClass, instance_type: &InstanceType) -> Limits;

    /// User data of the nodes of a group of types. `Err` says why there is none.
    fn user_data(
        &self,
        launch: &Launch<'_>,
        group: &Group<Limits>,
        capacity_type: CapacityType,
    ) -> Result<UserData, String>;
}

/// User data as EC2 gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserData {
    /// In base64.
    pub encoded: String,
    /// Bytes before that.
    pub bytes: usize,
}

/// Where it is kept what launches have shown.
pub trait Lessons: Send + Sync {
    /// The errors of a fleet mean this for others. Once for each fleet.
    fn learn(&self, effects: &Effects, fleet: &str);

    /// A claim's launch has shown that the account lacks the role for spot instances.
    fn spot_role_missing(&self, claim: &NodeClaim);

    /// An instance was launched, perhaps into a reservation.
    fn launched(&self, launched: &Launched);
}

/// What does not change from launch to launch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region.
    pub region: String,
    /// Addresses of the cluster.
    pub addresses: AddressFamily,
    /// Whether reservations are used.
    pub reservations: Reservations,
    /// What happens where `minValues` can't be met.
    pub min_values: MinValues,
}

/// A launch to be made.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// What instances are made from.
    pub class: &'a Ec2NodeClass,
    /// What one is wanted for.
    pub claim: &'a NodeClaim,
    /// All types of the class.
    pub types: &'a [Arc<InstanceType>],
    /// Tags of everything that is made.
    pub tags: &'a Tags,
    /// The placement group of the class.
    pub group: Option<&'a PlacementGroup>,
}

/// Makes launches. Cheap to clone.
#[derive(Clone)]
pub struct Launcher {
    settings: Arc<Settings>,
    fleets: Fleets,
    templates: Templates,
    blueprint: Arc<dyn Blueprint>,
    lessons: Arc<dyn Lessons>,
    addresses: Arc<Mutex<Addresses>>,
    vocabulary: Arc<Vocabulary>,
    clock: Clock,
    metrics: Metrics,
    /// By uid of the claim.
    launched: Arc<Cache<String, Launched>>,
}

/// What a launcher works with.
pub struct Parts {
    /// What does not change.
    pub settings: Settings,
    /// Fleets.
    pub fleets: Fleets,
    /// Launch templates.
    pub templates: Templates,
    /// How instances become nodes.
    pub blueprint: Arc<dyn Blueprint>,
    /// Where it is kept what is learned.
    pub lessons: Arc<dyn Lessons>,
    /// Free addresses of subnets.
    pub addresses: Arc<Mutex<Addresses>>,
    /// Time.
    pub clock: Clock,
    /// Metrics.
    pub metrics: Metrics,
}

/// Why there is no template to try a launch with.
#[derive(Debug, thiserror::Error)]
pub enum TrialFailed {
    /// AWS refused to make it.
    #[error(transparent)]
    Aws(#[from] aws::Failure),
    /// It can't be made.
    #[error(transparent)]
    Other(#[from] LaunchError),
}

/// What was asked for in vain.
enum Failed {
    /// EC2 does not have a template that it had a moment ago.
    TemplateGone,
    /// Anything else.
    For(LaunchError),
}

impl From<LaunchError> for Failed {
    fn from(error: LaunchError) -> Self {
        Self::For(error)
    }
}

impl Launcher {
    /// From its parts.
    pub fn new(parts: Parts) -> Self {
        let launched = Cache::new(parts.clock.clone(), REMEMBERED);
        Self {
            settings: Arc::new(parts.settings),
            fleets: parts.fleets,
            templates: parts.templates,
            blueprint: parts.blueprint,
            lessons: parts.lessons,
            addresses: parts.addresses,
            vocabulary: Arc::new(Vocabulary::aws()),
            clock: parts.clock,
            metrics: parts.metrics,
            launched: Arc::new(launched),
        }
    }

    /// An instance for the claim. A claim that has got one gets the same again; so does a claim of
    /// an earlier process that asks together with the same others for the same.
    pub async fn launch(&self, launch: &Launch<'_>) -> Result<Launched, LaunchError> {
        let uid = &launch.claim.metadata.uid;
        if let Some(launched) = self.launched.get(uid) {
            return Ok(launched);
        }
        fleet::ready(launch.class)?;
        let wanted = Wanted::by(launch.claim, &self.vocabulary);
        let plan = self.plan(launch, &wanted)?;
        let result = match self.attempt(launch, &wanted, &plan).await {
            Err(Failed::TemplateGone) => self.attempt(launch, &wanted, &plan).await,
            result => result,
        };
        match result {
            Ok(launched) => {
                self.launched.sweep();
                self.launched.put(uid.clone(), launched.clone());
                self.lessons.launched(&launched);
                Ok(launched)
            }
            Err(Failed::For(error)) => Err(error),
            Err(Failed::TemplateGone) => Err(LaunchError::no_template(&"it is gone again")),
        }
    }

    /// Once from the choice of subnets on.
    async fn attempt(
        &self,
        launch: &Launch<'_>,
        wanted: &Wanted,
        plan: &Plan,
    ) -> Result<Launched, Failed> {
        let subnets = &launch.class.status.subnets;
        if subnets.is_empty() {
            return Err(LaunchError::no_subnets().into());
        }
        let now = self.clock.now();
        let choices = self
            .addresses()
            .choose(subnets, &plan.types, plan.capacity_type, now);
        let held = Held {
            addresses: &self.addresses,
            clock: &self.clock,
            choices,
            is_settled: Cell::new(false),
        };
        let templates = self.templates(launch, plan).await?;
        let asked = Asked {
            capacity_type: plan.capacity_type,
            templates: &templates,
            choices: &held.choices,
            placement: &plan.placement,
            group: launch.group,
            tags: launch.tags,
            has_efa: plan.has_efa,
        };
        let request = self.request(launch, wanted, plan, &asked)?;
        let uid = &launch.claim.metadata.uid;
        match self.fleets.launch(request, uid).await {
            Ok(answer) => {
                let chosen = answer.output.instances.iter();
                let used = chosen.filter_map(|one| one.chosen.subnet_id.as_deref());
                let used: BTreeSet<&str> = used.collect();
                held.settle(&used);
                self.read(launch, &asked, &answer)
            }
            Err(failure) if failure.is_launch_template_not_found() => {
                for template in &templates {
                    self.templates.invalidate(&template.name);
                }
                Err(Failed::TemplateGone)
            }
            Err(failure) => Err(LaunchError::fleet(&failure).into()),
        }
    }

    fn request(
        &self,
        launch: &Launch<'_>,
        wanted: &Wanted,
        plan: &Plan,
        asked: &Asked<'_>,
    ) -> Result<FleetRequest, LaunchError> {
        let configs = fleet::configs(
            asked.templates,
            asked.choices,
            wanted,
            plan.capacity_type,
            plan.partition.as_deref(),
            &self.vocabulary,
        );
        if configs.is_empty() {
            let text = "no capacity offerings are currently available given the constraints";
            return Err(LaunchError::no_template(&text));
        }
        let mut templates = asked.templates.iter();
        let terms = fleet::Terms {
            capacity_type: plan.capacity_type,
            reservation: templates.find_map(|one| one.reservation.as_ref()),
        };
        let tags = launch.tags;
        Ok(fleet::request(launch.class, wanted, &terms, configs, tags))
    }

    /// What the answer means: for others once, for the claim in any case.
    fn read(
        &self,
        launch: &Launch<'_>,
        asked: &Asked<'_>,
        answer: &FleetAnswer,
    ) -> Result<Launched, Failed> {
        let effects = fleet::effects(&answer.output.errors, asked);
        if answer.is_first {
            self.learn(&effects, &answer.output.fleet_id);
        }
        let outcome = fleet::outcome(&answer.output, asked, self.clock.now());
        if effects.is_spot_role_missing && outcome.is_err() {
            self.lessons.spot_role_missing(launch.claim);
        }
        Ok(outcome?)
    }

    fn learn(&self, effects: &Effects, fleet: &str) {
        for failure in &effects.failures {
            let how = failure.capacity_type.as_str();
            let labels = [&*failure.zone, &*failure.zone_id, how, failure.reason];
            self.metrics.add(&names::LAUNCH_FAILURES, &labels, 1.0);
        }
        let mut addresses = self.addresses();
        for subnet in effects.full_subnets() {
            addresses.exhaust(subnet);
        }
        drop(addresses);
        if *effects != Effects::default() {
            self.lessons.learn(effects, fleet);
        }
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses> {
        lock(&self.addresses)
    }
}

/// Addresses that a launch has counted off. What it did not use is given back; all of it, if it
/// ends before EC2 has answered.
struct Held<'a> {
    addresses: &'a Mutex<Addresses>,
    clock: &'a Clock,
    choices: Choices,
    is_settled: Cell<bool>,
}

impl Held<'_> {
    /// Gives back those of other subnets than these.
    fn settle(&self, used: &BTreeSet<&str>) {
        self.is_settled.set(true);
        let now = self.clock.now();
        lock(self.addresses).give_back(&self.choices, used, now);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.is_settled.get() {
            self.settle(&BTreeSet::new());
        }
    }
}

/// A panic elsewhere while the lock was held leaves whole numbers.
fn lock(addresses: &Mutex<Addresses>) -> MutexGuard<'_, Addresses> {
    addresses.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
