//! LimitRanger for containers: defaults, and bounds that refuse a pod.

use serde_json::{Map, Value, json};

use super::{default, pod::requests_from_limits};
use crate::{
    ApiError, meta,
    resource::PODS,
    state::{LIMIT_RANGES, State},
};

/// A quantity in billionths, for comparing; `None` if it is not one.
pub(super) fn nanos(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        _ => return None,
    };
    parse_nanos(&text)
}

fn parse_nanos(text: &str) -> Option<i128> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let negative = number.starts_with('-');
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty())
        || !whole
            .chars()
            .chain(fraction.chars())
            .all(|c| c.is_ascii_digit())
    {
        return None;
    }
    let (numerator, denominator) = scale(suffix)?;
    let scaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let nanos = scaled.checked_mul(1_000_000_000)?.checked_mul(numerator)?;
    let nanos = nanos / divisor / denominator;
    Some(if negative { -nanos } else { nanos })
}

/// Factor of a suffix as a fraction.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        other => {
            let exponent: i32 = other.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10i128.checked_pow(exponent.unsigned_abs())?;
            if exponent < 0 { (1, power) } else { (power, 1) }
        }
    })
}

/// Applies every limit range of the pod's namespace.
pub(super) fn apply(state: &State, pod: &mut Value) -> Result<(), ApiError> {
    let info = state.find(LIMIT_RANGES)?;
    let namespace = meta::namespace(pod).to_owned();
    let ranges: Vec<_> = state
        .store
        .list(info.shelf, Some(&namespace))
        .cloned()
        .collect();
    for range in &ranges {
        let limits = meta::at(&range.value, &["spec", "limits"]).and_then(Value::as_array);
        for limit in limits
            .into_iter()
            .flatten()
            .filter(|l| l["type"] == "Container")
        {
            each_container(pod, |resources| fill_in(resources, limit));
            check(pod, limit)?;
        }
    }
    Ok(())
}

fn each_container(pod: &mut Value, mut change: impl FnMut(&mut Map<String, Value>)) {
    let spec = meta::child_map(pod, "spec");
    for list in ["initContainers", "containers"] {
        for container in spec
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            change(meta::child_map(container, "resources"));
        }
    }
}

fn fill_in(resources: &mut Map<String, Value>, limit: &Value) {
    for (field, source) in [("limits", "default"), ("requests", "defaultRequest")] {
        let Some(values) = limit.get(source).and_then(Value::as_object) else {
            continue;
        };
        let map = resources.entry(field).or_insert_with(|| json!({}));
        for (name, value) in values {
            default(meta::as_map(map), name, value.clone());
        }
    }
    requests_from_limits(resources);
}

fn check(pod: &Value, limit: &Value) -> Result<(), ApiError> {
    let mut broken = Vec::new();
    for list in ["initContainers", "containers"] {
        let containers = meta::at(pod, &["spec", list]).and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            bounds(container, limit, &mut broken);
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    let why = match broken.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    Err(ApiError::forbidden(
        PODS.group,
        PODS.plural,
        meta::name(pod),
        &why,
    ))
}

fn bounds(container: &Value, limit: &Value, broken: &mut Vec<String>) {
    let of = |kind: &str, name: &str| meta::at(container, &["resources", kind, name]).cloned();
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    for (name, min) in limit["min"].as_object().into_iter().flatten() {
        match of("requests", name) {
            Some(request) if nanos(&request) < nanos(min) => broken.push(format!(
                "minimum {name} usage per Container is {}, but request is {}",
                text(min),
                text(&request)
            )),
            Some(_) => {}
            None => broken.push(format!(
                "minimum {name} usage per Container is {}.  No request is specified",
                text(min)
            )),
        }
    }
    for (name, max) in limit["max"].as_object().into_iter().flatten() {
        match of("limits", name) {
            Some(given) if nanos(&given) > nanos(max) => broken.push(format!(
                "maximum {name} usage per Container is {}, but limit is {}",
                text(max),
                text(&given)
            )),
            Some(_) => {}
            None => broken.push(format!(
                "maximum {name} usage per Container is {}.  No limit is specified",
                text(max)
            )),
        }
    }
}
