//! `capacitybuffer`: which pods each buffer keeps room for, as virtual pods for the provisioner.
//!
//! What is *not* here: how many there are and what is said of them (`lifecycle::buffer`), and where
//! they fit (`scheduling`).

mod outcome;
mod resolve;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::CapacityBuffer;
use cluster::{Event, ObjectKey, PodUpdate};
use lifecycle::buffer::{Observed, judged, virtual_pods};
use model::k8s::{PodTemplate, Resource};
use runtime::client::Kind;
use runtime::queue::Backoff;
use runtime::watch::{Config, Event as Watched, JsonDecoder, Watcher};
use runtime::{Next, Queue};
use serde::de::DeserializeOwned;

use crate::provisioner::Element;
use crate::run::{Loop, serve};
use crate::shared::{Shared, lock};
use crate::{nodeclaim, write};

pub(crate) use outcome::after_pass;

/// How often buffers are looked at: workloads are not watched.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long to wait when somebody else has changed a buffer.
const AGAIN: Duration = Duration::from_secs(1);
/// How many buffers are worked on at once.
const CONCURRENCY: usize = 10;

/// What is known of buffers, and what is to be done.
pub(crate) struct Buffers {
    queue: Queue<ObjectKey>,
    /// Buffers of which a pass has found something new.
    outcomes: Queue<ObjectKey>,
    held: Mutex<BTreeMap<ObjectKey, Held>>,
    listed: AtomicBool,
}

/// A buffer.
struct Held {
    buffer: Arc<CapacityBuffer>,
    /// Whether it is known which pods it keeps room for, be it none.
    known: bool,
    /// What the latest pass has made of its pods.
    observed: Option<Observed>,
}

impl Default for Buffers {
    fn default() -> Self {
        let standard = Backoff::standard;
        Self {
            queue: Queue::new(standard()),
            outcomes: Queue::new(standard()),
            held: Mutex::default(),
            listed: AtomicBool::new(false),
        }
    }
}

impl Buffers {
    /// Hands out nothing more.
    pub(crate) fn shut_down(&self) {
        self.queue.shut_down();
        self.outcomes.shut_down();
    }

    fn get(&self, key: &ObjectKey) -> Option<(Arc<CapacityBuffer>, Option<Observed>)> {
        let held = lock(&self.held);
        let held = held.get(key)?;
        Some((held.buffer.clone(), held.observed))
    }

    /// Whether it is known of every buffer which pods it keeps room for.
    fn all_known(&self) -> bool {
        self.listed.load(Ordering::Acquire) && lock(&self.held).values().all(|held| held.known)
    }

    /// Takes a buffer in; it is looked at if anybody but us has changed it.
    fn put(&self, buffer: CapacityBuffer) {
        let meta = &buffer.metadata;
        let key = ObjectKey::new(meta.namespace(), &meta.name);
        let mut held = lock(&self.held);
        let old = held.remove(&key);
        let same = old.as_ref().filter(|old| {
            let of = |meta: &model::ObjectMeta| (meta.uid.clone(), meta.generation);
            of(&old.buffer.metadata) == of(meta)
        });
        let (known, observed) = same.map_or((false, None), |old| (old.known, old.observed));
        if same.is_none() {
            self.queue.add(key.clone());
        }
        let buffer = Arc::new(buffer);
        let new = Held {
            buffer,
            known,
            observed,
        };
        held.insert(key, new);
    }

    fn forget(&self, key: &ObjectKey) {
        if lock(&self.held).remove(key).is_some() {
            self.queue.add(key.clone());
        }
    }
}

/// The loops that serve queues.
pub(crate) fn served(shared: &Shared) -> [Loop<'_>; 2] {
    let buffers = &shared.gated.buffers;
    [
        serve(
            shared,
            &buffers.queue,
            ("capacitybuffer", CONCURRENCY),
            |key| reconcile(shared, key),
        ),
        serve(
            shared,
            &buffers.outcomes,
            ("capacitybuffer.provisioning", CONCURRENCY),
            |key| outcome::reconcile(shared, key),
        ),
    ]
}

