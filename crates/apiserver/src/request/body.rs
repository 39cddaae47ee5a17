//! Request bodies: JSON or YAML objects, patches, delete options.

use serde_json::Value;

use super::Query;
use crate::{
    ApiError, Reason,
    options::{DeleteOptions, DryRun, Patch, Propagation},
};

/// Reads a JSON or YAML document.
pub(crate) fn parse_object(content_type: &str, body: &[u8]) -> Result<Value, ApiError> {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    match media {
        "" | "application/json" => json(body),
        "application/yaml" => yaml(body),
        other => {
            let why = format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json, application/yaml; got {other}"
            );
            Err(ApiError::new(Reason::UnsupportedMediaType, why))
        }
    }
}

fn json(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("the object provided is unrecognized: {error}"))
    })
}

fn yaml(body: &[u8]) -> Result<Value, ApiError> {
    let text = std::str::from_utf8(body)
        .map_err(|_| ApiError::bad_request("the body is not UTF-8 text"))?;
    serde_saphyr::from_str(text)
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))
}

/// The patch of a request, by its content type.
pub(crate) fn patch_of(content_type: &str, body: &[u8]) -> Result<Patch, ApiError> {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    Ok(match media {
        "application/merge-patch+json" => Patch::Merge(json(body)?),
        "application/json-patch+json" => Patch::Json(json(body)?),
        "application/strategic-merge-patch+json" => Patch::Strategic(json(body)?),
        // What looks like JSON is read as such: it is faster, and JSON is YAML.
        "application/apply-patch+yaml" if body.first() == Some(&b'{') => Patch::Apply(json(body)?),
        "application/apply-patch+yaml" => Patch::Apply(yaml(body)?),
        _ => {
            let why = "the body of the request was in an unknown format - accepted media types \
                       include: application/json-patch+json, application/merge-patch+json, \
                       application/strategic-merge-patch+json, application/apply-patch+yaml";
            return Err(ApiError::new(Reason::UnsupportedMediaType, why));
        }
    })
}

/// Delete options from the body, or from the query where there is no body.
pub(crate) fn delete_options(body: &Value, query: &Query) -> Result<DeleteOptions, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let policy = text("propagationPolicy").or(query.get("propagationPolicy"));
    let orphan = body.get("orphanDependents").and_then(Value::as_bool);
    let propagation = match (policy, orphan) {
        (None, None) => None,
        (Some("Background"), _) | (None, Some(false)) => Some(Propagation::Background),
        (Some("Foreground"), _) => Some(Propagation::Foreground),
        (Some("Orphan"), _) | (None, Some(true)) => Some(Propagation::Orphan),
        (Some(other), _) => {
            let why = format!(
                "invalid propagationPolicy {other:?}: must be Background, Foreground or Orphan"
            );
            return Err(ApiError::bad_request(why));
        }
    };
    let grace = body.get("gracePeriodSeconds").and_then(Value::as_i64);
    let precondition = |name: &str| {
        let value = body.get("preconditions").and_then(|p| p.get(name));
        value.and_then(Value::as_str).map(str::to_owned)
    };
    let dry = body
        .get("dryRun")
        .and_then(Value::as_array)
        .is_some_and(|l| !l.is_empty());
    Ok(DeleteOptions {
        grace_period_seconds: match grace {
            Some(seconds) => Some(seconds),
            None => query.number("gracePeriodSeconds")?,
        },
        propagation,
        uid: precondition("uid"),
        resource_version: precondition("resourceVersion"),
        dry_run: if dry { DryRun::All } else { query.dry_run()? },
    })
}
