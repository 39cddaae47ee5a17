//! Update: replace an object, keeping what a client may not change.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Outcome, Written,
    create::{check_type, conform},
    generation,
};
use crate::{
    ApiError, admission,
    error::{FieldError, FieldErrorKind},
    meta,
    options::{DryRun, Part, WriteOptions},
    patch::ownership,
    resource::{ResourceInfo, StatusSubresource},
    state::State,
    storage::Stored,
};

/// Why an update at an old resource version fails.
pub(super) const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Metadata that only the server writes.
const SERVER_FIELDS: [&str; 5] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
];

impl State {
    pub(crate) fn update(
        &mut self,
        info: &Arc<ResourceInfo>,
        namespace: &str,
        name: &str,
        object: Value,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let old = self.get(info, namespace, name)?.clone();
        self.replace(info, &old, object, options, Owners::Update)
    }

    /// Stores `object` in the place of `old`, after every check.
    pub(super) fn replace(
        &mut self,
        info: &Arc<ResourceInfo>,
        old: &Arc<Stored>,
        mut object: Value,
        options: &WriteOptions,
        owners: Owners,
    ) -> Result<Written, ApiError> {
        check_type(info, &mut object)?;
        check_identity(info, old, &mut object)?;
        let mut warnings = Vec::new();
        conform(info, &mut object, options, &mut warnings)?;
        isolate(info, &old.value, &mut object, options.part);
        admission::on_update(info, &old.value, &mut object, options.part);
        generation::advance(info, &old.value, &mut object);
        let mut invalid = admission::validate(info, &object, Some(&old.value));
        invalid.extend(new_finalizers(&old.value, &object));
        if !invalid.is_empty() {
            return Err(info.invalid(meta::name(&object), invalid));
        }
        if owners == Owners::Update {
            let now = self.now_text();
            let tracking = self.config.field_tracking;
            let old = Some(&*old.value);
            ownership::after_update(tracking, info, old, &mut object, (options, &now));
        }
        admission::before_store(info, &object)?;
        if is_done(&object) {
            return Ok(self.finish_deletion(info, object, options, warnings));
        }
        meta::copy(&mut object, &old.value, "resourceVersion");
        let object = if same(&object, &old.value) {
            old.clone()
        } else {
            self.keep(info, object, options)
        };
        Ok(Written {
            object,
            warnings,
            outcome: Outcome::Updated,
        })
    }

    fn finish_deletion(
        &mut self,
        info: &ResourceInfo,
        object: Value,
        options: &WriteOptions,
        warnings: Vec<String>,
    ) -> Written {
        let removed = match options.dry_run {
            DryRun::All => None,
            DryRun::Off => {
                let key = crate::storage::ObjectKey::of(info.shelf, &object);
                self.remove(info, &key.namespace, &key.name, Some(object.clone()))
            }
        };
        let object = removed
            .unwrap_or_else(|| Arc::new(Stored::new(Arc::new(object), self.store.version())));
        Written {
            object,
            warnings,
            outcome: Outcome::Deleted,
        }
    }
}

/// Who keeps the ownership of fields in a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owners {
    /// The writer becomes the owner of what it changed.
    Update,
    /// The object comes with its ownership worked out.
    Settled,
}

/// Name, namespace, uid and resource version must be those of the stored object.
fn check_identity(info: &ResourceInfo, old: &Stored, object: &mut Value) -> Result<(), ApiError> {
    let name = meta::name(&old.value);
    let said = meta::name(object);
    if !said.is_empty() && said != name {
        let why =
            format!("the name of the object ({said}) does not match the name on the URL ({name})");
        return Err(ApiError::bad_request(why));
    }
    let namespace = meta::namespace(object);
    if info.is_namespaced() && !namespace.is_empty() && namespace != meta::namespace(&old.value) {
        let why = "the namespace of the object does not match the namespace on the URL";
        return Err(ApiError::bad_request(why));
    }
    let (uid, wanted) = (meta::uid(object), meta::uid(&old.value));
    if !uid.is_empty() && uid != wanted {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {wanted}"
        );
        return Err(info.conflict(name, &why));
    }
    let version = meta::resource_version(object);
    if version.is_empty() && info.is_custom() {
        let detail = "must be specified for an update";
        let field = FieldError::invalid("metadata.resourceVersion", &0.into(), detail);
        return Err(info.invalid(name, vec![field]));
    }
    if !version.is_empty() && version != old.version.to_string() {
        return Err(info.conflict(name, MODIFIED));
    }
    for field in SERVER_FIELDS.iter().chain(&["name", "namespace"]) {
        meta::copy(object, &old.value, field);
    }
    meta::unset(object, "selfLink");
    if meta::field(object, "finalizers")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty)
    {
        meta::unset(object, "finalizers");
    }
    Ok(())
}

