//! The simulated cloud: instances of the catalog's types at their prices.
//!
//! It launches the cheapest offering that a claim allows, takes a while to end an instance, and can
//! be told that an offering is out of capacity, that an instance ends by itself, and that a node
//! class has another image. What is *not* here: the node that an instance becomes (`kubelet`,
//! `engine`), quotas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{NodeClaim, NodePool};
use async_trait::async_trait;
use catalog::{CapacityType, Catalogs, InstanceType, Offering, Price};
use controllers::cloud::{DriftReason, RepairPolicy};
use controllers::{CloudError, CloudProvider, Instance, InstanceState, Launched, NodeClassKind};
use model::Timestamp;
use requirements::{AllowUndefined, Requirements, Vocabulary};
use runtime::Clock;
use tokio::sync::Notify;

/// How long an instance takes from the call that ends it until it is gone.
const TERMINATION: Duration = Duration::from_secs(8);

/// The image that instances start with until there is another.
const FIRST_IMAGE: &str = "ami-simulated";

/// An offering that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outage {
    /// Instance type; empty for all.
    pub instance_type: String,
    /// Zone; empty for all.
    pub zone: String,
    /// Capacity type; none for all.
    pub capacity_type: Option<CapacityType>,
}

impl Outage {
    fn hits(&self, instance_type: &str, offering: &Offering) -> bool {
        (self.instance_type.is_empty() || self.instance_type == instance_type)
            && (self.zone.is_empty() || *self.zone == *offering.zone)
            && self
                .capacity_type
                .is_none_or(|wanted| wanted == offering.capacity_type)
    }
}

/// An instance as the simulation keeps it, also after its end.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What the provider answers.
    pub instance: Instance,
    /// How many were launched before it.
    pub number: usize,
    /// Type.
    pub instance_type: Arc<InstanceType>,
    /// Zone.
    pub zone: String,
    /// Capacity type.
    pub capacity_type: CapacityType,
    /// Price per hour.
    pub price: Price,
    /// When it was launched.
    pub launched: Timestamp,
    /// When its end takes or took effect.
    pub gone: Option<Timestamp>,
    /// How many of the types that the claim allows could have been launched.
    pub choices: usize,
}

/// The cloud.
pub struct SimCloud {
    catalogs: Catalogs,
    vocabulary: Vocabulary,
    kinds: Vec<NodeClassKind>,
    clock: Clock,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    machines: BTreeMap<String, Machine>,
    by_claim: BTreeMap<String, String>,
    outages: BTreeSet<Outage>,
    /// What is sold under the outages as they are, by node class: lists are long, and asked for
    /// often.
    sold: BTreeMap<String, Arc<[Arc<InstanceType>]>>,
    /// The image that instances of a node class start with, where it is not the first one.
    images: BTreeMap<String, String>,
    /// Launches that the engine has not seen yet.
    fresh: Vec<String>,
    /// Instances whose end the engine has not seen yet.
    ending: Vec<String>,
}

impl State {
    fn end(&mut self, provider_id: &str, at: Timestamp) {
        let Some(machine) = self.machines.get_mut(provider_id) else {
            return;
        };
        if machine.gone.is_none_or(|gone| at < gone) {
            machine.gone = Some(at);
            self.ending.push(provider_id.to_owned());
        }
    }

    fn image_of(&self, class: &str) -> &str {
        self.images.get(class).map_or(FIRST_IMAGE, String::as_str)
    }
}

impl SimCloud {
    /// A cloud that sells what is in the catalogs.
    pub fn new(catalogs: Catalogs, kinds: Vec<NodeClassKind>, clock: Clock) -> Self {
        let vocabulary = catalogs.default.vocabulary();
        let (state, changed) = (Mutex::default(), Notify::new());
        Self {
            catalogs,
            vocabulary,
            kinds,
            clock,
            state,
            changed,
        }
    }

    /// Makes offerings unavailable.
    pub fn set_outages(&self, outages: impl IntoIterator<Item = Outage>) {
        let mut state = self.lock();
        state.outages = outages.into_iter().collect();
        state.sold.clear();
    }

    /// From now on, instances of a node class start with another image; those that run have
    /// drifted, unless they have it already.
    pub fn set_image(&self, class: &str, image: &str) {
        self.lock()
            .images
            .insert(class.to_owned(), image.to_owned());
    }

    /// Ends an instance at a time, or earlier if its end was asked for before.
    pub fn end(&self, provider_id: &str, at: Timestamp) {
        self.lock().end(provider_id, at);
        self.changed.notify_one();
    }

    /// All machines that ever were, by provider id.
    pub fn machines(&self) -> BTreeMap<String, Machine> {
        self.lock().machines.clone()
    }

    /// What `read` makes of all machines that ever were, by provider id.
    pub(crate) fn look<T>(&self, read: impl FnOnce(&BTreeMap<String, Machine>) -> T) -> T {
        read(&self.lock().machines)
    }

