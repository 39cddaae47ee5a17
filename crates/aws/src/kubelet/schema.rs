//! The fields of a kubelet's configuration and their types, as `kubelet.config.k8s.io/v1beta1`
//! `KubeletConfiguration` of Kubernetes 0.36.3 has them.
//!
//! What is *not* here: what values mean and which of them are allowed.

use model::Quantity;
use model::duration::parse_go;
use serde_json::{Map, Value};

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bool,
    Text,
    /// In Go's notation; may be negative.
    Duration,
    /// In Go's notation, or a number of nanoseconds.
    DurationOrNanos,
    Int32,
    Int64,
    Uint32,
    Float,
    Quantity,
    /// A point in time; never compared.
    Time,
    List(&'static Kind),
    /// By names that users choose.
    Map(&'static Kind),
    /// By names that are given.
    Object(Fields),
}

/// Fields by name.
pub(super) type Fields = &'static [(&'static str, Kind)];

use Kind::{
    Bool, Duration, DurationOrNanos, Float, Int32, Int64, List, Map as MapOf, Object,
    Quantity as Amount, Text, Time, Uint32,
};

const TEXTS: Kind = List(&Text);
const TEXT_MAP: Kind = MapOf(&Text);

/// All fields.
pub(super) const KUBELET: Fields = &[
    ("address", Text),
    ("allowedUnsafeSysctls", TEXTS),
    ("apiVersion", Text),
    ("authentication", Object(AUTHENTICATION)),
    ("authorization", Object(AUTHORIZATION)),
    ("cgroupDriver", Text),
    ("cgroupRoot", Text),
    ("cgroupsPerQOS", Bool),
    ("clusterDNS", TEXTS),
    ("clusterDomain", Text),
    ("configMapAndSecretChangeDetectionStrategy", Text),
    ("containerLogMaxFiles", Int32),
    ("containerLogMaxSize", Text),
    ("containerLogMaxWorkers", Int32),
    ("containerLogMonitorInterval", Duration),
    ("containerRuntimeEndpoint", Text),
    ("contentType", Text),
    ("cpuCFSQuota", Bool),
    ("cpuCFSQuotaPeriod", Duration),
    ("cpuManagerPolicy", Text),
    ("cpuManagerPolicyOptions", TEXT_MAP),
    ("cpuManagerReconcilePeriod", Duration),
    (
        "crashLoopBackOff",
        Object(&[("maxContainerRestartPeriod", Duration)]),
    ),
    ("enableContentionProfiling", Bool),
    ("enableControllerAttachDetach", Bool),
    ("enableDebugFlagsHandler", Bool),
    ("enableDebuggingHandlers", Bool),
    ("enableProfilingHandler", Bool),
    ("enableServer", Bool),
    ("enableSystemLogHandler", Bool),
    ("enableSystemLogQuery", Bool),
    ("enforceNodeAllocatable", TEXTS),
    ("eventBurst", Int32),
    ("eventRecordQPS", Int32),
    ("evictionHard", TEXT_MAP),
    ("evictionMaxPodGracePeriod", Int32),
    ("evictionMinimumReclaim", TEXT_MAP),
    ("evictionPressureTransitionPeriod", Duration),
    ("evictionSoft", TEXT_MAP),
    ("evictionSoftGracePeriod", TEXT_MAP),
    ("failCgroupV1", Bool),
    ("failSwapOn", Bool),
    ("featureGates", MapOf(&Bool)),
    ("fileCheckFrequency", Duration),
    ("hairpinMode", Text),
    ("healthzBindAddress", Text),
    ("healthzPort", Int32),
    ("httpCheckFrequency", Duration),
    ("imageGCHighThresholdPercent", Int32),
    ("imageGCLowThresholdPercent", Int32),
    ("imageMaximumGCAge", Duration),
    ("imageMinimumGCAge", Duration),
    ("imagePullCredentialsVerificationPolicy", Text),
    ("imageServiceEndpoint", Text),
    ("iptablesDropBit", Int32),
    ("iptablesMasqueradeBit", Int32),
    ("kernelMemcgNotification", Bool),
    ("kind", Text),
    ("kubeAPIBurst", Int32),
    ("kubeAPIQPS", Int32),
    ("kubeReserved", TEXT_MAP),
    ("kubeReservedCgroup", Text),
    ("kubeletCgroups", Text),
    ("localStorageCapacityIsolation", Bool),
    ("logging", Object(LOGGING)),
    ("makeIPTablesUtilChains", Bool),
    ("maxOpenFiles", Int64),
    ("maxParallelImagePulls", Int32),
    ("maxPods", Int32),
    ("memoryManagerPolicy", Text),
    ("memoryReservationPolicy", Text),
    ("memorySwap", Object(&[("swapBehavior", Text)])),
    ("memoryThrottlingFactor", Float),
    ("mergeDefaultEvictionSettings", Bool),
    ("nodeLeaseDurationSeconds", Int32),
    ("nodeStatusMaxImages", Int32),
    ("nodeStatusReportFrequency", Duration),
    ("nodeStatusUpdateFrequency", Duration),
    ("oomScoreAdj", Int32),
    ("podCIDR", Text),
    ("podLogsDir", Text),
    ("podPidsLimit", Int64),
    ("podsPerCore", Int32),
    ("port", Int32),
    ("preloadedImagesVerificationAllowlist", TEXTS),
    ("protectKernelDefaults", Bool),
    ("providerID", Text),
    ("qosReserved", TEXT_MAP),
    ("readOnlyPort", Int32),
    ("registerNode", Bool),
    ("registerWithTaints", List(&Object(TAINT))),
    ("registryBurst", Int32),
    ("registryPullQPS", Int32),
    ("reservedMemory", List(&Object(RESERVED_MEMORY))),
    ("reservedSystemCPUs", Text),
    ("resolvConf", Text),
    ("rotateCertificates", Bool),
    ("runOnce", Bool),
    ("runtimeRequestTimeout", Duration),
    ("seccompDefault", Bool),
    ("serializeImagePulls", Bool),
    ("serverTLSBootstrap", Bool),
    ("showHiddenMetricsForVersion", Text),
    ("shutdownGracePeriod", Duration),
    ("shutdownGracePeriodByPodPriority", List(&Object(SHUTDOWN))),
    ("shutdownGracePeriodCriticalPods", Duration),
    ("singleProcessOOMKill", Bool),
    ("staticPodPath", Text),
    ("staticPodURL", Text),
    ("staticPodURLHeader", MapOf(&TEXTS)),
    ("streamingConnectionIdleTimeout", Duration),
    ("syncFrequency", Duration),
    ("systemCgroups", Text),
    ("systemReserved", TEXT_MAP),
    ("systemReservedCgroup", Text),
    ("tlsCertFile", Text),
    ("tlsCipherSuites", TEXTS),
    ("tlsCurvePreferences", List(&Int32)),
    ("tlsMinVersion", Text),
    ("tlsPrivateKeyFile", Text),
    ("topologyManagerPolicy", Text),
    ("topologyManagerPolicyOptions", TEXT_MAP),
    ("topologyManagerScope", Text),
    ("tracing", Object(TRACING)),
    ("userNamespaces", Object(&[("idsPerPod", Int64)])),
    ("volumePluginDir", Text),
    ("volumeStatsAggPeriod", Duration),
];

