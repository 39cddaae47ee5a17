//! Values that become the controller's environment, in the order of its variables.

use super::{ChartValue, For, Gate, Setting, Shape};
use For::{All, Aws, Kwok};
use Shape::{Bool, Duration, Int, Number, OneOf, Text, Yaml};

const fn set(
    of: For,
    (path, env): (&'static str, &'static str),
    shape: Shape,
    default: &'static str,
    help: &'static str,
) -> Setting {
    let value = ChartValue {
        path,
        shape,
        default,
        help,
    };
    Setting {
        value,
        env,
        older: "",
        of,
    }
}

const fn older(name: &'static str, setting: Setting) -> Setting {
    Setting {
        older: name,
        ..setting
    }
}

/// Every setting. Those up to `settings.subnetRefreshInterval` are of the reference's chart.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    set(All, ("settings.batchMaxDuration", "BATCH_MAX_DURATION"), Duration, r#""10s""#,
        "Longest window in which pending pods are gathered."),
    set(All, ("settings.batchIdleDuration", "BATCH_IDLE_DURATION"), Duration, r#""1s""#,
        "Quiet time that closes the window."),
    set(All, ("settings.preferencePolicy", "PREFERENCE_POLICY"), OneOf(&["Respect", "Ignore"]),
        r#""Respect""#, "What becomes of preferred affinities and soft spreads."),
    set(All, ("settings.minValuesPolicy", "MIN_VALUES_POLICY"), OneOf(&["Strict", "BestEffort"]),
        r#""Strict""#, "What becomes of minValues that can't be met."),
    older("clusterCABundle", set(Aws, ("settings.clusterCABundle", "CLUSTER_CA_BUNDLE"), Text,
        r#""""#, "CA that nodes trust, base64; empty for the controller's own.")),
    older("clusterName", set(Aws, ("settings.clusterName", "CLUSTER_NAME"), Text, r#""""#,
        "Name of the cluster; required.")),
    older("clusterEndpoint", set(Aws, ("settings.clusterEndpoint", "CLUSTER_ENDPOINT"), Text,
        r#""""#, "URL of the API server for nodes; empty to ask EKS.")),
    older("isolatedVPC", set(Aws, ("settings.isolatedVPC", "ISOLATED_VPC"), Bool, "false",
        "Make no calls to services without VPC endpoints.")),
    set(Aws, ("settings.eksControlPlane", "EKS_CONTROL_PLANE"), Bool, "false",
        "Read details of the cluster from EKS."),
    older("vmMemoryOverheadPercent", set(Aws, ("settings.vmMemoryOverheadPercent",
        "VM_MEMORY_OVERHEAD_PERCENT"), Number, "0.075",
        "Share of an instance's memory that is lost to its hypervisor.")),
    older("interruptionQueueName", set(Aws, ("settings.interruptionQueue", "INTERRUPTION_QUEUE"),
        Text, r#""""#, "Name of the SQS queue of interruptions; empty for none.")),
    set(Aws, ("settings.enableZonalShift", "ENABLE_ZONAL_SHIFT"), Bool, "false",
        "Leave zones that a zonal shift leads away from."),
    older("reservedENIs", set(Aws, ("settings.reservedENIs", "RESERVED_ENIS"), Int, r#""0""#,
        "Network interfaces of each node that pods can't use.")),
    set(All, ("settings.ignoreDRARequests", "IGNORE_DRA_REQUESTS"), Bool, "true",
        "Leave pods alone that use dynamic resource allocation."),
    set(All, ("settings.disableClusterStateObservability", "DISABLE_CLUSTER_STATE_OBSERVABILITY"),
        Bool, "false", "Drop the metrics about single pods, nodes, pools and conditions."),
    set(Aws, ("settings.disableDryRun", "DISABLE_DRY_RUN"), Bool, "false",
        "Accept EC2NodeClasses without dry runs of the calls they need."),
    set(Aws, ("settings.amiRefreshInterval", "AMI_REFRESH_INTERVAL"), Duration, r#""1m""#,
        "How long found images are good; at least 1m."),
    set(Aws, ("settings.subnetRefreshInterval", "SUBNET_REFRESH_INTERVAL"), Duration, r#""1m""#,
        "How long found subnets are good; at least 1m."),
    older("defaultInstanceProfile", set(Aws, ("settings.defaultInstanceProfile",
        "DEFAULT_INSTANCE_PROFILE"), Text, r#""""#,
        "Instance profile of node classes that name neither a role nor a profile.")),
    set(Aws, ("settings.rebalanceRecommendations", "REBALANCE_RECOMMENDATIONS"),
        OneOf(&["Ignore", "Replace"]), r#""Ignore""#,
        "What becomes of rebalance recommendations: Replace replaces the node early."),
    set(All, ("settings.labelNodesFromTaints", "LABEL_NODES_FROM_TAINTS"), Bool, "true",
        "Give a node a label for each taint of its pool that has a value."),
    set(All, ("settings.schedulerConfig", "SCHEDULER_CONFIG"), Yaml, r#""""#,
        "Default topology spread, as podTopologySpread.defaultConstraints; a text or YAML."),
    set(All, ("settings.priceByCheapest", "PRICE_BY_CHEAPEST"), Int, "3",
        "Weigh a node by the mean price of so many of the cheapest types that hold its pods."),
    set(All, ("settings.consolidationPayback", "CONSOLIDATION_PAYBACK"), Duration, r#""4h""#,
        "Within what time a consolidation must pay for itself."),
    set(All, ("settings.consolidationSettle", "CONSOLIDATION_SETTLE"), Duration, r#""1m""#,
        "How long nodes with pods are left alone after pods came."),
    set(All, ("settings.initializationTimeout", "INITIALIZATION_TIMEOUT"), Duration, r#""0s""#,
        "Delete nodes that are registered but not initialized for so long; 0s for never."),
    set(All, ("settings.kubeClientQPS", "KUBE_CLIENT_QPS"), Int, "200",
        "Calls per second to the API server."),
    set(All, ("settings.kubeClientBurst", "KUBE_CLIENT_BURST"), Int, "300",
        "Calls at once to the API server."),
    set(All, ("settings.enableProfiling", "ENABLE_PROFILING"), Bool, "false",
        "Answer on /debug/pprof, which says what to use."),
    set(All, ("settings.disableControllerWarmup", "DISABLE_CONTROLLER_WARMUP"), Bool, "true",
        "Whether a standby waits for its election before it fills its caches."),
    set(All, ("settings.disableLeaderElection", "DISABLE_LEADER_ELECTION"), Bool, "false",
        "Run without a lease; only safe with replicas=1."),
    set(All, ("settings.leaderElectionName", "LEADER_ELECTION_NAME"), Text,
        r#""karpenter-leader-election""#, "Name of the Lease; the Role follows it."),
    set(All, ("settings.leaderElectionNamespace", "LEADER_ELECTION_NAMESPACE"), Text, r#""""#,
        "Namespace of the Lease; empty for the release's. The Role follows it."),
    set(Kwok, ("settings.instanceTypesFilePath", "INSTANCE_TYPES_FILE_PATH"), Text, r#""""#,
        "JSON file of instance types; empty for the built-in set."),
];

const fn gate(
    env: &'static str,
    (path, name): (&'static str, &'static str),
    default: &'static str,
    help: &'static str,
) -> Gate {
    let shape = Bool;
    let value = ChartValue {
        path,
        shape,
        default,
        help,
    };
    Gate { value, name, env }
}

/// Every feature gate, in the order of the variables.
#[rustfmt::skip]
pub const GATES: &[Gate] = &[
    gate("FEATURE_GATES", ("settings.featureGates.reservedCapacity", "ReservedCapacity"), "true",
        "Use capacity reservations."),
    gate("FEATURE_GATES", ("settings.featureGates.spotToSpotConsolidation",
        "SpotToSpotConsolidation"), "false", "Replace spot nodes by cheaper spot nodes."),
    gate("FEATURE_GATES", ("settings.featureGates.nodeRepair", "NodeRepair"), "false",
        "Replace nodes that are broken."),
    gate("FEATURE_GATES", ("settings.featureGates.nodeOverlay", "NodeOverlay"), "false",
        "Honour NodeOverlays."),
    gate("FEATURE_GATES", ("settings.featureGates.staticCapacity", "StaticCapacity"), "false",
        "Honour replicas of NodePools."),
    gate("FEATURE_GATES", ("settings.featureGates.capacityBuffer", "CapacityBuffer"), "false",
        "Honour CapacityBuffers."),
    gate("AWS_FEATURE_GATES", ("settings.awsFeatureGates.nodeClassCEL", "NodeClassCEL"), "false",
        "CEL expressions in kubelet settings of node classes."),
];