    /// A machine, also after its end.
    pub(crate) fn machine(&self, provider_id: &str) -> Option<Machine> {
        self.look(|machines| machines.get(provider_id).cloned())
    }

    /// Instances whose end was decided since the last call, with its time.
    pub(crate) fn take_ending(&self) -> Vec<(String, Timestamp)> {
        let mut state = self.lock();
        let ending = std::mem::take(&mut state.ending);
        ending
            .into_iter()
            .filter_map(|id| {
                let gone = state.machines.get(&id)?.gone?;
                Some((id, gone))
            })
            .collect()
    }

    /// Machines that were launched since the last call.
    pub fn take_fresh(&self) -> Vec<Machine> {
        let mut state = self.lock();
        let fresh = std::mem::take(&mut state.fresh);
        fresh
            .iter()
            .filter_map(|id| state.machines.get(id).cloned())
            .collect()
    }

    /// Waits until something was launched or ended.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere is no reason to lose the state: it is never left half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(&self, claim: &NodeClaim, outages: &BTreeSet<Outage>) -> Option<Choice> {
        let wanted = Requirements::from_items(&claim.spec.requirements);
        let allowed = wanted.get(api::labels::INSTANCE_TYPE);
        let undefined = AllowUndefined::WellKnown(&self.vocabulary);
        let requests = &claim.spec.resources.requests;
        let mut best: Option<(Price, Choice)> = None;
        let mut choices = 0;
        for instance_type in &self.catalogs.of(&claim.spec.node_class_ref.name).types {
            // A claim for no pods in particular names no types.
            let fits = instance_type.requirements.overlaps(&wanted);
            if !fits || !allowed.is_none_or(|allowed| allowed.admits(Some(&instance_type.name))) {
                continue;
            }
            let offering = instance_type
                .available_offerings()
                .filter(|offering| wanted.is_compatible(&offering.requirements, &undefined))
                .filter(|offering| instance_type.serves(offering, requests))
                .filter(|offering| {
                    !outages
                        .iter()
                        .any(|outage| outage.hits(&instance_type.name, offering))
                })
                .min_by_key(|offering| (offering.price, &offering.zone, offering.capacity_type));
            let Some(offering) = offering else { continue };
            choices += 1;
            let better = best.as_ref().is_none_or(|(price, chosen)| {
                (offering.price, &instance_type.name) < (*price, &chosen.instance_type.name)
            });
            if better {
                let instance_type = instance_type.clone();
                let choice = Choice {
                    instance_type,
                    offering: offering.clone(),
                    choices: 0,
                };
                best = Some((offering.price, choice));
            }
        }
        best.map(|(_, choice)| Choice { choices, ..choice })
    }

    fn launch(&self, claim: &NodeClaim, choice: Choice, number: usize) -> Machine {
        let Choice {
            instance_type,
            offering,
            choices,
        } = choice;
        let wanted = Requirements::from_items(&claim.spec.requirements);
        let mut labels = wanted.single_values();
        labels.extend(instance_type.requirements.single_values());
        labels.extend(offering.requirements.single_values());
        labels.insert(
            api::labels::INSTANCE_TYPE.to_owned(),
            instance_type.name.to_string(),
        );
        labels
            .entry(api::labels::OS.to_owned())
            .or_insert_with(|| "linux".to_owned());
        labels.retain(|key, _| key != api::labels::HOSTNAME);
        let zone = offering.zone.to_string();
        let id = format!("i-{:017x}", fingerprint(&claim.metadata.uid));
        let instance = Instance {
            provider_id: format!("{}:///{zone}/{id}", self.scheme()),
            claim_name: claim.metadata.name.clone(),
            claim_uid: claim.metadata.uid.clone(),
            node_name: node_name(number),
            created: Some(self.clock.now()),
            state: InstanceState::Running,
            labels,
            capacity: instance_type.capacity_of(&offering).into_owned(),
            allocatable: instance_type.allocatable_of(&offering),
            ..Instance::default()
        };
        Machine {
            instance,
            number,
            instance_type,
            zone,
            capacity_type: offering.capacity_type,
            price: offering.price,
            launched: self.clock.now(),
            gone: None,
            choices,
        }
    }

    fn scheme(&self) -> &'static str {
        match self.catalogs.default.provider {
            catalog::Provider::Aws => "aws",
            catalog::Provider::Kwok => "kwok",
        }
    }

    /// What `read` makes of an instance that is not gone yet.
    fn find<T>(
        &self,
        provider_id: &str,
        read: impl FnOnce(&State, &Machine) -> T,
    ) -> Result<T, CloudError> {
        let now = self.clock.now();
        let state = self.lock();
        let alive = |machine: &&Machine| machine.gone.is_none_or(|gone| gone > now);
        let found = state.machines.get(provider_id).filter(alive);
        let found = found.ok_or_else(|| CloudError::NotFound(provider_id.to_owned()))?;
        Ok(read(&state, found))
    }
}

struct Choice {
    instance_type: Arc<InstanceType>,
    offering: Offering,
    choices: usize,
}

