//! Settings of the kubelet as its command line has them.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use model::duration::format_go;

use super::Input;

/// All flags, separated by spaces.
pub(super) fn all(input: &Input) -> String {
    let kubelet = &input.kubelet;
    let managed = &kubelet.managed;
    let grace = managed.eviction_soft_grace_period.iter();
    let grace = grace.map(|(signal, period)| (signal.clone(), format_go(*period)));
    let taints: Vec<String> = input.taints.iter().map(ToString::to_string).collect();
    let taints = format!("--register-with-taints={}", quoted(&taints.join(",")));
    [
        labels(input),
        Some(taints),
        Some(format!("--max-pods={}", kubelet.max_pods)),
        number("pods-per-core", managed.pods_per_core),
        map("system-reserved", &kubelet.system_reserved, '='),
        map("kube-reserved", &kubelet.kube_reserved, '='),
        map("eviction-hard", &managed.eviction_hard, '<'),
        map("eviction-soft", &managed.eviction_soft, '<'),
        map("eviction-soft-grace-period", &grace.collect(), '='),
        number(
            "eviction-max-pod-grace-period",
            managed.eviction_max_pod_grace_period,
        ),
        number("image-gc-high-threshold", managed.image_gc_high_percent),
        number("image-gc-low-threshold", managed.image_gc_low_percent),
        number("cpu-cfs-quota", managed.cpu_cfs_quota),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}

/// The flag with the labels; none without labels.
pub(super) fn labels(input: &Input) -> Option<String> {
    map("node-labels", &input.labels, '=')
}

fn number(name: &str, value: Option<impl Display>) -> Option<String> {
    value.map(|value| format!("--{name}={value}"))
}

fn map(name: &str, entries: &BTreeMap<String, String>, separator: char) -> Option<String> {
    let entries: Vec<String> = entries
        .iter()
        .map(|(key, value)| format!("{key}{separator}{value}"))
        .collect();
    (!entries.is_empty()).then(|| format!("--{name}={}", quoted(&entries.join(","))))
}

/// In double quotes, as Go quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_ascii_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
