//! The table of settings: name, variable, type, default, and what it is for.

/// The type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Any text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// A duration in Go's notation.
    Duration,
}

/// One setting.
#[derive(Debug)]
pub struct Flag {
    /// Name of the flag, without dashes.
    pub name: &'static str,
    /// Name of the environment variable.
    pub env: &'static str,
    /// Type of the value.
    pub kind: ValueKind,
    /// Default, as one would write it.
    pub default: &'static str,
    /// Heading that the help shows it under.
    pub group: &'static str,
    /// What it is for.
    pub help: &'static str,
}

const RUN: &str = "Running";
const API: &str = "API server";
const LEADER: &str = "Leader election";
const OBSERVE: &str = "Logs and metrics";
const DECIDE: &str = "Deciding";
const AWS: &str = "AWS";
const KWOK: &str = "KWOK";

const fn flag_of(
    group: &'static str,
    (name, env): (&'static str, &'static str),
    kind: ValueKind,
    default: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        env,
        kind,
        default,
        group,
        help,
    }
}

use ValueKind::{Bool, Duration, Float, Int, Text};

/// Every setting, in the order of the help.
#[rustfmt::skip]
pub static FLAGS: &[Flag] = &[
    flag_of(RUN, ("provider", "KARPENTER_PROVIDER"), Text, "aws",
        "Which cloud nodes come from: aws, or kwok for simulated nodes"),
    flag_of(RUN, ("memory-limit", "MEMORY_LIMIT"), Int, "-1",
        "The container's memory limit in bytes; -1 when unknown"),
    flag_of(RUN, ("cpu-requests", "CPU_REQUESTS"), Int, "1000",
        "The container's CPU request in millicores; more means more work at a time"),
    flag_of(RUN, ("karpenter-service", "KARPENTER_SERVICE"), Text, "",
        "Name of the Service in front of the controller; informational"),
    flag_of(RUN, ("disable-controller-warmup", "DISABLE_CONTROLLER_WARMUP"), Bool, "true",
        "Whether a standby waits for its election before it fills its caches"),
    flag_of(API, ("kubeconfig", "KUBECONFIG"), Text, "",
        "Kubeconfig file; without one the home directory's, then the pod's service account"),
    flag_of(API, ("kube-client-qps", "KUBE_CLIENT_QPS"), Int, "200",
        "Calls per second to the API server"),
    flag_of(API, ("kube-client-burst", "KUBE_CLIENT_BURST"), Int, "300",
        "Calls at once to the API server"),
    flag_of(LEADER, ("disable-leader-election", "DISABLE_LEADER_ELECTION"), Bool, "false",
        "Run without a lease; only safe with a single replica"),
    flag_of(LEADER, ("leader-election-name", "LEADER_ELECTION_NAME"), Text,
        "karpenter-leader-election", "Name of the Lease"),
    flag_of(LEADER, ("leader-election-namespace", "LEADER_ELECTION_NAMESPACE"), Text, "",
        "Namespace of the Lease; empty for the pod's own"),
    flag_of(OBSERVE, ("log-level", "LOG_LEVEL"), Text, "info", "debug, info or error"),
    flag_of(OBSERVE, ("log-output-paths", "LOG_OUTPUT_PATHS"), Text, "stdout",
        "Where log lines go: stdout, stderr or files, separated by commas"),
    flag_of(OBSERVE, ("log-error-output-paths", "LOG_ERROR_OUTPUT_PATHS"), Text, "stderr",
        "Where failures of logging itself go"),
    flag_of(OBSERVE, ("metrics-port", "METRICS_PORT"), Int, "8080", "Port of /metrics"),
    flag_of(OBSERVE, ("health-probe-port", "HEALTH_PROBE_PORT"), Int, "8081",
        "Port of /healthz and /readyz"),
    flag_of(OBSERVE, ("enable-profiling", "ENABLE_PROFILING"), Bool, "false",
        "Answer on /debug/pprof; there are no Go profiles, so the answer says what to use"),
    flag_of(OBSERVE,
        ("disable-cluster-state-observability", "DISABLE_CLUSTER_STATE_OBSERVABILITY"),
        Bool, "false", "Drop the metrics about single pods, nodes, pools and conditions"),
    flag_of(DECIDE, ("batch-max-duration", "BATCH_MAX_DURATION"), Duration, "10s",
        "Longest window in which pending pods are gathered before deciding"),
    flag_of(DECIDE, ("batch-idle-duration", "BATCH_IDLE_DURATION"), Duration, "1s",
        "Quiet time that closes the window"),
    flag_of(DECIDE, ("preference-policy", "PREFERENCE_POLICY"), Text, "Respect",
        "What becomes of preferred affinities and soft spreads: Respect or Ignore"),
    flag_of(DECIDE, ("min-values-policy", "MIN_VALUES_POLICY"), Text, "Strict",
        "What becomes of minValues that can't be met: Strict or BestEffort"),
    flag_of(DECIDE, ("ignore-dra-requests", "IGNORE_DRA_REQUESTS"), Bool, "true",
        "Leave pods alone that use dynamic resource allocation"),
    flag_of(DECIDE, ("label-nodes-from-taints", "LABEL_NODES_FROM_TAINTS"), Bool, "true",
        "Give a node a label for each taint of its pool that has a value"),
    flag_of(DECIDE, ("feature-gates", "FEATURE_GATES"), Text,
        "NodeRepair=false,ReservedCapacity=true,SpotToSpotConsolidation=false,NodeOverlay=false,\
         StaticCapacity=false,CapacityBuffer=false",
        "Features to turn on or off, as Name=true,Name=false"),
    flag_of(DECIDE, ("scheduler-config", "SCHEDULER_CONFIG"), Text, "",
        "YAML with podTopologySpread.defaultConstraints, for pods that declare no spread"),
    flag_of(DECIDE, ("price-by-cheapest", "PRICE_BY_CHEAPEST"), Int, "3",
        "Weigh a node by the mean price of so many of the cheapest types that hold its pods"),
    flag_of(DECIDE, ("consolidation-payback", "CONSOLIDATION_PAYBACK"), Duration, "4h",
        "Consolidate only what pays for its evictions and for running old and new nodes side by \
         side within this time"),
    flag_of(DECIDE, ("consolidation-settle", "CONSOLIDATION_SETTLE"), Duration, "1m",
        "Leave nodes with pods alone for so long after pods came, even where consolidateAfter is \
         shorter"),
    flag_of(DECIDE, ("initialization-timeout", "INITIALIZATION_TIMEOUT"), Duration, "0s",
        "Delete nodes that are registered but not initialized for so long; 0s for never"),
    flag_of(AWS, ("cluster-name", "CLUSTER_NAME"), Text, "", "Name of the cluster; required"),
    flag_of(AWS, ("cluster-endpoint", "CLUSTER_ENDPOINT"), Text, "",
        "URL of the API server as nodes reach it; empty to ask EKS"),
    flag_of(AWS, ("cluster-ca-bundle", "CLUSTER_CA_BUNDLE"), Text, "",
        "CA that nodes trust, base64; empty for the controller's own"),
    flag_of(AWS, ("isolated-vpc", "ISOLATED_VPC"), Bool, "false",
        "Make no calls to services without VPC endpoints (pricing, IAM clean-up)"),
    flag_of(AWS, ("eks-control-plane", "EKS_CONTROL_PLANE"), Bool, "false",
        "Read details of the cluster from EKS"),
    flag_of(AWS, ("vm-memory-overhead-percent", "VM_MEMORY_OVERHEAD_PERCENT"), Float, "0.075",
        "Share of an instance's memory that is lost to its hypervisor"),
    flag_of(AWS, ("interruption-queue", "INTERRUPTION_QUEUE"), Text, "",
        "SQS queue of interruption messages; empty for none"),
    flag_of(AWS, ("reserved-enis", "RESERVED_ENIS"), Int, "0",
        "Network interfaces of each node that pods can't use"),
    flag_of(AWS, ("disable-dry-run", "DISABLE_DRY_RUN"), Bool, "false",
        "Accept EC2NodeClasses without dry runs of the calls they need"),
    flag_of(AWS, ("enable-zonal-shift", "ENABLE_ZONAL_SHIFT"), Bool, "false",
        "Leave zones that a zonal shift leads away from"),
    flag_of(AWS, ("ami-refresh-interval", "AMI_REFRESH_INTERVAL"), Duration, "1m",
        "How long found images are good; at least 1m"),
    flag_of(AWS, ("subnet-refresh-interval", "SUBNET_REFRESH_INTERVAL"), Duration, "1m",
        "How long found subnets are good; at least 1m"),
    flag_of(AWS, ("default-instance-profile", "DEFAULT_INSTANCE_PROFILE"), Text, "",
        "Instance profile of node classes that name neither a role nor a profile"),
    flag_of(AWS, ("rebalance-recommendations", "REBALANCE_RECOMMENDATIONS"), Text, "Ignore",
        "What becomes of rebalance recommendations: Ignore, or Replace the node early"),
    flag_of(AWS, ("aws-feature-gates", "AWS_FEATURE_GATES"), Text, "NodeClassCEL=false",
        "AWS features to turn on or off, as Name=true,Name=false"),
    flag_of(KWOK, ("instance-types-file-path", "INSTANCE_TYPES_FILE_PATH"), Text, "",
        "JSON file of instance types in place of the built-in set"),
];

/// The setting of that name.
///
/// # Panics
/// On a name that the table lacks, which only a typing error in this module can cause; the test
/// that reads all defaults would show it.
pub(super) fn flag(name: &str) -> &'static Flag {
    FLAGS
        .iter()
        .find(|flag| flag.name == name)
        .unwrap_or_else(|| panic!("the table of settings lacks {name}"))
}
