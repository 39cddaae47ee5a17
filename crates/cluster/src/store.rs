//! Objects of one kind by name, robust against what watches do: repeats, late arrivals, relists.
//!
//! An event is late if it carries a smaller resource version than what is held, or belongs to an
//! object that is known to be deleted. Resource versions are compared as numbers, which Kubernetes
//! allows since 1.35 and which has always held for its own storage. Objects without a version, as
//! in manifests, are taken in the order in which they come.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use model::ObjectMeta;
use model::k8s::Resource;
use rustc_hash::FxHashSet;

use crate::event::{Change, Gone};

/// Uids of deleted objects that are remembered per kind. Late events come within seconds.
const TOMBSTONES: usize = 4096;

/// Namespace and name, shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Namespace; empty for objects of cluster scope.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// A key from its parts.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    fn of(meta: &ObjectMeta) -> Self {
        Self::new(meta.namespace(), &meta.name)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// How one object changed.
#[derive(Debug)]
pub(crate) struct Diff<T> {
    pub(crate) key: ObjectKey,
    pub(crate) old: Option<Arc<T>>,
    pub(crate) new: Option<Arc<T>>,
}

/// Uids that are known to be gone for good.
#[derive(Debug, Default)]
pub(crate) struct Tombstones {
    order: VecDeque<String>,
    uids: FxHashSet<String>,
}

impl Tombstones {
    pub(crate) fn add(&mut self, uid: &str) {
        if uid.is_empty() || !self.uids.insert(uid.to_owned()) {
            return;
        }
        self.order.push_back(uid.to_owned());
        if self.order.len() > TOMBSTONES
            && let Some(oldest) = self.order.pop_front()
        {
            self.uids.remove(&oldest);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(crate) fn has(&self, uid: &str) -> bool {
        self.uids.contains(uid)
    }
}

/// The resource version as a number, 0 where there is none.
pub(crate) fn version(meta: &ObjectMeta) -> u64 {
    meta.resource_version.parse().unwrap_or(0)
}

/// Whether an update with version `new` comes too late for what is held. 0 is no version.
pub(crate) fn is_late(held: u64, new: u64) -> bool {
    new != 0 && held > new
}

/// All objects of one kind.
#[derive(Debug)]
pub(crate) struct Store<T> {
    objects: Arc<BTreeMap<ObjectKey, Arc<T>>>,
    tombstones: Tombstones,
    /// Objects that we put in ourselves and that no watch has shown yet.
    unconfirmed: BTreeMap<ObjectKey, u64>,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self {
            objects: Arc::default(),
            tombstones: Tombstones::default(),
            unconfirmed: BTreeMap::new(),
        }
    }
}

impl<T: Resource> Store<T> {
    /// The objects, for a snapshot.
    pub(crate) fn objects(&self) -> &Arc<BTreeMap<ObjectKey, Arc<T>>> {
        &self.objects
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Arc<T>> {
        self.objects.get(key)
    }

    /// Objects that no watch has confirmed.
    pub(crate) fn unconfirmed(&self) -> impl Iterator<Item = &ObjectKey> {
        self.unconfirmed.keys()
    }

    /// Takes a change in; gives back what really changed, in order of names.
    pub(crate) fn apply(&mut self, change: Change<T>) -> Vec<Diff<T>> {
        match change {
            Change::Applied(object) => self.put(object).into_iter().collect(),
            Change::Deleted(gone) => self.delete(&gone).into_iter().collect(),
            Change::Reset(list) => self.reset(list),
        }
    }

    /// Takes in what the API server has just answered to a write of ours.
    pub(crate) fn put_unconfirmed(&mut self, object: T) -> Option<Diff<T>> {
        let key = ObjectKey::of(object.meta());
        if self.objects.contains_key(&key) {
            return None;
        }
        let version = version(object.meta());
        let diff = self.put(object)?;
        self.unconfirmed.insert(key, version);
        Some(diff)
    }

    /// Takes an object out, and remembers that it is gone.
    pub(crate) fn delete(&mut self, gone: &Gone) -> Option<Diff<T>> {
        self.tombstones.add(&gone.uid);
        let key = ObjectKey::new(&gone.namespace, &gone.name);
        let held = self.objects.get(&key)?.clone();
        if !gone.uid.is_empty() && !held.meta().uid.is_empty() && gone.uid != held.meta().uid {
            return None;
        }
        self.tombstones.add(&held.meta().uid);
        self.remove(key)
    }

    fn put(&mut self, object: T) -> Option<Diff<T>> {
        let meta = object.meta();
        if self.tombstones.has(&meta.uid) {
            return None;
        }
        let key = ObjectKey::of(meta);
        let held = self.objects.get(&key);
        if held.is_some_and(|held| is_late(version(held.meta()), version(meta))) {
            return None;
        }
        self.unconfirmed.remove(&key);
        let new = Arc::new(object);
        let old = Arc::make_mut(&mut self.objects).insert(key.clone(), new.clone());
        Some(Diff {
            key,
            old,
            new: Some(new),
        })
    }

    fn remove(&mut self, key: ObjectKey) -> Option<Diff<T>> {
        let old = Arc::make_mut(&mut self.objects).remove(&key)?;
        self.unconfirmed.remove(&key);
        Some(Diff {
            key,
            old: Some(old),
            new: None,
        })
    }

    /// What the list lacks goes, except what we have put in ourselves if the list may be older.
    fn reset(&mut self, list: Vec<T>) -> Vec<Diff<T>> {
        let newest = list
            .iter()
            .map(|object| version(object.meta()))
            .max()
            .unwrap_or(0);
        let listed: std::collections::BTreeSet<ObjectKey> = list
            .iter()
            .map(|object| ObjectKey::of(object.meta()))
            .collect();
        let missing: Vec<ObjectKey> = self
            .objects
            .keys()
            .filter(|key| !listed.contains(key))
            .filter(|key| {
                self.unconfirmed
                    .get(key)
                    .is_none_or(|version| newest > *version)
            })
            .cloned()
            .collect();
        let mut diffs: Vec<Diff<T>> = missing
            .into_iter()
            .filter_map(|key| self.remove(key))
            .collect();
        diffs.extend(list.into_iter().filter_map(|object| self.put(object)));
        diffs
    }
}

#[cfg(test)]
mod tests;
