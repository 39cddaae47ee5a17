//! The cloud as the loops call it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api::{KwokNodeClass, NillableDuration, NodeClaim, NodePool, condition};
use async_trait::async_trait;
use catalog::{Catalog, InstanceType};
use controllers::cloud::{DriftReason, RepairPolicy};
use controllers::{CloudError, CloudProvider, Instance, InstanceState, Launched, NodeClassKind};
use model::{k8s::Node, k8s::Resource};
use requirements::{Operator, Requirements, Vocabulary};
use runtime::{
    ApiError, Client, Clock, ObjectKey, Queue,
    client::{Preconditions, Select},
    queue::Backoff,
};

use crate::{
    choose::{NoChoice, choose},
    node::{self, Claim},
};

/// The kind that pools refer to.
const KIND: NodeClassKind = NodeClassKind {
    group: KwokNodeClass::GROUP,
    version: KwokNodeClass::VERSION,
    kind: KwokNodeClass::KIND,
    plural: KwokNodeClass::PLURAL,
};

/// How the creation of a Node is repeated.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10));

/// KWOK as a cloud. [`Kwok::run`] must run beside the loops: it creates the promised Nodes.
pub struct Kwok {
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    catalog: Catalog,
    types: Arc<[Arc<InstanceType>]>,
    vocabulary: Vocabulary,
    promises: Mutex<Promises>,
}

/// Nodes that are promised and not created yet.
struct Promises {
    /// By claim name.
    nodes: BTreeMap<String, Promise>,
    /// Claim names in the order of their time; a new queue for each run.
    queue: Queue<String>,
}

/// A Node that a claim will get.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    /// Uid of the claim.
    pub(crate) uid: String,
    /// The Node.
    pub(crate) node: Node,
}

impl Kwok {
    /// A cloud that launches the types of `catalog`.
    pub fn new(client: Client, clock: Clock, catalog: Catalog) -> Self {
        let (types, vocabulary) = (catalog.types.clone().into(), catalog.vocabulary());
        let promises = Promises {
            nodes: BTreeMap::new(),
            queue: Queue::new(BACKOFF),
        };
        let promises = Mutex::new(promises);
        Self {
            client,
            clock,
            catalog,
            types,
            vocabulary,
            promises,
        }
    }

    /// Begins anew with what was promised, and says which queue to serve.
    pub(crate) fn renew_queue(&self) -> Queue<String> {
        let mut promises = self.promises();
        promises.queue = Queue::new(BACKOFF);
        promises.nodes.clear();
        promises.queue.clone()
    }

    /// What was promised to a claim.
    pub(crate) fn promised(&self, claim: &str) -> Option<Promise> {
        self.promises().nodes.get(claim).cloned()
    }

    /// Promises a Node, to be created after `delay`.
    pub(crate) fn promise(&self, claim: &str, promise: Promise, delay: Duration) {
        let mut promises = self.promises();
        promises.nodes.insert(claim.to_owned(), promise);
        promises.queue.add_after(claim.to_owned(), delay);
    }

    /// Forgets a promise that was kept or has become pointless.
    pub(crate) fn settle(&self, claim: &str, uid: &str) {
        let mut promises = self.promises();
        if promises
            .nodes
            .get(claim)
            .is_some_and(|promise| promise.uid == uid)
        {
            promises.nodes.remove(claim);
        }
    }

    /// The Node that a claim gets, within `limits`.
    pub(crate) fn plan(
        &self,
        claim: &NodeClaim,
        limits: &Requirements,
    ) -> Result<Node, CloudError> {
        let requirements = self.requirements(claim)?.intersect(limits);
        let class = claim
            .spec
            .node_class_ref
            .or_default(&api::ProviderDefaults::kwok());
        let facts = Claim {
            name: &claim.metadata.name,
            uid: &claim.metadata.uid,
            labels: &claim.metadata.labels,
            requirements: &requirements,
            requests: &claim.spec.resources.requests,
            node_class: &class.name,
        };
        let seed = node::seed(facts.uid);
        let asked = (&requirements, facts.requests);
        let choice = choose(&self.catalog, &self.vocabulary, asked, seed);
        match choice {
            Ok(choice) => Ok(node::node(&facts, choice)),
            Err(error @ NoChoice::NoOffering { .. }) => {
                Err(CloudError::InsufficientCapacity(error.to_string()))
            }
        }
    }