fn watcher<T>(shared: &Shared) -> Watcher<JsonDecoder<T>>
where
    T: Resource + DeserializeOwned + Send,
{
    let world = &shared.world;
    let config = Config::all(Kind::of::<T>())
        .seed(world.seed)
        .metrics(world.metrics.clone());
    Watcher::new(world.client.clone(), config, JsonDecoder::default())
}

/// Follows buffers for ever.
pub(crate) async fn follow(shared: &Shared) {
    let buffers = &shared.gated.buffers;
    let mut watcher = watcher::<CapacityBuffer>(shared);
    loop {
        match watcher.next().await {
            Watched::Applied(buffer) => buffers.put(buffer),
            Watched::Deleted(buffer) => buffers.forget(&key_of(&buffer)),
            Watched::Reset(list) => {
                let there: Vec<ObjectKey> = list.iter().map(key_of).collect();
                let gone: Vec<ObjectKey> = {
                    let held = lock(&buffers.held);
                    let gone = held.keys().filter(|key| !there.contains(key));
                    gone.cloned().collect()
                };
                for key in gone {
                    buffers.forget(&key);
                }
                for buffer in list {
                    buffers.put(buffer);
                }
                buffers.listed.store(true, Ordering::Release);
                // A pass finds which nodes keep room, be it none.
                shared.batcher.trigger(Element::Buffer("".into()));
            }
        }
    }
}

/// Follows PodTemplates for ever: buffers that name one that has changed are looked at.
pub(crate) async fn follow_templates(shared: &Shared) {
    let mut watcher = watcher::<PodTemplate>(shared);
    loop {
        let changed = match watcher.next().await {
            Watched::Applied(template) | Watched::Deleted(template) => vec![template],
            Watched::Reset(list) => list,
        };
        let named = |key: &ObjectKey, held: &Held| {
            let name = held.buffer.spec.pod_template_ref.as_ref();
            name.is_some_and(|wanted| {
                changed.iter().any(|template| {
                    let meta = &template.metadata;
                    meta.name == wanted.name && *meta.namespace() == *key.namespace
                })
            })
        };
        let buffers = &shared.gated.buffers;
        for (key, held) in lock(&buffers.held).iter() {
            if named(key, held) {
                buffers.queue.add(key.clone());
            }
        }
    }
}

fn key_of(buffer: &CapacityBuffer) -> ObjectKey {
    ObjectKey::new(buffer.metadata.namespace(), &buffer.metadata.name)
}

/// Finds which pods one buffer keeps room for.
async fn reconcile(shared: &Shared, key: ObjectKey) -> Next {
    let buffers = &shared.gated.buffers;
    let Some((buffer, _)) = buffers.get(&key) else {
        keep(shared, &key, Vec::new());
        shared.batcher.trigger(Element::Buffer("".into()));
        return Next::AwaitChange;
    };
    let found = resolve::resolve(shared, &buffer).await;
    let wanted = judged(&buffer, &found, shared.now());
    let written = match write::status(shared, &*buffer, &wanted).await {
        Ok(Some(written)) => written,
        Ok(None) => return Next::After(AGAIN),
        Err(error) if error.is_conflict() => return Next::After(AGAIN),
        Err(error) => return nodeclaim::after(&error, "capacitybuffer", &key.to_string()),
    };
    let (pods, transient) = match &found {
        Ok(resolved) => (virtual_pods(&written, resolved), false),
        Err(why) => (Vec::new(), why.is_transient()),
    };
    let uid = written.metadata.uid.as_str().into();
    buffers.put(written);
    if let Some(held) = lock(&buffers.held).get_mut(&key) {
        held.known = !transient;
    }
    let changed = keep(shared, &key, pods);
    if found.is_ok() || changed {
        shared.batcher.trigger(Element::Buffer(uid));
    } else {
        outcome::review(shared, &key);
    }
    if transient {
        Next::Failed
    } else {
        Next::After(INTERVAL)
    }
}

/// Keeps room for these pods; whether that is anything new.
fn keep(shared: &Shared, key: &ObjectKey, pods: Vec<model::k8s::Pod>) -> bool {
    let touched = shared.apply(Event::VirtualPods {
        buffer: key.clone(),
        pods: pods.iter().map(PodUpdate::virtual_of).collect(),
    });
    !touched.is_empty()
}
