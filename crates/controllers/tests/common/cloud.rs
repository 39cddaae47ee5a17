//! A cloud that sells the KWOK types and can be told to fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use api::{NillableDuration, NodeClaim, NodePool};
use async_trait::async_trait;
use catalog::{DynamicResources, InstanceType};
use controllers::cloud::{DriftReason, RepairPolicy};
use controllers::{
    CloudError, CloudProvider, Instance, InstanceState, Launched, NodeClassKind, RegistrationHook,
};
use model::Timestamp;
use requirements::{AllowUndefined, Requirements, Vocabulary};
use runtime::Clock;

/// How long an instance takes to end.
const TERMINATION: Duration = Duration::from_secs(8);

/// What the driver `gpu.example.com` will publish on nodes of types that begin with `m-`.
fn one_device() -> DynamicResources {
    serde_json::from_value(serde_json::json!({"slices": [
        {"driver": "gpu.example.com", "pool": "local", "devices": [{"name": "gpu-0"}]}]}))
    .expect("devices")
}

#[derive(Clone)]
pub struct Machine {
    pub instance: Instance,
    pub launched: Timestamp,
    pub gone: Option<Timestamp>,
}

pub struct Cloud {
    clock: Clock,
    kinds: Vec<NodeClassKind>,
    types: Arc<[Arc<InstanceType>]>,
    vocabulary: Vocabulary,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    machines: BTreeMap<String, Machine>,
    /// Types that are out of capacity.
    sold_out: Vec<String>,
    /// Launches that fail, by how.
    failures: Vec<CloudError>,
    /// Claims whose instances never become nodes.
    silent: bool,
    /// Pools whose types can't be read.
    hidden: Vec<String>,
    /// How long drains may take where a pool does not say.
    grace_period: Option<NillableDuration>,
    /// What is answered to whether an instance has drifted.
    drift: Option<Result<String, CloudError>>,
    /// How often that was asked.
    drift_asked: usize,
    /// Ends of instances that fail, by how.
    failing_ends: Vec<CloudError>,
    /// Pools whose launches are never answered.
    stalled: Vec<String>,
    /// What has to be done before a node may be registered.
    hooks: Vec<Arc<dyn RegistrationHook>>,
}

