//! What the loops of one run share: the cluster's state, their queues, and who wakes whom.
//!
//! What is *not* here: what a loop does when it is woken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{NodeClaim, NodePool, ProviderDefaults};
use catalog::InstanceType;
use cluster::{
    Cluster, Event, Intent, NodeState, PodRecord, Settings, Snapshot, Touched, UnknownReadiness,
};
use lifecycle::pool::readiness::NodeClass;
use model::Timestamp;
use model::k8s::Node;
use requirements::Vocabulary;
use runtime::Queue;
use runtime::queue::Backoff;
use tokio::sync::Notify;

use crate::World;
use crate::costs::{self, Costs};
use crate::gated::{self, Gated};
use crate::latency::Latency;
use crate::nodeclaim::disruptable;
use crate::nodeclaim::found::Found;
use crate::pods;
use crate::provisioner::{Arrivals, Batcher, Element};
use crate::sync::Gate;

/// How long changes of a pool's usage are gathered before its status is written.
const COUNTER_DELAY: Duration = Duration::from_secs(1);

/// Which node class: the place of its kind among the provider's, and its name.
pub(crate) type ClassKey = (usize, String);

/// State of one run.
pub(crate) struct Shared {
    /// What is outside.
    pub(crate) world: World,
    /// What a pool's node class is where it does not say.
    pub(crate) defaults: ProviderDefaults,
    /// What waits to be worked on.
    pub(crate) queues: Queues,
    /// Opens when everything has been listed once.
    pub(crate) gate: Gate,
    /// Gathers reasons to provision.
    pub(crate) batcher: Batcher,
    /// The claims that this run creates.
    pub(crate) claims: Mutex<crate::provisioner::claims::Claims>,
    /// Which pods are still to be expected.
    pub(crate) arrivals: Mutex<Arrivals>,
    /// How long pods wait.
    pub(crate) latency: Mutex<Latency>,
    /// What runs, and what it costs.
    pub(crate) costs: Mutex<Costs>,
    /// What only runs where its feature gate is on.
    pub(crate) gated: Gated,
    /// Commands that are being performed.
    pub(crate) flights: crate::disruption::Flights,
    /// Wakes the disruption loop.
    pub(crate) disruption: Notify,
    /// What has to leave its node, and how.
    pub(crate) evictions: Mutex<crate::node::eviction::Evictions>,
    /// What registration hooks have answered.
    pub(crate) hooks: Mutex<crate::nodeclaim::hooks::Answers>,
    /// How nodes of each pool joined lately, by uid of the pool.
    pub(crate) health: Mutex<BTreeMap<String, lifecycle::pool::health::Record>>,
    /// What label keys mean.
    pub(crate) vocabulary: Vocabulary,
    /// What the cloud has said about drift.
    pub(crate) answers: disruptable::Answers,
    /// What claims depend on of their pools.
    pub(crate) stamps: disruptable::Stamps,
    /// When claims were last compared with their nodes.
    pub(crate) compared: Found<Timestamp>,
    classes: Mutex<BTreeMap<ClassKey, NodeClass>>,
    cluster: Mutex<Cluster>,
}

/// The queues of the loops, by what their keys name.
pub(crate) struct Queues {
    /// NodeClaims.
    pub(crate) claims: Queue<String>,
    /// NodeClaims that may expire.
    pub(crate) expiration: Queue<String>,
    /// NodeClaims whose conditions about disruption may change.
    pub(crate) disruptable: Queue<String>,
    /// NodeClaims to be compared with their nodes.
    pub(crate) consistency: Queue<String>,
    /// Nodes on which pods came or went.
    pub(crate) pod_events: Queue<String>,
    /// Nodes that are being deleted.
    pub(crate) terminations: Queue<String>,
    /// Pods that have to leave.
    pub(crate) evictions: Queue<crate::node::eviction::Evictee>,
    /// NodePools.
    pub(crate) pools: Queue<String>,
    /// NodePools whose usage changed.
    pub(crate) counters: Queue<String>,
    /// NodePools whose instance types are to be read.
    pub(crate) types: Queue<String>,
}

