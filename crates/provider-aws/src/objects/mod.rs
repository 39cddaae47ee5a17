//! The Kubernetes objects that this provider works from, followed once for all its loops: claims
//! of its node classes, nodes, its pools and its classes.
//!
//! Loops look things up by name, instance or class, and are told of changes
//! ([`Objects::subscribe`]), usually to put a name into a queue. Only claims and pools whose class
//! is an EC2NodeClass are seen. Pools are in their one strict form; classes are as they were
//! written. Nodes come without what changes all the time and decides nothing here: conditions and
//! allocatable.
//!
//! What is *not* here: the state that placements are decided from (`cluster`), and writes.

mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{Ec2NodeClass, NodeClaim, NodeClassRef, NodePool, ProviderDefaults};
use aws::provider_id::instance_id;
use model::k8s::{Node, Resource};
use runtime::client::Kind;
use runtime::watch::{Config, Event, JsonDecoder, Watcher};
use runtime::{Client, Metrics, Shutdown};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use table::Table;

/// What became of an object: as it was known before, and as it is. Neither is told twice for the
/// same version, but for those who subscribe meanwhile.
#[derive(Clone, Debug)]
pub enum Change {
    /// A claim of this provider.
    Claim(Changed<NodeClaim>),
    /// A node, anybody's.
    Node(Changed<Node>),
    /// A pool of this provider.
    Pool(Changed<NodePool>),
    /// A class.
    Class(Changed<Ec2NodeClass>),
}

/// An object before and after a change; at least one is there.
#[derive(Clone, Debug)]
pub struct Changed<T> {
    /// As it was; none if it is new.
    pub before: Option<Arc<T>>,
    /// As it is; none if it is gone.
    pub after: Option<Arc<T>>,
}

impl<T: Resource> Changed<T> {
    /// Its name.
    pub fn name(&self) -> &str {
        let some = self.after.as_ref().or(self.before.as_ref());
        some.map_or("", |object| object.meta().name.as_str())
    }
}

/// Which kinds have been listed, a bit for each.
const CLAIMS: u8 = 1;
const NODES: u8 = 2;
const POOLS: u8 = 4;
const CLASSES: u8 = 8;
const ALL: u8 = CLAIMS | NODES | POOLS | CLASSES;

type Listener = Box<dyn Fn(&Change) + Send + Sync>;

/// The objects. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Objects {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    metrics: Metrics,
    seed: u64,
    defaults: ProviderDefaults,
    tables: Mutex<Tables>,
    listeners: Mutex<Vec<Listener>>,
    listed: watch::Sender<u8>,
}

struct Tables {
    claims: Table<NodeClaim>,
    nodes: Table<Node>,
    pools: Table<NodePool>,
    classes: Table<Ec2NodeClass>,
}

