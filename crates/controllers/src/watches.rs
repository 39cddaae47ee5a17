//! Watches of everything that decisions are made from, as events for the cluster's state.
//!
//! What is *not* here: what an event changes (`cluster`), and listing as such (`runtime::watch`).

use std::pin::Pin;
use std::sync::Arc;

use api::{Condition, NodeClaim, NodePool};
use cluster::{Change, Event, Gone, PodDecoder, PodRecord, PodUpdate};
use lifecycle::pool::readiness::NodeClass;
use model::ObjectMeta;
use model::k8s::{
    CsiNode, DaemonSet, DeviceClass, Namespace, Node, PersistentVolume, PersistentVolumeClaim,
    PodDisruptionBudget, PodKey, ReplicaSetSelector, ReplicationController, Resource,
    ResourceClaim, ResourceSlice, Service, StatefulSetSelector, StorageClass, VolumeAttachment,
};
use runtime::Options;
use runtime::client::Kind;
use runtime::watch::{
    Config, Decode, DecodeError, Event as Watched, JsonDecoder, Versioned, Watcher,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::pods;
use crate::shared::{ClassKey, Shared};
use crate::transitions::{Told, Transitions};

/// Kinds that are always watched.
const ALWAYS: usize = 12;

/// Kinds that say which pods belong together: watched only where pods are spread by default.
const SELECTING: usize = 4;

/// Kinds about devices: watched only where claims for them are met.
const DEVICES: usize = 3;

/// How many kinds are listed before anything is decided.
pub(crate) fn kinds(classes: usize, options: &Options) -> usize {
    let selecting = if options.scheduler.spreads() {
        SELECTING
    } else {
        0
    };
    let devices = if options.ignore_dra_requests {
        0
    } else {
        DEVICES
    };
    ALWAYS + selecting + devices + classes
}

/// A loop that follows one kind for ever.
pub(crate) type Follow<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The loops that follow all kinds.
pub(crate) fn all(shared: &Shared) -> Vec<Follow<'_>> {
    let mut follows: Vec<Follow<'_>> = vec![
        Box::pin(pools(shared)),
        Box::pin(told(shared, |claim: NodeClaim| claim, Event::NodeClaim)),
        Box::pin(told(shared, |node: Node| node, Event::Node)),
        Box::pin(follow_pods(shared)),
        Box::pin(objects::<DaemonSet>(shared, Event::DaemonSet)),
        Box::pin(objects::<PodDisruptionBudget>(
            shared,
            Event::PodDisruptionBudget,
        )),
        Box::pin(objects::<Namespace>(shared, Event::Namespace)),
        Box::pin(objects::<PersistentVolumeClaim>(
            shared,
            Event::PersistentVolumeClaim,
        )),
        Box::pin(objects::<PersistentVolume>(shared, Event::PersistentVolume)),
        Box::pin(objects::<StorageClass>(shared, Event::StorageClass)),
        Box::pin(objects::<CsiNode>(shared, Event::CsiNode)),
        Box::pin(objects::<VolumeAttachment>(shared, Event::VolumeAttachment)),
    ];
    if shared.world.options.scheduler.spreads() {
        follows.extend(selecting(shared));
    }
    if !shared.world.options.ignore_dra_requests {
        follows.extend(devices(shared));
    }
    for at in 0..shared.world.cloud.node_class_kinds().len() {
        follows.push(Box::pin(classes(shared, at)));
    }
    follows
}

fn selecting(shared: &Shared) -> [Follow<'_>; SELECTING] {
    [
        Box::pin(objects::<Service>(shared, Event::Service)),
        Box::pin(objects::<ReplicationController>(
            shared,
            Event::ReplicationController,
        )),
        Box::pin(objects::<ReplicaSetSelector>(shared, Event::ReplicaSet)),
        Box::pin(objects::<StatefulSetSelector>(shared, Event::StatefulSet)),
    ]
}

fn devices(shared: &Shared) -> [Follow<'_>; DEVICES] {
    [
        Box::pin(objects::<DeviceClass>(shared, Event::DeviceClass)),
        Box::pin(objects::<ResourceSlice>(shared, Event::ResourceSlice)),
        Box::pin(objects::<ResourceClaim>(shared, Event::ResourceClaim)),
    ]
}

fn watcher<D: Decode>(shared: &Shared, kind: Kind, decoder: D) -> Watcher<D> {
    let world = &shared.world;
    let config = Config::all(kind)
        .seed(world.seed)
        .metrics(world.metrics.clone());
    Watcher::new(world.client.clone(), config, decoder)
}

/// Follows a kind whose objects go to the cluster's state as they are.
async fn objects<T>(shared: &Shared, into: fn(Change<T>) -> Event)
where
    T: Resource + DeserializeOwned + Send,
{
    follow(shared, |object| object, into, |_: &Watched<T>| ()).await;
}

