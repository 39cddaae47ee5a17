//! Conditions of nodes that mean that a node of EC2 is broken, and how long each is tolerated.
//!
//! The first is the kubelet's; the others are those of the node monitoring agent of EKS. What is
//! *not* here: what is done about it (`lifecycle`).

use std::time::Duration;

/// A condition that means that a node is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Type of the condition.
    pub condition: &'static str,
    /// The bad status.
    pub status: &'static str,
    /// How long it is tolerated.
    pub toleration: Duration,
}

const fn policy(condition: &'static str, status: &'static str, minutes: u64) -> Policy {
    Policy {
        condition,
        status,
        toleration: Duration::from_mins(minutes),
    }
}

/// All of them.
pub const POLICIES: [Policy; 7] = [
    policy("Ready", "False", 30),
    policy("Ready", "Unknown", 30),
    policy("AcceleratedHardwareReady", "False", 10),
    policy("StorageReady", "False", 30),
    policy("NetworkingReady", "False", 30),
    policy("KernelReady", "False", 30),
    policy("ContainerRuntimeReady", "False", 30),
];
