//! The settings that Bottlerocket has for Kubernetes, and the types of their values.

use toml::{Table, Value};

/// The type of a value.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Int,
    Bool,
    Texts,
    /// By names that users choose.
    TextMap,
    /// By names that users choose.
    TextsMap,
    /// By names that are given.
    Fields(&'static [(&'static str, Kind)]),
    /// By names that users choose.
    FieldsMap(&'static [(&'static str, Kind)]),
    /// Commands, each a list of words.
    Commands,
    /// One of these.
    OneOf(&'static [&'static str]),
}

use Kind::{Bool, Commands, Fields, FieldsMap, Int, OneOf, Text, TextMap, Texts, TextsMap};

/// `settings.kubernetes`.
const KUBERNETES: &[(&str, Kind)] = &[
    ("allowed-unsafe-sysctls", Texts),
    ("api-server", Text),
    ("cloud-provider", Text),
    ("cluster-certificate", Text),
    ("cluster-dns-ip", Text),
    ("cluster-domain", Text),
    ("cluster-name", Text),
    ("container-log-max-files", Int),
    ("container-log-max-size", Text),
    ("container-log-max-workers", Int),
    ("container-log-monitor-interval", Text),
    ("cpu-cfs-quota-enforced", Bool),
    ("cpu-manager-policy", Text),
    ("cpu-manager-policy-options", Texts),
    ("cpu-manager-reconcile-period", Text),
    (
        "credential-providers",
        FieldsMap(&[
            ("cache-duration", Text),
            ("enabled", Bool),
            ("environment", TextMap),
            ("image-patterns", Texts),
        ]),
    ),
    ("device-ownership-from-security-context", Bool),
    ("event-burst", Int),
    ("event-qps", Int),
    ("eviction-hard", TextMap),
    ("eviction-max-pod-grace-period", Int),
    ("eviction-soft", TextMap),
    ("eviction-soft-grace-period", TextMap),
    ("hostname-override-source", Text),
    ("ids-per-pod", Int),
    ("image-gc-high-threshold-percent", Text),
    ("image-gc-low-threshold-percent", Text),
    ("kube-api-burst", Int),
    ("kube-api-qps", Int),
    ("kube-reserved", TextMap),
    ("log-level", Int),
    ("max-pods", Int),
    ("memory-manager-policy", Text),
    (
        "memory-manager-reserved-memory",
        FieldsMap(&[
            ("enabled", Bool),
            ("hugepages-1Gi", Text),
            ("hugepages-2Mi", Text),
            ("memory", Text),
        ]),
    ),
    ("node-labels", TextMap),
    ("node-taints", TextsMap),
    ("pod-pids-limit", Int),
    ("registry-burst", Int),
    ("registry-qps", Int),
    ("seccomp-default", Bool),
    ("server-tls-bootstrap", Bool),
    ("shutdown-grace-period", Text),
    ("shutdown-grace-period-for-critical-pods", Text),
    ("single-process-oom-kill", Bool),
    (
        "static-pods",
        FieldsMap(&[("enabled", Bool), ("manifest", Text)]),
    ),
    ("system-reserved", TextMap),
    ("topology-manager-policy", Text),
    (
        "topology-manager-policy-options",
        Fields(&[
            ("max-allowable-numa-nodes", Int),
            ("prefer-closest-numa-nodes", Bool),
        ]),
    ),
    ("topology-manager-scope", Text),
];

/// `settings.bootstrap-commands`.
const BOOTSTRAP_COMMANDS: Kind = FieldsMap(&[
    ("commands", Commands),
    ("essential", Bool),
    ("mode", OneOf(&["always", "once", "off"])),
]);

/// Checks the types of `settings.kubernetes`, and takes out what Bottlerocket does not know, which
/// would keep the instance from starting. Returns the names of what was taken out.
pub(super) fn check_kubernetes(kubernetes: &mut Table) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    fields("settings.kubernetes", kubernetes, KUBERNETES, &mut unknown)?;
    Ok(unknown)
}

/// Checks the types of `settings.bootstrap-commands`.
pub(super) fn check_commands(commands: &mut Value) -> Result<(), String> {
    let path = "settings.bootstrap-commands";
    check(path, commands, BOOTSTRAP_COMMANDS, &mut Vec::new())
}

fn fields(
    path: &str,
    table: &mut Table,
    known: &[(&str, Kind)],
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    table.retain(|key, _| {
        let is_known = known.iter().any(|(name, _)| *name == key);
        if !is_known {
            unknown.push(format!("{path}.{key}"));
        }
        is_known
    });
    for (name, kind) in known {
        if let Some(value) = table.get_mut(*name) {
            check(&format!("{path}.{name}"), value, *kind, unknown)?;
        }
    }
    Ok(())
}

fn check(
    path: &str,
    value: &mut Value,
    kind: Kind,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let wrong = |wanted: &str, value: &Value| {
        Err(format!("{path} must be {wanted}, not {}", value.type_str()))
    };
    let each = |value: &mut Value, kind: Kind, unknown: &mut Vec<String>| match value {
        Value::Table(table) => table
            .iter_mut()
            .try_for_each(|(key, value)| check(&format!("{path}.{key}"), value, kind, unknown)),
        other => wrong("a table", other),
    };
    match kind {
        Text if !value.is_str() => wrong("a string", value),
        Int if !value.is_integer() => wrong("an integer", value),
        Bool if !value.is_bool() => wrong("a boolean", value),
        Texts if !is_texts(value) => wrong("an array of strings", value),
        Commands if !is_commands(value) => wrong("an array of arrays of strings", value),
        OneOf(words) if !value.as_str().is_some_and(|word| words.contains(&word)) => {
            Err(format!("{path} must be one of {}", words.join(", ")))
        }
        Text | Int | Bool | Texts | Commands | OneOf(_) => Ok(()),
        TextMap => each(value, Text, unknown),
        TextsMap => each(value, Texts, unknown),
        FieldsMap(known) => each(value, Fields(known), unknown),
        Fields(known) => match value {
            Value::Table(table) => fields(path, table, known, unknown),
            other => wrong("a table", other),
        },
    }
}

fn is_texts(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_str))
}

fn is_commands(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(is_texts))
}
