//! Patch: work out the new object, then go the way of an update (or, for apply, of a create).

use std::sync::Arc;

use serde_json::Value;

use super::{Written, update::Owners};
use crate::{
    ApiError, Reason,
    error::FieldError,
    meta,
    options::{Part, Patch, WriteOptions},
    patch::{self, apply},
    resource::ResourceInfo,
    state::State,
    storage::Stored,
};

impl State {
    pub(crate) fn patch(
        &mut self,
        info: &Arc<ResourceInfo>,
        namespace: &str,
        name: &str,
        change: &Patch,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let old = match (self.get(info, namespace, name), change) {
            (Ok(old), _) => old.clone(),
            (Err(_), Patch::Apply(wanted)) if options.part == Part::Main => {
                return self.create_by_apply(info, namespace, name, wanted, options);
            }
            (Err(error), _) => return Err(error),
        };
        let mut object = (*old.value).clone();
        match change {
            Patch::Merge(change) => {
                must_be_map(change)?;
                patch::merge::apply(&mut object, change);
            }
            Patch::Json(ops) => patch::json::apply(&mut object, ops)?,
            Patch::Strategic(change) => {
                if info.is_custom() {
                    let why = "the body of the request was in an unknown format - accepted media \
                               types include: application/json-patch+json, \
                               application/merge-patch+json, application/apply-patch+yaml";
                    return Err(ApiError::new(Reason::UnsupportedMediaType, why));
                }
                must_be_map(change)?;
                patch::strategic::apply(&mut object, change)?;
            }
            Patch::Apply(wanted) => return self.apply(info, &old, wanted, options),
        }
        self.replace(info, &old, object, options, Owners::Update)
    }

    fn create_by_apply(
        &mut self,
        info: &Arc<ResourceInfo>,
        namespace: &str,
        name: &str,
        wanted: &Value,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        check_apply(info, name, wanted, options)?;
        let mut object = wanted.clone();
        if meta::name(&object).is_empty() {
            meta::set(&mut object, "name", name.into());
        }
        if !meta::uid(&object).is_empty() {
            let why = "uid mismatch: the provided object specified uid, and no existing object was \
                       found";
            return Err(info.conflict(name, why));
        }
        let now = self.now_text();
        let tracking = apply::first_ownership(info, wanted, options, &now);
        meta::set(&mut object, "managedFields", tracking);
        self.create_owned(info, (namespace, object), options, Owners::Settled)
    }

    fn apply(
        &mut self,
        info: &Arc<ResourceInfo>,
        old: &Arc<Stored>,
        wanted: &Value,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        check_apply(info, meta::name(&old.value), wanted, options)?;
        let mut wanted = wanted.clone();
        let mut warnings = Vec::new();
        if let Some(schema) = &info.schema {
            let unknown = schema.prune(&mut wanted);
            warnings.extend(unknown.iter().map(|p| format!("unknown field \"{p}\"")));
            if options.field_validation == crate::FieldValidation::Strict && !unknown.is_empty() {
                let why = format!(
                    "failed to create manager for existing fields: {}",
                    warnings.join(", ")
                );
                return Err(ApiError::bad_request(why));
            }
        }
        let now = self.now_text();
        let object = apply::merge(info, &old.value, &wanted, options, &now)?;
        let mut written = self.replace(info, old, object, options, Owners::Settled)?;
        written.warnings.extend(warnings);
        Ok(written)
    }
}

fn check_apply(
    info: &ResourceInfo,
    name: &str,
    wanted: &Value,
    options: &WriteOptions,
) -> Result<(), ApiError> {
    must_be_map(wanted)?;
    if options
        .field_manager
        .as_deref()
        .unwrap_or_default()
        .is_empty()
    {
        let detail = "is required for apply patch";
        let field = FieldError::required("fieldManager", detail);
        return Err(ApiError::invalid(
            "meta.k8s.io",
            "PatchOptions",
            "",
            vec![field],
        ));
    }
    if meta::field(wanted, "managedFields").is_some_and(|f| !f.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let version = wanted
        .get("apiVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if version != info.api_version() {
        let why = format!(
            "apply patch must say apiVersion: {} and kind: {}",
            info.api_version(),
            info.kind
        );
        return Err(ApiError::bad_request(why));
    }
    let said = meta::name(wanted);
    if !said.is_empty() && said != name {
        let why =
            format!("the name of the object ({said}) does not match the name on the URL ({name})");
        return Err(ApiError::bad_request(why));
    }
    Ok(())
}

fn must_be_map(change: &Value) -> Result<(), ApiError> {
    if change.is_object() {
        return Ok(());
    }
    Err(ApiError::bad_request("the patch is not a JSON object"))
}
