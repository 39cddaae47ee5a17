//! Objects of one kind, found by name, instance and class.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Changed, Kept};

/// By what objects are found besides their name: instance, then class.
type Keys = [Option<String>; 2];
const INSTANCE: usize = 0;
const CLASS: usize = 1;

pub(super) struct Table<T> {
    held: BTreeMap<String, Arc<T>>,
    /// Names by key.
    by: [BTreeMap<String, BTreeSet<String>>; 2],
    keys: Box<dyn Fn(&T) -> Keys + Send + Sync>,
}

impl<T: Kept> Table<T> {
    pub(super) fn new(keys: impl Fn(&T) -> Keys + Send + Sync + 'static) -> Self {
        Self {
            held: BTreeMap::new(),
            by: Default::default(),
            keys: Box::new(keys),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<T>> {
        self.held.get(name).cloned()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<T>> {
        self.held.values()
    }

    pub(super) fn of_instance(&self, id: &str) -> Vec<Arc<T>> {
        self.found(INSTANCE, id)
    }

    pub(super) fn of_class(&self, name: &str) -> Vec<Arc<T>> {
        self.found(CLASS, name)
    }

    fn found(&self, by: usize, key: &str) -> Vec<Arc<T>> {
        let names = self.by[by].get(key).into_iter().flatten();
        names.filter_map(|name| self.get(name)).collect()
    }

    /// Puts an object in. None if only its version has changed.
    pub(super) fn put(&mut self, mut object: T) -> Option<Changed<T>> {
        let name = object.meta().name.clone();
        let before = self.held.get(&name).cloned();
        let same = before.as_ref().is_some_and(|before| {
            let version = before.meta().resource_version.clone();
            let version = std::mem::replace(object.version(), version);
            let same = object == **before;
            *object.version() = version;
            same
        });
        let (keys, after) = ((self.keys)(&object), Arc::new(object));
        self.held.insert(name.clone(), after.clone());
        if let Some(before) = &before {
            let old = (self.keys)(before);
            if old != keys {
                self.unlink(&name, &old);
            }
        }
        for (by, key) in self.by.iter_mut().zip(keys) {
            if let Some(key) = key {
                by.entry(key).or_default().insert(name.clone());
            }
        }
        let after = Some(after);
        (!same).then_some(Changed { before, after })
    }

    /// Takes an object out. None if it was not there.
    pub(super) fn remove(&mut self, name: &str) -> Option<Changed<T>> {
        let before = self.held.remove(name)?;
        let keys = (self.keys)(&before);
        self.unlink(name, &keys);
        let (before, after) = (Some(before), None);
        Some(Changed { before, after })
    }

    /// These are all objects there are.
    pub(super) fn reset(&mut self, all: impl IntoIterator<Item = T>) -> Vec<Changed<T>> {
        let mut gone: BTreeSet<String> = self.held.keys().cloned().collect();
        let mut changes = Vec::new();
        for object in all {
            gone.remove(&object.meta().name);
            changes.extend(self.put(object));
        }
        changes.extend(gone.iter().filter_map(|name| self.remove(name)));
        changes
    }

    fn unlink(&mut self, name: &str, keys: &Keys) {
        for (by, key) in self.by.iter_mut().zip(keys) {
            let Some(key) = key else { continue };
            if let Some(names) = by.get_mut(key) {
                names.remove(name);
                if names.is_empty() {
                    by.remove(key);
                }
            }
        }
    }
}
