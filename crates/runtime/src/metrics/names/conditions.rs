//! Metrics about status conditions and terminations, one set per watched kind.

use crate::metrics::{
    Definition,
    Kind::{self, Counter, Gauge, Histogram},
    Labels,
};

/// Half a second times powers of two, up to 8192 s.
const TRANSITIONS: &[f64] = &[
    0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0,
];

/// The metrics about the conditions of one kind.
#[derive(Debug)]
pub struct ConditionMetrics {
    /// The kind; empty for the older names that serve all kinds.
    pub kind: &'static str,
    /// 1 for each condition, its status and reason.
    pub count: Definition,
    /// Seconds for which a condition has had its status.
    pub current_status_seconds: Definition,
    /// Seconds that a condition had a status before it changed, labelled with the status it left.
    pub transition_seconds: Definition,
    /// Changes of status.
    pub transitions: Definition,
    /// Seconds for which an object has been terminating.
    pub termination_current_seconds: Definition,
    /// Seconds that the termination of an object took.
    pub termination_seconds: Definition,
}

impl ConditionMetrics {
    /// The six definitions.
    pub fn all(&'static self) -> [&'static Definition; 6] {
        [
            &self.count,
            &self.current_status_seconds,
            &self.transition_seconds,
            &self.transitions,
            &self.termination_current_seconds,
            &self.termination_seconds,
        ]
    }
}

/// Defines the six metrics of one kind.
macro_rules! conditions {
    ($kind:literal, $prefix:literal, $buckets:expr, [$($extra:literal),*]) => {
        ConditionMetrics {
            kind: $kind,
            count: definition(
                concat!($prefix, "_status_condition_count"),
                "Constant 1 for each condition of an object, its status and its reason",
                Gauge,
                Labels::Extended(&[$($extra,)* "namespace", "name", "type", "status", "reason"]),
            ),
            current_status_seconds: definition(
                concat!($prefix, "_status_condition_current_status_seconds"),
                "Seconds for which a condition has had its status",
                Gauge,
                Labels::Extended(&[$($extra,)* "namespace", "name", "type", "status", "reason"]),
            ),
            transition_seconds: definition(
                concat!($prefix, "_status_condition_transition_seconds"),
                "Seconds that a condition had the labelled status before it changed",
                Histogram($buckets),
                Labels::Extended(&[$($extra,)* "type", "status"]),
            ),
            transitions: definition(
                concat!($prefix, "_status_condition_transitions_total"),
                "Changes of a condition to the labelled status",
                Counter,
                Labels::Extended(&[$($extra,)* "type", "status", "reason"]),
            ),
            termination_current_seconds: definition(
                concat!($prefix, "_termination_current_time_seconds"),
                "Seconds for which an object has been terminating",
                Gauge,
                Labels::Extended(&[$($extra,)* "namespace", "name"]),
            ),
            termination_seconds: definition(
                concat!($prefix, "_termination_duration_seconds"),
                "Seconds that the termination of an object took",
                Histogram($buckets),
                Labels::Extended(&[$($extra),*]),
            ),
        }
    };
}

const fn definition(
    name: &'static str,
    help: &'static str,
    kind: Kind,
    labels: Labels,
) -> Definition {
    Definition {
        name,
        help,
        kind,
        labels,
    }
}

/// One set per kind. The world may extend each by label keys of its provider.
pub static CONDITIONS: [ConditionMetrics; 5] = [
    conditions!("NodeClaim", "operator_nodeclaim", TRANSITIONS, []),
    conditions!("NodePool", "operator_nodepool", TRANSITIONS, []),
    conditions!("Node", "operator_node", TRANSITIONS, []),
    conditions!("CapacityBuffer", "operator_capacitybuffer", TRANSITIONS, []),
    conditions!("EC2NodeClass", "operator_ec2nodeclass", super::DEFAULT, []),
];

/// The older names, one set for all kinds, labelled with group and kind.
pub static STATUS_CONDITIONS: ConditionMetrics =
    conditions!("", "operator", TRANSITIONS, ["group", "kind"]);
