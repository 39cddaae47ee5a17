//! Lookups that would otherwise scan the store: dependents by owner, live uids, pods by node.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Stored;
use crate::{meta, resource::ShelfId};

/// Full address of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectKey {
    pub(crate) shelf: ShelfId,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl ObjectKey {
    pub(crate) fn of(shelf: ShelfId, value: &Value) -> Self {
        Self {
            shelf,
            namespace: meta::namespace(value).to_owned(),
            name: meta::name(value).to_owned(),
        }
    }
}

/// Derived from the store; kept equal to it by [`Index::replace`].
#[derive(Debug, Default)]
pub(crate) struct Index {
    dependents: BTreeMap<String, BTreeSet<ObjectKey>>,
    uids: BTreeMap<String, ObjectKey>,
    by_node: BTreeMap<String, BTreeSet<ObjectKey>>,
    /// Owners that went away, or were never there, since the garbage collector last looked.
    absent_owners: BTreeSet<String>,
    /// Objects that wait for the garbage collector: finalizers of its own, or a namespace.
    terminating: BTreeSet<ObjectKey>,
}

impl Index {
    /// Takes over one change of the store.
    pub(crate) fn replace(&mut self, key: &ObjectKey, old: Option<&Stored>, new: Option<&Stored>) {
        let old_owners = old.map(|s| owner_uids(&s.value)).unwrap_or_default();
        let new_owners = new.map(|s| owner_uids(&s.value)).unwrap_or_default();
        if old_owners != new_owners {
            self.reown(key, &old_owners, &new_owners);
        }
        self.rebind(key, old, new);
        self.reuid(key, old, new);
        match new {
            Some(s) if awaits_collector(&s.value) => {
                self.terminating.insert(key.clone());
            }
            _ => {
                self.terminating.remove(key);
            }
        }
    }

    fn reown(&mut self, key: &ObjectKey, old: &[String], new: &[String]) {
        for uid in old {
            if let Some(set) = self.dependents.get_mut(uid) {
                set.remove(key);
                if set.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
        for uid in new {
            self.dependents
                .entry(uid.clone())
                .or_default()
                .insert(key.clone());
            if !self.uids.contains_key(uid) {
                self.absent_owners.insert(uid.clone());
            }
        }
    }

    fn rebind(&mut self, key: &ObjectKey, old: Option<&Stored>, new: Option<&Stored>) {
        let node = |s: Option<&Stored>| s.and_then(|s| node_name(&s.value).map(str::to_owned));
        let (old, new) = (node(old), node(new));
        if old == new {
            return;
        }
        if let Some(node) = old
            && let Some(set) = self.by_node.get_mut(&node)
        {
            set.remove(key);
            if set.is_empty() {
                self.by_node.remove(&node);
            }
        }
        if let Some(node) = new {
            self.by_node.entry(node).or_default().insert(key.clone());
        }
    }

    fn reuid(&mut self, key: &ObjectKey, old: Option<&Stored>, new: Option<&Stored>) {
        match (old, new) {
            (None, Some(s)) => {
                self.uids
                    .insert(meta::uid(&s.value).to_owned(), key.clone());
            }
            (Some(s), None) => {
                let uid = meta::uid(&s.value);
                self.uids.remove(uid);
                if self.dependents.contains_key(uid) {
                    self.absent_owners.insert(uid.to_owned());
                }
            }
            _ => {}
        }
    }

    /// Whether an object with this uid exists.
    pub(crate) fn is_live(&self, uid: &str) -> bool {
        self.uids.contains_key(uid)
    }

    pub(crate) fn dependents(&self, uid: &str) -> impl Iterator<Item = &ObjectKey> {
        self.dependents.get(uid).into_iter().flatten()
    }

    /// Objects whose `spec.nodeName` is `node`.
    pub(crate) fn on_node(&self, node: &str) -> impl Iterator<Item = &ObjectKey> {
        self.by_node.get(node).into_iter().flatten()
    }

    /// Owners to look at; the caller deals with each.
    pub(crate) fn take_absent_owners(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.absent_owners)
    }

    /// Objects that are being deleted and wait for the garbage collector.
    pub(crate) fn terminating(&self) -> &BTreeSet<ObjectKey> {
        &self.terminating
    }
}

/// Being deleted, with a finalizer that is the collector's to remove.
fn awaits_collector(value: &Value) -> bool {
    meta::is_deleting(value)
        && (meta::at(value, &["spec", "finalizers"]).is_some()
            || meta::finalizers(value)
                .iter()
                .any(|f| matches!(*f, "foregroundDeletion" | "orphan")))
}

fn owner_uids(value: &Value) -> Vec<String> {
    meta::owner_references(value)
        .iter()
        .filter_map(|r| r.get("uid").and_then(Value::as_str).map(str::to_owned))
        .collect()
}

/// `spec.nodeName`, unless empty.
fn node_name(value: &Value) -> Option<&str> {
    value
        .get("spec")?
        .get("nodeName")?
        .as_str()
        .filter(|n| !n.is_empty())
}
