//! Pods, scheduling, disruption and cluster state.

use super::{DURATIONS, metrics};
use crate::metrics::Kind::{Counter, Gauge, Histogram, Summary};

/// Upper bounds of the score of a balanced move.
const SCORES: &[f64] = &[0.1, 0.25, 0.33, 0.5, 1.0, 2.0, 5.0, 10.0];

metrics! { ALL;
    PODS_STATE = Gauge, "karpenter_pods_state",
        ["name", "namespace", "owner", "node", "scheduled", "nodepool", "zone", "arch",
         "capacity_type", "instance_type", "phase", "ready", "managed"],
        "Constant 1 for each pod, labelled with where it stands";
    PODS_STARTUP_SECONDS = Summary, "karpenter_pods_startup_duration_seconds", [],
        "Seconds from the creation of a pod to its running";
    PODS_UNSTARTED_SECONDS = Gauge, "karpenter_pods_unstarted_time_seconds",
        ["name", "namespace"], "Seconds since the creation of a pod that is not running yet";
    PODS_BOUND_SECONDS = Histogram(DURATIONS), "karpenter_pods_bound_duration_seconds", [],
        "Seconds from the creation of a pod to its binding";
    PODS_UNBOUND_SECONDS = Gauge, "karpenter_pods_unbound_time_seconds", ["name", "namespace"],
        "Seconds since the creation of a pod that is not bound yet";
    PODS_PROVISIONING_BOUND_SECONDS = Histogram(DURATIONS),
        "karpenter_pods_provisioning_bound_duration_seconds", [],
        "Seconds from a pod first being found schedulable to its binding";
    PODS_PROVISIONING_UNBOUND_SECONDS = Gauge,
        "karpenter_pods_provisioning_unbound_time_seconds", ["name", "namespace"],
        "Seconds since an unbound pod was first found schedulable";
    PODS_PROVISIONING_STARTUP_SECONDS = Histogram(DURATIONS),
        "karpenter_pods_provisioning_startup_duration_seconds", [],
        "Seconds from a pod first being found schedulable to its running";
    PODS_PROVISIONING_UNSTARTED_SECONDS = Gauge,
        "karpenter_pods_provisioning_unstarted_time_seconds", ["name", "namespace"],
        "Seconds since a pod that is not running was first found schedulable";
    PODS_UNDECIDED_SECONDS = Gauge,
        "karpenter_pods_provisioning_scheduling_undecided_time_seconds", ["name", "namespace"],
        "Seconds since a pod was seen for which nothing has been decided yet";
    PODS_DECISION_SECONDS = Histogram(DURATIONS),
        "karpenter_pods_scheduling_decision_duration_seconds", [],
        "Seconds from a pod being seen to the first decision about it";
    PODS_EVICTION_REQUESTS = Counter, "karpenter_pods_eviction_requests_total", ["code"],
        "Eviction calls, by HTTP status";
    PODS_DRAINED = Counter, "karpenter_pods_drained_total", ["reason"],
        "Pods evicted or deleted to drain a node, by why the node goes";
    EVALUATION_SECONDS = Histogram(DURATIONS),
        "karpenter_voluntary_disruption_decision_evaluation_duration_seconds",
        ["reason", "consolidation_type"], "Seconds spent looking for one kind of disruption";
    DISRUPTION_DECISIONS = Counter, "karpenter_voluntary_disruption_decisions_total",
        ["decision", "reason", "consolidation_type"], "Disruptions decided";
    DISRUPTION_DECISIONS_BY_NODEPOOL = Counter,
        "karpenter_voluntary_disruption_decisions_by_nodepool_total",
        ["nodepool", "decision", "reason", "consolidation_type"],
        "Disruptions decided, once for each pool that is concerned";
    DISRUPTION_ELIGIBLE_NODES = Gauge, "karpenter_voluntary_disruption_eligible_nodes",
        ["reason"], "Nodes that could be disrupted for this reason";
    CONSOLIDATION_TIMEOUTS = Counter,
        "karpenter_voluntary_disruption_consolidation_timeouts_total", ["consolidation_type"],
        "Times when looking for a consolidation was stopped by its time limit";
    DISRUPTION_FAILED_VALIDATIONS = Counter,
        "karpenter_voluntary_disruption_failed_validations_total", ["consolidation_type"],
        "Disruptions dropped because the cluster had changed before they began";
    DISRUPTION_QUEUE_FAILURES = Counter,
        "karpenter_voluntary_disruption_queue_failures_total",
        ["decision", "reason", "consolidation_type"], "Disruptions that failed after they began";
    CONSOLIDATION_SCORE = Histogram(SCORES), "karpenter_consolidation_score",
        ["decision", "nodepool", "policy"], "Score of moves under the balanced policy";
    CONSOLIDATION_MOVES = Counter, "karpenter_consolidation_moves_total",
        ["decision", "nodepool", "policy"], "Moves considered under the balanced policy";
    SCHEDULING_SECONDS = Histogram(DURATIONS),
        "karpenter_scheduler_scheduling_duration_seconds", ["controller"],
        "Seconds that one scheduling computation took";
    SCHEDULER_QUEUE_DEPTH = Gauge, "karpenter_scheduler_queue_depth",
        ["controller", "scheduling_id"], "Pods waiting in the running scheduling computation";
    SCHEDULER_UNFINISHED_SECONDS = Gauge, "karpenter_scheduler_unfinished_work_seconds",
        ["controller", "scheduling_id"], "Seconds since the running computation began";
    SCHEDULER_IGNORED_PODS = Gauge, "karpenter_scheduler_ignored_pods_count", [],
        "Pending pods that were not considered because they are not valid for provisioning";
    SCHEDULER_UNSCHEDULABLE_PODS = Gauge, "karpenter_scheduler_unschedulable_pods_count",
        ["controller"], "Pods that the latest computation could not place";
    SCHEDULER_PENDING_BY_ZONE = Gauge,
        "karpenter_scheduler_pending_pods_by_effective_zone_count", ["controller", "zone"],
        "Pending pods by the zone that they can go to, flexible when there are several";
    CLUSTER_STATE_NODES = Gauge, "karpenter_cluster_state_node_count", [],
        "Nodes in the cluster state";
    CLUSTER_STATE_SYNCED = Gauge, "karpenter_cluster_state_synced", [],
        "1 when the cluster state holds everything that the API server knows, else 0";
    CLUSTER_STATE_UNSYNCED_SECONDS = Gauge, "karpenter_cluster_state_unsynced_time_seconds", [],
        "Seconds for which the cluster state has not been in sync";
    LEGACY_SCHEDULING_SECONDS = Histogram(DURATIONS),
        "karpenter_provisioner_scheduling_duration_seconds", [],
        "Seconds from the close of a batch of pods to its NodeClaims being created";
    LEGACY_DEPROVISIONING_ACTIONS = Counter, "karpenter_deprovisioning_actions",
        ["action", "result"], "Disruptions that ended, by what was done and how it went";
}
