//! Create.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Outcome, Written, update::Owners};
use crate::{
    ApiError, Reason, admission,
    error::{FieldError, dotted},
    meta,
    options::{DryRun, FieldValidation, WriteOptions},
    patch::ownership,
    resource::{Generation, ResourceInfo},
    state::State,
    storage::Stored,
};

/// How often a generated name is tried before the client is told to try again.
const NAME_ATTEMPTS: usize = 8;

impl State {
    pub(crate) fn create(
        &mut self,
        info: &Arc<ResourceInfo>,
        namespace: &str,
        object: Value,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        self.create_owned(info, (namespace, object), options, Owners::Update)
    }

    /// Create, with ownership of fields still to be found or already in the object.
    pub(super) fn create_owned(
        &mut self,
        info: &Arc<ResourceInfo>,
        (namespace, mut object): (&str, Value),
        options: &WriteOptions,
        owners: Owners,
    ) -> Result<Written, ApiError> {
        check_type(info, &mut object)?;
        place(info, namespace, &mut object)?;
        if !meta::resource_version(&object).is_empty() {
            let why = "resourceVersion should not be set on objects to be created";
            return Err(ApiError::bad_request(why));
        }
        let mut warnings = Vec::new();
        conform(info, &mut object, options, &mut warnings)?;
        self.name(info, namespace, &mut object)?;
        meta::unset(&mut object, "deletionTimestamp");
        meta::unset(&mut object, "deletionGracePeriodSeconds");
        meta::unset(&mut object, "selfLink");
        let (uid, now) = (self.ids.uid(), self.now_text());
        meta::set(&mut object, "uid", uid.into());
        meta::set(&mut object, "creationTimestamp", now.clone().into());
        match info.generation {
            Generation::None => meta::unset(&mut object, "generation"),
            _ => meta::set(&mut object, "generation", json!(1)),
        }
        admission::on_create(self, info, &mut object)?;
        let invalid = admission::validate(info, &object, None);
        if !invalid.is_empty() {
            return Err(info.invalid(meta::name(&object), invalid));
        }
        if self
            .store
            .get(info.shelf, namespace, meta::name(&object))
            .is_some()
        {
            let name = meta::name(&object);
            return Err(ApiError::already_exists(&info.group, &info.plural, name));
        }
        if owners == Owners::Update {
            let tracking = self.config.field_tracking;
            ownership::after_update(tracking, info, None, &mut object, (options, &now));
        }
        admission::before_store(info, &object)?;
        let stored = self.keep(info, object, options);
        Ok(Written {
            object: stored,
            warnings,
            outcome: Outcome::Created,
        })
    }

    /// Draws a name for `generateName`.
    fn name(
        &mut self,
        info: &ResourceInfo,
        namespace: &str,
        object: &mut Value,
    ) -> Result<(), ApiError> {
        if !meta::name(object).is_empty() {
            return Ok(());
        }
        let prefix = meta::text(object, "generateName").to_owned();
        if prefix.is_empty() {
            let detail = "name or generateName is required";
            return Err(info.invalid("", vec![FieldError::required("metadata.name", detail)]));
        }
        // The server leaves room for the suffix within 63 characters.
        let prefix: String = prefix.chars().take(58).collect();
        for _ in 0..NAME_ATTEMPTS {
            let name = format!("{prefix}{}", self.ids.suffix());
            if self.store.get(info.shelf, namespace, &name).is_none() {
                meta::set(object, "name", name.into());
                return Ok(());
            }
        }
        let what = dotted(&info.plural, &info.group);
        let why = format!(
            "{what} \"{prefix}\" already exists, the server was not able to generate a unique name for the object"
        );
        Err(ApiError::new(Reason::AlreadyExists, why))
    }

    /// Stores an object, or in a dry run only makes what would be stored.
    pub(super) fn keep(
        &mut self,
        info: &ResourceInfo,
        object: Value,
        options: &WriteOptions,
    ) -> Arc<Stored> {
        match options.dry_run {
            DryRun::All => Arc::new(Stored::new(Arc::new(object), self.store.version())),
            DryRun::Off => {
                let stored = self.store.put(info.shelf, object);
                self.after_store(info, &stored.value);
                stored
            }
        }
    }
}

/// Checks `apiVersion` and `kind` against the path, and fills them in where missing.
pub(super) fn check_type(info: &ResourceInfo, object: &mut Value) -> Result<(), ApiError> {
    if !object.is_object() {
        return Err(ApiError::bad_request(
            "the object provided is not a JSON object",
        ));
    }
    let wanted = info.api_version();
    let said = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (said("apiVersion"), said("kind"));
    if !kind.is_empty() && kind != info.kind {
        let why = format!(
            "{kind} in version \"{}\" cannot be handled as a {}: no kind \"{kind}\" is \
             registered for this path",
            info.version, info.kind
        );
        return Err(ApiError::bad_request(why));
    }
    if !version.is_empty() && version != wanted && version != info.storage_api_version {
        let why = format!(
            "the API version in the data ({version}) does not match the expected API version \
             ({wanted})"
        );
        return Err(ApiError::bad_request(why));
    }
    let stored_as = info.storage_api_version.clone();
    let map = meta::as_map(object);
    map.insert("apiVersion".into(), stored_as.into());
    map.insert("kind".into(), info.kind.clone().into());
    Ok(())
}

/// Puts the namespace of the path into the object; they must not disagree.
fn place(info: &ResourceInfo, namespace: &str, object: &mut Value) -> Result<(), ApiError> {
    let said = meta::namespace(object);
    if !info.is_namespaced() {
        if !said.is_empty() {
            meta::unset(object, "namespace");
        }
        return Ok(());
    }
    if namespace.is_empty() {
        let why = "an empty namespace may not be set during creation";
        return Err(ApiError::bad_request(why));
    }
    if !said.is_empty() && said != namespace {
        let why = "the namespace of the provided object does not match the namespace sent on the \
                   request";
        return Err(ApiError::bad_request(why));
    }
    if said.is_empty() {
        meta::set(object, "namespace", namespace.into());
    }
    Ok(())
}

/// Prunes and defaults a custom resource by its schema.
pub(super) fn conform(
    info: &ResourceInfo,
    object: &mut Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(), ApiError> {
    let Some(schema) = &info.schema else {
        return Ok(());
    };
    let unknown: Vec<String> = schema
        .prune(object)
        .iter()
        .map(|path| format!("unknown field \"{path}\""))
        .collect();
    match options.field_validation {
        FieldValidation::Strict if !unknown.is_empty() => {
            let why = format!(
                "{kind} in version \"{}\" cannot be handled as a {kind}: strict decoding error: {}",
                info.version,
                unknown.join(", "),
                kind = info.kind,
            );
            return Err(ApiError::bad_request(why));
        }
        FieldValidation::Warn => warnings.extend(unknown),
        _ => {}
    }
    schema.default(object);
    Ok(())
}
