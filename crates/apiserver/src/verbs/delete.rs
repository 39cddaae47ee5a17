//! Delete: at once, or by a mark that finalizers, a grace period or the garbage collector hold.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;

use super::{Outcome, Written, generation};
use crate::{
    ApiError, meta,
    options::{DeleteOptions, DryRun, Propagation, Selectors},
    resource::{CRDS, NAMESPACES, PODS, ResourceInfo},
    state::{State, time_text},
    storage::Stored,
};

/// Finalizer of a foreground deletion.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Finalizer of a deletion that lets dependents go.
pub(crate) const ORPHAN: &str = "orphan";

impl State {
    pub(crate) fn delete(
        &mut self,
        info: &Arc<ResourceInfo>,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Written, ApiError> {
        let old = self.get(info, namespace, name)?.clone();
        check_preconditions(info, &old, options)?;
        if info.is(NAMESPACES) && PERMANENT.contains(&name) {
            let why = "this namespace may not be deleted";
            return Err(ApiError::forbidden(&info.group, &info.plural, name, why));
        }
        let mut object = (*old.value).clone();
        let grace = grace_seconds(info, &object, options);
        set_collector_finalizers(info, &mut object, options);
        self.mark(info, &mut object, grace);
        let held = grace > 0
            || !meta::finalizers(&object).is_empty()
            || meta::at(&object, &["spec", "finalizers"])
                .and_then(Value::as_array)
                .is_some_and(|f| !f.is_empty());
        if options.dry_run == DryRun::All {
            let stored = Arc::new(Stored::new(Arc::new(object), old.version));
            let outcome = if held {
                Outcome::Deleting
            } else {
                Outcome::Deleted
            };
            return Ok(Written::new(stored, outcome));
        }
        if held {
            generation::advance(info, &old.value, &mut object);
            let stored = if object == *old.value {
                old
            } else {
                self.store.put(info.shelf, object)
            };
            return Ok(Written::new(stored, Outcome::Deleting));
        }
        // What watchers see last is the object as it was, not the mark of this call.
        let last = if meta::is_deleting(&old.value) {
            Some(object)
        } else {
            None
        };
        let gone = self.remove(info, namespace, name, last).unwrap_or(old);
        Ok(Written::new(gone, Outcome::Deleted))
    }

    /// Deletes all selected objects of a resource; returns them as they were.
    pub(crate) fn delete_collection(
        &mut self,
        info: &Arc<ResourceInfo>,
        namespace: Option<&str>,
        selectors: &Selectors,
        options: &DeleteOptions,
    ) -> Result<Vec<Arc<Stored>>, ApiError> {
        let selected = self.list(info, namespace, selectors);
        for object in &selected {
            let (namespace, name) = (meta::namespace(&object.value), meta::name(&object.value));
            self.delete(info, namespace, name, options)?;
        }
        Ok(selected)
    }

    /// Takes an object out of the store, with what depends on it being gone at once.
    pub(crate) fn remove(
        &mut self,
        info: &ResourceInfo,
        namespace: &str,
        name: &str,
        last: Option<Value>,
    ) -> Option<Arc<Stored>> {
        let gone = self.store.remove(info.shelf, namespace, name, last)?;
        if info.is(CRDS) {
            self.uninstall(&gone.value);
        }
        Some(gone)
    }

    /// Sets or shortens the deletion mark.
    fn mark(&self, info: &ResourceInfo, object: &mut Value, grace: i64) {
        let before = meta::field(object, "deletionGracePeriodSeconds").and_then(Value::as_i64);
        if meta::is_deleting(object) {
            let old = before.unwrap_or(0);
            if grace >= old {
                return;
            }
            // The deletion began where it began; only its end moves.
            let end: Option<jiff::Timestamp> = meta::text(object, "deletionTimestamp").parse().ok();
            let end = end.and_then(|e| e.checked_sub(SignedDuration::from_secs(old - grace)).ok());
            if let Some(end) = end {
                meta::set(object, "deletionTimestamp", time_text(end).into());
            }
        } else {
            let now = self.now();
            let end = now
                .checked_add(SignedDuration::from_secs(grace))
                .unwrap_or(now);
            meta::set(object, "deletionTimestamp", time_text(end).into());
            if info.is(NAMESPACES) {
                meta::child_map(object, "status").insert("phase".into(), "Terminating".into());
            }
        }
        meta::set(object, "deletionGracePeriodSeconds", grace.into());
    }
}

/// Namespaces that always are.
const PERMANENT: [&str; 3] = ["default", "kube-public", "kube-system"];

fn check_preconditions(
    info: &ResourceInfo,
    old: &Stored,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    let name = meta::name(&old.value);
    let uid = meta::uid(&old.value);
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The \
             object might have been deleted and then recreated"
        );
        // Here, and only here, the server says the kind instead of the resource.
        return Err(ApiError::conflict(&info.group, &info.kind, name, &why));
    }
    let version = old.version.to_string();
    if let Some(wanted) = options
        .resource_version
        .as_deref()
        .filter(|w| *w != version)
    {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the \
             ResourceVersion in record ({version}). The object might have been modified"
        );
        return Err(ApiError::conflict(&info.group, &info.kind, name, &why));
    }
    Ok(())
}

/// Only pods have a grace period, and only those that run somewhere.
fn grace_seconds(info: &ResourceInfo, object: &Value, options: &DeleteOptions) -> i64 {
    if !info.is(PODS) {
        return 0;
    }
    let phase = meta::text_at(object, &["status", "phase"]);
    if meta::text_at(object, &["spec", "nodeName"]).is_empty()
        || matches!(phase, "Succeeded" | "Failed")
    {
        return 0;
    }
    let own = meta::at(object, &["spec", "terminationGracePeriodSeconds"]).and_then(Value::as_i64);
    let grace = options.grace_period_seconds.or(own).unwrap_or(30);
    // A negative period means the shortest there is.
    if grace < 0 { 1 } else { grace }
}

/// Finalizers by propagation policy; explicit policies replace what an earlier delete set.
fn set_collector_finalizers(info: &ResourceInfo, object: &mut Value, options: &DeleteOptions) {
    let orphans_by_default = info.plural == "replicationcontrollers" || info.plural == "jobs";
    let has = |f: &str| meta::finalizers(object).contains(&f);
    let wanted = match options.propagation {
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Orphan) => Some(ORPHAN),
        Some(Propagation::Background) => None,
        None if has(FOREGROUND) => Some(FOREGROUND),
        None if has(ORPHAN) => Some(ORPHAN),
        None => orphans_by_default.then_some(ORPHAN),
    };
    let mut list: Vec<Value> = meta::finalizers(object)
        .into_iter()
        .filter(|f| *f != FOREGROUND && *f != ORPHAN)
        .map(Value::from)
        .collect();
    list.extend(wanted.map(Value::from));
    if list.is_empty() {
        meta::unset(object, "finalizers");
    } else {
        meta::set(object, "finalizers", Value::Array(list));
    }
}