impl Cloud {
    pub fn new(clock: Clock) -> Self {
        let mut catalog = catalog::kwok::standard();
        for ty in catalog
            .types
            .iter_mut()
            .filter(|ty| ty.name.starts_with("m-"))
        {
            Arc::make_mut(ty).dynamic_resources = Some(Arc::new(one_device()));
        }
        Self {
            clock,
            kinds: vec![runtime::client::Kind::of::<api::KwokNodeClass>()],
            vocabulary: catalog.vocabulary(),
            types: catalog.types.into(),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the cloud")
    }

    fn is_alive(&self, machine: &Machine) -> bool {
        machine.gone.is_none_or(|gone| gone > self.clock.now())
    }

    /// Instances that have ever been launched.
    pub fn launched(&self) -> usize {
        self.lock().machines.len()
    }

    /// Instances that exist.
    pub fn alive(&self) -> usize {
        let state = self.lock();
        state
            .machines
            .values()
            .filter(|machine| self.is_alive(machine))
            .count()
    }

    /// Instances that exist and become nodes.
    pub fn machines(&self) -> Vec<Machine> {
        let state = self.lock();
        if state.silent {
            return Vec::new();
        }
        state
            .machines
            .values()
            .filter(|machine| self.is_alive(machine))
            .cloned()
            .collect()
    }

    /// No type of this name can be had any more.
    pub fn sell_out(&self, instance_type: &str) {
        self.lock().sold_out.push(instance_type.to_owned());
    }

    /// The next launches fail so.
    pub fn fail(&self, errors: impl IntoIterator<Item = CloudError>) {
        self.lock().failures.extend(errors);
    }

    /// The types of these pools can't be read, those of all others can.
    pub fn hide(&self, pools: &[&str]) {
        self.lock().hidden = pools.iter().map(ToString::to_string).collect();
    }

    /// Drains may take so long where a pool does not say.
    pub fn grant(&self, period: &str) {
        self.lock().grace_period = Some(period.parse().expect("a duration"));
    }

    /// All instances have drifted for this reason, or nothing can be said; none if they have not.
    pub fn drift(&self, answer: Option<Result<&str, CloudError>>) {
        self.lock().drift = answer.map(|answer| answer.map(ToOwned::to_owned));
    }

    /// How often it was asked whether an instance has drifted.
    pub fn drift_asked(&self) -> usize {
        self.lock().drift_asked
    }

    /// The next ends of instances fail so.
    pub fn fail_ends(&self, errors: impl IntoIterator<Item = CloudError>) {
        self.lock().failing_ends.extend(errors);
    }

    /// Launches for this pool are never answered.
    pub fn stall(&self, pool: &str) {
        self.lock().stalled.push(pool.to_owned());
    }

    /// Nodes are only registered once this is done, too.
    pub fn hook(&self, hook: Arc<dyn RegistrationHook>) {
        self.lock().hooks.push(hook);
    }

    /// Instances no longer become nodes.
    pub fn silence(&self) {
        self.lock().silent = true;
    }

    /// Somebody else ends all instances.
    pub fn lose_everything(&self) {
        let now = self.clock.now();
        for machine in self.lock().machines.values_mut() {
            machine.gone = Some(now);
        }
    }

    /// An instance that no claim stands for.
    pub fn stray(&self, id: &str) {
        let instance = Instance {
            provider_id: id.to_owned(),
            claim_name: "gone".to_owned(),
            claim_uid: "gone".to_owned(),
            created: Some(self.clock.now()),
            ..Instance::default()
        };
        let machine = Machine {
            instance,
            launched: Timestamp::MAX,
            gone: None,
        };
        self.lock().machines.insert(id.to_owned(), machine);
    }

    fn choose(&self, claim: &NodeClaim, sold_out: &[String]) -> Option<Instance> {
        let wanted = Requirements::from_items(&claim.spec.requirements);
        let undefined = AllowUndefined::WellKnown(&self.vocabulary);
        let allowed = wanted.get(api::labels::INSTANCE_TYPE);
        let admitted = self.types.iter().filter(|ty| {
            let admits = allowed.is_none_or(|allowed| allowed.admits(Some(&ty.name)));
            let fits = ty.requirements.overlaps(&wanted);
            fits && admits && !sold_out.iter().any(|name| **name == *ty.name)
        });
        let offers = admitted.flat_map(|ty| ty.offerings.iter().map(move |offer| (ty, offer)));
        let (ty, offer) = offers
            .filter(|(_, offer)| {
                offer.available && wanted.is_compatible(&offer.requirements, &undefined)
            })
            .min_by_key(|(ty, offer)| (offer.price, ty.name.clone(), offer.zone.clone()))?;
        let mut labels = ty.requirements.single_values();
        labels.extend(offer.requirements.single_values());
        labels.insert(api::labels::INSTANCE_TYPE.to_owned(), ty.name.to_string());
        Some(Instance {
            labels,
            claim_name: claim.metadata.name.clone(),
            claim_uid: claim.metadata.uid.clone(),
            created: Some(self.clock.now()),
            capacity: ty.capacity.clone(),
            allocatable: ty.allocatable(),
            ..Instance::default()
        })
    }
}

#[async_trait]
impl CloudProvider for Cloud {
    fn name(&self) -> &'static str {
        "test"
    }

    fn vocabulary(&self) -> Vocabulary {
        self.vocabulary.clone()
    }

    fn node_class_kinds(&self) -> &[NodeClassKind] {
        &self.kinds
    }

    fn termination_grace_period(&self) -> Option<NillableDuration> {
        self.lock().grace_period.clone()
    }

