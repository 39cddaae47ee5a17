//! Prometheus' text format, version 0.0.4.

use std::{collections::VecDeque, fmt::Write as _};

use super::{
    Kind,
    family::{Family, Value},
};

/// The quantiles of every summary.
const QUANTILES: [f64; 5] = [0.0, 0.5, 0.9, 0.99, 1.0];

/// Appends a metric with all its series; nothing when there are none.
pub(super) fn write(text: &mut String, family: &Family) {
    if family.series.is_empty() {
        return;
    }
    let name = family.definition.name;
    let kind = match family.definition.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
        Kind::Summary => "summary",
    };
    let help = family
        .definition
        .help
        .replace('\\', "\\\\")
        .replace('\n', "\\n");
    // Writing to a string can't fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (values, value) in &family.series {
        let labels: Vec<String> = family
            .label_names
            .iter()
            .zip(values)
            .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
            .collect();
        write_series(text, family, &labels, value);
    }
}

fn write_series(text: &mut String, family: &Family, labels: &[String], value: &Value) {
    let name = family.definition.name;
    match value {
        Value::Number(number) => line(text, name, labels, None, *number),
        Value::Histogram { counts, sum, count } => {
            let Kind::Histogram(bounds) = family.definition.kind else {
                return;
            };
            let bucket = format!("{name}_bucket");
            let mut below = 0;
            for (bound, count) in bounds.iter().zip(counts) {
                below += count;
                line(text, &bucket, labels, Some(("le", *bound)), below as f64);
            }
            line(
                text,
                &bucket,
                labels,
                Some(("le", f64::INFINITY)),
                *count as f64,
            );
            line(text, &format!("{name}_sum"), labels, None, *sum);
            line(text, &format!("{name}_count"), labels, None, *count as f64);
        }
        Value::Summary { latest, sum, count } => {
            for quantile in QUANTILES {
                let at = quantile_of(latest, quantile);
                line(text, name, labels, Some(("quantile", quantile)), at);
            }
            line(text, &format!("{name}_sum"), labels, None, *sum);
            line(text, &format!("{name}_count"), labels, None, *count as f64);
        }
    }
}

fn line(text: &mut String, name: &str, labels: &[String], last: Option<(&str, f64)>, value: f64) {
    let last = last.map(|(name, value)| format!("{name}=\"{}\"", number(value)));
    let all: Vec<&str> = labels
        .iter()
        .map(String::as_str)
        .chain(last.as_deref())
        .collect();
    let braces = if all.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", all.join(","))
    };
    let _ = writeln!(text, "{name}{braces} {}", number(value));
}

/// The nearest-rank quantile; NaN without observations.
fn quantile_of(latest: &VecDeque<f64>, quantile: f64) -> f64 {
    let mut sorted: Vec<f64> = latest.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

/// A number as Go prints it with `%g`: shortest digits, an exponent below 1e-4 and from 1e6 on,
/// which is what existing queries compare `le` with.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let scientific = format!("{value:e}");
    // `{:e}` always has an exponent.
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
