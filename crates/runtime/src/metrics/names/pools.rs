//! NodeClaims, nodes, node pools and cost.

use super::metrics;
use crate::metrics::{
    Definition,
    Kind::{Counter, Gauge, Histogram, Summary},
    Labels,
};

/// Powers of two from 1 s to 2048 s.
const TERMINATION: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0,
];
/// Powers of two from 1 s to 1024 s.
const INSTANCE_TERMINATION: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];
/// A quarter of an hour to thirty days.
const LIFETIME: &[f64] = &[
    900.0,
    1800.0,
    2700.0,
    3600.0,
    7200.0,
    14400.0,
    21600.0,
    28800.0,
    36000.0,
    43200.0,
    57600.0,
    72000.0,
    86400.0,
    172_800.0,
    259_200.0,
    432_000.0,
    864_000.0,
    1_296_000.0,
    1_728_000.0,
    2_160_000.0,
    2_592_000.0,
];

metrics! { ALL;
    BUILD_INFO = Gauge, "karpenter_build_info", ["version", "goversion", "goarch", "commit"],
        "Constant 1, labelled with the version, the architecture and the revision of this program";
    NODECLAIMS_CREATED = Counter, "karpenter_nodeclaims_created_total",
        ["reason", "nodepool", "min_values_relaxed"],
        "NodeClaims created, by why they were needed and by pool";
    NODECLAIMS_TERMINATED = Counter, "karpenter_nodeclaims_terminated_total",
        ["nodepool", "capacity_type", "zone"],
        "NodeClaims whose instance is gone and whose finalizer was removed";
    NODECLAIMS_DISRUPTED = Counter, "karpenter_nodeclaims_disrupted_total",
        ["reason", "nodepool", "capacity_type", "consolidation_policy", "termination_mode"],
        "NodeClaims that were chosen for removal, by why";
    NODECLAIMS_UNHEALTHY_DISRUPTED = Counter, "karpenter_nodeclaims_unhealthy_disrupted_total",
        ["condition", "nodepool", "capacity_type", "image_id"],
        "NodeClaims removed because their node was unhealthy, by the condition that said so";
    NODECLAIMS_TERMINATION_SECONDS = Histogram(TERMINATION),
        "karpenter_nodeclaims_termination_duration_seconds", ["nodepool"],
        "Seconds from the deletion of a NodeClaim to the removal of its finalizer";
    NODECLAIMS_INSTANCE_TERMINATION_SECONDS = Histogram(INSTANCE_TERMINATION),
        "karpenter_nodeclaims_instance_termination_duration_seconds", ["nodepool"],
        "Seconds from the first termination call for an instance to the provider saying it is gone";
    PODS_DISRUPTION_INITIATED = Counter, "karpenter_pods_disruption_initiated_total",
        ["reason", "nodepool", "capacity_type", "consolidation_policy", "termination_mode"],
        "Pods that must move because their NodeClaim was chosen for removal";
    NODES_CREATED = Counter, "karpenter_nodes_created_total", ["nodepool", "zone"],
        "Nodes that registered";
    NODES_TERMINATED = Counter, "karpenter_nodes_terminated_total", ["nodepool", "zone"],
        "Nodes whose finalizer was removed";
    NODES_TERMINATION_SECONDS = Summary, "karpenter_nodes_termination_duration_seconds",
        ["nodepool"], "Seconds from the deletion of a node to the removal of its finalizer";
    NODES_DRAINED = Counter, "karpenter_nodes_drained_total", ["nodepool"],
        "Nodes that were drained of all pods that can be moved";
    NODES_LIFETIME_SECONDS = Histogram(LIFETIME), "karpenter_nodes_lifetime_duration_seconds",
        ["nodepool"], "Age of nodes in seconds when they were terminated";
    NODES_TOTAL = Gauge, "karpenter_nodes_total", ["nodepool"],
        "Nodes that are managed now, by pool; the sum is the total";
    CLUSTER_UTILIZATION_PERCENT = Gauge, "karpenter_cluster_utilization_percent",
        ["resource_type"], "Pod requests as a percentage of what nodes can allocate";
    NODEPOOLS_LIMIT = Gauge, "karpenter_nodepools_limit", ["resource_type", "nodepool"],
        "Limit of a pool, by resource, in base units";
    NODEPOOLS_USAGE = Gauge, "karpenter_nodepools_usage", ["resource_type", "nodepool"],
        "What a pool has provisioned, by resource, in base units";
    NODEPOOLS_ALLOWED_DISRUPTIONS = Gauge, "karpenter_nodepools_allowed_disruptions",
        ["nodepool", "reason"], "Nodes that the pool's budgets allow to be disrupted now";
    NODEPOOLS_NODES_CONSUMING_BUDGETS = Gauge, "karpenter_nodepools_nodes_consuming_budgets",
        ["nodepool", "reason"], "Nodes that are going or not ready and count against the budgets";
    NODEPOOLS_COST = Gauge, "karpenter_nodepools_cost_total", ["nodepool"],
        "Sum of the hourly prices of the running nodes of a pool";
    NODEPOOLS_COST_ERRORS = Counter, "karpenter_nodepools_cost_tracker_errors_total",
        ["nodepool"], "Times when the price of a node could not be found";
}

/// Labels that every metric about a node begins with.
const NODE: &[&str] = &["node_name", "phase", "managed"];
/// [`NODE`] and the resource.
const NODE_RESOURCE: &[&str] = &["node_name", "phase", "managed", "resource_type"];

/// Defines a gauge about nodes, whose labels the world extends by its well-known labels.
macro_rules! node_gauges {
    ($($ident:ident = $name:literal, $labels:expr, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $ident: Definition = Definition {
                name: $name,
                help: $help,
                kind: Gauge,
                labels: Labels::Extended($labels),
            };
        )*
        /// Gauges about single nodes: their labels are extended by the world's well-known labels.
        pub static NODE_GAUGES: &[&Definition] = &[$(&$ident),*];
    };
}

node_gauges! {
    NODES_CURRENT_LIFETIME_SECONDS = "karpenter_nodes_current_lifetime_seconds", NODE,
        "Age of a node in seconds";
    NODES_ALLOCATABLE = "karpenter_nodes_allocatable", NODE_RESOURCE,
        "What a node can allocate to pods, by resource, in base units";
    NODES_POD_REQUESTS = "karpenter_nodes_total_pod_requests", NODE_RESOURCE,
        "Requests of the pods bound to a node, daemon pods included";
    NODES_POD_LIMITS = "karpenter_nodes_total_pod_limits", NODE_RESOURCE,
        "Limits of the pods bound to a node, daemon pods included";
    NODES_DAEMON_REQUESTS = "karpenter_nodes_total_daemon_requests", NODE_RESOURCE,
        "Requests of the daemon pods bound to a node";
    NODES_DAEMON_LIMITS = "karpenter_nodes_total_daemon_limits", NODE_RESOURCE,
        "Limits of the daemon pods bound to a node";
    NODES_SYSTEM_OVERHEAD = "karpenter_nodes_system_overhead", NODE_RESOURCE,
        "What a node keeps for itself: capacity without allocatable";
}
