//! Where objects are: one global resource version, one shelf per resource, one bounded log of
//! changes per shelf, and the indexes that deletions and drains need.
//!
//! Not here: any rule of any kind. What is put is what is kept.

mod index;
mod log;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::Notify;

pub(crate) use self::{
    index::{Index, ObjectKey},
    log::{Change, ChangeKind, Log, TooOld},
};
use crate::{meta, resource::ShelfId};

/// An object at one resource version. Never changed once stored, so it is shared by the store,
/// the log and every watcher.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) value: Arc<Value>,
    pub(crate) version: u64,
    wire: OnceLock<Bytes>,
}

impl Stored {
    /// Holds `value`, which says the same `version` in its metadata.
    pub(crate) fn new(value: Arc<Value>, version: u64) -> Self {
        Self {
            value,
            version,
            wire: OnceLock::new(),
        }
    }

    /// JSON of the object, made once for everyone who asks.
    pub(crate) fn wire(&self) -> Bytes {
        self.wire.get_or_init(|| to_bytes(&self.value)).clone()
    }
}

/// JSON text of a value.
pub(crate) fn to_bytes(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

/// Objects of one resource.
#[derive(Debug)]
struct Shelf {
    /// By namespace (empty for cluster scope), then name: the order in which lists come.
    objects: BTreeMap<String, BTreeMap<String, Arc<Stored>>>,
    log: Log,
    changed: Arc<Notify>,
}

/// All objects.
#[derive(Debug)]
pub(crate) struct Store {
    version: u64,
    shelves: Vec<Shelf>,
    log_capacity: usize,
    index: Index,
}

impl Store {
    pub(crate) fn new(log_capacity: usize) -> Self {
        Self {
            version: 1,
            shelves: Vec::new(),
            log_capacity,
            index: Index::default(),
        }
    }

    /// Adds an empty shelf.
    pub(crate) fn add_shelf(&mut self) -> ShelfId {
        self.shelves.push(Shelf {
            objects: BTreeMap::new(),
            log: Log::new(self.log_capacity),
            changed: Arc::new(Notify::new()),
        });
        ShelfId(self.shelves.len() - 1)
    }

    /// The last resource version given out.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn index_mut(&mut self) -> &mut Index {
        &mut self.index
    }

    pub(crate) fn log(&self, shelf: ShelfId) -> &Log {
        &self.shelves[shelf.0].log
    }

    /// Forgets the changes of all resources so far: older watches get 410 Gone.
    pub(crate) fn compact(&mut self) {
        for shelf in &mut self.shelves {
            shelf.log.compact(self.version);
        }
    }

    /// Wakes all who wait for changes of a resource.
    pub(crate) fn changed(&self, shelf: ShelfId) -> Arc<Notify> {
        self.shelves[shelf.0].changed.clone()
    }

    pub(crate) fn get(&self, shelf: ShelfId, namespace: &str, name: &str) -> Option<&Arc<Stored>> {
        self.shelves[shelf.0].objects.get(namespace)?.get(name)
    }

    /// All objects, or those of one namespace, in order of namespace and name.
    pub(crate) fn list<'a>(
        &'a self,
        shelf: ShelfId,
        namespace: Option<&'a str>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Stored>> + 'a> {
        let objects = &self.shelves[shelf.0].objects;
        match namespace {
            Some(ns) => Box::new(objects.get(ns).into_iter().flat_map(BTreeMap::values)),
            None => Box::new(objects.values().flat_map(BTreeMap::values)),
        }
    }

    /// Objects after `(namespace, name)`, in order.
    pub(crate) fn list_after<'a>(
        &'a self,
        shelf: ShelfId,
        within: Option<&'a str>,
        after: (&'a str, &'a str),
    ) -> impl Iterator<Item = &'a Arc<Stored>> + 'a {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let objects = &self.shelves[shelf.0].objects;
        objects
            .range::<str, _>((Included(after.0), Unbounded))
            .filter(move |(ns, _)| within.is_none_or(|w| w == ns.as_str()))
            .flat_map(move |(ns, names)| {
                let from = if ns == after.0 {
                    Excluded(after.1)
                } else {
                    Unbounded
                };
                names
                    .range::<str, _>((from, Unbounded))
                    .map(|(_, stored)| stored)
            })
    }

    /// Keeps `value` under its name and namespace, with the next resource version.
    pub(crate) fn put(&mut self, shelf: ShelfId, mut value: Value) -> Arc<Stored> {
        self.version += 1;
        meta::set(
            &mut value,
            "resourceVersion",
            Value::String(self.version.to_string()),
        );
        let key = ObjectKey::of(shelf, &value);
        let stored = Arc::new(Stored::new(Arc::new(value), self.version));
        let names = self.shelves[shelf.0]
            .objects
            .entry(key.namespace.clone())
            .or_default();
        let previous = names.insert(key.name.clone(), stored.clone());
        self.index.replace(&key, previous.as_deref(), Some(&stored));
        let kind = if previous.is_some() {
            ChangeKind::Modified
        } else {
            ChangeKind::Added
        };
        self.record(
            shelf,
            Change {
                kind,
                object: stored.clone(),
                previous,
            },
        );
        stored
    }

    /// Removes an object; watchers see `last` as its final state, or the stored one if `None`.
    pub(crate) fn remove(
        &mut self,
        shelf: ShelfId,
        namespace: &str,
        name: &str,
        last: Option<Value>,
    ) -> Option<Arc<Stored>> {
        let objects = &mut self.shelves[shelf.0].objects;
        let names = objects.get_mut(namespace)?;
        let previous = names.remove(name)?;
        if names.is_empty() {
            objects.remove(namespace);
        }
        self.version += 1;
        let mut value = last.unwrap_or_else(|| (*previous.value).clone());
        meta::set(
            &mut value,
            "resourceVersion",
            Value::String(self.version.to_string()),
        );
        let key = ObjectKey::of(shelf, &value);
        self.index.replace(&key, Some(&previous), None);
        let stored = Arc::new(Stored::new(Arc::new(value), self.version));
        let previous = Some(previous);
        self.record(
            shelf,
            Change {
                kind: ChangeKind::Deleted,
                object: stored.clone(),
                previous,
            },
        );
        Some(stored)
    }

    fn record(&mut self, shelf: ShelfId, change: Change) {
        let shelf = &mut self.shelves[shelf.0];
        shelf.log.push(change);
        shelf.changed.notify_waiters();
    }
}
