//! JSON patch, RFC 6902.

use serde_json::Value;

use crate::{ApiError, Reason};

/// Performs all operations, or none: on an error `target` is unchanged.
pub(crate) fn apply(target: &mut Value, operations: &Value) -> Result<(), ApiError> {
    let Some(operations) = operations.as_array() else {
        return Err(ApiError::bad_request(
            "a JSON patch is a list of operations",
        ));
    };
    let mut copy = target.clone();
    for operation in operations {
        perform(&mut copy, operation)?;
    }
    *target = copy;
    Ok(())
}

fn perform(target: &mut Value, operation: &Value) -> Result<(), ApiError> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let op = text("op").unwrap_or_default();
    let path = text("path").ok_or_else(|| ApiError::bad_request("operation without a path"))?;
    let value = || {
        let missing = || ApiError::bad_request(format!("{op} operation without a value"));
        operation.get("value").cloned().ok_or_else(missing)
    };
    let from = || {
        let missing = || ApiError::bad_request(format!("{op} operation without from"));
        text("from").ok_or_else(missing)
    };
    match op {
        "add" => add(target, path, value()?),
        "remove" => remove(target, path).map(drop),
        "replace" => {
            let place = target
                .pointer_mut(path)
                .ok_or_else(|| missing("replace", path))?;
            *place = value()?;
            Ok(())
        }
        "move" => {
            let moved = remove(target, from()?)?;
            add(target, path, moved)
        }
        "copy" => {
            let from = from()?;
            let copied = target
                .pointer(from)
                .cloned()
                .ok_or_else(|| missing("copy", from))?;
            add(target, path, copied)
        }
        "test" => {
            let wanted = value()?;
            let found = target.pointer(path).unwrap_or(&Value::Null);
            if *found == wanted {
                Ok(())
            } else {
                Err(failed_test(path))
            }
        }
        other => Err(ApiError::bad_request(format!(
            "unexpected kind: unknown operation {other}"
        ))),
    }
}

/// What the server says when an operation does not fit the object.
fn unprocessable(why: &str) -> ApiError {
    let text = format!("the server rejected our request due to an error in our request: {why}");
    ApiError::new(Reason::Invalid, text)
}

fn missing(op: &str, path: &str) -> ApiError {
    unprocessable(&format!(
        "{op} operation does not apply: doc is missing path: {path}"
    ))
}

fn failed_test(path: &str) -> ApiError {
    unprocessable(&format!("testing value {path} failed: test failed"))
}

/// Parent pointer and the unescaped last token.
fn split(path: &str) -> Result<(&str, String), ApiError> {
    let (parent, last) = path
        .rsplit_once('/')
        .ok_or_else(|| ApiError::bad_request(format!("path \"{path}\" is not a JSON pointer")))?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), ApiError> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.insert(last, value);
            Ok(())
        }
        Some(Value::Array(list)) => {
            let at = if last == "-" {
                Some(list.len())
            } else {
                last.parse().ok()
            };
            let at = at
                .filter(|i| *i <= list.len())
                .ok_or_else(|| missing("add", path))?;
            list.insert(at, value);
            Ok(())
        }
        _ => Err(missing("add", path)),
    }
}

fn remove(target: &mut Value, path: &str) -> Result<Value, ApiError> {
    let (parent, last) = split(path)?;
    let removed = match target.pointer_mut(parent) {
        Some(Value::Object(map)) => map.remove(&last),
        Some(Value::Array(list)) => {
            let at = last.parse().ok().filter(|i: &usize| *i < list.len());
            at.map(|i| list.remove(i))
        }
        _ => None,
    };
    removed.ok_or_else(|| missing("remove", path))
}
