//! What is done when EC2 takes an instance away, or says that it is not well.
//!
//! [`decide`] looks at one claim. What is *not* here: where the news come from ([`crate::messages`]
//! and [`crate::status`]), and the writes.

use api::{NodeClaim, labels};
use model::Timestamp;

/// Reason of the event that tells of a deletion.
pub const TERMINATING: &str = "TerminatingOnInterruption";

/// What has happened to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The check of the instance itself has failed for too long.
    InstanceStatus,
    /// The check of its host has failed for too long.
    SystemStatus,
    /// AWS has planned something for it.
    EventStatus,
    /// Its spot capacity is taken away in two minutes.
    SpotInterrupted,
    /// Its spot capacity is likely to be taken away.
    RebalanceRecommendation,
    /// AWS has announced a change that concerns it.
    ScheduledChange,
    /// It stops, or has stopped.
    InstanceStopped,
    /// It ends, or has ended.
    InstanceTerminated,
    /// The capacity of its reservation is taken away.
    CapacityReservationInterrupted,
    /// Nothing that matters.
    NoOp,
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// The claim is deleted, and its node drained.
    Drain,
    /// The same, without regard for disruption budgets: the machine is not well.
    Force,
    /// The node is replaced as soon as budgets allow: first the new one, then it goes.
    Replace,
}

/// What becomes of rebalance recommendations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRebalance {
    /// They are told, and nothing else.
    #[default]
    Ignore,
    /// The node is replaced before it is taken away.
    Replace,
}

/// Whether to worry about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// No.
    Normal,
    /// Yes.
    Warning,
}

/// What people are told, both at the claim and at its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// Reason of the event.
    pub reason: &'static str,
    /// Whether to worry.
    pub severity: Severity,
    /// Text at the claim.
    pub of_claim: &'static str,
    /// Text at the node.
    pub of_node: &'static str,
}

impl News {
    const fn new(reason: &'static str, severity: Severity, message: &'static str) -> Self {
        Self {
            reason,
            severity,
            of_claim: message,
            of_node: message,
        }
    }
}

/// Told when a claim has been deleted because of an interruption.
pub const DELETED: News = News {
    reason: TERMINATING,
    severity: Severity::Warning,
    of_claim: "Interruption triggered termination for the NodeClaim",
    of_node: "Interruption triggered termination for the Node",
};

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::InstanceStatus,
        Self::SystemStatus,
        Self::EventStatus,
        Self::SpotInterrupted,
        Self::RebalanceRecommendation,
        Self::ScheduledChange,
        Self::InstanceStopped,
        Self::InstanceTerminated,
        Self::CapacityReservationInterrupted,
        Self::NoOp,
    ];

    /// As metrics have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InstanceStatus => "instance_status",
            Self::SystemStatus => "system_status",
            Self::EventStatus => "event_status",
            Self::SpotInterrupted => "spot_interrupted",
            Self::RebalanceRecommendation => "rebalance_recommendation",
            Self::ScheduledChange => "scheduled_change",
            Self::InstanceStopped => "instance_stopped",
            Self::InstanceTerminated => "instance_terminated",
            Self::CapacityReservationInterrupted => "capacity_reservation_interrupted",
            Self::NoOp => "no_op",
        }
    }

    /// What is done about it.
    pub const fn action(self, on_rebalance: OnRebalance) -> Action {
        match (self, on_rebalance) {
            (Self::InstanceStatus | Self::SystemStatus, _) => Action::Force,
            (Self::RebalanceRecommendation, OnRebalance::Replace) => Action::Replace,
            (Self::RebalanceRecommendation, OnRebalance::Ignore) | (Self::NoOp, _) => {
                Action::Nothing
            }
            (
                Self::EventStatus
                | Self::SpotInterrupted
                | Self::ScheduledChange
                | Self::InstanceStopped
                | Self::InstanceTerminated
                | Self::CapacityReservationInterrupted,
                _,
            ) => Action::Drain,
        }
    }

    /// What people are told of it.
    pub const fn news(self) -> Option<News> {
        use Severity::{Normal, Warning};
        let (reason, severity, message) = match self {
            Self::InstanceStatus
            | Self::SystemStatus
            | Self::EventStatus
            | Self::ScheduledChange => (
                "InstanceUnhealthy",
                Warning,
                "An unhealthy warning was triggered for the instance",
            ),
            Self::SpotInterrupted => (
                "SpotInterrupted",
                Warning,
                "Spot interruption warning was triggered",
            ),
            Self::RebalanceRecommendation => (
                "SpotRebalanceRecommendation",
                Normal,
                "Spot rebalance recommendation was triggered",
            ),
            Self::InstanceStopped => ("InstanceStopping", Warning, "Instance is stopping"),
            Self::InstanceTerminated => ("InstanceTerminating", Warning, "Instance is terminating"),
            Self::CapacityReservationInterrupted => (
                "CapacityReservationInstanceInterrupted",
                Warning,
                "Capacity Reservation interruption warning was triggered",
            ),
            Self::NoOp => return None,
        };
        Some(News::new(reason, severity, message))
    }
}