/// Undoes changes to the part of the object that this path does not write.
fn isolate(info: &ResourceInfo, old: &Value, object: &mut Value, part: Part) {
    if info.status == StatusSubresource::Absent {
        return;
    }
    match part {
        Part::Main => take_over(object, old, "status"),
        Part::Status => {
            let keep_metadata = info.is_custom() || !writes_metadata_with_status(&info.plural);
            if let Some(map) = old.as_object() {
                for name in map.keys().filter(|n| *n != "status" && *n != "metadata") {
                    take_over(object, old, name);
                }
                let added: Vec<String> = meta::as_map(object)
                    .keys()
                    .filter(|n| *n != "status" && !map.contains_key(*n))
                    .cloned()
                    .collect();
                for name in added {
                    meta::as_map(object).remove(&name);
                }
            }
            if keep_metadata {
                let managed = meta::field(object, "managedFields").cloned();
                take_over(object, old, "metadata");
                if let Some(managed) = managed {
                    meta::set(object, "managedFields", managed);
                }
            } else {
                meta::copy(object, old, "ownerReferences");
            }
        }
    }
}

/// Kinds whose status path also writes labels and annotations.
fn writes_metadata_with_status(plural: &str) -> bool {
    matches!(
        plural,
        "pods" | "nodes" | "namespaces" | "poddisruptionbudgets"
    )
}

/// Takes one field over from the stored object; comparing first is cheaper than copying.
fn take_over(object: &mut Value, old: &Value, name: &str) {
    if object.get(name) == old.get(name) {
        return;
    }
    let map = meta::as_map(object);
    match old.get(name) {
        Some(value) => drop(map.insert(name.to_owned(), value.clone())),
        None => drop(map.remove(name)),
    }
}

/// An object that is being deleted takes no new finalizers.
fn new_finalizers(old: &Value, new: &Value) -> Option<FieldError> {
    if !meta::is_deleting(old) {
        return None;
    }
    let had = meta::finalizers(old);
    let added: Vec<&str> = meta::finalizers(new)
        .into_iter()
        .filter(|f| !had.contains(f))
        .collect();
    if added.is_empty() {
        return None;
    }
    let list = added
        .iter()
        .map(|f| format!("\"{f}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers \
         []string{{{list}}}"
    );
    Some(FieldError::new(
        FieldErrorKind::Forbidden,
        "metadata.finalizers",
        &Value::Null,
        detail,
    ))
}

/// Being deleted, and nothing keeps it any more.
fn is_done(object: &Value) -> bool {
    let grace = meta::field(object, "deletionGracePeriodSeconds").and_then(Value::as_i64);
    meta::is_deleting(object)
        && meta::finalizers(object).is_empty()
        && grace.unwrap_or(0) == 0
        && meta::at(object, &["spec", "finalizers"])
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
}

/// Equal but for the times of managed fields, which alone are no change.
fn same(new: &Value, old: &Value) -> bool {
    if new == old {
        return true;
    }
    let (Some(a), Some(b)) = (
        meta::field(new, "managedFields"),
        meta::field(old, "managedFields"),
    ) else {
        return false;
    };
    if a == b || !ownership::equal_but_times(a, b) {
        return false;
    }
    let mut copy = new.clone();
    meta::set(&mut copy, "managedFields", b.clone());
    copy == *old
}