    /// The class that a claim uses.
    pub(crate) async fn class(&self, claim: &NodeClaim) -> Result<Option<KwokNodeClass>, ApiError> {
        let class = claim
            .spec
            .node_class_ref
            .or_default(&api::ProviderDefaults::kwok());
        self.client.find(&ObjectKey::cluster(class.name)).await
    }

    /// Our Nodes.
    pub(crate) async fn nodes(&self) -> Result<Vec<Node>, ApiError> {
        let nodes = self.client.list::<Node>(&Select::all()).await?.items;
        Ok(nodes.into_iter().filter(node::is_ours).collect())
    }

    fn requirements(&self, claim: &NodeClaim) -> Result<Requirements, CloudError> {
        let mut requirements = Requirements::new();
        for item in &claim.spec.requirements {
            let operator: Operator =
                item.operator
                    .parse()
                    .map_err(|error: requirements::UnknownOperator| CloudError::Create {
                        reason: "InvalidRequirement".into(),
                        message: error.to_string(),
                    })?;
            let values = item.values.iter().map(String::as_str);
            let key = self
                .vocabulary
                .requirement(&item.key, operator, values, item.min_values);
            requirements.add(key);
        }
        Ok(requirements)
    }

    /// Changes to the promises are single insertions and removals, so a panic elsewhere while the
    /// lock was held does no harm.
    fn promises(&self) -> MutexGuard<'_, Promises> {
        self.promises.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CloudProvider for Kwok {
    fn name(&self) -> &'static str {
        "kwok"
    }

    fn vocabulary(&self) -> Vocabulary {
        self.vocabulary.clone()
    }

    fn node_class_kinds(&self) -> &[NodeClassKind] {
        &[KIND]
    }

    async fn create(&self, claim: &NodeClaim) -> Result<Launched, CloudError> {
        let (name, uid) = (&claim.metadata.name, &claim.metadata.uid);
        let class = self.class(claim).await.map_err(other)?.ok_or_else(|| {
            let class = &claim.spec.node_class_ref.name;
            CloudError::InsufficientCapacity(format!("KWOKNodeClass {class:?} not found"))
        })?;
        if let Some(ready) = condition::find(&class.status.conditions, condition::READY)
            && ready.is_false()
        {
            return Err(CloudError::NodeClassNotReady(ready.message.clone()));
        }
        let key = ObjectKey::cluster(node::node_name(name, uid));
        if let Some(node) = self.client.find::<Node>(&key).await.map_err(other)? {
            return Ok(launched(&node));
        }
        if let Some(promise) = self.promised(name).filter(|promise| promise.uid == *uid) {
            return Ok(launched(&promise.node));
        }
        let node = self.plan(claim, &Requirements::new())?;
        let launched = launched(&node);
        self.promise(
            name,
            Promise {
                uid: uid.clone(),
                node,
            },
            registration_delay(&class),
        );
        Ok(launched)
    }

    /// Always ends in [`CloudError::NotFound`]: there is no machine to wait for. The claim and its
    /// Node are deleted as objects, and leave as their finalizers allow.
    async fn delete(&self, claim: &NodeClaim) -> Result<(), CloudError> {
        let (name, uid) = (&claim.metadata.name, &claim.metadata.uid);
        self.settle(name, uid);
        let named = node::node_of(&claim.status.provider_id).map(str::to_owned);
        let node = ObjectKey::cluster(named.unwrap_or_else(|| node::node_name(name, uid)));
        gone(
            self.client
                .delete::<Node>(&node, &Preconditions::none())
                .await,
        )?;
        if !claim.metadata.is_deleting() && !uid.is_empty() {
            let only_if = Preconditions::same_object(claim);
            let key = ObjectKey::of(claim);
            gone(self.client.delete::<NodeClaim>(&key, &only_if).await)?;
        }
        Err(CloudError::NotFound(format!(
            "no machine stands behind {}",
            node.name
        )))
    }

