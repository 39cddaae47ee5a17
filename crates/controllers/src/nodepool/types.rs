//! What each pool can launch, as the cloud says it.

use std::sync::Arc;
use std::time::Duration;

use catalog::InstanceType;
use cluster::Event;
use runtime::Next;

use crate::costs;
use crate::provisioner::Element;
use crate::shared::Shared;
use crate::{calls, nodeoverlay};

/// How often a pool's types are read when nothing happens.
const INTERVAL: Duration = Duration::from_mins(1);

/// Reads the types of one pool.
pub(crate) async fn reconcile(shared: &Shared, name: String) -> Next {
    match refresh(shared, &name).await {
        Refreshed::NoPool => Next::AwaitChange,
        Refreshed::Failed => Next::Failed,
        Refreshed::Done => Next::After(INTERVAL),
    }
}

/// How reading a pool's types went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// There is no such pool, it is not ours, or its overlays are not known yet.
    NoPool,
    /// The cloud could not say.
    Failed,
    /// They are known.
    Done,
}

/// Reads the types of one pool, and takes them in if they have changed.
pub(crate) async fn refresh(shared: &Shared, name: &str) -> Refreshed {
    let Some(pool) = shared.pool(name) else {
        return Refreshed::NoPool;
    };
    if !shared.owns(&pool.spec.template.spec.node_class_ref) {
        return Refreshed::NoPool;
    }
    let Some(types) = calls::instance_types(shared, &pool).await else {
        return Refreshed::Failed;
    };
    let Some(types) = nodeoverlay::applied(shared, name, &types) else {
        tracing::debug!(nodepool = name, "skipping, awaiting nodeoverlay evaluation");
        let pool = name.to_owned();
        shared.apply(Event::PoolAwaitsOverlays { pool });
        return Refreshed::NoPool;
    };
    let snapshot = shared.snapshot();
    let same = snapshot
        .pool(name)
        .is_some_and(|state| are_same(&state.types, &types));
    if !same {
        costs::reprice(shared, name, &types);
        shared.apply(Event::PoolTypes {
            pool: name.to_owned(),
            types,
        });
        shared.batcher.trigger(Element::Pool(name.into()));
    }
    Refreshed::Done
}

fn are_same(held: &Arc<[Arc<InstanceType>]>, new: &Arc<[Arc<InstanceType>]>) -> bool {
    let equal = |(a, b): (&Arc<InstanceType>, &Arc<InstanceType>)| Arc::ptr_eq(a, b) || a == b;
    Arc::ptr_eq(held, new) || (held.len() == new.len() && held.iter().zip(new.iter()).all(equal))
}