impl Queues {
    fn new() -> Self {
        let between = |base: u64, max: u64| {
            Backoff::exponential(Duration::from_millis(base), Duration::from_millis(max))
        };
        let standard = Backoff::standard;
        Self {
            claims: Queue::new(between(1_000, 60_000).with_bucket(10.0, 100)),
            expiration: Queue::new(standard()),
            disruptable: Queue::new(standard()),
            consistency: Queue::new(standard()),
            pod_events: Queue::new(standard()),
            terminations: Queue::new(between(100, 10_000).with_bucket(10.0, 100)),
            evictions: Queue::new(between(100, 10_000).with_bucket(100.0, 1_000)),
            pools: Queue::new(standard()),
            counters: Queue::new(standard()),
            types: Queue::new(between(1_000, 60_000)),
        }
    }

    /// Hands out nothing more.
    pub(crate) fn shut_down(&self) {
        self.evictions.shut_down();
        for queue in [
            &self.claims,
            &self.expiration,
            &self.disruptable,
            &self.consistency,
            &self.pod_events,
            &self.terminations,
            &self.pools,
            &self.counters,
            &self.types,
        ] {
            queue.shut_down();
        }
    }
}

impl Shared {
    /// A run that knows nothing yet. `kinds` is how many kinds will be listed.
    pub(crate) fn new(world: World, kinds: usize) -> Self {
        let classes = world.cloud.node_class_kinds();
        let settings = Settings {
            node_classes: classes
                .iter()
                .map(|kind| (kind.group.to_owned(), kind.kind.to_owned()))
                .collect(),
            unknown_readiness: UnknownReadiness::NotReady,
        };
        let default = classes.first();
        let defaults = ProviderDefaults {
            group: default
                .map(|kind| kind.group.to_owned())
                .unwrap_or_default(),
            kind: default.map(|kind| kind.kind.to_owned()).unwrap_or_default(),
        };
        let vocabulary = world.cloud.vocabulary();
        Self {
            cluster: Mutex::new(Cluster::new(vocabulary.clone(), settings)),
            vocabulary,
            answers: disruptable::Answers::default(),
            stamps: disruptable::Stamps::default(),
            compared: Found::default(),
            defaults,
            queues: Queues::new(),
            gate: Gate::new(kinds),
            batcher: Batcher::default(),
            claims: Mutex::default(),
            arrivals: Mutex::default(),
            latency: Mutex::default(),
            costs: Mutex::default(),
            gated: Gated::default(),
            flights: crate::disruption::Flights::default(),
            disruption: Notify::new(),
            evictions: Mutex::default(),
            hooks: Mutex::default(),
            health: Mutex::default(),
            classes: Mutex::default(),
            world,
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Reads the cluster's state.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&Cluster) -> R) -> R {
        read(&lock(&self.cluster))
    }

    /// The cluster as it is now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        lock(&self.cluster).snapshot()
    }

    /// The claim of this name.
    pub(crate) fn claim(&self, name: &str) -> Option<Arc<NodeClaim>> {
        self.with(|cluster| cluster.claim(name).cloned())
    }

    /// The pool of this name.
    pub(crate) fn pool(&self, name: &str) -> Option<Arc<NodePool>> {
        self.with(|cluster| cluster.pool(name).cloned())
    }

    /// What a pool can launch, as far as it is known.
    pub(crate) fn types(&self, pool: &str) -> Arc<[Arc<InstanceType>]> {
        let snapshot = self.snapshot();
        let state = snapshot.pool(pool);
        state.map_or_else(|| [].into(), |state| state.types.clone())
    }

    /// The pod of this name.
    pub(crate) fn pod(&self, namespace: &str, name: &str) -> Option<Arc<PodRecord>> {
        self.with(|cluster| cluster.pod(namespace, name).cloned())
    }

    /// Takes in what a watch or an answer of the API server says, and wakes those concerned.
    pub(crate) fn apply(&self, event: Event) -> Touched {
        let touched = lock(&self.cluster).apply(event);
        self.wake(&touched);
        touched
    }

    /// Takes in what we have decided, and wakes those concerned.
    pub(crate) fn commit(&self, intent: Intent) {
        let touched = lock(&self.cluster).commit(intent);
        self.wake(&touched);
    }