impl Objects {
    /// None yet; [`Objects::run`] brings them.
    pub fn new(client: Client, metrics: Metrics, seed: u64) -> Self {
        let class = |of: &NodeClassRef| of.or_default(&ProviderDefaults::aws()).name;
        let instance = |id: &str| instance_id(id).map(str::to_owned);
        let tables = Tables {
            claims: Table::new(move |claim: &NodeClaim| {
                let class = class(&claim.spec.node_class_ref);
                [instance(&claim.status.provider_id), Some(class)]
            }),
            nodes: Table::new(move |node: &Node| [instance(&node.spec.provider_id), None]),
            pools: Table::new(move |pool: &NodePool| {
                let class = class(&pool.spec.template.spec.node_class_ref);
                [None, Some(class)]
            }),
            classes: Table::new(|_: &Ec2NodeClass| [None, None]),
        };
        let shared = Shared {
            client,
            metrics,
            seed,
            defaults: ProviderDefaults::aws(),
            tables: Mutex::new(tables),
            listeners: Mutex::default(),
            listed: watch::Sender::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Follows all kinds until `shutdown`.
    pub async fn run(&self, shutdown: Shutdown) {
        let following = async {
            tokio::join!(
                self.follow(CLAIMS, |claim: NodeClaim| {
                    self.is_ours(&claim.spec.node_class_ref).then_some(claim)
                }),
                self.follow(NODES, |mut node: Node| {
                    node.status.conditions.clear();
                    node.status.allocatable.clear();
                    Some(node)
                }),
                self.follow(POOLS, |pool: NodePool| {
                    let ours = self.is_ours(&pool.spec.template.spec.node_class_ref);
                    ours.then(|| pool.normalized(&self.shared.defaults))
                }),
                self.follow(CLASSES, |class: Ec2NodeClass| Some(class)),
            )
        };
        let _ = shutdown.or_stop(Box::pin(following)).await;
    }

    /// Waits until every kind has been listed once: before that, what is missing may only not have
    /// been seen yet.
    pub async fn synced(&self) {
        let mut listed = self.shared.listed.subscribe();
        // The sender lives as long as `self`.
        let _ = listed.wait_for(|listed| *listed == ALL).await;
    }

    /// Whether a claim or pool with this reference is this provider's.
    pub fn is_ours(&self, class: &NodeClassRef) -> bool {
        let class = class.or_default(&self.shared.defaults);
        class.group == self.shared.defaults.group && class.kind == self.shared.defaults.kind
    }

    /// Calls `listener` for every change from now on, after a first call for each object that is
    /// known already. It must not wait, and may be called by several threads.
    pub fn subscribe(&self, listener: impl Fn(&Change) + Send + Sync + 'static) {
        let mut listeners = self.listeners();
        let known = {
            let tables = self.tables();
            let mut known = Vec::new();
            known.extend(tables.claims.all().map(|it| Change::Claim(new(it))));
            known.extend(tables.nodes.all().map(|it| Change::Node(new(it))));
            known.extend(tables.pools.all().map(|it| Change::Pool(new(it))));
            known.extend(tables.classes.all().map(|it| Change::Class(new(it))));
            known
        };
        known.iter().for_each(&listener);
        listeners.push(Box::new(listener));
    }

    /// A claim by name.
    pub fn claim(&self, name: &str) -> Option<Arc<NodeClaim>> {
        self.tables().claims.get(name)
    }

    /// All claims, by name.
    pub fn claims(&self) -> Vec<Arc<NodeClaim>> {
        self.tables().claims.all().cloned().collect()
    }

    /// Claims of an instance, by its EC2 id.
    pub fn claims_of_instance(&self, id: &str) -> Vec<Arc<NodeClaim>> {
        self.tables().claims.of_instance(id)
    }

    /// Claims of a class.
    pub fn claims_of_class(&self, class: &str) -> Vec<Arc<NodeClaim>> {
        self.tables().claims.of_class(class)
    }

    /// A node by name.
    pub fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.tables().nodes.get(name)
    }

    /// All nodes, by name.
    pub fn nodes(&self) -> Vec<Arc<Node>> {
        self.tables().nodes.all().cloned().collect()
    }

    /// Nodes of an instance, by its EC2 id.
    pub fn nodes_of_instance(&self, id: &str) -> Vec<Arc<Node>> {
        self.tables().nodes.of_instance(id)
    }

    /// A pool by name.
    pub fn pool(&self, name: &str) -> Option<Arc<NodePool>> {
        self.tables().pools.get(name)
    }

    /// All pools, by name.
    pub fn pools(&self) -> Vec<Arc<NodePool>> {
        self.tables().pools.all().cloned().collect()
    }

    /// Pools of a class.
    pub fn pools_of_class(&self, class: &str) -> Vec<Arc<NodePool>> {
        self.tables().pools.of_class(class)
    }

    /// A class by name.
    pub fn class(&self, name: &str) -> Option<Arc<Ec2NodeClass>> {
        self.tables().classes.get(name)
    }

    /// All classes, by name.
    pub fn classes(&self) -> Vec<Arc<Ec2NodeClass>> {
        self.tables().classes.all().cloned().collect()
    }

    /// Id of a zone, if some class has a subnet there.
    pub fn zone_id(&self, zone: &str) -> Option<String> {
        let tables = self.tables();
        let mut subnets = tables.classes.all().flat_map(|class| &class.status.subnets);
        let known = subnets.find(|subnet| subnet.zone == zone && !subnet.zone_id.is_empty());
        known.map(|subnet| subnet.zone_id.clone())
    }

    /// Follows one kind for ever. `form` gives an object as it is kept; none if it is not ours.
    async fn follow<T>(&self, bit: u8, form: impl Fn(T) -> Option<T>)
    where
        T: Kept + DeserializeOwned,
    {
        let shared = &*self.shared;
        let config = Config::all(Kind::of::<T>())
            .seed(shared.seed)
            .metrics(shared.metrics.clone());
        let decoder = JsonDecoder::<T>::default();
        let mut watcher = Watcher::new(shared.client.clone(), config, decoder);
        loop {
            let event = watcher.next().await;
            let changes = {
                let mut tables = self.tables();
                let table = T::table(&mut tables);
                match event {
                    Event::Reset(list) => table.reset(list.into_iter().filter_map(&form)),
                    Event::Applied(object) => {
                        let name = object.meta().name.clone();
                        let change = match form(object) {
                            Some(object) => table.put(object),
                            None => table.remove(&name),
                        };
                        change.into_iter().collect()
                    }
                    Event::Deleted(object) => {
                        table.remove(&object.meta().name).into_iter().collect()
                    }
                }
            };
            self.tell(changes);
            shared.listed.send_if_modified(|listed| {
                let first = *listed & bit == 0;
                *listed |= bit;
                first
            });
        }
    }

    fn tell<T: Kept>(&self, changes: Vec<Changed<T>>) {
        if changes.is_empty() {
            return;
        }
        let listeners = self.listeners();
        for change in changes.into_iter().map(T::change) {
            for listener in listeners.iter() {
                listener(&change);
            }
        }
    }

    /// A panic elsewhere while the lock was held leaves whole tables.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        let tables = self.shared.tables.lock();
        tables.unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        let listeners = self.shared.listeners.lock();
        listeners.unwrap_or_else(PoisonError::into_inner)
    }
}

fn new<T>(object: &Arc<T>) -> Changed<T> {
    Changed {
        before: None,
        after: Some(object.clone()),
    }
}

/// A kind that is kept.
trait Kept: Resource + Clone + PartialEq + Sized {
    fn table(tables: &mut Tables) -> &mut Table<Self>;
    fn change(change: Changed<Self>) -> Change;
    /// Its resource version.
    fn version(&mut self) -> &mut String;
}

macro_rules! kept {
    ($($kind:ty, $table:ident, $change:ident;)*) => {
        $(impl Kept for $kind {
            fn table(tables: &mut Tables) -> &mut Table<Self> {
                &mut tables.$table
            }

            fn change(change: Changed<Self>) -> Change {
                Change::$change(change)
            }

            fn version(&mut self) -> &mut String {
                &mut self.metadata.resource_version
            }
        })*
    };
}

kept! {
    NodeClaim, claims, Claim;
    Node, nodes, Node;
    NodePool, pools, Pool;
    Ec2NodeClass, classes, Class;
}

#[cfg(test)]
mod tests;