    async fn get(&self, provider_id: &str) -> Result<Instance, CloudError> {
        let missing = || CloudError::NotFound(provider_id.to_owned());
        let name = node::node_of(provider_id).ok_or_else(missing)?;
        let node = self
            .client
            .find::<Node>(&ObjectKey::cluster(name))
            .await
            .map_err(other)?;
        match node {
            Some(node) if node.metadata.is_deleting() => Err(missing()),
            Some(node) => Ok(instance(&node)),
            None => {
                let promises = self.promises();
                let mut nodes = promises.nodes.values().map(|promise| &promise.node);
                let promised = nodes.find(|node| node.spec.provider_id == provider_id);
                promised.map(instance).ok_or_else(missing)
            }
        }
    }

    async fn list(&self) -> Result<Vec<Instance>, CloudError> {
        // Promises first: one that is kept in between is then listed as a Node, not missed.
        let mut instances: BTreeMap<String, Instance> = BTreeMap::new();
        for promise in self.promises().nodes.values() {
            instances.insert(promise.node.metadata.name.clone(), instance(&promise.node));
        }
        for node in self.nodes().await.map_err(other)? {
            instances.insert(node.metadata.name.clone(), instance(&node));
        }
        Ok(instances.into_values().collect())
    }

    async fn instance_types(
        &self,
        _pool: &NodePool,
    ) -> Result<Arc<[Arc<InstanceType>]>, CloudError> {
        Ok(self.types.clone())
    }

    async fn is_drifted(&self, _claim: &NodeClaim) -> Result<Option<DriftReason>, CloudError> {
        Ok(None)
    }

    fn repair_policies(&self) -> Vec<RepairPolicy> {
        let policy = |status: &str| RepairPolicy {
            condition: "Ready".into(),
            status: status.into(),
            toleration: Duration::from_mins(10),
        };
        vec![policy(condition::FALSE), policy(condition::UNKNOWN)]
    }
}

/// How long after the launch the Node appears; nothing when the class does not say.
pub(crate) fn registration_delay(class: &KwokNodeClass) -> Duration {
    let delay = class.spec.node_registration_delay.as_ref();
    delay.and_then(NillableDuration::get).unwrap_or_default()
}

fn launched(node: &Node) -> Launched {
    Launched {
        provider_id: node.spec.provider_id.clone(),
        labels: node.metadata.labels.clone(),
        capacity: node.status.capacity.clone(),
        allocatable: node.status.allocatable.clone(),
        ..Launched::default()
    }
}

fn instance(node: &Node) -> Instance {
    let deleting = node.meta().is_deleting();
    Instance {
        provider_id: node.spec.provider_id.clone(),
        claim_name: node::claim_name(node).to_owned(),
        claim_uid: node::claim_uid(node).to_owned(),
        node_name: node.metadata.name.clone(),
        created: node.metadata.creation_timestamp,
        state: if deleting {
            InstanceState::Terminating
        } else {
            InstanceState::Running
        },
        labels: node.metadata.labels.clone(),
        capacity: node.status.capacity.clone(),
        allocatable: node.status.allocatable.clone(),
        image_id: String::new(),
    }
}

/// What is gone needs no deletion, and what was replaced is not ours to delete.
fn gone(result: Result<(), ApiError>) -> Result<(), CloudError> {
    match result {
        Ok(()) | Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => Ok(()),
        Err(error) => Err(other(error)),
    }
}

fn other(error: ApiError) -> CloudError {
    match error {
        ApiError::TooManyRequests(status) => CloudError::Throttled(status.to_string()),
        error => CloudError::Other(error.to_string()),
    }
}