/// Follows pools, in their one strict form.
async fn pools(shared: &Shared) {
    let strict = |pool: NodePool| pool.normalized(&shared.defaults);
    told(shared, strict, Event::NodePool).await;
}

/// Follows a kind whose conditions are told.
async fn told<T>(shared: &Shared, form: impl Fn(T) -> T, into: fn(Change<T>) -> Event)
where
    T: Told + DeserializeOwned + Send,
{
    let mut transitions = Transitions::default();
    let note = |watched: &Watched<T>| transitions.note(shared, watched);
    follow(shared, form, into, note).await;
}

async fn follow<T>(
    shared: &Shared,
    form: impl Fn(T) -> T,
    into: fn(Change<T>) -> Event,
    mut note: impl FnMut(&Watched<T>),
) where
    T: Resource + DeserializeOwned + Send,
{
    let mut watcher = watcher(shared, Kind::of::<T>(), JsonDecoder::<T>::default());
    let mut listed = Listed::No;
    loop {
        let watched = watcher.next().await;
        note(&watched);
        let change = match watched {
            Watched::Reset(list) => Change::Reset(list.into_iter().map(&form).collect()),
            Watched::Applied(object) => Change::Applied(form(object)),
            Watched::Deleted(object) => Change::Deleted(Gone::of(object.meta())),
        };
        shared.apply(into(change));
        listed.note(shared);
    }
}

/// Whether a kind's first list has been reported.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    No,
    Yes,
}

impl Listed {
    /// Reports the first list. Every watch begins with one.
    fn note(&mut self, shared: &Shared) {
        if *self == Self::No {
            *self = Self::Yes;
            shared.gate.listed();
        }
    }
}

/// Reads pods, sharing what they have in common.
#[derive(Default)]
struct Pods(PodDecoder);

impl Decode for Pods {
    type Item = PodUpdate;

    fn decode(&mut self, object: &[u8]) -> Result<Versioned<PodUpdate>, DecodeError> {
        let item = self
            .0
            .decode(object)
            .map_err(|cause| DecodeError(cause.to_string()))?;
        let resource_version = item.facts.resource_version.to_string();
        Ok(Versioned {
            item,
            resource_version,
        })
    }
}

/// Follows pods.
async fn follow_pods(shared: &Shared) {
    let kind = Kind {
        group: "",
        version: "v1",
        kind: "Pod",
        plural: "pods",
    };
    let mut watcher = watcher(shared, kind, Pods::default());
    let mut listed = Listed::No;
    loop {
        let (change, key) = match watcher.next().await {
            Watched::Reset(list) => (Change::Reset(list), None),
            Watched::Applied(pod) => {
                let key = pod.key();
                (Change::Applied(pod), Some(key))
            }
            Watched::Deleted(pod) => {
                let key = pod.key();
                let mut gone = Gone::named(&key.namespace, &key.name);
                gone.uid = pod.facts.uid.to_string();
                (Change::Deleted(gone), Some(key))
            }
        };
        let before = key.as_ref().and_then(|key| held(shared, key));
        shared.apply(Event::Pod(change));
        match &key {
            None => pods::listed(shared),
            Some(key) => pods::changed(shared, before, held(shared, key)),
        }
        listed.note(shared);
    }
}

fn held(shared: &Shared, key: &PodKey) -> Option<Arc<PodRecord>> {
    shared.pod(&key.namespace, &key.name)
}

/// Reads node classes of whatever provider.
struct Classes;

impl Decode for Classes {
    type Item = NodeClass;

    fn decode(&mut self, object: &[u8]) -> Result<Versioned<NodeClass>, DecodeError> {
        #[derive(Deserialize)]
        struct Object {
            metadata: ObjectMeta,
            #[serde(default)]
            status: Status,
        }
        #[derive(Default, Deserialize)]
        struct Status {
            #[serde(default)]
            conditions: Vec<Condition>,
        }
        let object: Object =
            serde_json::from_slice(object).map_err(|cause| DecodeError(cause.to_string()))?;
        let resource_version = object.metadata.resource_version.clone();
        let item = NodeClass {
            metadata: object.metadata,
            conditions: object.status.conditions,
        };
        Ok(Versioned {
            item,
            resource_version,
        })
    }
}

/// Follows the node classes of the provider's kind at a place.
async fn classes(shared: &Shared, at: usize) {
    let kind = shared.world.cloud.node_class_kinds()[at];
    let mut watcher = watcher(shared, kind, Classes);
    let mut listed = Listed::No;
    let key = |class: &NodeClass| -> ClassKey { (at, class.metadata.name.clone()) };
    loop {
        let event = watcher.next().await;
        shared.change_classes(|held| match event {
            Watched::Reset(list) => {
                held.retain(|(kind, _), _| *kind != at);
                held.extend(list.into_iter().map(|class| (key(&class), class)));
            }
            Watched::Applied(class) => {
                held.insert(key(&class), class);
            }
            Watched::Deleted(class) => {
                held.remove(&key(&class));
            }
        });
        listed.note(shared);
    }
}