    async fn create(&self, claim: &NodeClaim) -> Result<Launched, CloudError> {
        tokio::time::sleep(Duration::from_millis(200)).await; // virtual time
        let is_stalled = |pool: &str| self.lock().stalled.iter().any(|stalled| stalled == pool);
        if claim.pool().is_some_and(is_stalled) {
            std::future::pending::<()>().await;
        }
        let mut state = self.lock();
        let uid = &claim.metadata.uid;
        let known = state
            .machines
            .values()
            .find(|machine| machine.instance.claim_uid == *uid);
        let instance = if let Some(known) = known {
            known.instance.clone()
        } else {
            if !state.failures.is_empty() {
                return Err(state.failures.remove(0));
            }
            let mut instance = self.choose(claim, &state.sold_out).ok_or_else(|| {
                CloudError::InsufficientCapacity("all types are sold out".to_owned())
            })?;
            let number = state.machines.len() + 1;
            instance.provider_id = format!("test://i-{number}");
            instance.node_name = format!("node-{number}");
            let launched = self.clock.now();
            let machine = Machine {
                instance: instance.clone(),
                launched,
                gone: None,
            };
            state.machines.insert(instance.provider_id.clone(), machine);
            instance
        };
        Ok(Launched {
            provider_id: instance.provider_id,
            image_id: "image".to_owned(),
            labels: instance.labels,
            annotations: BTreeMap::new(),
            capacity: instance.capacity,
            allocatable: instance.allocatable,
        })
    }

    async fn delete(&self, claim: &NodeClaim) -> Result<(), CloudError> {
        let now = self.clock.now();
        let id = claim.status.provider_id.clone();
        let mut state = self.lock();
        if !state.failing_ends.is_empty() {
            return Err(state.failing_ends.remove(0));
        }
        let Some(machine) = state.machines.get_mut(&id) else {
            return Err(CloudError::NotFound(id));
        };
        if machine.gone.is_some_and(|gone| gone <= now) {
            return Err(CloudError::NotFound(id));
        }
        machine.gone.get_or_insert(now + TERMINATION);
        machine.instance.state = InstanceState::Terminating;
        Ok(())
    }

    async fn get(&self, provider_id: &str) -> Result<Instance, CloudError> {
        let state = self.lock();
        let found = state
            .machines
            .get(provider_id)
            .filter(|machine| self.is_alive(machine));
        let found = found.map(|machine| machine.instance.clone());
        found.ok_or_else(|| CloudError::NotFound(provider_id.to_owned()))
    }

    async fn list(&self) -> Result<Vec<Instance>, CloudError> {
        let state = self.lock();
        let alive = state
            .machines
            .values()
            .filter(|machine| self.is_alive(machine));
        Ok(alive.map(|machine| machine.instance.clone()).collect())
    }

    async fn instance_types(
        &self,
        pool: &NodePool,
    ) -> Result<Arc<[Arc<InstanceType>]>, CloudError> {
        if self.lock().hidden.contains(&pool.metadata.name) {
            return Err(CloudError::Other("no answer".to_owned()));
        }
        let sold_out = self.lock().sold_out.clone();
        if sold_out.is_empty() {
            return Ok(self.types.clone());
        }
        let left = self
            .types
            .iter()
            .filter(|ty| !sold_out.iter().any(|name| **name == *ty.name));
        Ok(left.cloned().collect())
    }

    async fn is_drifted(&self, _claim: &NodeClaim) -> Result<Option<DriftReason>, CloudError> {
        let mut state = self.lock();
        state.drift_asked += 1;
        state
            .drift
            .clone()
            .map(|answer| answer.map(DriftReason))
            .transpose()
    }

    fn repair_policies(&self) -> Vec<RepairPolicy> {
        let policy = |condition: &str, status: &str, minutes| RepairPolicy {
            condition: condition.to_owned(),
            status: status.to_owned(),
            toleration: Duration::from_mins(minutes),
        };
        vec![
            policy("Ready", "Unknown", 30),
            policy("DiskReady", "False", 10),
        ]
    }

    fn registration_hooks(&self) -> Vec<Arc<dyn RegistrationHook>> {
        self.lock().hooks.clone()
    }
}