const AUTHENTICATION: Fields = &[
    ("anonymous", Object(&[("enabled", Bool)])),
    (
        "webhook",
        Object(&[("cacheTTL", Duration), ("enabled", Bool)]),
    ),
    ("x509", Object(&[("clientCAFile", Text)])),
];
const AUTHORIZATION: Fields = &[
    ("mode", Text),
    (
        "webhook",
        Object(&[
            ("cacheAuthorizedTTL", Duration),
            ("cacheUnauthorizedTTL", Duration),
        ]),
    ),
];
const LOGGING: Fields = &[
    ("flushFrequency", DurationOrNanos),
    ("format", Text),
    (
        "options",
        Object(&[("json", Object(LOG_FORMAT)), ("text", Object(LOG_FORMAT))]),
    ),
    ("verbosity", Uint32),
    (
        "vmodule",
        List(&Object(&[("filePattern", Text), ("verbosity", Uint32)])),
    ),
];
const LOG_FORMAT: Fields = &[("infoBufferSize", Amount), ("splitStream", Bool)];
const TRACING: Fields = &[("endpoint", Text), ("samplingRatePerMillion", Int32)];
const TAINT: Fields = &[
    ("effect", Text),
    ("key", Text),
    ("timeAdded", Time),
    ("value", Text),
];
const RESERVED_MEMORY: Fields = &[("limits", MapOf(&Amount)), ("numaNode", Int32)];
const SHUTDOWN: Fields = &[("priority", Int32), ("shutdownGracePeriodSeconds", Int64)];

