//! `nodeoverlay.controller`: which overlays are in force, and pools' instance types with them.
//!
//! What is *not* here: what overlays change (`catalog::overlay`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::nodeoverlay::conditions::VALIDATION_SUCCEEDED;
use api::{NodeClaim, NodeOverlay, NodePool, condition, labels};
use catalog::InstanceType;
use catalog::overlay::{Overlays, PoolTypes, Verdict, evaluate};
use model::{ObjectMeta, Timestamp, resources};
use runtime::client::{ApiError, Kind};
use runtime::queue::Backoff;
use runtime::watch::{Config, Event as Watched, JsonDecoder, Watcher};
use runtime::{Next, Queue};

use crate::cloud::Launched;
use crate::gated::gates;
use crate::nodepool::types;
use crate::run::{Loop, serve};
use crate::shared::{Shared, lock};
use crate::{calls, nodeclaim, write};

/// How often overlays are looked at when nothing happens.
const INTERVAL: Duration = Duration::from_hours(6);
/// How long to wait when somebody else has changed an overlay.
const AGAIN: Duration = Duration::from_millis(100);

/// A pool's types.
type Types = Arc<[Arc<InstanceType>]>;
/// Kind, name, uid and generation of everything that decides.
type Signature = Vec<(&'static str, String, String, i64)>;

/// What is known of overlays, and what is to be done.
pub(crate) struct NodeOverlays {
    queue: Queue<()>,
    held: Mutex<BTreeMap<String, NodeOverlay>>,
    listed: AtomicBool,
    /// What overlays change, as of the last evaluation.
    store: Mutex<Arc<Overlays>>,
    /// What was evaluated last, and when.
    evaluated: Mutex<Option<(Signature, Timestamp)>>,
    /// Pools' types before and after overlays, as long as neither changes.
    applied: Mutex<BTreeMap<String, Applied>>,
}

/// A pool's types before and after overlays.
struct Applied {
    overlays: Arc<Overlays>,
    before: Types,
    after: Types,
}

impl Default for NodeOverlays {
    fn default() -> Self {
        Self {
            queue: Queue::new(Backoff::standard()),
            held: Mutex::default(),
            listed: AtomicBool::new(false),
            store: Mutex::default(),
            evaluated: Mutex::default(),
            applied: Mutex::default(),
        }
    }
}

impl NodeOverlays {
    /// Hands out nothing more.
    pub(crate) fn shut_down(&self) {
        self.queue.shut_down();
    }
}

/// A pool or a node class has changed.
pub(crate) fn wake(shared: &Shared) {
    if gates(shared).node_overlay {
        shared.gated.overlays.queue.add(());
    }
}

/// The loop that serves the queue.
pub(crate) fn served(shared: &Shared) -> [Loop<'_>; 1] {
    let queue = &shared.gated.overlays.queue;
    [serve(shared, queue, ("nodeoverlay.controller", 1), |()| {
        reconcile(shared)
    })]
}

/// Follows overlays for ever.
pub(crate) async fn follow(shared: &Shared) {
    let world = &shared.world;
    let config = Config::all(Kind::of::<NodeOverlay>())
        .seed(world.seed)
        .metrics(world.metrics.clone());
    let decoder = JsonDecoder::<NodeOverlay>::default();
    let mut watcher = Watcher::new(world.client.clone(), config, decoder);
    let overlays = &shared.gated.overlays;
    loop {
        let watched = watcher.next().await;
        let mut held = lock(&overlays.held);
        match watched {
            Watched::Applied(overlay) => {
                held.insert(overlay.metadata.name.clone(), overlay);
            }
            Watched::Deleted(overlay) => {
                held.remove(&overlay.metadata.name);
            }
            Watched::Reset(list) => {
                let by_name = |overlay: NodeOverlay| (overlay.metadata.name.clone(), overlay);
                *held = list.into_iter().map(by_name).collect();
                overlays.listed.store(true, Ordering::Release);
            }
        }
        drop(held);
        overlays.queue.add(());
    }
}

/// A pool's types with what overlays change; none while that is not known.
pub(crate) fn applied(shared: &Shared, pool: &str, types: &Types) -> Option<Types> {
    if !gates(shared).node_overlay {
        return Some(types.clone());
    }
    let overlays = &shared.gated.overlays;
    let store = lock(&overlays.store).clone();
    let mut memo = lock(&overlays.applied);
    if let Some(held) = memo.get(pool)
        && Arc::ptr_eq(&held.overlays, &store)
        && Arc::ptr_eq(&held.before, types)
    {
        return Some(held.after.clone());
    }
    let after = store.apply(pool, types)?;
    let held = Applied {
        overlays: store,
        before: types.clone(),
        after: after.clone(),
    };
    memo.insert(pool.to_owned(), held);
    Some(after)
}

/// Promises what overlays add to an instance: whoever wrote them knows that the node will have it,
/// and pods that wait for it are not to get another node meanwhile.
pub(crate) fn promise(shared: &Shared, claim: &NodeClaim, launched: &mut Launched) {
    let (pool, ty) = (claim.pool(), launched.labels.get(labels::INSTANCE_TYPE));
    let (Some(pool), Some(ty)) = (pool, ty) else {
        return;
    };
    let store = lock(&shared.gated.overlays.store).clone();
    if let Some(added) = store.capacity(pool, ty) {
        launched.capacity = resources::max_each(&launched.capacity, added);
        launched.allocatable = resources::max_each(&launched.allocatable, added);
    }
}

/// Evaluates all overlays, unless nothing has changed since the last time.
async fn reconcile(shared: &Shared) -> Next {
    let overlays = &shared.gated.overlays;
    if !overlays.listed.load(Ordering::Acquire) {
        return Next::AwaitChange;
    }
    let held: Vec<NodeOverlay> = lock(&overlays.held).values().cloned().collect();
    let pools = pools(shared);
    let signature = signature(shared, &held, &pools);
    let now = shared.now();
    if let Some((same, at)) = &*lock(&overlays.evaluated)
        && *same == signature
        && now.since(*at) < INTERVAL
    {
        return Next::After(INTERVAL.saturating_sub(now.since(*at)));
    }
    let mut read = Vec::new();
    let mut failed = false;
    for pool in &pools {
        match calls::instance_types(shared, pool).await {
            Some(types) => read.push((pool, types)),
            None => failed = true,
        }
    }
    let inputs: Vec<PoolTypes<'_>> = read
        .iter()
        .map(|(pool, types)| PoolTypes { pool, types })
        .collect();
    let vocabulary = shared.snapshot().vocabulary;
    let evaluation = evaluate(&held, &inputs, &vocabulary);
    for overlay in &held {
        let Some(verdict) = evaluation.verdicts.get(&overlay.metadata.name) else {
            continue;
        };
        match say(shared, overlay, verdict).await {
            Ok(true) => {}
            Ok(false) => return Next::After(AGAIN),
            Err(error) => {
                return nodeclaim::after(&error, "nodeoverlay", &overlay.metadata.name);
            }
        }
    }
    *lock(&overlays.store) = Arc::new(evaluation.overlays);
    *lock(&overlays.evaluated) = (!failed).then_some((signature, now));
    for (pool, _) in &read {
        types::refresh(shared, &pool.metadata.name).await;
    }
    shared.disruption.notify_one();
    if failed {
        Next::Failed
    } else {
        Next::After(INTERVAL)
    }
}

/// The provider's pools.
fn pools(shared: &Shared) -> Vec<Arc<NodePool>> {
    shared.with(|cluster| {
        let ours = cluster
            .pools()
            .filter(|pool| shared.owns(&pool.spec.template.spec.node_class_ref));
        ours.cloned().collect()
    })
}

fn signature(shared: &Shared, overlays: &[NodeOverlay], pools: &[Arc<NodePool>]) -> Signature {
    let of = |kind: &'static str, meta: &ObjectMeta| {
        (kind, meta.name.clone(), meta.uid.clone(), meta.generation)
    };
    let mut all: Signature = overlays
        .iter()
        .map(|overlay| of("NodeOverlay", &overlay.metadata))
        .collect();
    all.extend(pools.iter().map(|pool| of("NodePool", &pool.metadata)));
    let classes = shared.classes();
    all.extend(classes.iter().map(|class| of("NodeClass", &class.metadata)));
    all
}

/// Writes what an overlay is good for; whether it is still the one that was looked at.
async fn say(shared: &Shared, overlay: &NodeOverlay, verdict: &Verdict) -> Result<bool, ApiError> {
    let (status, reason, message) = match verdict {
        Verdict::Accepted => (condition::TRUE, VALIDATION_SUCCEEDED, String::new()),
        Verdict::Invalid(why) => (condition::FALSE, "RuntimeValidation", why.to_string()),
        Verdict::Conflict => {
            let message = "conflict with another overlay".to_owned();
            (condition::FALSE, "Conflict", message)
        }
    };
    let mut wanted = overlay.clone();
    let subject = overlay.subject(shared.now().truncated_to_seconds());
    let conditions = &mut wanted.status.conditions;
    condition::set(
        conditions,
        &subject,
        (VALIDATION_SUCCEEDED, status),
        reason,
        &message,
    );
    match write::status(shared, overlay, &wanted).await {
        Ok(Some(written)) => {
            let mut held = lock(&shared.gated.overlays.held);
            held.insert(written.metadata.name.clone(), written);
            Ok(true)
        }
        Ok(None) => Ok(false),
        Err(error) if error.is_conflict() => Ok(false),
        Err(error) => Err(error),
    }
}
