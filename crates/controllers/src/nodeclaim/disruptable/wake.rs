//! Which claims are looked at when a pool or a node class changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use api::{NodeClaim, NodePool, labels};

use crate::shared::{ClassKey, Shared, lock};

/// What claims depend on of each pool, by its name.
#[derive(Default)]
pub(crate) struct Stamps(Mutex<BTreeMap<String, Stamp>>);

/// What claims depend on of a pool: its spec, and the hash that it carries. Its status, which
/// changes with each node, is no reason to look at all its claims.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    uid: String,
    generation: i64,
    hash: Option<String>,
    algorithm: Option<String>,
}

impl Stamp {
    fn of(pool: &NodePool) -> Self {
        let meta = &pool.metadata;
        Self {
            uid: meta.uid.clone(),
            generation: meta.generation,
            hash: meta.annotations.get(labels::NODEPOOL_HASH).cloned(),
            algorithm: meta.annotations.get(labels::NODEPOOL_HASH_VERSION).cloned(),
        }
    }
}

/// Wakes the claims of those of these pools that are not what they were.
pub(crate) fn pools_changed(shared: &Shared, pools: &BTreeSet<Arc<str>>) {
    let mut changed: BTreeSet<&str> = BTreeSet::new();
    for name in pools {
        let stamp = shared.pool(name).map(|pool| Stamp::of(&pool));
        let mut stamps = lock(&shared.stamps.0);
        if stamps.get(&**name) == stamp.as_ref() {
            continue;
        }
        changed.insert(name);
        match stamp {
            Some(stamp) => stamps.insert((**name).to_owned(), stamp),
            None => stamps.remove(&**name),
        };
    }
    if !changed.is_empty() {
        wake(shared, |claim| {
            claim.pool().is_some_and(|pool| changed.contains(pool))
        });
    }
}

/// Wakes the claims of these node classes.
pub(crate) fn classes_changed(shared: &Shared, changed: &BTreeSet<ClassKey>) {
    if changed.is_empty() {
        return;
    }
    let kinds = shared.world.cloud.node_class_kinds();
    wake(shared, |claim| {
        let class = &claim.spec.node_class_ref;
        let kind = kinds
            .iter()
            .position(|kind| kind.group == class.group && kind.kind == class.kind);
        kind.is_some_and(|kind| changed.contains(&(kind, class.name.clone())))
    });
}

fn wake(shared: &Shared, concerns: impl Fn(&NodeClaim) -> bool) {
    let names: Vec<String> = shared.with(|cluster| {
        let concerned = cluster.claims().filter(|claim| concerns(claim));
        concerned.map(|claim| claim.metadata.name.clone()).collect()
    });
    for name in names {
        shared.queues.disruptable.add(name);
    }
}