/// A type under outages: the same one, if they don't hit it.
fn reduced(instance_type: &Arc<InstanceType>, outages: &BTreeSet<Outage>) -> Arc<InstanceType> {
    let hit = |offering: &Offering| {
        let mut outages = outages.iter();
        offering.available && outages.any(|outage| outage.hits(&instance_type.name, offering))
    };
    if !instance_type.offerings.iter().any(hit) {
        return instance_type.clone();
    }
    let mut reduced = InstanceType::clone(instance_type);
    for offering in &mut reduced.offerings {
        offering.available &= !hit(offering);
    }
    Arc::new(reduced)
}

/// FNV-1a, 64 bits: an instance id that follows from the claim.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Names as EC2 gives them, numbered through one private network.
fn node_name(number: usize) -> String {
    format!("ip-10-0-{}-{}.sim.internal", number / 250, number % 250 + 4)
}

#[async_trait]
impl CloudProvider for SimCloud {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn vocabulary(&self) -> Vocabulary {
        self.vocabulary.clone()
    }

    fn node_class_kinds(&self) -> &[NodeClassKind] {
        &self.kinds
    }

    async fn create(&self, claim: &NodeClaim) -> Result<Launched, CloudError> {
        let mut state = self.lock();
        let known = state.by_claim.get(&claim.metadata.uid).cloned();
        let id = if let Some(id) = known {
            id
        } else {
            let choice = self.choose(claim, &state.outages).ok_or_else(|| {
                CloudError::InsufficientCapacity(
                    "none of the allowed instance types has capacity".to_owned(),
                )
            })?;
            let mut machine = self.launch(claim, choice, state.machines.len());
            let class = claim.spec.node_class_ref.name.as_str();
            state
                .image_of(class)
                .clone_into(&mut machine.instance.image_id);
            let id = machine.instance.provider_id.clone();
            state.machines.insert(id.clone(), machine);
            state
                .by_claim
                .insert(claim.metadata.uid.clone(), id.clone());
            state.fresh.push(id.clone());
            self.changed.notify_one();
            id
        };
        let instance = &state.machines[&id].instance;
        Ok(Launched {
            provider_id: instance.provider_id.clone(),
            image_id: instance.image_id.clone(),
            labels: instance.labels.clone(),
            annotations: BTreeMap::new(),
            capacity: instance.capacity.clone(),
            allocatable: instance.allocatable.clone(),
        })
    }

    async fn delete(&self, claim: &NodeClaim) -> Result<(), CloudError> {
        let id = claim.status.provider_id.as_str();
        self.find(id, |_, _| ())?;
        self.end(id, self.clock.now() + TERMINATION);
        if let Some(machine) = self.lock().machines.get_mut(id) {
            machine.instance.state = InstanceState::Terminating;
        }
        Ok(())
    }

    async fn get(&self, provider_id: &str) -> Result<Instance, CloudError> {
        self.find(provider_id, |_, machine| machine.instance.clone())
    }

    async fn list(&self) -> Result<Vec<Instance>, CloudError> {
        let now = self.clock.now();
        let state = self.lock();
        let alive = |machine: &&Machine| machine.gone.is_none_or(|gone| gone > now);
        Ok(state
            .machines
            .values()
            .filter(alive)
            .map(|machine| machine.instance.clone())
            .collect())
    }

    async fn instance_types(
        &self,
        pool: &NodePool,
    ) -> Result<Arc<[Arc<InstanceType>]>, CloudError> {
        let class = pool.spec.template.spec.node_class_ref.name.as_str();
        let mut state = self.lock();
        if let Some(sold) = state.sold.get(class) {
            return Ok(sold.clone());
        }
        let catalog = self.catalogs.of(class);
        let sold = catalog.types.iter().map(|ty| reduced(ty, &state.outages));
        let sold: Arc<[_]> = sold.collect();
        state.sold.insert(class.to_owned(), sold.clone());
        Ok(sold)
    }

    async fn is_drifted(&self, claim: &NodeClaim) -> Result<Option<DriftReason>, CloudError> {
        let class = claim.spec.node_class_ref.name.as_str();
        let drifted = self.find(&claim.status.provider_id, |state, machine| {
            machine.instance.image_id != state.image_of(class)
        })?;
        Ok(drifted.then(|| DriftReason("AMIDrift".to_owned())))
    }

    /// A kubelet that does not answer or says that it is not well, as long as the real provider of
    /// these types tolerates it.
    fn repair_policies(&self) -> Vec<RepairPolicy> {
        let minutes = match self.catalogs.default.provider {
            catalog::Provider::Aws => 30,
            catalog::Provider::Kwok => 10,
        };
        let policy = |status: &str| RepairPolicy {
            condition: "Ready".to_owned(),
            status: status.to_owned(),
            toleration: Duration::from_mins(minutes),
        };
        vec![policy("False"), policy("Unknown")]
    }
}

#[cfg(test)]
mod tests;