/// Capacity that can't be had for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Spot instances of a type in a zone.
    Spot {
        /// The type.
        instance_type: String,
        /// Name of the zone.
        zone: String,
    },
    /// What is left in a reservation.
    Reservation {
        /// Its id.
        id: String,
    },
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays as it is.
    Stays,
    /// It is deleted.
    Deleted,
    /// Its drain is to be over at once: it says so, and is deleted unless it is already.
    Forced {
        /// What it says, in the annotation with the time by which it must be over. None if it says
        /// something already.
        deadline: Option<Timestamp>,
        /// Whether it is still to be deleted.
        delete: bool,
    },
    /// It is marked for being replaced.
    Marked,
}

/// What is done about one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What people are told first.
    pub news: Option<News>,
    /// What can't be had for a while.
    pub taken: Option<Taken>,
    /// What becomes of the claim.
    pub fate: Fate,
}

/// What is done about the claim of an instance to which something has happened.
pub fn decide(kind: Kind, claim: &NodeClaim, on_rebalance: OnRebalance, now: Timestamp) -> Step {
    let action = kind.action(on_rebalance);
    Step {
        news: kind.news(),
        taken: taken(kind, action, claim),
        fate: fate(action, claim, now),
    }
}

fn taken(kind: Kind, action: Action, claim: &NodeClaim) -> Option<Taken> {
    let label = |key: &str| {
        let value = claim.metadata.labels.get(key)?;
        (!value.is_empty()).then(|| value.clone())
    };
    match kind {
        // Where one instance is about to be taken away its replacement would be, too.
        Kind::SpotInterrupted | Kind::RebalanceRecommendation if action != Action::Nothing => {
            Some(Taken::Spot {
                instance_type: label(labels::INSTANCE_TYPE)?,
                zone: label(labels::ZONE)?,
            })
        }
        Kind::CapacityReservationInterrupted => Some(Taken::Reservation {
            id: label(labels::CAPACITY_RESERVATION_ID)?,
        }),
        _ => None,
    }
}

fn fate(action: Action, claim: &NodeClaim, now: Timestamp) -> Fate {
    let annotations = &claim.metadata.annotations;
    let is_deleting = claim.metadata.is_deleting();
    match action {
        Action::Drain if !is_deleting => Fate::Deleted,
        Action::Force => {
            let has_deadline = annotations.contains_key(labels::TERMINATION_TIMESTAMP);
            let deadline = (!has_deadline).then(|| now.truncated_to_seconds());
            match (deadline, is_deleting) {
                (None, true) => Fate::Stays,
                (deadline, is_deleting) => Fate::Forced {
                    deadline,
                    delete: !is_deleting,
                },
            }
        }
        Action::Replace if !is_deleting && !annotations.contains_key(labels::REPLACE) => {
            Fate::Marked
        }
        Action::Nothing | Action::Drain | Action::Replace => Fate::Stays,
    }
}

#[cfg(test)]
mod tests;
