//! Names and labels.

use serde_json::Value;

use crate::{
    error::{FieldError, FieldErrorKind},
    meta,
    resource::ResourceInfo,
};

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
    characters, '-' or '.', and must start and end with an alphanumeric character (e.g. \
    'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters \
    or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', \
    regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and \
    must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
    '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric \
    characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
    'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// Checks name, labels, finalizers' syntax and owner references.
pub(super) fn metadata(
    info: &ResourceInfo,
    object: &Value,
    old: Option<&Value>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if old.is_none() {
        errors.extend(name(info, meta::name(object)));
    }
    let labels = meta::field(object, "labels");
    let changed = old.and_then(|o| meta::field(o, "labels")) != labels;
    let map = labels.and_then(Value::as_object).filter(|_| changed);
    for (key, value) in map.into_iter().flatten() {
        label(key, value, "metadata.labels", &mut errors);
    }
    let references = meta::owner_references(object);
    if references
        .iter()
        .filter(|r| r["controller"] == true)
        .count()
        > 1
    {
        let detail = "Only one reference can have Controller set to true.";
        let list = Value::from(references.to_vec());
        errors.push(FieldError::invalid(
            "metadata.ownerReferences",
            &list,
            detail,
        ));
    }
    for (i, reference) in references.iter().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if reference[field].as_str().unwrap_or_default().is_empty() {
                let path = format!("metadata.ownerReferences[{i}].{field}");
                errors.push(FieldError::invalid(path, &"".into(), "must not be empty"));
            }
        }
    }
    errors
}

fn name(info: &ResourceInfo, name: &str) -> Option<FieldError> {
    let (valid, max, rule) = match (info.group.as_str(), info.plural.as_str()) {
        ("rbac.authorization.k8s.io", _) => (
            !name.contains(['/', '%']) && name != "." && name != "..",
            253,
            "",
        ),
        ("", "namespaces" | "services") => (is_label(name), 63, LABEL),
        _ => (is_subdomain(name), 253, SUBDOMAIN),
    };
    if name.len() > max {
        let detail = format!("must be no more than {max} characters");
        return Some(FieldError::invalid("metadata.name", &name.into(), detail));
    }
    (!valid).then(|| FieldError::invalid("metadata.name", &name.into(), rule))
}

/// Checks one label.
pub(super) fn label(key: &str, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    qualified_name(key, path, errors);
    let Some(text) = value.as_str() else {
        let detail = format!("{path}.{key} must be a string");
        errors.push(FieldError::new(
            FieldErrorKind::TypeInvalid,
            path,
            value,
            detail,
        ));
        return;
    };
    if text.len() > 63 {
        errors.push(FieldError::invalid(
            path,
            value,
            "must be no more than 63 characters",
        ));
    }
    if !text.is_empty() && !is_name_part(text) {
        errors.push(FieldError::invalid(path, value, LABEL_VALUE));
    }
}

/// Checks `prefix/name`.
pub(super) fn qualified_name(key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let shown = Value::from(key);
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            errors.push(FieldError::invalid(
                path,
                &shown,
                "prefix part must be non-empty",
            ));
        } else if prefix.len() > 253 || !is_subdomain(prefix) {
            errors.push(FieldError::invalid(
                path,
                &shown,
                format!("prefix part {SUBDOMAIN}"),
            ));
        }
    }
    if name.is_empty() {
        errors.push(FieldError::invalid(
            path,
            &shown,
            "name part must be non-empty",
        ));
    } else if name.len() > 63 {
        let detail = "name part must be no more than 63 characters";
        errors.push(FieldError::invalid(path, &shown, detail));
    }
    if !is_name_part(name) {
        errors.push(FieldError::invalid(path, &shown, NAME_PART));
    }
}

/// RFC 1123 label.
pub(super) fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => {
            alnum(*first) && alnum(*last) && bytes.iter().all(|b| alnum(*b) || *b == b'-')
        }
        _ => false,
    }
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_name_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => {
            first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() && bytes.iter().all(inner)
        }
        _ => false,
    }
}
