//! The garbage collector and the namespace controller: what follows from a deletion.
//!
//! In a cluster these run in the controller manager. Here they are one step that the owner of the
//! server calls ([`Server::collect_garbage`](crate::Server::collect_garbage)), so that a
//! simulation decides when they act.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    meta,
    options::{DeleteOptions, Propagation},
    resource::{NAMESPACES, ResourceInfo},
    state::State,
    storage::ObjectKey,
    verbs::{FOREGROUND, ORPHAN},
};

impl State {
    /// One pass; returns how many objects were deleted or changed.
    pub(crate) fn collect_garbage(&mut self) -> usize {
        let mut acted = 0;
        for uid in self.store.index_mut().take_absent_owners() {
            if !self.store.index().is_live(&uid) {
                acted += self.collect_dependents(&uid);
            }
        }
        let waiting: Vec<ObjectKey> = self.store.index().terminating().iter().cloned().collect();
        for key in waiting {
            acted += self.advance_deletion(&key);
        }
        acted
    }

    /// Deletes the dependents of an owner that is gone, unless another owner still lives.
    fn collect_dependents(&mut self, uid: &str) -> usize {
        let keys: Vec<ObjectKey> = self.store.index().dependents(uid).cloned().collect();
        let mut acted = 0;
        for key in keys {
            let Some((info, value)) = self.lookup(&key) else {
                continue;
            };
            if meta::is_deleting(&value) {
                continue;
            }
            if self.has_live_owner(&value) {
                self.drop_owner(&info, &key, uid);
            } else {
                let options = DeleteOptions {
                    propagation: Some(Propagation::Background),
                    ..DeleteOptions::default()
                };
                drop(self.delete(&info, &key.namespace, &key.name, &options));
            }
            acted += 1;
        }
        acted
    }

    fn has_live_owner(&self, value: &Value) -> bool {
        let uids = meta::owner_references(value)
            .iter()
            .filter_map(|r| r["uid"].as_str());
        uids.into_iter().any(|uid| self.store.index().is_live(uid))
    }

    /// Takes one owner reference off an object.
    fn drop_owner(&mut self, info: &Arc<ResourceInfo>, key: &ObjectKey, uid: &str) {
        let Some(stored) = self.store.get(info.shelf, &key.namespace, &key.name) else {
            return;
        };
        let mut object = (*stored.value).clone();
        let kept: Vec<Value> = meta::owner_references(&object)
            .iter()
            .filter(|r| r["uid"].as_str() != Some(uid))
            .cloned()
            .collect();
        if kept.is_empty() {
            meta::unset(&mut object, "ownerReferences");
        } else {
            meta::set(&mut object, "ownerReferences", Value::Array(kept));
        }
        self.store.put(info.shelf, object);
    }

    /// Does what a deleted object still waits for.
    fn advance_deletion(&mut self, key: &ObjectKey) -> usize {
        let Some((info, value)) = self.lookup(key) else {
            return 0;
        };
        let finalizers = meta::finalizers(&value);
        if info.is(NAMESPACES) {
            self.empty_namespace(&info, &key.name)
        } else if finalizers.contains(&ORPHAN) {
            let uid = meta::uid(&value);
            let dependents: Vec<ObjectKey> = self.store.index().dependents(uid).cloned().collect();
            for dependent in &dependents {
                if let Some((info, _)) = self.lookup(dependent) {
                    self.drop_owner(&info, dependent, uid);
                }
            }
            self.release(&info, key, ORPHAN);
            dependents.len() + 1
        } else if finalizers.contains(&FOREGROUND) {
            self.advance_foreground(&info, key, &value)
        } else {
            0
        }
    }

    /// Deletes the dependents; lets the owner go once none of them blocks it.
    fn advance_foreground(
        &mut self,
        info: &Arc<ResourceInfo>,
        key: &ObjectKey,
        owner: &Value,
    ) -> usize {
        let uid = meta::uid(owner);
        let dependents: Vec<ObjectKey> = self.store.index().dependents(uid).cloned().collect();
        let (mut acted, mut blocked) = (0, false);
        for dependent in dependents {
            let Some((info, value)) = self.lookup(&dependent) else {
                continue;
            };
            let mut references = meta::owner_references(&value).iter();
            blocked |= references
                .any(|r| r["uid"].as_str() == Some(uid) && r["blockOwnerDeletion"] == true);
            if !meta::is_deleting(&value) {
                // Only an owner needs to wait for anything.
                let owns = self
                    .store
                    .index()
                    .dependents(meta::uid(&value))
                    .next()
                    .is_some();
                let propagation = if owns {
                    Propagation::Foreground
                } else {
                    Propagation::Background
                };
                let options = DeleteOptions {
                    propagation: Some(propagation),
                    ..DeleteOptions::default()
                };
                drop(self.delete(&info, &dependent.namespace, &dependent.name, &options));
                acted += 1;
            }
        }
        if !blocked {
            self.release(info, key, FOREGROUND);
            acted += 1;
        }
        acted
    }

    /// Removes a finalizer, and the object if it was the last thing that held it.
    fn release(&mut self, info: &Arc<ResourceInfo>, key: &ObjectKey, finalizer: &str) {
        let Some(stored) = self.store.get(info.shelf, &key.namespace, &key.name) else {
            return;
        };
        let mut object = (*stored.value).clone();
        let kept: Vec<Value> = meta::finalizers(&object)
            .into_iter()
            .filter(|f| *f != finalizer)
            .map(Value::from)
            .collect();
        let grace = meta::field(&object, "deletionGracePeriodSeconds").and_then(Value::as_i64);
        if kept.is_empty() && grace.unwrap_or(0) == 0 {
            meta::unset(&mut object, "finalizers");
            self.remove(info, &key.namespace, &key.name, Some(object));
            return;
        }
        if kept.is_empty() {
            meta::unset(&mut object, "finalizers");
        } else {
            meta::set(&mut object, "finalizers", Value::Array(kept));
        }
        self.store.put(info.shelf, object);
    }

    /// Deletes all that is in a namespace, then the namespace.
    fn empty_namespace(&mut self, info: &Arc<ResourceInfo>, name: &str) -> usize {
        let resources: Vec<Arc<ResourceInfo>> = self
            .registry
            .all()
            .filter(|i| i.is_namespaced())
            .cloned()
            .collect();
        let (mut acted, mut left) = (0, 0);
        for resource in resources {
            let keys: Vec<(String, bool)> = self
                .store
                .list(resource.shelf, Some(name))
                .map(|s| (meta::name(&s.value).to_owned(), meta::is_deleting(&s.value)))
                .collect();
            for (object, deleting) in keys {
                if !deleting {
                    let options = DeleteOptions {
                        propagation: Some(Propagation::Background),
                        ..DeleteOptions::default()
                    };
                    drop(self.delete(&resource, name, &object, &options));
                    acted += 1;
                }
                left += usize::from(self.store.get(resource.shelf, name, &object).is_some());
            }
        }
        let held = self
            .store
            .get(info.shelf, "", name)
            .is_some_and(|s| !meta::finalizers(&s.value).is_empty());
        if left == 0 && !held {
            self.remove(info, "", name, None);
            acted += 1;
        }
        acted
    }

    fn lookup(&self, key: &ObjectKey) -> Option<(Arc<ResourceInfo>, Arc<Value>)> {
        let value = self
            .store
            .get(key.shelf, &key.namespace, &key.name)?
            .value
            .clone();
        Some((self.registry.by_shelf(key.shelf)?.clone(), value))
    }
}