/// Whether a value has a type.
pub(super) fn fits(value: &Value, kind: Kind) -> bool {
    match kind {
        Bool => value.is_boolean(),
        Text | Time => value.is_string(),
        Duration => value.as_str().is_some_and(is_duration),
        DurationOrNanos => value.is_i64() || fits(value, Duration),
        Int32 => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        Int64 => value.is_i64(),
        Uint32 => value.as_u64().is_some_and(|n| u32::try_from(n).is_ok()),
        Float => value.is_number(),
        Amount => match value {
            Value::String(text) => text.parse::<Quantity>().is_ok(),
            other => other.is_number(),
        },
        List(_) => value.is_array(),
        MapOf(_) | Object(_) => value.is_object(),
    }
}

/// What a value of a type is, in words.
pub(super) fn words(kind: Kind) -> &'static str {
    match kind {
        Bool => "true or false",
        Text | Time => "a text",
        Duration => "a duration such as 1m30s",
        DurationOrNanos => "a duration such as 1m30s or a number of nanoseconds",
        Int32 => "a whole number of 32 bits",
        Int64 => "a whole number of 64 bits",
        Uint32 => "a whole number of 32 bits, not negative",
        Float => "a number",
        Amount => "a resource quantity",
        List(_) => "a list",
        MapOf(_) | Object(_) => "a map",
    }
}

/// Whether a text is a duration; negative ones are, too.
fn is_duration(text: &str) -> bool {
    parse_go(text.strip_prefix('-').unwrap_or(text)).is_ok()
}

/// What is wrong with the types and names of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// There is no such field.
    Unknown,
    /// It must be this.
    Wrong(&'static str),
}

/// Everything that is wrong below some fields, with its path.
pub(super) fn misfits(given: &Map<String, Value>, known: Fields) -> Vec<(String, Misfit)> {
    let mut found = Vec::new();
    look_at_fields("", given, known, &mut found);
    found
}

fn look_at_fields(
    path: &str,
    given: &Map<String, Value>,
    known: Fields,
    found: &mut Vec<(String, Misfit)>,
) {
    let mut names: Vec<&String> = given.keys().collect();
    names.sort_unstable();
    for name in names {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        match known.binary_search_by(|(known, _)| (*known).cmp(name)) {
            // As upstream has it, null says nothing.
            Ok(_) if given[name].is_null() => {}
            Ok(at) => look_at(&path, &given[name], known[at].1, found),
            Err(_) => found.push((path, Misfit::Unknown)),
        }
    }
}

fn look_at(path: &str, value: &Value, kind: Kind, found: &mut Vec<(String, Misfit)>) {
    if !fits(value, kind) {
        found.push((path.to_owned(), Misfit::Wrong(words(kind))));
        return;
    }
    match (kind, value) {
        (Object(known), Value::Object(fields)) => look_at_fields(path, fields, known, found),
        (MapOf(kind), Value::Object(entries)) => {
            for (key, value) in entries {
                look_at(&format!("{path}[{key}]"), value, *kind, found);
            }
        }
        (List(kind), Value::Array(items)) => {
            for (at, value) in items.iter().enumerate() {
                look_at(&format!("{path}[{at}]"), value, *kind, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, KUBELET, Kind};

    fn is_sorted(fields: Fields) {
        assert!(fields.is_sorted_by(|a, b| a.0 < b.0), "{fields:?}");
        for (_, kind) in fields {
            match kind {
                Kind::Object(fields) | Kind::List(Kind::Object(fields)) => is_sorted(fields),
                _ => {}
            }
        }
    }

    #[test]
    fn fields_are_sorted_so_that_they_are_found() {
        is_sorted(KUBELET);
    }
}