    /// The node class of a pool or claim; none if there is none of that name.
    pub(crate) fn class(&self, wanted: &api::NodeClassRef) -> Option<NodeClass> {
        let kinds = self.world.cloud.node_class_kinds();
        let kind = kinds
            .iter()
            .position(|k| k.group == wanted.group && k.kind == wanted.kind)?;
        lock(&self.classes)
            .get(&(kind, wanted.name.clone()))
            .cloned()
    }

    /// All node classes, by kind and name.
    pub(crate) fn classes(&self) -> Vec<NodeClass> {
        lock(&self.classes).values().cloned().collect()
    }

    /// Takes in node classes, and wakes the pools.
    pub(crate) fn change_classes(&self, change: impl FnOnce(&mut BTreeMap<ClassKey, NodeClass>)) {
        let changed: BTreeSet<ClassKey> = {
            let mut held = lock(&self.classes);
            let before = held.clone();
            change(&mut held);
            let keys = before.keys().chain(held.keys());
            let differs = |key: &&ClassKey| before.get(key) != held.get(key);
            keys.filter(differs).cloned().collect()
        };
        disruptable::classes_changed(self, &changed);
        crate::nodeoverlay::wake(self);
        let pools: Vec<String> = self.with(|cluster| {
            cluster
                .pools()
                .map(|pool| pool.metadata.name.clone())
                .collect()
        });
        for pool in pools {
            self.queues.pools.add(pool.clone());
            self.queues.types.add(pool);
        }
    }

    /// Whether a claim is of our provider.
    pub(crate) fn owns(&self, class: &api::NodeClassRef) -> bool {
        let kinds = self.world.cloud.node_class_kinds();
        kinds
            .iter()
            .any(|kind| kind.group == class.group && kind.kind == class.kind)
    }

    /// The one claim of a node; none if there is none, or several.
    pub(crate) fn claim_of(&self, node: &Node) -> Option<Arc<NodeClaim>> {
        let claims = self.with(|cluster| cluster.claims_of(&node.spec.provider_id));
        let [claim] = &claims[..] else { return None };
        Some(claim.clone())
    }

    fn wake(&self, touched: &Touched) {
        let queues = &self.queues;
        gated::wake(self, touched);
        for claim in &touched.claims {
            let claim = claim.to_string();
            queues.claims.add(claim.clone());
            queues.expiration.add(claim.clone());
            queues.disruptable.add(claim.clone());
            queues.consistency.add(claim.clone());
            costs::note(self, &claim);
        }
        for node in &touched.nodes {
            queues.terminations.add(node.to_string());
            let Some(state) = self.with(|cluster| cluster.node(node).cloned()) else {
                continue;
            };
            if is_emptying(&state) {
                self.batcher.trigger(Element::Node(node.clone()));
            }
            // What is said of a pod says where it is; pods that change say it themselves.
            if touched.pods.is_empty() {
                pods::state::show_on(self, &state);
            }
        }
        for pool in &touched.pools {
            queues.pools.add(pool.to_string());
            queues.counters.add_after(pool.to_string(), COUNTER_DELAY);
        }
        for pool in &touched.ready_pools {
            self.batcher.trigger(Element::Pool(pool.clone()));
        }
        disruptable::pools_changed(self, &touched.pools);
        if !touched.claims.is_empty() || !touched.pools.is_empty() {
            let pools: Vec<String> = self.with(|cluster| {
                cluster
                    .pools()
                    .map(|pool| pool.metadata.name.clone())
                    .collect()
            });
            for pool in pools {
                queues.counters.add_after(pool, COUNTER_DELAY);
            }
        }
        for key in &touched.provisionable {
            if let Some(pod) = self.pod(&key.namespace, &key.name) {
                lock(&self.latency).ack(&pod, self.now());
                self.batcher.trigger_pod(&pod);
            }
        }
        if touched.consolidation {
            self.disruption.notify_one();
        }
    }
}

/// Whether a node goes and has pods that will need a place.
fn is_emptying(node: &NodeState) -> bool {
    node.is_marked() && disruption::cost::reschedulable_pods(node) > 0
}

/// State that is only changed by single steps stays usable when a holder of its lock panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
